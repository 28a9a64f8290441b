# SPDX-License-Identifier: MIT
# The version stands in config.hpp. Whatever else must name it says the same, and the installed package answers to the
# versions that it should: those of its major number up to its own.
# Usage: cmake -D SOURCE_DIR=DIR -D PREFIX=DIR -P check_versions.cmake
cmake_minimum_required(VERSION 3.23)

file(STRINGS ${SOURCE_DIR}/include/timed_connect/detail/config.hpp version REGEX "^#define TIMED_CONNECT_VERSION ")
string(REGEX REPLACE ".*\"(.*)\"" "\\1" version "${version}")

function(expect_version found where)
  if(NOT found STREQUAL version)
    message(SEND_ERROR "The version is ${version}, but ${where} says '${found}'.")
  endif()
endfunction()

file(STRINGS ${SOURCE_DIR}/docs/changelog.md headings REGEX "^## ")
list(GET headings 0 heading)
string(SUBSTRING "${heading}" 3 -1 heading)
expect_version("${heading}" docs/changelog.md)

file(READ ${SOURCE_DIR}/cmake/vcpkg/vcpkg.json manifest)
string(JSON found GET "${manifest}" version-semver)
expect_version("${found}" cmake/vcpkg/vcpkg.json)

# What follows this in the guide, up to a space or a bracket. It names no tag, as nobody has one before the release.
file(READ ${SOURCE_DIR}/docs/install.md guide)
string(REGEX MATCH "--requires=timed_connect/([^ )\n]*)" unused "${guide}")
expect_version("${CMAKE_MATCH_1}" "docs/install.md, after --requires=timed_connect/,")

file(STRINGS ${PREFIX}/share/pkgconfig/timed_connect.pc found REGEX "^Version: ")
string(SUBSTRING "${found}" 9 -1 found)
expect_version("${found}" timed_connect.pc)

function(expect_answer asked wanted)
  set(PACKAGE_FIND_NAME timed_connect)
  set(PACKAGE_FIND_VERSION ${asked})
  string(REGEX MATCH "^[0-9]+" PACKAGE_FIND_VERSION_MAJOR ${asked})
  include(${PREFIX}/share/cmake/timed_connect/timed_connectConfigVersion.cmake)
  if(NOT PACKAGE_VERSION_COMPATIBLE STREQUAL wanted)
    message(SEND_ERROR "The package is ${PACKAGE_VERSION}; asked for ${asked} it answers '${PACKAGE_VERSION_COMPATIBLE}'.")
  endif()
endfunction()

string(REGEX MATCH "^([0-9]+)\\.([0-9]+)" release "${version}")
math(EXPR previous_major "${CMAKE_MATCH_1} - 1")
math(EXPR next_major "${CMAKE_MATCH_1} + 1")
math(EXPR next_minor "${CMAKE_MATCH_2} + 1")
expect_answer(${CMAKE_MATCH_1} TRUE)
expect_answer(${CMAKE_MATCH_1}.0 TRUE)
expect_answer(${release} TRUE)
expect_answer(${CMAKE_MATCH_1}.${next_minor} FALSE)
expect_answer(${previous_major}.1 FALSE)
expect_answer(${next_major} FALSE)
