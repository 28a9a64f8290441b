# SPDX-License-Identifier: MIT
# Makes the single header, compiles it alone with every compiler that is here, and holds it against the headers it is made
# of: to the preprocessor they are the same, for each system. Two copies are one, and who mixes it with the headers is told.
# Two sources with it link to one program, which runs.
# Usage: cmake -D COMPILER=g++ -D SOURCE_DIR=DIR -D WORK_DIR=DIR -P check_single_header.cmake
cmake_minimum_required(VERSION 3.23)

file(REMOVE_RECURSE ${WORK_DIR})
set(single ${WORK_DIR}/timed_connect.hpp)
execute_process(
  COMMAND ${CMAKE_COMMAND} -D OUTPUT=${single} -P ${SOURCE_DIR}/cmake/amalgamate.cmake COMMAND_ERROR_IS_FATAL ANY)

file(STRINGS ${single} opening LIMIT_COUNT 2)
file(STRINGS ${SOURCE_DIR}/include/timed_connect/detail/config.hpp version REGEX "^#define TIMED_CONNECT_VERSION ")
string(REGEX REPLACE ".*\"(.*)\"" "\\1" version "${version}")
if(NOT opening MATCHES "^// SPDX-License-Identifier: MIT;// timed_connect ${version} ")
  message(SEND_ERROR "It does not begin with its license and version: ${opening}")
endif()

find_program(CLANG clang++)
find_program(MINGW NAMES x86_64-w64-mingw32-g++-posix x86_64-w64-mingw32-g++)
file(WRITE ${WORK_DIR}/alone.cpp "#include \"timed_connect.hpp\"\n#include \"timed_connect.hpp\"\n")
file(WRITE ${WORK_DIR}/many.cpp "#include <timed_connect/timed_connect.hpp>\n")

set(warnings -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Werror)
foreach(compiler IN LISTS COMPILER CLANG MINGW)
  if(compiler)
    execute_process(COMMAND ${compiler} -std=c++20 ${warnings} -fsyntax-only ${WORK_DIR}/alone.cpp RESULT_VARIABLE status)
    if(NOT status EQUAL 0)
      message(SEND_ERROR "It does not compile with ${compiler}.")
    endif()
  endif()
endforeach()

# Without NDEBUG each assert() would tell its line.
function(preprocess source out)
  execute_process(COMMAND ${ARGN} -std=c++20 -DNDEBUG -E -P -I ${SOURCE_DIR}/include ${source}
    OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX REPLACE "[ \n]+" "\n" text "${text}")
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

function(compare system)
  preprocess(${WORK_DIR}/alone.cpp of_single ${ARGN})
  preprocess(${WORK_DIR}/many.cpp of_many ${ARGN})
  if(NOT of_single STREQUAL of_many)
    message(SEND_ERROR "It is not what the headers are on ${system}.")
  endif()
endfunction()

# A system that is not here is played by its macro; what it includes is that of this one.
compare("this system" ${COMPILER})
compare("another POSIX system" ${COMPILER} -U__linux__)
compare("macOS" ${COMPILER} -U__linux__ -D__APPLE__)
if(MINGW)
  compare("Windows" ${MINGW})
endif()

# Another copy is no other header, wherever it is and whenever it was made.
file(COPY_FILE ${single} ${WORK_DIR}/copy.hpp)
file(APPEND ${WORK_DIR}/copy.hpp "\n")
file(WRITE ${WORK_DIR}/copies.cpp "#include \"timed_connect.hpp\"\n#include \"copy.hpp\"\n")
execute_process(COMMAND ${COMPILER} -std=c++20 -fsyntax-only ${WORK_DIR}/copies.cpp RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(SEND_ERROR "Two copies of it do not go together.")
endif()

function(expect_first_error source wanted)
  execute_process(COMMAND ${COMPILER} -std=c++20 -fsyntax-only -Wfatal-errors -I ${SOURCE_DIR}/include ${source}
    RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE output)
  string(REGEX MATCH "error: [^\n]*" error "${output}")
  if(status EQUAL 0 OR NOT error MATCHES "${wanted}")
    file(READ ${source} source)
    message(SEND_ERROR "It does not say '${wanted}', but '${error}', of\n${source}")
  endif()
endfunction()

# Those for another system, or for a library that may not be here, are never the first of the library's to be read.
file(GLOB_RECURSE headers RELATIVE ${SOURCE_DIR}/include ${SOURCE_DIR}/include/timed_connect/*.hpp)
list(FILTER headers EXCLUDE REGEX "/detail/|/adapters/|/resolve_cares\\.hpp")
foreach(header IN LISTS headers)
  file(WRITE ${WORK_DIR}/mixed.cpp "#include \"timed_connect.hpp\"\n#include <${header}>\n")
  expect_first_error(${WORK_DIR}/mixed.cpp "single header of timed_connect is included already")
  file(WRITE ${WORK_DIR}/mixed.cpp "#include <${header}>\n#include \"timed_connect.hpp\"\n")
  expect_first_error(${WORK_DIR}/mixed.cpp "A header of timed_connect is included already")
endforeach()

file(READ ${SOURCE_DIR}/tests/package/main.cpp program)
string(REPLACE "<timed_connect/timed_connect.hpp>" "\"timed_connect.hpp\"" program "${program}")
file(WRITE ${WORK_DIR}/one.cpp "${program}")
string(REPLACE "int main()" "int another()" program "${program}")
file(WRITE ${WORK_DIR}/two.cpp "${program}")
execute_process(COMMAND ${COMPILER} -std=c++20 ${WORK_DIR}/one.cpp ${WORK_DIR}/two.cpp -o ${WORK_DIR}/program
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${WORK_DIR}/program COMMAND_ERROR_IS_FATAL ANY)
