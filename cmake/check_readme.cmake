# SPDX-License-Identifier: MIT
# The README shows examples/quickstart.cpp as it is, has at most 200 lines, and links only to files that exist.
# Usage: cmake [-D SOURCE_DIR=.] -P check_readme.cmake
cmake_minimum_required(VERSION 3.23)
if(NOT SOURCE_DIR)
  cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH SOURCE_DIR)
endif()

file(READ ${SOURCE_DIR}/README.md readme)
file(READ ${SOURCE_DIR}/examples/quickstart.cpp quickstart)
string(FIND "${quickstart}" "#include" begin)
string(SUBSTRING "${quickstart}" ${begin} -1 shown)
string(FIND "${readme}" "```cpp\n${shown}```" found)
if(found EQUAL -1)
  message(SEND_ERROR "README.md does not show examples/quickstart.cpp as it is.")
endif()

# Brackets and semicolons mean something in CMake's lists.
string(REPLACE "[" "<" plain "${readme}")
string(REPLACE "]" ">" plain "${plain}")
string(REPLACE ";" "," plain "${plain}")

string(REGEX MATCHALL "\n" lines "${plain}")
list(LENGTH lines count)
if(count GREATER 200)
  message(SEND_ERROR "README.md has ${count} lines; 200 are enough.")
endif()

string(REGEX MATCHALL ">\\([^):]+\\)" links "${plain}")
foreach(link IN LISTS links)
  string(REGEX REPLACE ">\\((.*)\\)" "\\1" path "${link}")
  if(NOT EXISTS ${SOURCE_DIR}/${path})
    message(SEND_ERROR "README.md links to ${path}, which does not exist.")
  endif()
endforeach()

# Where a promise names a test, as in <Deadlines.zero_...>, it must be there: a test that is renamed must not leave a
# promise without its proof.
file(GLOB tests ${SOURCE_DIR}/tests/*/*_test.cpp)
set(all "")
foreach(test IN LISTS tests)
  file(READ ${test} text)
  string(APPEND all "${text}")
endforeach()
string(REGEX MATCHALL "<[A-Za-z]+\\.[a-zA-Z_]+_\\.\\.\\.>" named "${plain}")
foreach(name IN LISTS named)
  string(REGEX REPLACE "<([A-Za-z]+)\\.([a-zA-Z_]+)_\\.\\.\\.>" "\\1, \\2_" test "${name}")
  string(FIND "${all}" "(${test}" found)
  if(found EQUAL -1)
    message(SEND_ERROR "README.md names a test ${name} that does not exist.")
  endif()
endforeach()
list(LENGTH links link_count)
list(LENGTH named named_count)
message(STATUS "README.md: ${count} lines, ${link_count} links, ${named_count} named tests")
