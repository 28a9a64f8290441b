// SPDX-License-Identifier: MIT
// Many endpoints and one deadline, as each of those who are compared is given them.
#pragma once

#include <timed_connect/endpoint.hpp>

#include <unistd.h>
#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

namespace peers {

struct batch_job {
  using clock = std::chrono::steady_clock;

  std::span<tconn::endpoint const> to;
  clock::time_point until;
  std::size_t in_flight;  ///< No more attempts than this at a time; only some of the clients know of it.
  bool keeps;             ///< Connections stay open until everything is told; else each is closed as it comes.

  std::vector<bool> is_connected{std::vector<bool>(to.size())};
  /// When a caller would have got all results: what is left then is to close the connections.
  clock::time_point returned{};
  std::size_t result_bytes = 0;  ///< What is returned, where it is more than a descriptor for each endpoint.
};

using batch_function = void (*)(batch_job&);

}  // namespace peers
