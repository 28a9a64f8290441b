# SPDX-License-Identifier: MIT
# What can be told of the recipes for Conan and vcpkg without either: they can be read, and what they name is there.
# `sh tests/newcomer.sh Conan vcpkg` does what they say, where these programs are.
# Usage: cmake -D SOURCE_DIR=DIR -D PREFIX=DIR -P check_recipes.cmake
cmake_minimum_required(VERSION 3.23)

find_program(PYTHON python3)
if(NOT PYTHON)
  message(NOTICE "SKIPPED: python3 is not installed (python3).")
  return()
endif()
foreach(recipe IN ITEMS conanfile.py test_package/conanfile.py)
  execute_process(
    COMMAND ${PYTHON} -c "import ast, sys; ast.parse(open(sys.argv[1]).read())" ${SOURCE_DIR}/cmake/conan/${recipe}
    COMMAND_ERROR_IS_FATAL ANY)
endforeach()

# The recipe for Conan copies files by their endings.
file(GLOB_RECURSE others ${SOURCE_DIR}/include/*)
list(FILTER others EXCLUDE REGEX "\\.hpp$")
if(others)
  message(SEND_ERROR "cmake/conan/conanfile.py does not package ${others}")
endif()
if(NOT EXISTS ${SOURCE_DIR}/LICENSE)
  message(SEND_ERROR "The recipes name a LICENSE, which is not there.")
endif()

file(READ ${SOURCE_DIR}/cmake/vcpkg/vcpkg.json manifest)
foreach(expected IN ITEMS name=timed-connect license=MIT)
  string(REGEX MATCH "(.*)=(.*)" unused ${expected})
  string(JSON found GET "${manifest}" ${CMAKE_MATCH_1})
  if(NOT found STREQUAL CMAKE_MATCH_2)
    message(SEND_ERROR "vcpkg.json has the ${CMAKE_MATCH_1} '${found}'.")
  endif()
endforeach()
file(READ ${SOURCE_DIR}/cmake/vcpkg/portfile.cmake port)
string(REGEX MATCH "CONFIG_PATH ([^ )]+)" unused "${port}")
if(NOT EXISTS ${PREFIX}/${CMAKE_MATCH_1}/timed_connectConfig.cmake)
  message(SEND_ERROR "portfile.cmake looks for the package file in '${CMAKE_MATCH_1}', where it is not.")
endif()
string(REGEX MATCHALL "-D[A-Z_]+" options "${port}")
file(READ ${SOURCE_DIR}/CMakeLists.txt lists)
foreach(option IN LISTS options)
  string(SUBSTRING ${option} 2 -1 option)
  if(NOT lists MATCHES "option\\(${option} ")
    message(SEND_ERROR "portfile.cmake sets ${option}, which is no option.")
  endif()
endforeach()
