# SPDX-License-Identifier: MIT
# The platform files can be read beside each other: they have the same names in the same order, that of POSIX's. What only
# one system has stands where it is needed there.
cmake_minimum_required(VERSION 3.23)
include(${CMAKE_CURRENT_LIST_DIR}/house.cmake)

# What POSIX's files have for themselves and for systems that add to them.
set(of_posix_alone quiet_send open_protocol get_int)

# Sets OUT to the functions, constants and types of platform files that others use: what is static in a class, and constant in
# a namespace.
function(names_of out)
  set(forms
    "^  static [^(=]*[ *&]([a-z_]+)[(]"
    "^  static [^(=]*[ *&]([a-z_]+) ="
    "^  using ([a-z_]+) ="
    "^  struct ([a-z_]+) {"
    "^inline constexpr [^(=]*[ *&]([a-z_]+) =")
  set(names "")
  foreach(header IN LISTS ARGN)
    read_lines(detail/platform_${header}.hpp lines)
    foreach(line IN LISTS lines)
      strip_line("${line}" line)
      foreach(form IN LISTS forms)
        if(line MATCHES "${form}")
          list(APPEND names ${CMAKE_MATCH_1})
          break()
        endif()
      endforeach()
    endforeach()
  endforeach()
  list(REMOVE_DUPLICATES names)
  set(${out} "${names}" PARENT_SCOPE)
endfunction()

# The names that HEADER shares with the reference come in its order.
function(expect_order header)
  names_of(names ${header})
  set(last -1)
  set(before "the beginning")
  foreach(name IN LISTS names)
    list(FIND ARGN ${name} at)
    if(at EQUAL -1)
      continue()
    elseif(at LESS last)
      fault(detail/platform_${header}.hpp 0 "has ${name} after ${before}, POSIX's before it")
    else()
      set(last ${at})
      set(before ${name})
    endif()
  endforeach()
  set(faults ${faults} PARENT_SCOPE)
endfunction()

# HEADER has them all, too.
function(expect_all header)
  names_of(names ${header})
  list(REMOVE_ITEM ARGN ${of_posix_alone} ${names})
  foreach(name IN LISTS ARGN)
    fault(detail/platform_${header}.hpp 0 "has no ${name}, as POSIX's has")
  endforeach()
  set(faults ${faults} PARENT_SCOPE)
endfunction()

foreach(part IN ITEMS "_error" "_wait" "")
  names_of(reference posix${part})
  if(NOT reference)
    message(FATAL_ERROR "No names found in platform_posix${part}.hpp.")
  endif()
  expect_all(windows${part} ${reference})
  expect_order(windows${part} ${reference})
endforeach()

names_of(reference posix_wait posix)
foreach(system IN ITEMS linux macos)
  expect_order(${system} ${reference})
endforeach()

finish_check()
