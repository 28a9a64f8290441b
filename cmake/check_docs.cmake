# SPDX-License-Identifier: MIT
# Every public name at namespace scope, every enumerator and every public data member has a comment `///` before it or
# `///<` behind it. What is in a namespace or folder `detail` is not public; member functions are left to the reader.
# It looks at lines and indentation, which .clang-format guarantees.
cmake_minimum_required(VERSION 3.23)
include(${CMAKE_CURRENT_LIST_DIR}/house.cmake)
list(FILTER headers EXCLUDE REGEX "^detail/")

foreach(header IN LISTS headers)
  read_lines(${header} lines)
  set(number 0)
  set(in_detail FALSE)
  set(body "") # class, struct or enum, while inside one at namespace scope
  set(is_public FALSE)
  set(documented FALSE)
  foreach(line IN LISTS lines)
    math(EXPR number "${number} + 1")
    if(line MATCHES "^(}  // )?namespace detail")
      set(in_detail TRUE)
      if(CMAKE_MATCH_1)
        set(in_detail FALSE)
      endif()
    elseif(line MATCHES "^ *///($|[^<])")
      set(documented TRUE)
      continue()
    elseif(in_detail OR line MATCHES "^ *(//|template <)")
      continue() # what stands here may be between a comment and its name
    endif()

    set(wants FALSE)
    if(line MATCHES "^}")
      set(body "")
    elseif(line MATCHES "^ (public|private|protected):")
      string(COMPARE EQUAL ${CMAKE_MATCH_1} public is_public)
    elseif(line MATCHES "^(#|(inline )?namespace |using namespace |static_assert|extern )"
        OR line MATCHES "^(class|struct) [a-z_:]+ *$"
        OR line MATCHES "^(struct|class) std::"
        OR line MATCHES "^[^(]*[a-z_>]::~?[a-z_0-9]+\\(")
      # No name of its own: a directive, a declaration of what is defined elsewhere, or the definition of a member.
    elseif(line MATCHES "^[a-z].*")
      set(wants TRUE)
      if(line MATCHES "^(class|struct|enum)[^(]*{")
        set(body ${CMAKE_MATCH_1})
        set(is_public TRUE)
        if(body STREQUAL "class")
          set(is_public FALSE)
        endif()
        if(body STREQUAL "enum" AND line MATCHES "}")
          fault(${header} ${number} "is an enumeration in one line: its enumerators have no comments")
          set(body "")
        elseif(line MATCHES "}")
          set(body "")
        endif()
      endif()
    elseif(body AND is_public AND line MATCHES "^  [a-z]" AND NOT line MATCHES "^  (friend|static_assert|using) ")
      strip_line("${line}" plain)
      if(body STREQUAL "enum" OR NOT plain MATCHES "\\(|operator")
        set(wants TRUE)
      endif()
    endif()
    if(wants AND NOT documented AND NOT line MATCHES "///<")
      string(STRIP "${line}" shown)
      fault(${header} ${number} "has no comment: ${shown}")
    endif()
    set(documented FALSE)
  endforeach()
endforeach()

finish_check()
