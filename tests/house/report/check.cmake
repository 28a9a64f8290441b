# SPDX-License-Identifier: MIT
# The tables that report.py makes of the figures beside this script are those of expected.md: budgets that are met, met to
# the hair, missed and not measured, a call of ours that came early and one of a peer, rows that failed or were left out.
# Usage: cmake -D WORK_DIR=build/report -P check.cmake
cmake_minimum_required(VERSION 3.23)

find_program(PYTHON3 python3)
if(NOT PYTHON3)
  message(NOTICE "SKIPPED: there is no python3")
  return()
endif()
set(here ${CMAKE_CURRENT_LIST_DIR})
file(REMOVE_RECURSE ${WORK_DIR})
file(MAKE_DIRECTORY ${WORK_DIR}/pictures)
file(STRINGS ${here}/expected.md places REGEX "^<!-- (begin|end): ")
list(JOIN places "\n" page)
file(WRITE ${WORK_DIR}/performance.md "${page}\n")
execute_process(COMMAND ${PYTHON3} ${here}/../../../benchmarks/report.py ${here} ${WORK_DIR} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files ${here}/expected.md ${WORK_DIR}/performance.md RESULT_VARIABLE differs)
if(differs)
  message(SEND_ERROR "The tables are not those of expected.md: ${WORK_DIR}/performance.md")
endif()
file(READ ${WORK_DIR}/pictures/performance-lateness.svg picture)
foreach(bar IN ITEMS ">polling<" ">55.5<" ">80 us early<")
  if(NOT picture MATCHES "${bar}")
    message(SEND_ERROR "The picture of lateness has no ${bar}.")
  endif()
endforeach()
