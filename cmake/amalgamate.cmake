# SPDX-License-Identifier: MIT
# Makes one header of timed_connect.hpp and all that it includes.
# Usage: cmake -D OUTPUT=FILE [-D SOURCE_DIR=.] -P amalgamate.cmake
cmake_minimum_required(VERSION 3.23)
if(NOT SOURCE_DIR)
  cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH SOURCE_DIR)
endif()
set(include_dir ${SOURCE_DIR}/include)

# What would upset a list of lines is a control character as long as it is in one.
string(ASCII 1 semicolon)
string(ASCII 2 opening)
string(ASCII 3 closing)
string(ASCII 4 backslash)

function(read_lines file out)
  file(READ ${file} text)
  string(REPLACE ";" "${semicolon}" text "${text}")
  string(REPLACE "[" "${opening}" text "${text}")
  string(REPLACE "]" "${closing}" text "${text}")
  string(REPLACE "\\" "${backslash}" text "${text}")
  string(REPLACE "\n" ";" text "${text}")
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

function(restore_characters text out)
  string(REPLACE "${semicolon}" ";" text "${text}")
  string(REPLACE "${opening}" "[" text "${text}")
  string(REPLACE "${closing}" "]" text "${text}")
  string(REPLACE "${backslash}" "\\" text "${text}")
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

# What has been included so far. What a branch of a conditional includes counts in that branch alone, so a header that
# several branches share stands in each.
set(seen "")
set(level 0)

# Appends a header to `text`, and before it what it is the first to include. Its opening words go where its own lines begin.
set(text "")
function(append_header header)
  read_lines(${include_dir}/${header} lines)
  set(opening_words "")
  set(has_begun FALSE)
  foreach(line IN LISTS lines)
    if(NOT has_begun)
      if(line STREQUAL "#pragma once")
        set(has_begun TRUE)
      elseif(NOT line MATCHES "^// SPDX-License-Identifier")
        string(APPEND opening_words "${line}\n")
      endif()
      continue()
    endif()

    if(line MATCHES "^[ \t]*#[ \t]*include[ \t]*[<\"]([^>\"]+)")
      set(included ${CMAKE_MATCH_1})
      if(included IN_LIST seen)
        continue()
      endif()
      list(APPEND seen ${included})
      if(included MATCHES "^timed_connect/")
        append_header(${included})
        continue()
      endif()
    elseif(line MATCHES "^[ \t]*#[ \t]*if")
      math(EXPR level "${level} + 1")
      set(seen_before_${level} "${seen}")
    elseif(line MATCHES "^[ \t]*#[ \t]*(elif|else|endif)")
      set(seen "${seen_before_${level}}")
      if(CMAKE_MATCH_1 STREQUAL "endif")
        math(EXPR level "${level} - 1")
      endif()
    endif()
    if(NOT line STREQUAL "")
      string(APPEND text "${opening_words}")
      set(opening_words "")
    endif()
    string(APPEND text "${line}\n")
  endforeach()
  set(text "${text}" PARENT_SCOPE)
  set(seen "${seen}" PARENT_SCOPE)
endfunction()

append_header(timed_connect/timed_connect.hpp)
restore_characters("${text}" text)
string(REGEX REPLACE "\n\n\n+" "\n\n" text "${text}")
string(STRIP "${text}" text)

file(STRINGS ${include_dir}/timed_connect/detail/config.hpp version REGEX "^#define TIMED_CONNECT_VERSION ")
string(REGEX REPLACE ".*\"(.*)\"" "\\1" version "${version}")
file(READ ${SOURCE_DIR}/LICENSE license)
string(STRIP "${license}" license)
string(REPLACE "\n" "\n// " license "// ${license}")
string(REPLACE "// \n" "//\n" license "${license}")
file(WRITE ${OUTPUT} "// SPDX-License-Identifier: MIT
// timed_connect ${version} in one header, made of <timed_connect/timed_connect.hpp> and all that it includes by
// `cmake --build BUILD --target amalgamate`: a change belongs there.
//
${license}
#pragma once
#ifndef TIMED_CONNECT_SINGLE_HEADER  // a copy elsewhere, of the same version, is the same
#ifdef TIMED_CONNECT_VERSION
#error \"A header of timed_connect is included already: take either the headers or the single header, not both.\"
#else

${text}

#endif  // TIMED_CONNECT_VERSION
#define TIMED_CONNECT_SINGLE_HEADER
#endif  // TIMED_CONNECT_SINGLE_HEADER
")
