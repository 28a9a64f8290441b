// SPDX-License-Identifier: MIT
// A test with a lab of its own; it is skipped, with the reason, where none can be had.
#pragma once

#include "wire/lab/lab.hpp"
#include "wire/lab/tun_device.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace support {

class LabTest : public testing::Test {
 protected:
  void SetUp() override {
    try {
      lab_.emplace();
    } catch (wire::unavailable const& why) {
      GTEST_SKIP() << "there is no wire lab: " << why.what();
    }
  }
  wire::lab& lab() { return *lab_; }

 private:
  std::optional<wire::lab> lab_{};
};

}  // namespace support
