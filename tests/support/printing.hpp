// SPDX-License-Identifier: MIT
// How GoogleTest prints the library's types when an expectation fails.
#pragma once

#include <timed_connect/timed_connect.hpp>

#include <ostream>

namespace tconn {
inline namespace v1 {

inline void PrintTo(handshake state, std::ostream* out) { *out << to_string(state); }
inline void PrintTo(aftermath left, std::ostream* out) { *out << to_string(left); }
inline void PrintTo(on_timeout how, std::ostream* out) { *out << to_string(how); }
inline void PrintTo(endpoint const& address, std::ostream* out) { *out << address.to_string(); }

}  // namespace v1
}  // namespace tconn

namespace support {

/// One line for any result of a connect.
template <class Result>
std::string told(Result const& result) {
  return result ? "connected" : result.error().message();
}

}  // namespace support
