// SPDX-License-Identifier: MIT
// The waiting strategies, for the tests that are run with each of them.
#pragma once

#include <timed_connect/wait.hpp>

#include <gtest/gtest.h>

#include <string>
#include <type_traits>

namespace support {

using strategies = testing::Types<tconn::polling, tconn::selecting, tconn::spinning>;

class strategy_names {
 public:
  template <class Strategy>
  static std::string GetName(int) {
    if (std::is_same_v<Strategy, tconn::polling>) return "polling";
    return std::is_same_v<Strategy, tconn::selecting> ? "selecting" : "spinning";
  }
};

}  // namespace support
