// SPDX-License-Identifier: MIT
// Choices at random, all of which come from one seed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>

namespace soak {

/// One for each thread.
class chance {
 public:
  explicit chance(std::uint64_t seed) : numbers_(seed) {}

  /// From 0 up to but not including the bound.
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(numbers_() % bound); }
  bool one_in(std::size_t count) { return below(count) == 0; }

  std::chrono::microseconds between(std::chrono::microseconds least, std::chrono::microseconds most) {
    auto const span = static_cast<std::size_t>((most - least).count());
    return least + std::chrono::microseconds(below(span + 1));
  }

  template <class Choice, std::size_t count>
  Choice const& one_of(Choice const (&choices)[count]) {
    return choices[below(count)];
  }

 private:
  std::mt19937_64 numbers_;
};

}  // namespace soak
