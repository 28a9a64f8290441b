# SPDX-License-Identifier: MIT
# Tells which lines and branches of the headers the tests have reached; BUILD_DIR/coverage.txt lists the missing lines.
#
# Each test runs in a process of its own, and libgcov adds its counts to the file of the program under a lock; gcovr
# adds up what the programs say of one header; coverage_branches.py does so for branches. What is not counted: templates
# that no test instantiates.
# Usage: cmake -D GCOVR=gcovr -D SOURCE_DIR=. -D BUILD_DIR=build/coverage -P coverage_report.cmake
cmake_minimum_required(VERSION 3.23)

# Room for an error path that cannot be provoked, and not for a function without a test.
set(least_percent_of_lines 98)
set(least_percent_of_branches 95)

execute_process(
  COMMAND ${GCOVR} --root ${SOURCE_DIR} --filter "${SOURCE_DIR}/include/timed_connect/" --txt coverage.txt
    --fail-under-line ${least_percent_of_lines} ${BUILD_DIR}
  WORKING_DIRECTORY ${BUILD_DIR} RESULT_VARIABLE status)
file(STRINGS ${BUILD_DIR}/coverage.txt total REGEX "^TOTAL")
string(REGEX REPLACE " +" " " total "${total}")
message(NOTICE "lines, reached, percent: ${total}\nThose that no test has reached are listed in ${BUILD_DIR}/coverage.txt.")
if(NOT status EQUAL 0)
  message(FATAL_ERROR "The tests reach less than ${least_percent_of_lines} % of the lines, or gcovr has failed.")
endif()

find_program(PYTHON3 python3 REQUIRED)
execute_process(
  COMMAND ${PYTHON3} ${CMAKE_CURRENT_LIST_DIR}/coverage_branches.py ${SOURCE_DIR} ${BUILD_DIR}
    ${least_percent_of_branches}
  RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "The tests reach less than ${least_percent_of_branches} % of the branches.")
endif()
