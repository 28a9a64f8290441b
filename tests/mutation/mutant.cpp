// SPDX-License-Identifier: MIT
// Linked into every program that is built of mutated headers: takes from the environment which mutant is on, and the
// file in which those that are reached are noted. The file is shared with forked children.
#include "mutant.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cstddef>
#include <cstdlib>

namespace tconn_mutation {

int active = 0;                    // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
unsigned char* reached = nullptr;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

namespace {

unsigned char* mapped(char const* path) {
  int const file = ::open(path, O_RDWR | O_CLOEXEC);
  struct stat facts {};
  if (file < 0 || ::fstat(file, &facts) != 0) std::abort();
  void* const bytes =
      ::mmap(nullptr, static_cast<std::size_t>(facts.st_size), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  if (bytes == MAP_FAILED) std::abort();
  return static_cast<unsigned char*>(bytes);
}

// Before every other initialisation, as that may call the library.
__attribute__((constructor(101))) void read_environment() {
  if (char const* const number = std::getenv("TIMED_CONNECT_MUTANT"))
    active = static_cast<int>(std::strtol(number, nullptr, 10));
  if (char const* const path = std::getenv("TIMED_CONNECT_REACHED")) reached = mapped(path);
}

}  // namespace
}  // namespace tconn_mutation
