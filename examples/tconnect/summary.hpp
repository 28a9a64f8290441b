// SPDX-License-Identifier: MIT
// Of many endpoints: how far they are, on a terminal, and how it went with all of them.
#pragma once

#include "process.hpp"
#include "report.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

namespace tconnect {

class summary {
 public:
  explicit summary(std::size_t total) : total_(total), shows_progress_(is_terminal(stderr) && !is_terminal(stdout)) {}

  void add(report const& told) {
    auto const name = told.result == result::connected ? "connected" : printable(told.code);
    times_[name].push_back(told.elapsed);
    ++told_;
    show_progress();
  }

  /// Leaves the terminal's line empty.
  void end_progress() const {
    if (has_progress_) std::fputs("\r\033[K", stderr);
  }

  /// A line for each kind of outcome: how many, and when they were known, to standard error.
  void print(std::chrono::nanoseconds elapsed) {
    std::fprintf(stderr, "%zu endpoints in %.3f s\n", total_, std::chrono::duration<double>(elapsed).count());
    std::fprintf(stderr, "%10s %12s %12s %12s\n", "", "first ms", "median ms", "last ms");
    for (auto& [name, times] : times_) {
      std::sort(times.begin(), times.end());
      auto const ms = [&, &all = times](std::size_t at) {
        return std::chrono::duration<double, std::milli>(all[at]).count();
      };
      std::fprintf(stderr, "%10zu %12.3f %12.3f %12.3f  %s\n", times.size(), ms(0), ms(times.size() / 2),
                   ms(times.size() - 1), name.c_str());
    }
  }

 private:
  using clock = std::chrono::steady_clock;

  // Ten times a second, on a terminal that does not show the lines themselves.
  void show_progress() {
    auto const now = clock::now();
    if (!shows_progress_ || now < next_progress_) return;
    next_progress_ = now + std::chrono::milliseconds(100);
    std::fprintf(stderr, "\r%zu of %zu", told_, total_);
    has_progress_ = true;
  }

  std::size_t total_;
  std::size_t told_ = 0;
  std::map<std::string, std::vector<std::chrono::nanoseconds>> times_{};
  bool shows_progress_;
  bool has_progress_ = false;
  clock::time_point next_progress_{};
};

}  // namespace tconnect
