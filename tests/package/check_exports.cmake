# SPDX-License-Identifier: MIT
# What the installed package tells, and what a project can export that has this one as a folder of its own.
# Usage: cmake -D COMPILER=g++ -D SOURCE_DIR=DIR -D PREFIX=DIR -D WORK_DIR=DIR -P check_exports.cmake
cmake_minimum_required(VERSION 3.23)

# CMake before 3.23 passes over the sets of files, and must know the folder all the same.
file(READ ${PREFIX}/share/cmake/timed_connect/timed_connectConfig.cmake package)
string(REGEX REPLACE "\nif\\(NOT CMAKE_VERSION VERSION_LESS \"3.23.0\"\\).*" "" for_older "${package}")
if(for_older STREQUAL package OR NOT for_older MATCHES "INTERFACE_INCLUDE_DIRECTORIES \"[^\"]*/include\"")
  message(SEND_ERROR "timed_connectConfig.cmake tells CMake 3.22 of no folder of headers.")
endif()

# A library that is linked to timed_connect is installed together with it, and found by somebody else.
file(REMOVE_RECURSE ${WORK_DIR})
file(WRITE ${WORK_DIR}/parent/client.cpp "#include <timed_connect/connect.hpp>\n")
file(WRITE ${WORK_DIR}/parent/CMakeLists.txt "cmake_minimum_required(VERSION 3.23)
project(parent LANGUAGES CXX)
add_subdirectory(${SOURCE_DIR} timed_connect)
add_library(client STATIC client.cpp)
target_link_libraries(client PUBLIC timed_connect::timed_connect)
install(TARGETS client EXPORT parent)
install(EXPORT parent DESTINATION share/cmake/parent FILE parentTargets.cmake)
file(WRITE \${CMAKE_CURRENT_BINARY_DIR}/parentConfig.cmake \"include(CMakeFindDependencyMacro)
find_dependency(timed_connect)
include(\\\${CMAKE_CURRENT_LIST_DIR}/parentTargets.cmake)
\")
install(FILES \${CMAKE_CURRENT_BINARY_DIR}/parentConfig.cmake DESTINATION share/cmake/parent)
")
file(WRITE ${WORK_DIR}/child/CMakeLists.txt "cmake_minimum_required(VERSION 3.23)
project(child LANGUAGES CXX)
find_package(parent REQUIRED)
add_executable(app ${SOURCE_DIR}/tests/package/main.cpp)
target_link_libraries(app PRIVATE client)
")
function(run)
  execute_process(COMMAND ${ARGN} OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endfunction()
run(${CMAKE_COMMAND} -S ${WORK_DIR}/parent -B ${WORK_DIR}/of_parent -D CMAKE_CXX_COMPILER=${COMPILER}
  -D TIMED_CONNECT_INSTALL=ON)
run(${CMAKE_COMMAND} --build ${WORK_DIR}/of_parent)
run(${CMAKE_COMMAND} --install ${WORK_DIR}/of_parent --prefix ${WORK_DIR}/prefix)
run(${CMAKE_COMMAND} -S ${WORK_DIR}/child -B ${WORK_DIR}/of_child -D CMAKE_CXX_COMPILER=${COMPILER}
  -D CMAKE_PREFIX_PATH=${WORK_DIR}/prefix)
run(${CMAKE_COMMAND} --build ${WORK_DIR}/of_child)
run(${WORK_DIR}/of_child/app)
