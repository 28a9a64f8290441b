# SPDX-License-Identifier: MIT
# Compiles every header alone for Windows, and compiles and links the quickstart: no more than that
# can be told without Windows.
# FOREIGN are the headers of other systems in detail/, a regular expression.
# Usage: cmake -D SOURCE_DIR=. -D WORK_DIR=build/mingw -D FOREIGN=REGEX -P mingw_headers.cmake
cmake_minimum_required(VERSION 3.23)

find_program(MINGW NAMES x86_64-w64-mingw32-g++-posix x86_64-w64-mingw32-g++)
if(NOT MINGW)
  message(NOTICE "SKIPPED: x86_64-w64-mingw32-g++ is not installed (g++-mingw-w64-x86-64-posix).")
  return()
endif()

cmake_path(ABSOLUTE_PATH SOURCE_DIR NORMALIZE)
# Windows 10 1809 is the least version that is supported.
set(compile ${MINGW} -std=c++20 -D_WIN32_WINNT=0x0A00 -DNTDDI_VERSION=0x0A000008
  -Wall -Wextra -Werror -I ${SOURCE_DIR}/include)
file(MAKE_DIRECTORY ${WORK_DIR})

file(GLOB_RECURSE headers RELATIVE ${SOURCE_DIR}/include ${SOURCE_DIR}/include/timed_connect/*.hpp)
list(FILTER headers EXCLUDE REGEX "/detail/(${FOREIGN})\\.hpp$")
list(FILTER headers EXCLUDE REGEX "/resolve_cares\\.hpp$")  # MinGW has no c-ares
if(NOT headers)
  message(FATAL_ERROR "No headers in ${SOURCE_DIR}/include.")
endif()
foreach(header IN LISTS headers)
  file(WRITE ${WORK_DIR}/header.cpp "#include <${header}>\n")
  execute_process(COMMAND ${compile} -fsyntax-only ${WORK_DIR}/header.cpp RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(SEND_ERROR "${header} does not compile for Windows.")
  endif()
endforeach()

execute_process(
  COMMAND ${compile} ${SOURCE_DIR}/examples/quickstart.cpp -o ${WORK_DIR}/quickstart.exe -lws2_32
  RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(SEND_ERROR "The quickstart does not compile and link for Windows.")
endif()
