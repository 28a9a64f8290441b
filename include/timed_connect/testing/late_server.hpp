// SPDX-License-Identifier: MIT
// A real server that answers late, at a time that the test says, by a thread of its own. See loopback.hpp.
//
// A kernel repeats a SYN that was lost after a second, so making room for it says nothing of when it is answered. On
// Linux the server does not wait for that: it hears nothing by a socket filter (SO_ATTACH_FILTER, socket(7)), and when
// its time has come it connects to whoever waits for it, from the address at which it listens. The client's kernel takes
// the SYN that comes instead of an answer for a simultaneous open (RFC 9293, section 3.5), and its connect() is over.
#pragma once

#include <timed_connect/cancellation.hpp>
#include <timed_connect/testing/black_hole.hpp>
#include <timed_connect/testing/listening_server.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tconn {
inline namespace v1 {
namespace detail {

/// A listener that hears nothing; empty where the system has no such thing, or not for this address.
inline tconn::socket listen_deaf(endpoint const& at) {
  native_handle opened = no_handle;
  if (!at.is_loopback() || platform::open(opened, at.family(), /*multipath*/ false) != 0) return {};
  tconn::socket made(opened);
  bool const is_deaf = platform::share_port(opened) == 0 && platform::reuse_address(opened) == 0 &&
                       platform::set_deaf(opened, true) == 0 &&
                       platform::bind(opened, at.data(), at.size(), /*any_port*/ false) == 0 &&
                       platform::listen(opened, 64) == 0;
  return is_deaf ? std::move(made) : tconn::socket();
}

/// Where the address stands in a sockaddr, and in how many words of 32 bits.
constexpr std::size_t address_at(int family) {
  return family == AF_INET ? offsetof(sockaddr_in, sin_addr) : offsetof(sockaddr_in6, sin6_addr);
}
constexpr std::size_t address_words(int family) { return family == AF_INET ? 1 : 4; }

/// An address as proc(5) writes it in /proc/net/tcp: its words as numbers of this host, and the port.
inline std::string proc_text(endpoint const& of) {
  std::string text;
  char digits[9];
  for (std::size_t i = 0; i < address_words(of.family()); ++i) {
    unsigned word = 0;
    std::memcpy(&word, reinterpret_cast<char const*>(of.data()) + address_at(of.family()) + i * sizeof word,
                sizeof word);
    std::snprintf(digits, sizeof digits, "%08X", word);
    text += digits;
  }
  std::snprintf(digits, sizeof digits, ":%04X", static_cast<unsigned>(of.port()));
  return text + digits;
}

/// The address that stands so in /proc/net/tcp. The text is the kernel's, so it is not doubted.
inline endpoint from_proc_text(int family, std::string const& text) {
  auto const words = address_words(family);
  auto const port = static_cast<std::uint16_t>(std::strtoul(text.c_str() + words * 8 + 1, nullptr, 16));
  auto const any = family == AF_INET ? endpoint::loopback_v4(port) : endpoint::loopback_v6(port);
  sockaddr_storage bytes{};
  std::memcpy(&bytes, any.data(), static_cast<std::size_t>(any.size()));
  for (std::size_t i = 0; i < words; ++i) {
    auto const word = static_cast<unsigned>(std::strtoul(text.substr(i * 8, 8).c_str(), nullptr, 16));
    std::memcpy(reinterpret_cast<char*>(&bytes) + address_at(family) + i * sizeof word, &word, sizeof word);
  }
  return {reinterpret_cast<sockaddr*>(&bytes), any.size()};
}

/// Who waits for an answer from a server of this network namespace: the local names of all sockets, of whatever process,
/// that are in SYN_SENT (02) to it.
inline std::vector<endpoint> waiting_for(endpoint const& server) {
  auto const text = proc_text(server);
  std::ifstream table(server.family() == AF_INET ? "/proc/thread-self/net/tcp" : "/proc/thread-self/net/tcp6");
  std::vector<endpoint> found;
  for (std::string line; std::getline(table, line);) {
    std::string slot;
    std::string local;
    std::string remote;
    std::string state;
    std::istringstream(line) >> slot >> local >> remote >> state;
    if (remote == text && state == "02") found.push_back(from_proc_text(server.family(), local));
  }
  return found;
}

/// The server's end of a connection that it opens itself, towards a client that waits for it; empty if that has gone.
inline tconn::socket open_towards(endpoint const& client, endpoint const& from) {
  native_handle opened = no_handle;
  if (platform::open(opened, from.family(), /*multipath*/ false) != 0) return {};
  tconn::socket made(opened);
  platform::share_port(opened);
  platform::reuse_address(opened);
  platform::bind(opened, from.data(), from.size(), /*any_port*/ false);
  platform::connect(opened, client.data(), client.size());
  becomes_ready(platform::writable(opened), native_system().now() + std::chrono::seconds{3});
  bool const is_connected =
      name_of_socket(opened, name_of::peer) == client && platform::set_blocking(opened, true) == 0;
  return is_connected ? std::move(made) : tconn::socket();
}

}  // namespace detail

namespace testing {

/// A server that is silent until its time has come, and answers from then on: first all who wait, then whoever comes.
/// The time counts from its construction: make it right before the call under test.
///
/// How exact it is: never early. On Linux, TCP, is_exact(): about 50 to 500 us late, as a timer wakes up, for every
/// client in this network namespace, of whatever process. Else it is a black_hole that opens at its time: TCP is answered
/// at the kernel's next SYN, up to a second later or more; a Unix socket has room at its time, and this library finds it
/// within 2 ms. On Windows clients are refused before.
/// An IPv6 socket that connects to 127.0.0.1, mapped, waits for the next SYN too.
///
/// Ownership: the listening descriptor, two to wait by, and the server's end of each connection that was not accepted
/// yet. One thread, which ends with the answer and is joined by the destructor; it has the signal mask of whoever makes
/// the server.
/// Errors: the constructor throws std::system_error. Cost: as black_hole where it is not exact.
class late_server {
 public:
  /// Listens at an address, and answers so long after this.
  explicit late_server(std::chrono::nanoseconds after, endpoint const& at = endpoint::loopback_v4(0))
      : deaf_(detail::listen_deaf(at)) {
    if (!deaf_) hole_.emplace(at);
    detail::require(stop_.error().value(), at);
    detail::require(opened_.error().value(), at);
    auto const until = detail::saturated_sum(native_system().now(), after);
    thread_ = std::thread([this, until] {
      if (!detail::becomes_ready(detail::platform::readable(stop_.native_handle()), until)) open();
    });
  }
  late_server(late_server const&) = delete;
  late_server& operator=(late_server const&) = delete;
  ~late_server() {
    stop_.request();
    thread_.join();
  }

  /// Where clients are to connect.
  endpoint where() const {
    return deaf_ ? detail::name_of_socket(deaf_.native_handle(), name_of::local) : hole_->where();
  }
  /// Whether clients that wait are answered at the time itself, not at their kernel's next SYN.
  bool is_exact() const { return static_cast<bool>(deaf_); }
  /// The next connection, in blocking mode; empty if none comes before the deadline. It belongs to the caller. One thread
  /// at a time may call this.
  socket accept(deadline limit = patience) {
    deadline const until = limit.until(native_system().now());
    if (!detail::becomes_readable(opened_.native_handle(), until) || !opened_.requested()) return {};
    if (answered_.empty()) return deaf_ ? detail::accept_from(deaf_.native_handle(), until) : hole_->accept(until);
    auto first = std::move(answered_.front());
    answered_.erase(answered_.begin());
    return first;
  }

 private:
  void open() {
    if (hole_) {
      hole_->open();
    } else {
      // In this order: a SYN that comes in between is answered by the listener, and its sender waits no more.
      detail::platform::set_deaf(deaf_.native_handle(), false);
      for (auto const& client : detail::waiting_for(where())) {
        if (auto made = detail::open_towards(client, where())) answered_.push_back(std::move(made));
      }
    }
    opened_.request();
  }

  socket deaf_;
  std::optional<black_hole> hole_{};
  cancellation stop_{};
  cancellation opened_{};  // what the thread has written is read behind it
  std::vector<socket> answered_{};
  std::thread thread_{};
};

}  // namespace testing
}  // namespace v1
}  // namespace tconn
