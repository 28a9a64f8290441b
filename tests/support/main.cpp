// SPDX-License-Identifier: MIT
// The main function of every test program: around each test it counts the open descriptors, so that one that leaks
// fails.
#include "support/os.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

// AddressSanitizer does not see the stack unwound by pthread_cancel and then trips over it in its own clean-up of the
// thread's signal stack; without that stack it has nothing to clean up. Without the sanitizer nobody calls this.
// NOLINTBEGIN(bugprone-reserved-identifier): the sanitizer's name
extern "C" char const* __asan_default_options();
extern "C" char const* __asan_default_options() { return "use_sigaltstack=0"; }
// NOLINTEND(bugprone-reserved-identifier)

namespace {

class descriptor_check : public testing::EmptyTestEventListener {
  void OnTestStart(testing::TestInfo const&) override { before_ = support::open_handles(); }
  void OnTestEnd(testing::TestInfo const&) override {
    for (auto const& left : support::open_handles()) {
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
