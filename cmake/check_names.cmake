# SPDX-License-Identifier: MIT
# Names that are macros in some system's headers must not be identifiers in ours: min, max, small,
# interface, near, far and ERROR on Windows, major and minor in glibc, unix and linux in gnu++20.
cmake_minimum_required(VERSION 3.23)
include(${CMAKE_CURRENT_LIST_DIR}/house.cmake)

set(names "min|max|small|interface|major|minor|near|far|ERROR|unix|linux")

foreach(header IN LISTS headers)
  read_lines(${header} lines)
  set(number 0)
  foreach(line IN LISTS lines)
    math(EXPR number "${number} + 1")
    if(line MATCHES "^[ \t]*#[ \t]*include")
      continue()
    endif()
    strip_line("${line}" line)
    # `(std::max)(a, b)` is safe, since a macro with parameters needs its parenthesis at once.
    string(REGEX REPLACE "::(min|max)\\)\\(" "::safe)(" line "${line}")
    if(line MATCHES "(^|[^A-Za-z0-9_])(${names})([^A-Za-z0-9_]|$)")
      fault(${header} ${number} "uses the name ${CMAKE_MATCH_2}, which is a macro somewhere")
    endif()
  endforeach()
endforeach()

finish_check()
