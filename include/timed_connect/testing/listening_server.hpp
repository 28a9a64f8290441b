// SPDX-License-Identifier: MIT
// Real servers on this host that need no thread: one that listens and accepts on demand, one that hears nothing because
// its backlog is full, and a port at which nobody listens. See loopback.hpp.
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
#include <vector>

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

/// A socket that is bound to an address, and in non-blocking mode.
inline tconn::socket bound_to(endpoint const& at) {
  native_handle opened = no_handle;
  require(platform::open(opened, at.family(), /*multipath*/ false), at);
  tconn::socket made(opened);
  require(platform::bind(opened, at.data(), at.size(), /*any_port*/ false), at);
  return made;
}

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

  /// The path as an endpoint: give it to one server at a time.
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
/// Ownership: the listening descriptor, which is close-on-exec and non-blocking. Can be moved.
/// Errors: the constructor throws std::system_error with what socket(2), bind(2) or listen(2) said.
/// Cost: one descriptor, no thread.
class listening_server {
 public:
  /// Listens at an address; a port of 0 leaves the choice to the system, and where() tells it.
  explicit listening_server(endpoint const& at = endpoint::loopback_v4(0), int backlog = 64)
      : listener_(detail::bound_to(at)) {
    detail::require(detail::platform::listen(listener_.native_handle(), backlog), at);
  }

  /// Where clients are to connect.
  endpoint where() const { return detail::name_of_socket(listener_.native_handle(), name_of::local); }
  /// The listening descriptor; it stays owned.
  tconn::native_handle native_handle() const { return listener_.native_handle(); }
  /// The next connection, in blocking mode; empty if none comes before the deadline. It belongs to the caller.
  socket accept(deadline limit = patience) const { return detail::accept_from(listener_.native_handle(), limit); }
  /// Closes: from now on clients are refused, and those that were not accepted are reset.
  void stop() { listener_.close(); }

 private:
  socket listener_;
};

/// An address of this host at which nobody listens, and nobody else can: bound, and no more. Every connect is refused;
/// on Windows that takes 1 to 2 s, as its connect() sends the SYN again before it believes a refusal.
///
/// Ownership: one descriptor. Can be moved. Errors: the constructor throws std::system_error.
class refusing_port {
 public:
  /// Takes an address; a port of 0 leaves the choice to the system.
  explicit refusing_port(endpoint const& at = endpoint::loopback_v4(0)) : bound_(detail::bound_to(at)) {}

  /// Where clients are refused.
  endpoint where() const { return detail::name_of_socket(bound_.native_handle(), name_of::local); }
  /// From now on clients are served, as if the server had been started late. Whether it could be done.
  bool listen() const { return detail::platform::listen(bound_.native_handle(), 64) == 0; }
  /// As listening_server's; empty before listen().
  socket accept(deadline limit = patience) const { return detail::accept_from(bound_.native_handle(), limit); }

 private:
  socket bound_;
};

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
