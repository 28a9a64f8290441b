# SPDX-License-Identifier: MIT
# Makes tests of the code in the documents: each block ```cpp is compiled, and run as docs.DOCUMENT.N. A block with a
# main() is a program as it stands, one with a TEST() a program with GoogleTest; the others are bodies of functions, and
# those of a document are one program. There the names of tests/snippets/harness.hpp are at hand, and a comment
# `// EXPRESSION -> TEXT` must be true. Code that is to be read and not run is ```c++, and the comment
# `<!-- not compiled: WHY -->` stands before it.

# The commands ```sh of a guide are run as they stand, in what looks like a clone. (Those of install.md take more: see
# tests/newcomer.sh.)

# Sets OUT to how many lines a text has.
function(count_lines text out)
  string(REGEX REPLACE "[^\n]" "" lines "${text}")
  string(LENGTH "${lines}" count)
  set(${out} ${count} PARENT_SCOPE)
endfunction()

# Writes a file, unless it is like that already.
function(write_changed path text)
  set(old "")
  if(EXISTS ${path})
    file(READ ${path} old)
  endif()
  if(NOT old STREQUAL text)
    file(WRITE ${path} "${text}")
  endif()
endfunction()

function(add_snippet_test name)
  add_test(NAME docs.${name} COMMAND ${ARGN})
  set_tests_properties(docs.${name} PROPERTIES LABELS docs TIMEOUT 60 SKIP_RETURN_CODE 77)
endfunction()

# No preset that looks at the style of programs means those of the documents.
function(add_snippet_program name source)
  add_executable(${name} ${source})
  set_target_properties(${name} PROPERTIES CXX_CLANG_TIDY "")
  target_link_libraries(${name} PRIVATE timed_connect::timed_connect Threads::Threads)
endfunction()

# One document, whose tests are called after it.
function(add_snippets document)
  file(READ ${PROJECT_SOURCE_DIR}/${document} rest)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${document})
  cmake_path(GET document STEM file)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/snippets)

  string(REGEX REPLACE "<!-- not compiled: [^\n]*-->\n```c\\+\\+\n" "" others "${rest}")
  if(others MATCHES "```c\\+\\+")
    message(FATAL_ERROR "${document} shows code that is not compiled and does not say why, right before it.")
  endif()

  set(number 0)
  set(line 1)
  set(includes "")
  set(functions "")
  set(table "")
  set(numbers "")
  set(takes_wire FALSE)
  while(TRUE)
    string(FIND "${rest}" "```cpp\n" begin)
    if(begin EQUAL -1)
      break()
    endif()
    math(EXPR begin "${begin} + 7")
    string(SUBSTRING "${rest}" 0 ${begin} before)
    count_lines("${before}" passed)
    math(EXPR line "${line} + ${passed}")
    string(SUBSTRING "${rest}" ${begin} -1 rest)
    string(FIND "${rest}" "```" end)
    string(SUBSTRING "${rest}" 0 ${end} block)
    string(SUBSTRING "${rest}" ${end} -1 rest)
    math(EXPR end "${end} + 3")
    math(EXPR number "${number} + 1")
    set(where "#line ${line} \"${PROJECT_SOURCE_DIR}/${document}\"\n")

    if(block MATCHES "(^|\n)(int main|TEST)\\(")
      if(block MATCHES "// [^\n]+ -> ")
        message(FATAL_ERROR "${document}:${line}: nobody looks at what `->` says in a program of its own.")
      endif()
      set(program docs_${file}_${number})
      write_changed(${folder}/${program}.cpp "${where}${block}")
      add_snippet_program(${program} ${folder}/${program}.cpp)
      if(block MATCHES "(^|\n)TEST\\(")
        target_link_libraries(${program} PRIVATE test_support)
      endif()
      add_snippet_test(${file}.${number} ${program})
    else()
      if(block MATCHES "wire::")
        set(takes_wire TRUE)
      endif()
      string(REGEX MATCHALL "#include [^\n]*" hoisted "${block}")
      list(JOIN hoisted "\n" hoisted)
      string(APPEND includes "${hoisted}\n")
      set(names "")
      foreach(name IN ITEMS to busy silent refused socket_path my_fd)
        if(block MATCHES "(^|[^a-z_.:])${name}[^a-z_(]")
          string(APPEND names "[[maybe_unused]] auto&& ${name} = docs::${name}(); ")
        endif()
      endforeach()
      string(REGEX REPLACE "#include [^\n]*" "" body "${block}")
      string(REGEX REPLACE "// ([^\n]+) -> ([^\n]*)" "docs::says(\\1, R\"(\\2)\", __FILE__, __LINE__);" body "${body}")
      string(APPEND functions "void block_${number}() {\n${names}\n${where}${body}}\n")
      string(APPEND table "{${number}, block_${number}}, ")
      list(APPEND numbers ${number})
    endif()
    count_lines("${block}" passed)
    math(EXPR line "${line} + ${passed}")
  endwhile()

  if(NOT numbers OR (takes_wire AND NOT TARGET wire_lab))
    return()
  endif()
  set(program docs_${file})
  set(harness "#include \"snippets/harness.hpp\"\n")
  set(before "")
  if(takes_wire)
    string(APPEND harness "#include \"snippets/wire.hpp\"\n")
    set(before "docs::require_lab(); ")
  endif()
  write_changed(${folder}/${program}.cpp "${harness}${includes}
using namespace std::chrono_literals;
namespace {
${functions}
struct block { int number; void (*run)(); };
constexpr block blocks[] = {${table}};
}
int main(int count, char** arguments) { ${before}return docs::run(blocks, count, arguments); }
")
  add_snippet_program(${program} ${folder}/${program}.cpp)
  target_include_directories(${program} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  if(takes_wire)
    target_link_libraries(${program} PRIVATE wire_lab)
  endif()
  foreach(number IN LISTS numbers)
    add_snippet_test(${file}.${number} ${program} ${number})
  endforeach()
endfunction()

# The first block of commands of a guide.
function(add_commands guide)
  file(READ ${guide} text)
  if(NOT text MATCHES "\n```sh\n([^`]*)```")
    return()
  endif()
  set(commands "${CMAKE_MATCH_1}")
  cmake_path(GET guide STEM name)
  set(clone ${CMAKE_CURRENT_BINARY_DIR}/snippets/clone)
  file(MAKE_DIRECTORY ${clone})
  foreach(folder IN ITEMS include examples)
    file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${folder} ${clone}/${folder} SYMBOLIC)
  endforeach()
  write_changed(${clone}/${name}.sh "${commands}")
  add_snippet_test(${name}.commands sh -e ${name}.sh)
  set_tests_properties(docs.${name}.commands PROPERTIES WORKING_DIRECTORY ${clone})
endfunction()

file(GLOB guides CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/guide/*.md)
foreach(guide IN LISTS guides)
  add_commands(${guide})
endforeach()

file(GLOB documents CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
  ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/docs/*.md ${PROJECT_SOURCE_DIR}/docs/guide/*.md)
foreach(document IN LISTS documents)
  add_snippets(${document})
endforeach()
get_property(programs DIRECTORY PROPERTY BUILDSYSTEM_TARGETS)
list(FILTER programs INCLUDE REGEX "^docs_")
add_custom_target(docs)
add_dependencies(docs ${programs})
