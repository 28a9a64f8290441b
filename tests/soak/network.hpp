// SPDX-License-Identifier: MIT
// The network of the soak: its addresses, which carry the identity of every attempt, and the line, on which packets
// take their time. On loopback alone a handshake is over before connect() returns, so it cannot race a deadline.
#pragma once

#include "ledger.hpp"

#include "wire/lab/tun_device.hpp"

#include <timed_connect/endpoint.hpp>
#include <timed_connect/socket.hpp>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace soak {

/// One for the process, before it has a second thread.
class network {
 public:
  /// Moves the process to a network namespace of its own where that is allowed; else there is loopback, IPv4 and Unix.
  explicit network(std::uint64_t seed);
  network(network const&) = delete;
  network& operator=(network const&) = delete;
  ~network();

  /// Whether there is a line, and IPv6.
  bool has_line() const { return device_.has_value(); }
  std::string const& why_no_line() const { return why_no_line_; }

  /// Where another server may listen.
  tconn::endpoint place_for_a_server(int family);
  /// Where it is reached: its addresses, each of which reaches the same server, and the same ones behind the line.
  std::vector<tconn::endpoint> addresses_of(tconn::endpoint const& server) const;
  tconn::endpoint behind_the_line(tconn::endpoint const& address) const;

  /// Binds a socket, before it connects, to the address of this identity. The port is the kernel's choice.
  std::error_code bind(tconn::native_handle handle, int family, identity who) const;
  /// Whose address it is; nothing where it is neither an attempt's nor a filler's.
  std::optional<identity> identity_of(tconn::endpoint const& peer) const;

  /// How many packets the line has carried.
  std::size_t carried() const { return carried_; }

 private:
  tconn::endpoint source(int family, identity who) const;
  void carry(std::uint64_t seed);

  std::string why_no_line_{};
  std::optional<wire::tun_device> device_{};
  std::uint16_t next_port_ = 10'000;  // below those that the kernel chooses
  std::atomic<bool> ending_{false};
  std::atomic<std::size_t> carried_{0};
  std::thread carrier_{};
};

}  // namespace soak
