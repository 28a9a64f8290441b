// SPDX-License-Identifier: MIT
// Real servers on this host that need no thread: one that listens and accepts on demand, and a port at which nobody
// listens. See loopback.hpp.
#pragma once

#include <timed_connect/deadline.hpp>
#include <timed_connect/detail/platform.hpp>
#include <timed_connect/endpoint.hpp>
#include <timed_connect/error.hpp>
#include <timed_connect/result.hpp>
#include <timed_connect/socket.hpp>
#include <timed_connect/wait.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace tconn {
inline namespace v1 {
namespace detail {

/// Why a server could not be made.
struct no_server {
  std::error_code code;
  std::string where;
  std::string message() const { return "no server at " + where; }
};

/// Throws std::system_error if a call has failed; aborts where there are no exceptions.
inline void require(int error, endpoint const& at) {
  if (error != 0) raise(no_server{native_code(error), at.to_string()});
}

inline endpoint name_of_socket(native_handle handle, name_of which) {
  endpoint named;
  native_system().name(handle, which, AF_UNSPEC, named);
  return named;
}

/// Whether a handle becomes ready; what interrupts the wait costs no time.
inline bool becomes_ready(poll_entry entry, time_point until) {
  int woken = native_error::interrupted;
  while (woken == native_error::interrupted) woken = native_system().wait(&entry, 1, until);
  return woken == 0;
}
inline bool becomes_readable(native_handle handle, deadline limit) {
  return becomes_ready(platform::readable(handle), limit.until(native_system().now()));
}

/// A socket that is bound to an address, in non-blocking mode, and that address.
struct bound_socket {
  /// `again` takes an address at which connections of an earlier server are still in TIME_WAIT.
  bound_socket(endpoint const& at, bool again) {
    native_handle opened = no_handle;
    require(platform::open(opened, at.family(), /*multipath*/ false), at);
    socket = tconn::socket(opened);
    if (again) require(platform::reuse_address(opened), at);
    require(platform::bind(opened, at.data(), at.size(), /*any_port*/ false), at);
    where = name_of_socket(opened, name_of::local);
  }

  tconn::socket socket{};
  endpoint where{};
};

/// The next connection that comes before the deadline; what the client has reset meanwhile is not one (BSD).
inline tconn::socket accept_from(native_handle listener, deadline limit) {
  auto const until = limit.until(native_system().now());
  while (becomes_ready(platform::readable(listener), until)) {
    native_handle accepted = no_handle;
    int const error = platform::accept(listener, accepted);
    if (error == 0) return tconn::socket(accepted);
    bool const is_passing = error == native_error::try_again || error == native_error::interrupted ||
                            error == native_error::connection_aborted;
    if (!is_passing) break;
  }
  return {};
}

}  // namespace detail

namespace testing {

/// How long the servers wait for their clients unless they are told otherwise.
inline constexpr std::chrono::seconds patience{3};

/// Reads once what the peer has sent: some bytes, or nothing at all at the end of the file.
///
/// Deadline: errc::deadline_exceeded if the peer is silent until then.
/// Errors: what recv(2) says; ECONNRESET (std::errc::connection_reset) is a RST. EBADF without a descriptor.
/// Cost: one wait, one recv(), and a string of at most 4 KiB.
inline result<std::string> receive(socket const& from, deadline limit = patience) {
  if (!from) return detail::native_code(native_error::bad_handle);
  if (!detail::becomes_readable(from.native_handle(), limit)) return make_error_code(errc::deadline_exceeded);
  char bytes[4096];
  std::size_t count = sizeof bytes;
  int const error = detail::platform::receive(from.native_handle(), bytes, count);
  if (error != 0) return detail::native_code(error);
  return std::string(bytes, count);
}

/// The same in a word that any test framework can compare and print: "EOF", "ECONNRESET", "silence", "5 bytes", "no
/// connection", or the message of another error.
inline std::string what_is_read(socket const& from, deadline limit = patience) {
  if (!from) return "no connection";
  auto const read = receive(from, limit);
  if (read) return read->empty() ? "EOF" : std::to_string(read->size()) + " bytes";
  if (read.error() == std::errc::connection_reset) return "ECONNRESET";
  return read.error() == errc::deadline_exceeded ? "silence" : read.error().message();
}

/// Sends a text, and tells whether all of it went on its way. No signal comes if the peer is gone. Waits, like send(2),
/// while the peer does not read and the kernel has no room.
inline bool send_text(socket const& to, std::string_view text) {
  while (!text.empty()) {
    std::size_t count = text.size();
    int const error = detail::platform::send(to.native_handle(), text.data(), count);
    if (error != 0 && error != native_error::interrupted) return false;
    text.remove_prefix(count);
  }
  return true;
}

/// A name for a Unix socket, in a folder of its own below the temporary one; both go when this goes.
///
/// Errors: std::system_error if the folder cannot be made, or its name is too long for a Unix socket (about 100 bytes).
class unix_name {
 public:
  /// Makes the folder.
  explicit unix_name(std::string const& name = "server") {
    static std::atomic<unsigned> made{0};
    auto const base = "tconn." + std::to_string(native_system().now().time_since_epoch().count()) + '.';
    do {
      folder_ = std::filesystem::temp_directory_path() / (base + std::to_string(++made));
    } while (!std::filesystem::create_directory(folder_));  // false where there is one already
    path_ = (folder_ / name).string();
    auto parsed = endpoint::parse("unix:" + path_);
    if (!parsed) remove();
    where_ = std::move(parsed).value();
  }
  unix_name(unix_name const&) = delete;
  unix_name& operator=(unix_name const&) = delete;
  ~unix_name() { remove(); }

  /// The path as an endpoint: for one server, whose path stays until this goes, unless the test removes it.
  endpoint const& where() const { return where_; }
  /// The path as text.
  std::string const& text() const { return path_; }

 private:
  void remove() const {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::filesystem::path folder_{};
  std::string path_{};
  endpoint where_{};
};

/// A server that listens. The kernel shakes hands with whoever comes; accept() is called when the test wants to look.
///
/// Ownership: the listening descriptor, which is close-on-exec and non-blocking. Can be moved. When it has gone another
/// server can take its address at once (SO_REUSEADDR); the path of a Unix socket must be removed first.
/// Errors: the constructor throws std::system_error with what socket(2), bind(2) or listen(2) said.
/// Cost: one descriptor, no thread.
class listening_server {
 public:
  /// Listens at an address; a port of 0 leaves the choice to the system, and where() tells it.
  explicit listening_server(endpoint const& at = endpoint::loopback_v4(0), int backlog = 64)
      : bound_(at, /*again*/ true) {
    detail::require(detail::platform::listen(native_handle(), backlog), at);
  }

  /// Where clients are to connect, after stop() too.
  endpoint where() const { return bound_.where; }
  /// The listening descriptor; it stays owned.
  tconn::native_handle native_handle() const { return bound_.socket.native_handle(); }
  /// The next connection, in blocking mode; empty if none comes before the deadline. It belongs to the caller.
  socket accept(deadline limit = patience) const { return detail::accept_from(native_handle(), limit); }
  /// Closes: from now on clients are refused, and those that were not accepted are reset.
  void stop() { bound_.socket.close(); }

 private:
  detail::bound_socket bound_;
};

/// An address of this host at which nobody listens, and nobody else can: bound, and no more. Every connect is refused;
/// on Windows that takes 1 to 2 s, as its connect() sends the SYN again before it believes a refusal.
///
/// Ownership: one descriptor. Can be moved. Errors: the constructor throws std::system_error.
class refusing_port {
 public:
  /// Takes an address; a port of 0 leaves the choice to the system.
  explicit refusing_port(endpoint const& at = endpoint::loopback_v4(0)) : bound_(at, /*again*/ false) {}

  /// Where clients are refused.
  endpoint where() const { return bound_.where; }
  /// From now on clients are served, as if the server had been started late. Whether it could be done.
  bool listen() const { return detail::platform::listen(bound_.socket.native_handle(), 64) == 0; }
  /// As listening_server's; empty before listen().
  socket accept(deadline limit = patience) const { return detail::accept_from(bound_.socket.native_handle(), limit); }

 private:
  detail::bound_socket bound_;
};

}  // namespace testing
}  // namespace v1
}  // namespace tconn
