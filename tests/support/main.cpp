// SPDX-License-Identifier: MIT
// The main function of every test program: around each test it counts the open descriptors, so that one that leaks
// fails.
#include <gtest/gtest.h>

#include <dirent.h>
#include <unistd.h>
#include <cstdio>
#include <set>
#include <string>

// AddressSanitizer does not see the stack unwound by pthread_cancel and then trips over it in its own clean-up of the
// thread's signal stack; without that stack it has nothing to clean up. Without the sanitizer nobody calls this.
// NOLINTBEGIN(bugprone-reserved-identifier): the sanitizer's name
extern "C" char const* __asan_default_options();
extern "C" char const* __asan_default_options() { return "use_sigaltstack=0"; }
// NOLINTEND(bugprone-reserved-identifier)

namespace {

std::set<std::string> open_descriptors() {
  std::set<std::string> found;
  DIR* const directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return found;
  auto const own = std::to_string(::dirfd(directory));
  while (dirent const* const entry = ::readdir(directory)) {
    std::string const number = entry->d_name;
    if (number == "." || number == ".." || number == own) continue;
    char target[256] = "";
    auto const path = "/proc/self/fd/" + number;
    auto const length = ::readlink(path.c_str(), target, sizeof target - 1);
    found.insert(number + " -> " + (length > 0 ? target : "?"));
  }
  ::closedir(directory);
  return found;
}

class descriptor_check : public testing::EmptyTestEventListener {
  void OnTestStart(testing::TestInfo const&) override { before_ = open_descriptors(); }
  void OnTestEnd(testing::TestInfo const&) override {
    for (auto const& left : open_descriptors()) {
      if (!before_.contains(left)) ADD_FAILURE() << "the test left a descriptor open: " << left;
    }
  }

  std::set<std::string> before_{};
};

}  // namespace

int main(int count, char** arguments) {
  testing::InitGoogleTest(&count, arguments);
  testing::UnitTest::GetInstance()->listeners().Append(new descriptor_check);
  return RUN_ALL_TESTS();
}
