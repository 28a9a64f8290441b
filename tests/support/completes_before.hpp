// SPDX-License-Identifier: MIT
// The native system, but the handshake completes just before one of its calls: so a moment of the race is made exact.
#pragma once

#include <timed_connect/timed_connect.hpp>

#include "support/loopback.hpp"

#include <stdexcept>
#include <utility>

namespace support {

/// The call before which a full listener makes room, and the kernel's next SYN, a second after the first, is answered.
enum class race_call {
  last_look,  ///< The wait that does not wait.
  count,      ///< The reading of the SYN count, after the last look and before the decision.
  decision,   ///< The shutdown() that decides.
};

class completes_before : public tconn::native_system {
 public:
  /// Without a server nothing happens.
  completes_before(race_call when, full_listener* server) : when_(when), server_(server) {}

  int wait(tconn::poll_entry* entries, std::size_t count, tconn::time_point until) const {
    if (until == tconn::detail::long_past) enter(race_call::last_look, entries->fd);
    return native_system::wait(entries, count, until);
  }
  int tcp(tconn::native_handle handle, tconn::tcp_facts& facts) const {
    enter(race_call::count, handle);
    return native_system::tcp(handle, facts);
  }
  int shut(tconn::native_handle handle, tconn::shut_direction direction) const {
    enter(race_call::decision, handle);
    return native_system::shut(handle, direction);
  }

 private:
  void enter(race_call now, tconn::native_handle handle) const {
    if (now != when_ || server_ == nullptr) return;
    std::exchange(server_, nullptr)->open();
    if (!eventually([&] { return is_connected(handle); })) throw std::runtime_error("the handshake does not complete");
  }

  race_call when_;
  mutable full_listener* server_;
};

}  // namespace support
