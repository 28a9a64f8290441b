# SPDX-License-Identifier: MIT
# What the checks of the house have in common. Each check is run with `cmake -P` and looks at the
# headers below INCLUDE_DIR, by default those of this project.
if(NOT DEFINED INCLUDE_DIR)
  set(INCLUDE_DIR ${CMAKE_CURRENT_LIST_DIR}/../include)
endif()
cmake_path(ABSOLUTE_PATH INCLUDE_DIR NORMALIZE)
file(GLOB_RECURSE headers RELATIVE ${INCLUDE_DIR}/timed_connect ${INCLUDE_DIR}/timed_connect/*.hpp)
if(NOT headers)
  message(FATAL_ERROR "No headers in ${INCLUDE_DIR}/timed_connect.")
endif()
set(faults 0)

# Sets OUT to the lines of a header. Brackets, semicolons and backslashes would upset a CMake list;
# no check needs them.
function(read_lines header out)
  file(READ ${INCLUDE_DIR}/timed_connect/${header} text)
  string(REGEX REPLACE "\\\\[^\n]" "" text "${text}")
  string(REGEX REPLACE "[][;\\]" " " text "${text}")
  string(REPLACE "\n" ";" text "${text}")
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

# Sets OUT to a line without string literals and comments. A block comment must end in its line.
function(strip_line line out)
  string(REPLACE "'\"'" "" line "${line}")
  string(REGEX REPLACE "\"[^\"]*\"" "\"\"" line "${line}")
  string(REGEX REPLACE "//.*" "" line "${line}")
  string(REGEX REPLACE "/\\*([^*]|\\*+[^*/])*\\*+/" " " line "${line}")
  set(${out} "${line}" PARENT_SCOPE)
endfunction()

macro(fault header number text)
  message(NOTICE "${header}:${number}: ${text}")
  math(EXPR faults "${faults} + 1")
endmacro()

macro(finish_check)
  if(faults)
    message(FATAL_ERROR "Faults found: ${faults}.")
  endif()
endmacro()
