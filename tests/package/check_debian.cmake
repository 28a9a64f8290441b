# SPDX-License-Identifier: MIT
# Makes the Debian package, looks at what it tells and holds, and builds and runs the consumer against it, unpacked.
# Usage: cmake -D COMPILER=g++ -D SOURCE_DIR=DIR -D WORK_DIR=DIR -P check_debian.cmake
cmake_minimum_required(VERSION 3.23)

find_program(DPKG_DEB dpkg-deb)
if(NOT DPKG_DEB)
  message(NOTICE "SKIPPED: dpkg-deb is not installed (dpkg).")
  return()
endif()

file(REMOVE_RECURSE ${WORK_DIR})
execute_process(
  COMMAND ${CMAKE_COMMAND} -S ${SOURCE_DIR} -B ${WORK_DIR}/packaging -D CMAKE_CXX_COMPILER=${COMPILER}
    -D TIMED_CONNECT_BUILD_TESTS=OFF -D TIMED_CONNECT_BUILD_EXAMPLES=OFF
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_CPACK_COMMAND} -G DEB WORKING_DIRECTORY ${WORK_DIR}/packaging
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(STRINGS ${SOURCE_DIR}/include/timed_connect/detail/config.hpp version REGEX "^#define TIMED_CONNECT_VERSION ")
string(REGEX REPLACE ".*\"(.*)\"" "\\1" version "${version}")
string(REPLACE "-" "~" version "${version}")
set(package ${WORK_DIR}/packaging/libtimed-connect-dev_${version}_all.deb)

function(expect_field name wanted)
  execute_process(COMMAND ${DPKG_DEB} --field ${package} ${name} OUTPUT_VARIABLE found COMMAND_ERROR_IS_FATAL ANY)
  string(STRIP "${found}" found)
  if(NOT found MATCHES "^${wanted}$")
    message(SEND_ERROR "The field ${name} is '${found}'.")
  endif()
endfunction()
expect_field(Package libtimed-connect-dev)
expect_field(Version ${version})
expect_field(Architecture all)
expect_field(Section libdevel)
expect_field(Depends "")
expect_field(Maintainer ".+")
expect_field(Description "[^\n]+\n .+")
execute_process(COMMAND ${DPKG_DEB} --field ${package} Description OUTPUT_VARIABLE description COMMAND_ERROR_IS_FATAL ANY)
string(REGEX REPLACE "[][;]" " " description "${description}")
string(REPLACE "\n" ";" description "${description}")
foreach(line IN LISTS description)
  string(LENGTH "${line}" length)
  if(length GREATER 80)
    message(SEND_ERROR "The description has a line of ${length} characters: ${line}")
  endif()
endforeach()

execute_process(COMMAND ${DPKG_DEB} -x ${package} ${WORK_DIR}/unpacked COMMAND_ERROR_IS_FATAL ANY)
file(GLOB_RECURSE found RELATIVE ${WORK_DIR}/unpacked/usr ${WORK_DIR}/unpacked/*)
file(GLOB_RECURSE wanted RELATIVE ${SOURCE_DIR} ${SOURCE_DIR}/include/*)
list(APPEND wanted
  share/cmake/timed_connect/timed_connectConfig.cmake
  share/cmake/timed_connect/timed_connectConfigVersion.cmake
  share/doc/libtimed-connect-dev/copyright
  share/pkgconfig/timed_connect.pc)
list(SORT found)
list(SORT wanted)
if(NOT found STREQUAL wanted)
  message(SEND_ERROR "The package holds\n${found}\nand should hold\n${wanted}")
endif()
execute_process(COMMAND ${DPKG_DEB} --contents ${package} OUTPUT_VARIABLE contents COMMAND_ERROR_IS_FATAL ANY)
string(REGEX REPLACE "(drwxr-xr-x|-rw-r--r--) root/root [^\n]*\n" "" contents "${contents}")
if(contents)
  message(SEND_ERROR "These are not root's, or not for everyone to read:\n${contents}")
endif()

execute_process(
  COMMAND ${CMAKE_COMMAND} -S ${SOURCE_DIR}/tests/package -B ${WORK_DIR}/consumer -D CMAKE_CXX_COMPILER=${COMPILER}
    -D CMAKE_PREFIX_PATH=${WORK_DIR}/unpacked/usr
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${WORK_DIR}/consumer OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${WORK_DIR}/consumer/consumer COMMAND_ERROR_IS_FATAL ANY)
