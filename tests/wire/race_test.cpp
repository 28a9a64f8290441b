// SPDX-License-Identifier: MIT
// The table of the handshake race, held against the kernel with real packets: each test is one window under one policy,
// over IPv4 and IPv6, with a socket of the library's own and with a borrowed descriptor.
#include "wire/lab/cells.hpp"

#include "support/printing.hpp"
#include "wire/lab_test.hpp"

#include <gtest/gtest.h>

#include <future>
#include <ostream>
#include <utility>
#include <vector>

namespace {

using tconn::on_timeout;

struct cell {
  wire::window const* what;
  on_timeout how;
};

void PrintTo(cell const& which, std::ostream* out) { *out << which.what->script; }

std::string name_of(cell const& which) {
  std::string name = which.what->name;
  for (auto& letter : name) {
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '_';
  }
  return name + "__" + std::string(to_string(which.how));
}

std::vector<cell> cells() {
  std::vector<cell> all;
  for (auto const& what : wire::windows()) {
    for (auto const how : {on_timeout::close, on_timeout::reset, on_timeout::keep}) {
      if (what.expected(how).packets != nullptr) all.push_back({&what, how});
    }
  }
  return all;
}

class WireTable : public support::LabTest, public testing::WithParamInterface<cell> {};

INSTANTIATE_TEST_SUITE_P(when, WireTable, testing::ValuesIn(cells()),
                         [](auto const& which) { return name_of(which.param); });

/// Plays a cell, and plays it again if the machine stood still meanwhile.
wire::report played(wire::lab& in, wire::window const& what, wire::manner const& by) {
  constexpr int most_times = 5;
  auto seen = wire::play(in, what, by);
  for (int times = 1; seen.held_up && times < most_times; ++times) seen = wire::play(in, what, by);
  return seen;
}

TEST_P(WireTable, is_what_the_kernel_does) {
  auto const& [what, how] = GetParam();
  std::vector<std::pair<wire::manner, std::future<wire::report>>> all;
  for (int const family : {AF_INET, AF_INET6}) {
    for (bool const borrowed : {false, true}) {
      wire::manner const by{how, family, borrowed};
      all.emplace_back(by,
                       std::async(std::launch::async, [this, &what = *what, by] { return played(lab(), what, by); }));
    }
  }
  auto const& expected = what->expected(how);
  for (auto& [by, cell] : all) {
    SCOPED_TRACE(std::string(by.family == AF_INET ? "IPv4, " : "IPv6, ") + (by.borrowed ? "borrowed" : "owning"));
    auto const seen = cell.get();
    EXPECT_EQ(seen.packets, expected.packets);
    EXPECT_EQ(seen.told, expected.told);
    EXPECT_EQ(seen.afterwards, by.borrowed ? expected.borrowed : expected.owning);
    EXPECT_EQ(seen.faults, "");
  }
}

}  // namespace
