// SPDX-License-Identifier: MIT
// The addresses of all endpoints, before many of them are connected to at the same time.
#pragma once

#include "arguments.hpp"

#include <timed_connect/resolve.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <system_error>
#include <thread>
#include <vector>

namespace tconnect {

/// All addresses, in the order of the targets, and whose they are; and why a target has none.
struct looked_up {
  std::vector<tconn::endpoint> addresses{};
  std::vector<std::size_t> target_of{};
  std::vector<std::error_code> errors{};
};

/// Names are looked up a few at a time; each lookup waits in a thread of its own already.
inline looked_up look_up_all(std::vector<target> const& targets, tconn::deadline until) {
  constexpr std::size_t most_threads = 8;
  std::vector<std::vector<tconn::endpoint>> found(targets.size());
  looked_up all;
  all.errors.resize(targets.size());
  std::atomic<std::size_t> next = 0;
  auto const look_up_some = [&] {
    for (std::size_t at; (at = next++) < targets.size();) {
      if (targets[at].address) continue;
      auto const addresses = tconn::resolve({targets[at].host, targets[at].service}, until);
      if (addresses)
        found[at] = *addresses;
      else
        all.errors[at] = addresses.error();
    }
  };
  auto const is_name = [](target const& one) { return !one.address; };
  auto const names = static_cast<std::size_t>(std::count_if(targets.begin(), targets.end(), is_name));
  std::vector<std::thread> beside;
  beside.reserve(most_threads);
  try {
    for (std::size_t i = 1; i < std::min(names, most_threads); ++i) beside.emplace_back(look_up_some);
  } catch (std::system_error const&) {
    // Fewer threads do as well.
  }
  look_up_some();
  for (auto& one : beside) one.join();
  for (std::size_t at = 0; at < targets.size(); ++at) {
    if (targets[at].address) found[at] = {*targets[at].address};
    all.addresses.insert(all.addresses.end(), found[at].begin(), found[at].end());
    all.target_of.insert(all.target_of.end(), found[at].size(), at);
  }
  return all;
}

}  // namespace tconnect
