// SPDX-License-Identifier: MIT
// The addresses of many names, before all of them are connected to at the same time.
#pragma once

#include "arguments.hpp"
#include "interrupt.hpp"

#include <timed_connect/resolve.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <map>
#include <system_error>
#include <thread>
#include <vector>

namespace tconnect {

/// Addresses, whose they are, and why a target has none.
struct looked_up {
  std::vector<tconn::endpoint> addresses{};
  std::vector<std::size_t> target_of{};
  std::map<std::size_t, std::error_code> errors{};

  void add(std::size_t target, std::vector<tconn::endpoint> const& its) {
    addresses.insert(addresses.end(), its.begin(), its.end());
    target_of.insert(target_of.end(), its.size(), target);
  }
};

/// A few at a time; each lookup waits in a thread of its own already. After the deadline none is begun.
inline looked_up look_up_all(std::vector<target> const& targets, std::vector<std::size_t> const& names,
                             tconn::deadline until) {
  constexpr std::size_t most_threads = 8;
  std::vector<tconn::found_endpoints> found(names.size(), make_error_code(tconn::errc::deadline_exceeded));
  std::atomic<std::size_t> next = 0;
  auto const look_up_some = [&] {
    for (std::size_t at = 0; (at = next++) < names.size();) {
      auto const now = std::chrono::steady_clock::now();
      auto const& name = targets[names[at]];
      if (now < until.until(now)) found[at] = tconn::resolve({name.host, name.service}, until, &stop());
    }
  };
  std::vector<std::thread> beside;
  beside.reserve(most_threads);
  try {
    while (beside.size() + 1 < std::min(names.size(), most_threads)) beside.emplace_back(look_up_some);
  } catch (std::system_error const&) {
    // Fewer threads do as well.
  }
  look_up_some();
  for (auto& one : beside) one.join();
  looked_up all;
  for (std::size_t at = 0; at < names.size(); ++at) {
    if (found[at])
      all.add(names[at], *found[at]);
    else
      all.errors[names[at]] = found[at].error();
  }
  return all;
}

}  // namespace tconnect
