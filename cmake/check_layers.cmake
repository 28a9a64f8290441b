# SPDX-License-Identifier: MIT
# A header includes only headers that stand above it in layers.txt.
cmake_minimum_required(VERSION 3.23)
include(${CMAKE_CURRENT_LIST_DIR}/house.cmake)

file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/layers.txt layers REGEX "^[^#]")

# These use the same machinery, detail/drive.hpp, and would grow into one if they used each other.
set(siblings connect.hpp race.hpp batch.hpp)

foreach(header IN LISTS headers)
  list(FIND layers ${header} layer)
  if(layer EQUAL -1)
    fault(${header} 1 "is not listed in layers.txt")
    continue()
  endif()

  read_lines(${header} lines)
  set(number 0)
  foreach(line IN LISTS lines)
    math(EXPR number "${number} + 1")
    if(NOT line MATCHES "^[ \t]*#[ \t]*include[ \t]*(.*)")
      continue()
    endif()
    set(included "${CMAKE_MATCH_1}")
    if(NOT included MATCHES "^<timed_connect/([^>]*)>")
      if(NOT included MATCHES "^<")
        fault(${header} ${number} "includes in another form than <timed_connect/...>")
      endif()
      continue()
    endif()
    set(included ${CMAKE_MATCH_1})

    list(FIND layers "${included}" included_layer)
    if(included_layer EQUAL -1)
      fault(${header} ${number} "includes ${included}, which is not listed in layers.txt")
    elseif(NOT included_layer LESS layer)
      fault(${header} ${number} "includes ${included}, which does not stand above it")
    elseif(header IN_LIST siblings AND included IN_LIST siblings)
      fault(${header} ${number} "includes ${included}, its sibling")
    elseif(header STREQUAL "timed_connect.hpp" AND included MATCHES "^testing/")
      fault(${header} ${number} "includes ${included}, which is for tests only")
    elseif(header STREQUAL "timed_connect.hpp" AND included MATCHES "^adapters/")
      fault(${header} ${number} "includes ${included}, which is for programs that ask for it")
    endif()
  endforeach()
endforeach()

finish_check()
