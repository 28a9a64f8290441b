// SPDX-License-Identifier: MIT
// Real servers on loopback: a listener, one whose accept queue is full (a black hole that can be opened), and what the
// server's side sees of a connection.
#pragma once

#include <timed_connect/timed_connect.hpp>

#include "support/error_numbers.hpp"
#include "support/os.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace support {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

inline tconn::endpoint local_name(tconn::native_handle handle) {
  sockaddr_storage bytes{};
  socklen_t length = sizeof bytes;
  ::getsockname(handle, reinterpret_cast<sockaddr*>(&bytes), &length);
  return {reinterpret_cast<sockaddr*>(&bytes), length};
}

/// Nothing where there is no peer.
inline tconn::endpoint peer_name(tconn::native_handle handle) {
  sockaddr_storage bytes{};
  socklen_t length = sizeof bytes;
  if (::getpeername(handle, reinterpret_cast<sockaddr*>(&bytes), &length) != 0) return {};
  return {reinterpret_cast<sockaddr*>(&bytes), length};
}

/// The kernel's TCP state of a descriptor, by tcp_info.
inline tconn::tcp_state state_of(tconn::native_handle handle) {
  tconn::tcp_facts facts;
  tconn::detail::platform::tcp(handle, facts);
  return facts.state;
}

/// Whether the handshake is complete, and not only on its way.
inline bool is_connected(tconn::native_handle handle) {
  auto const state = is_linux ? state_of(handle) : tconn::tcp_state::unknown;
  return state == tconn::tcp_state::unknown ? peer_name(handle) != tconn::endpoint()
                                            : state == tconn::tcp_state::established;
}

inline bool is_ready(tconn::poll_entry entry, std::chrono::milliseconds limit) {
  tconn::native_system const sys;
  auto const until = sys.now() + limit;
  for (;;) {
    int const woken = sys.wait(&entry, 1, until);
    if (woken != tconn::native_error::interrupted) return woken == 0;
  }
}
inline bool is_readable(tconn::native_handle handle, std::chrono::milliseconds limit) {
  return is_ready(tconn::detail::platform::readable(handle), limit);
}

/// Waits, for at most a second or so, until something is true.
template <class Condition>
bool eventually(Condition&& condition, std::chrono::milliseconds limit = 5s) {
  for (auto const end = steady::now() + limit; steady::now() < end; std::this_thread::sleep_for(1ms)) {
    if (condition()) return true;
  }
  return condition();
}

class listener {
 public:
  explicit listener(tconn::endpoint const& at, int backlog = 64) : descriptor_(open_socket(at.family())) {
    if (::bind(descriptor_, at.data(), at.size()) != 0 || ::listen(descriptor_, backlog) != 0) {
      throw std::system_error(last_error(), tconn::native_category(), "cannot listen at " + at.to_string());
    }
  }
  explicit listener(int backlog = 64) : listener(tconn::endpoint::loopback_v4(0), backlog) {}
  listener(listener const&) = delete;
  listener& operator=(listener const&) = delete;
  ~listener() {
    if (descriptor_ != tconn::no_handle) close_handle(descriptor_);
  }

  tconn::endpoint where() const { return local_name(descriptor_); }
  tconn::native_handle descriptor() const { return descriptor_; }
  void stop() { close_handle(std::exchange(descriptor_, tconn::no_handle)); }

  /// The next connection, or an empty socket if none comes within the limit.
  tconn::socket accept(std::chrono::milliseconds limit = 3s) const {
    if (!is_readable(descriptor_, limit)) return {};
    return tconn::socket(accept_one(descriptor_));
  }

 private:
  tconn::native_handle descriptor_;
};

/// Fills the accept queue of a server that accepts nothing, and gives what fills it. TCP is told to be full by a
/// handshake that is not over within the grace, Unix by EAGAIN.
inline std::vector<tconn::socket> fill_accept_queue(tconn::endpoint const& of,
                                                    std::chrono::milliseconds grace = connect_grace) {
  std::vector<tconn::socket> fillers;
  for (int tries = 0; tries < 8; ++tries) {
    tconn::socket filler(open_socket(of.family()));
    tconn::detail::platform::set_blocking(filler.native_handle(), false);
    int const error = tconn::detail::platform::connect(filler.native_handle(), of.data(), of.size());
    bool const started = error == 0 || error == tconn::native_error::in_progress;
    auto const is_over = [&] { return is_connected(filler.native_handle()); };
    bool const queued = started && (of.family() == AF_UNIX || eventually(is_over, grace));
    if (!queued) return fillers;  // no place is left
    fillers.push_back(std::move(filler));
  }
  throw std::runtime_error("the accept queue does not fill up");
}

