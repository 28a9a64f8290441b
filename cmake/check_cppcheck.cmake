# SPDX-License-Identifier: MIT
# cppcheck finds nothing in the headers, as a program on Linux sees them; what it gets wrong is suppressed where it stands.
# Usage: cmake [-D INCLUDE_DIR=include] -P check_cppcheck.cmake
cmake_minimum_required(VERSION 3.23)
include(${CMAKE_CURRENT_LIST_DIR}/house.cmake)

find_program(CPPCHECK cppcheck)
if(NOT CPPCHECK)
  message(NOTICE "SKIPPED: cppcheck is not installed (cppcheck).")
  return()
endif()
list(FILTER headers EXCLUDE REGEX "platform_windows")
list(TRANSFORM headers PREPEND ${INCLUDE_DIR}/timed_connect/)
# Headers of the system are not looked at; the macros that decide something are given here.
execute_process(
  COMMAND ${CPPCHECK} --quiet --language=c++ --std=c++20 --library=posix
    --enable=warning,performance,portability --inline-suppr --error-exitcode=1
    -U_WIN32 -D__linux__=1 -D__cpp_exceptions=1 -DSO_DOMAIN=39 -I ${INCLUDE_DIR} ${headers}
  RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "Faults found: 1.")
endif()
list(LENGTH headers count)
message(STATUS "Checked: ${count} headers")
