# SPDX-License-Identifier: MIT
# Every source is formatted as .clang-format says. Another version than 14 would format some lines otherwise.
# Usage: cmake -P check_format.cmake
cmake_minimum_required(VERSION 3.23)
cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH SOURCE_DIR)

find_program(CLANG_FORMAT NAMES clang-format-14 clang-format)
set(version "")
if(CLANG_FORMAT)
  execute_process(COMMAND ${CLANG_FORMAT} --version OUTPUT_VARIABLE version)
endif()
if(NOT version MATCHES "version 14\\.")
  message(NOTICE "SKIPPED: clang-format 14 is not installed (clang-format-14).")
  return()
endif()

set(sources "")
foreach(folder IN ITEMS include tests examples benchmarks)
  file(GLOB_RECURSE found ${SOURCE_DIR}/${folder}/*.hpp ${SOURCE_DIR}/${folder}/*.cpp)
  list(APPEND sources ${found})
endforeach()
execute_process(COMMAND ${CLANG_FORMAT} --dry-run -Werror ${sources} RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "Please run: clang-format-14 -i FILE")
endif()
list(LENGTH sources count)
message(STATUS "Formatted: ${count} files")
