// SPDX-License-Identifier: MIT
// A real server that hears nothing, because its backlog is full: what every timeout is tested against. See loopback.hpp.
#pragma once

#include <timed_connect/testing/listening_server.hpp>

#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

namespace tconn {
inline namespace v1 {
namespace testing {

/// Fills the backlog of any server that listens, and accepts nothing for now: one of the test's own, or another program's
/// that is stopped. As long as this lives, and nothing is accepted, there is no place left; see black_hole.
///
/// Ownership: a descriptor for each place. Can be moved.
/// Errors: the constructor throws std::system_error, ENOBUFS after 256 places: somebody accepts, or the backlog is long.
/// Cost: the grace, once, for TCP.
class full_backlog {
 public:
  /// That TCP's is full is told by a handshake that is not over within the grace. If that is too short, on a busy machine,
  /// a place is left.
  explicit full_backlog(endpoint const& of, std::chrono::nanoseconds grace = std::chrono::milliseconds{20}) {
    while (take_a_place(of, grace)) detail::require(size() < most ? 0 : native_error::no_buffer_space, of);
  }

  /// How many places there were.
  std::size_t size() const { return fillers_.size(); }
  /// Closes what fills them. They stay taken until the server has accepted that.
  void clear() { fillers_.clear(); }

 private:
  static constexpr std::size_t most = 256;

  bool take_a_place(endpoint const& to, std::chrono::nanoseconds grace) {
    native_handle opened = no_handle;
    detail::require(detail::platform::open(opened, to.family(), /*multipath*/ false), to);
    socket filler(opened);
    int const error = detail::platform::connect(opened, to.data(), to.size());
    auto const until = detail::saturated_sum(native_system().now(), grace);
    bool const is_over = error == 0 || (error == native_error::in_progress &&
                                        detail::becomes_ready(detail::platform::writable(opened), until));
    bool const is_queued = is_over && detail::name_of_socket(opened, name_of::peer).valid();
    if (is_queued) fillers_.push_back(std::move(filler));
    return is_queued;
  }

  std::vector<socket> fillers_{};
};

/// A server that seems not to be there: it listens with the shortest backlog, which is filled, and accepts nothing.
///
/// TCP on Linux: every SYN is lost, and the kernel of the client repeats it after 1, 2, 3, 4, 5, 7, 11 s ... (since 6.5;
/// before 1, 3, 7 ...; tcp_syn_linear_timeouts of ip-sysctl). macOS does the same. Windows does not: it refuses, and
/// there is no black hole on its loopback (docs/platforms.md).
/// Unix sockets: Linux answers EAGAIN to a non-blocking connect, and lets a blocking one wait; others refuse.
///
/// Ownership: the listening descriptor and one for each place of the backlog (Linux: one). Can be moved.
/// Errors and cost: as full_backlog. No thread.
class black_hole {
 public:
  /// Listens at an address, and fills the backlog.
  explicit black_hole(endpoint const& at = endpoint::loopback_v4(0),
                      std::chrono::nanoseconds grace = std::chrono::milliseconds{20})
      : listener_(at, /*backlog*/ 0), backlog_(where(), grace) {}

  /// Where clients wait in vain.
  endpoint where() const { return listener_.where(); }

  /// Makes room: the kernel's next SYN is answered, which comes up to a second after this (longer if the client has
  /// waited for more than 5 s, see above). A Unix socket has room at once; whoever got EAGAIN has to try again.
  void open() {
    detail::platform::listen(listener_.native_handle(), 64);
    auto const places = backlog_.size();
    backlog_.clear();
    for (std::size_t i = 0; i < places; ++i) listener_.accept();
  }

  /// As listening_server's. Before open() it gives what fills the backlog, and so makes room.
  socket accept(deadline limit = patience) const { return listener_.accept(limit); }

 private:
  listening_server listener_;
  full_backlog backlog_;
};

}  // namespace testing
}  // namespace v1
}  // namespace tconn
