// SPDX-License-Identifier: MIT
// The device on which the lab's exactness rests: what the kernel sends is there when the system call returns.
#include "wire/lab/tun_device.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace {

constexpr std::uint32_t threads = 4;
constexpr std::uint32_t letters_each = 50000;

using letter = std::array<std::uint32_t, 2>;  // who sends it, and its number

/// Takes everything off the device, and remembers the letters.
void empty(wire::tun_device const& device, std::vector<std::uint32_t>& last_of) {
  while (auto const packet = device.read()) {
    if (packet->size() < sizeof(letter)) continue;
    letter got{};
    std::memcpy(got.data(), packet->data() + packet->size() - sizeof got, sizeof got);
    if (got[0] < threads) last_of[got[0]] = got[1];
  }
}

TEST(TunDevice, holds_what_a_call_has_sent_when_the_call_returns_though_others_send_too) {
  std::optional<wire::tun_device> device;
  try {
    device.emplace();
  } catch (wire::unavailable const& why) {
    GTEST_SKIP() << "there is no wire lab: " << why.what();
  }
  auto const to = wire::address_of(AF_INET, 2, 9);
  std::mutex mutex;
  std::vector<std::uint32_t> last_of(threads, 0);
  std::uint32_t late = 0;
  auto const send = [&](std::uint32_t sender) {
    tconn::socket const from(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    for (std::uint32_t number = 1; number <= letters_each; ++number) {
      letter const sent{sender, number};
      ::sendto(from.native_handle(), sent.data(), sizeof sent, 0, to.data(), to.size());
      std::lock_guard const held(mutex);
      empty(*device, last_of);
      if (last_of[sender] != number) ++late;
    }
  };
  std::vector<std::thread> all;
  for (std::uint32_t sender = 0; sender < threads; ++sender) all.emplace_back(send, sender);
  for (auto& one : all) one.join();
  EXPECT_EQ(late, 0U);
}

}  // namespace
