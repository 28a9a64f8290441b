// SPDX-License-Identifier: MIT
// A network of its own for one process: a new network namespace, and in it a TUN device, through which the kernel's
// packets come to a descriptor as they are, and what is written to it reaches the kernel. write() returns when the
// kernel has digested the packet, and its answer can be read by then: that makes the lab exact.
#pragma once

#include <timed_connect/endpoint.hpp>
#include <timed_connect/socket.hpp>

#include "packet.hpp"

#include <optional>
#include <stdexcept>

namespace wire {

/// The lab cannot be built here; the text says why.
struct unavailable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The kernel under test has the first address of a network that is set aside for documentation (RFC 5737, RFC 3849);
/// the peers have the others, up to 254.
tconn::endpoint address_of(int family, int host, std::uint16_t port);

class tun_device {
 public:
  static constexpr char const* name = "lab0";

  /// The calling thread moves to the new namespace, and threads that it starts from now on. As root, or unprivileged
  /// where user namespaces are allowed, and while the process has one thread. Throws `unavailable`.
  tun_device();

  int descriptor() const { return device_.native_handle(); }
  /// The next packet of the kernel; does not wait.
  std::optional<bytes> read() const;
  /// Throws std::system_error if the kernel does not take it.
  void write(bytes const& packet) const;

 private:
  tconn::socket device_;
};

}  // namespace wire