/// A listener whose accept queue is full: TCP drops every further SYN, so that connecting goes on for ever; Unix
/// answers EAGAIN.
class full_listener {
 public:
  explicit full_listener(tconn::endpoint const& at = tconn::endpoint::loopback_v4(0))
      : listener_(at, 0), fillers_(fill_accept_queue(where())) {}

  tconn::endpoint where() const { return listener_.where(); }

  /// Makes room: accepts what filled the queue. The kernel's next SYN, up to a second later, is answered.
  void open() {
    while (!fillers_.empty()) {
      fillers_.pop_back();
      listener_.accept();
    }
  }

  tconn::socket accept(std::chrono::milliseconds limit = 3s) const { return listener_.accept(limit); }

 private:
  listener listener_;
  std::vector<tconn::socket> fillers_;
};

/// What a server reads from a connection: "EOF", "ECONNRESET", "silence", "N bytes" or another errno.
inline std::string what_is_read(tconn::socket const& connection, std::chrono::milliseconds limit = 3s) {
  if (!connection) return "no connection";
  if (!is_readable(connection.native_handle(), limit)) return "silence";
  char bytes[64];
  auto const count = ::recv(connection.native_handle(), bytes, sizeof bytes, 0);
  if (count == 0) return "EOF";
  if (count > 0) return std::to_string(count) + " bytes";
  std::error_code const error(last_error(), tconn::native_category());
  return error == std::errc::connection_reset ? "ECONNRESET" : error.message();
}

/// Whether all of it went on its way.
inline bool send_text(tconn::native_handle to, std::string const& text) {
  auto const sent = ::send(to, text.data(), static_cast<byte_count>(text.size()), no_signal);
  return sent >= 0 && static_cast<std::size_t>(sent) == text.size();
}

/// Whether what one end sends arrives at the other.
inline bool carries_a_byte(tconn::socket const& from, tconn::socket const& to) {
  return to && send_text(from.native_handle(), "x") && what_is_read(to) == "1 bytes";
}

/// "FIN" or "RST", by which the peer has ended the connection, or what is read instead. wine reads a RST as the end, and
/// tells it at the first send.
inline std::string how_it_ended(tconn::socket const& connection) {
  auto const read = what_is_read(connection);
  if (read == "ECONNRESET") return "RST";
  if (read != "EOF") return read;
  if (is_linux || send_text(connection.native_handle(), "x")) return "FIN";
  return last_error() == ECONNRESET ? "RST" : "FIN";
}

/// An address of this host at which nobody listens: bound, so that nobody else comes to listen there.
class closed_port {
 public:
  closed_port() : descriptor_(open_socket(AF_INET)) {
    auto const any = tconn::endpoint::loopback_v4(0);
    if (::bind(descriptor_.native_handle(), any.data(), any.size()) != 0)
      throw std::system_error(last_error(), tconn::native_category());
  }
  tconn::endpoint where() const { return local_name(descriptor_.native_handle()); }

  /// Now somebody listens.
  void listen() const {
    if (::listen(descriptor_.native_handle(), 64) != 0) throw std::system_error(last_error(), tconn::native_category());
  }

 private:
  tconn::socket descriptor_;
};

/// A folder for Unix sockets that goes with its contents.
class temporary_path {
 public:
  explicit temporary_path(std::string const& name) {
    static std::atomic<int> made{0};
    do {
      folder_ = std::filesystem::temp_directory_path() /
                ("timed_connect." + std::to_string(process_id()) + '.' + std::to_string(++made));
    } while (!std::filesystem::create_directory(folder_));  // false where there is one, an earlier program's
    path_ = (folder_ / name).string();
  }
  temporary_path(temporary_path const&) = delete;
  temporary_path& operator=(temporary_path const&) = delete;
  ~temporary_path() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::string const& text() const { return path_; }
  tconn::endpoint where() const { return *tconn::endpoint::parse("unix:" + path_); }

 private:
  std::filesystem::path folder_{};
  std::string path_{};
};

}  // namespace support
