# SPDX-License-Identifier: MIT
# Expects that the compiler refuses SOURCE, in the words of its line `// expect: REGEX`, and that it
# accepts SOURCE with CONTROL defined: so nothing but what CONTROL takes away is at fault.
# Usage: cmake -D COMPILER=g++ -D INCLUDE_DIR=include -D SOURCE=x.cpp -P expect_compile_failure.cmake
cmake_minimum_required(VERSION 3.23)

file(READ ${SOURCE} text)
if(NOT text MATCHES "(^|\n)// expect: ([^\n]+)")
  message(FATAL_ERROR "No line `// expect: REGEX` in ${SOURCE}.")
endif()
set(expected "${CMAKE_MATCH_2}")

set(ENV{LC_ALL} C) # The messages are in English, and their quotation marks are plain.
set(compile ${COMPILER} -std=c++20 -Werror=unused-result -fsyntax-only -I ${INCLUDE_DIR} ${SOURCE})

execute_process(COMMAND ${compile} -DCONTROL
  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT status EQUAL 0)
  message(NOTICE "${output}")
  message(FATAL_ERROR "Even with CONTROL defined it does not compile.")
endif()

execute_process(COMMAND ${compile}
  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(status EQUAL 0)
  message(FATAL_ERROR "It compiles, but should not.")
elseif(NOT output MATCHES "${expected}")
  message(NOTICE "${output}")
  message(FATAL_ERROR "The compiler does not say what is expected: ${expected}")
endif()
