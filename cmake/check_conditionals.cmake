# SPDX-License-Identifier: MIT
# One header asks which system this is; all others know only what it has chosen.
cmake_minimum_required(VERSION 3.23)
include(${CMAKE_CURRENT_LIST_DIR}/house.cmake)

string(JOIN "|" systems
  _WIN32 _WIN64 WIN32 __CYGWIN__ __MINGW32__ __MINGW64__
  __unix__ __unix unix __linux__ __linux linux __gnu_linux__ __ANDROID__
  __APPLE__ __MACH__ TARGET_OS_[A-Z]+
  __FreeBSD__ __NetBSD__ __OpenBSD__ __DragonFly__
  __sun _AIX __hpux __MVS__ __HAIKU__ __QNX__ __Fuchsia__ __EMSCRIPTEN__ __wasi__)

foreach(header IN LISTS headers)
  read_lines(${header} lines)
  set(number 0)
  foreach(line IN LISTS lines)
    math(EXPR number "${number} + 1")
    if(line MATCHES "^[ \t]*#[ \t]*include")
      continue()
    endif()
    strip_line("${line}" line)
    if(NOT header STREQUAL "detail/platform.hpp"
        AND line MATCHES "(^|[^A-Za-z0-9_])(${systems})([^A-Za-z0-9_]|$)")
      fault(${header} ${number} "names the system (${CMAKE_MATCH_2})")
    elseif(NOT line MATCHES "^[ \t]*#[ \t]*(if|elif)"
        OR line MATCHES "__cpp_lib_"
        OR header MATCHES "^detail/(config|platform[a-z_]*)\\.hpp$"
        OR (header STREQUAL "result.hpp" AND line MATCHES "__cpp_exceptions"))
      continue()
    else()
      fault(${header} ${number} "is a preprocessor conditional")
    endif()
  endforeach()
endforeach()

finish_check()
