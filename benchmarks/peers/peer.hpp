// SPDX-License-Identifier: MIT
// What the peers have in common: each is a file of this folder that connects by another library, as a user of that one
// would write it, and is compiled where the library is. Event loops, rings and handles are kept between the calls, as in
// a program that connects more than once. They connect to IPv4 endpoints.
#pragma once

#include "batch_job.hpp"

#include <timed_connect/endpoint.hpp>

#include <netinet/in.h>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <vector>

namespace peers {

using std::chrono::microseconds;
using tconn::endpoint;

/// `failed` is anything that a contest never asks for.
enum class outcome { connected, refused, timed_out, failed };

/// What an error of the kernel's is.
inline outcome outcome_of(int error) {
  return error == 0 ? outcome::connected : error == ECONNREFUSED ? outcome::refused : outcome::failed;
}

/// Connects within the limit, and closes.
using connect_function = outcome (*)(endpoint const& to, microseconds limit);

struct peer {
  std::string name;
  std::string version;
  connect_function connect;
  microseconds unit;                     ///< What its limits are whole multiples of.
  batch_function connect_all = nullptr;  ///< Null where it was not written.
};

/// Those that have been compiled, by name. Complete once main() has begun.
std::vector<peer> const& all();

/// A constant of this type is how a file makes its peer known, if it is allowed here.
struct entry {
  explicit entry(peer one, bool is_allowed = true);
};

inline sockaddr_in ipv4(endpoint const& to) {
  sockaddr_in address{};
  std::memcpy(&address, to.data(), sizeof address);
  return address;
}

}  // namespace peers
