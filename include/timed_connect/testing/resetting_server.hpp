// SPDX-License-Identifier: MIT
// A real server that accepts and then resets every connection, by a thread of its own. See loopback.hpp.
#pragma once

#include <timed_connect/cancellation.hpp>
#include <timed_connect/testing/listening_server.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <thread>
#include <utility>

namespace tconn {
inline namespace v1 {
namespace testing {

/// A server that accepts every connection and resets it: the client's next read says ECONNRESET (RST by SO_LINGER {1,
/// 0}, socket(7)). A Unix socket has no RST: its client reads the end, or ECONNRESET if it has sent something before.
///
/// The pause is there because a RST that follows the SYN-ACK at once may find the client still in connect(), which then
/// says ECONNRESET itself: a case of its own, for which the pause is 0. Either is possible then.
///
/// Ownership: the listening descriptor, those of the connections in their pause, and one to stop by (Linux). One thread,
/// which is joined by the destructor; it has the signal mask of whoever makes the server.
/// Errors: the constructor throws std::system_error.
class resetting_server {
 public:
  /// Listens at an address, and resets each connection so long after it was accepted.
  explicit resetting_server(endpoint const& at = endpoint::loopback_v4(0),
                            std::chrono::nanoseconds pause = std::chrono::milliseconds{20})
      : listener_(at), pause_(pause) {
    detail::require(stop_.error().value(), at);
    thread_ = std::thread([this] { run(); });
  }
  resetting_server(resetting_server const&) = delete;
  resetting_server& operator=(resetting_server const&) = delete;
  ~resetting_server() {
    stop_.request();
    thread_.join();
  }

  /// Where clients are to connect.
  endpoint where() const { return listener_.where(); }
  /// How many connections have been reset so far.
  std::size_t resets() const { return resets_; }

 private:
  struct visit {
    time_point ends;
    socket connection;
  };

  void run() {
    std::deque<visit> visits;  // all stay for as long, so the first one ends first
    native_system const sys;
    while (!stop_.requested()) {
      poll_entry entries[] = {detail::platform::readable(stop_.native_handle()),
                              detail::platform::readable(listener_.native_handle())};
      int const woken = sys.wait(entries, 2, visits.empty() ? detail::never : visits.front().ends);
      if (auto accepted = listener_.accept(std::chrono::seconds{0}))
        visits.push_back({detail::saturated_sum(sys.now(), pause_), std::move(accepted)});
      else if (woken != native_error::timed_out && !stop_.requested())  // no descriptor is left, say
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
      for (; !visits.empty() && visits.front().ends <= sys.now(); visits.pop_front()) reset(visits.front().connection);
    }
  }

  void reset(socket& connection) {
    detail::platform::reset_on_close(connection.native_handle());
    ++resets_;  // so whoever has read the reset finds it counted
    connection.close();
  }

  listening_server listener_;
  std::chrono::nanoseconds pause_;
  cancellation stop_{};
  std::atomic<std::size_t> resets_{0};
  std::thread thread_{};
};

}  // namespace testing
}  // namespace v1
}  // namespace tconn
