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
list(FILTER headers EXCLUDE REGEX "/adapters/(detail/)?(asio|boost_asio|curl|libevent|libuv|openssl)\\.hpp$")
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

# Beside <windows.h>, in either order; and it is as lean as the program has it.
file(WRITE ${WORK_DIR}/before.cpp "#include <timed_connect/timed_connect.hpp>\n#include <windows.h>\n"
  "#include <algorithm>\nDWORD now() { return timeGetTime(); }\nint least(int a, int b) { return (std::min)(a, b); }\n")
file(WRITE ${WORK_DIR}/after.cpp "#define WIN32_LEAN_AND_MEAN\n#include <windows.h>\n"
  "#include <timed_connect/timed_connect.hpp>\n")
file(WRITE ${WORK_DIR}/winsock2.cpp "#include <winsock2.h>\n#include <windows.h>\n"
  "#include <timed_connect/timed_connect.hpp>\nDWORD now() { return timeGetTime(); }\n")
foreach(order IN ITEMS before after winsock2)
  execute_process(COMMAND ${compile} -fsyntax-only ${WORK_DIR}/${order}.cpp RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(SEND_ERROR "The headers and <windows.h> do not go together: ${order}.cpp.")
  endif()
endforeach()

execute_process(
  COMMAND ${compile} ${SOURCE_DIR}/examples/quickstart.cpp -o ${WORK_DIR}/quickstart.exe -lws2_32
  RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(SEND_ERROR "The quickstart does not compile and link for Windows.")
endif()
