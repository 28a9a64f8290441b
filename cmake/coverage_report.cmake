# SPDX-License-Identifier: MIT
# Tells which lines and branches of the headers the tests have reached; BUILD_DIR/coverage.txt lists the missing lines.
#
# Each test runs in a process of its own, and libgcov adds its counts to the file of the program under a lock; gcovr
# adds up what the programs say of one header. What is not counted: templates that no test instantiates.
# Usage: cmake -D GCOVR=gcovr -D SOURCE_DIR=. -D BUILD_DIR=build/coverage -P coverage_report.cmake
cmake_minimum_required(VERSION 3.23)

# Room for an error path that cannot be provoked, and not for a function without a test.
set(least_percent_of_lines 98)
set(least_percent_of_branches 95)

set(gcovr ${GCOVR} --root ${SOURCE_DIR})
execute_process(COMMAND ${gcovr} --filter "${SOURCE_DIR}/include/timed_connect/" --json counts.json ${BUILD_DIR}
    --exclude-branches-by-pattern ".*[ (]assert\\(.*"  # a failing one ends the process
  WORKING_DIRECTORY ${BUILD_DIR} COMMAND_ERROR_IS_FATAL ANY)

# The branches that only an exception takes are left out here and not by gcovr's --exclude-throw-branches: gcov marks
# them only in those copies of a function that were executed, so that gcovr 5 would keep those of the other copies.
file(READ ${BUILD_DIR}/counts.json counts)
string(REGEX REPLACE "{[^{}]*\"throw\": true[^{}]*}" "" counts "${counts}")
string(REGEX REPLACE ", (, )*" ", " counts "${counts}")
string(REGEX REPLACE "\\[, " "[" counts "${counts}")
string(REGEX REPLACE ", \\]" "]" counts "${counts}")
file(WRITE ${BUILD_DIR}/counts.json "${counts}")

execute_process(
  COMMAND ${gcovr} --add-tracefile counts.json --txt coverage.txt --print-summary
    --fail-under-line ${least_percent_of_lines} --fail-under-branch ${least_percent_of_branches}
  WORKING_DIRECTORY ${BUILD_DIR} RESULT_VARIABLE status)
message(NOTICE "The lines that no test has reached are listed in ${BUILD_DIR}/coverage.txt.")
if(NOT status EQUAL 0)
  message(FATAL_ERROR "The tests reach less than ${least_percent_of_lines} % of the lines or "
    "${least_percent_of_branches} % of the branches, or gcovr has failed.")
endif()
