# SPDX-License-Identifier: MIT
# Runs each check of the house over the trees beside this script. A tree with an expected.txt has a
# fault, and the check must report what the file's pattern says and fail; any other tree is sound.
cmake_minimum_required(VERSION 3.23)

set(cmake_dir ${CMAKE_CURRENT_LIST_DIR}/../../cmake)
foreach(check IN ITEMS layers conditionals platforms names docs cppcheck core_headers cost fences)
  file(GLOB trees ${CMAKE_CURRENT_LIST_DIR}/${check}/*)
  if(NOT trees)
    message(SEND_ERROR "There are no trees for check_${check}.cmake.")
  endif()
  foreach(tree IN LISTS trees)
    execute_process(
      COMMAND ${CMAKE_COMMAND} -D INCLUDE_DIR=${tree} -D SOURCE_DIR=${tree} -D LISTED=${tree}/core_headers.txt
        -P ${cmake_dir}/check_${check}.cmake
      RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(output MATCHES "^SKIPPED: ")
      continue()
    endif()
    if(NOT EXISTS ${tree}/expected.txt)
      if(NOT status EQUAL 0)
        message(SEND_ERROR "check_${check}.cmake finds a fault in ${tree}:\n${output}")
      endif()
      continue()
    endif()
    file(READ ${tree}/expected.txt pattern)
    string(STRIP "${pattern}" pattern)
    if(status EQUAL 0 OR NOT output MATCHES "${pattern}")
      message(SEND_ERROR "check_${check}.cmake does not report ${pattern} in ${tree}:\n${output}")
    elseif(NOT output MATCHES "Faults found: 1\\.")
      message(SEND_ERROR "check_${check}.cmake finds more than one fault in ${tree}:\n${output}")
    endif()
  endforeach()
endforeach()
