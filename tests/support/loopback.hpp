// SPDX-License-Identifier: MIT
// Real servers on loopback: a listener, one whose accept queue is full (a black hole that can be opened), and what the
// server's side sees of a connection.
#pragma once

#include <timed_connect/timed_connect.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace support {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

inline tconn::endpoint local_name(int descriptor) {
  sockaddr_storage bytes{};
  socklen_t length = sizeof bytes;
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&bytes), &length);
  return {reinterpret_cast<sockaddr*>(&bytes), length};
}

inline tconn::endpoint peer_name(int descriptor) {
  sockaddr_storage bytes{};
  socklen_t length = sizeof bytes;
  ::getpeername(descriptor, reinterpret_cast<sockaddr*>(&bytes), &length);
  return {reinterpret_cast<sockaddr*>(&bytes), length};
}

/// The kernel's TCP state of a descriptor, by tcp_info.
inline tconn::tcp_state state_of(int descriptor) {
  tconn::tcp_facts facts;
  tconn::detail::platform::tcp(descriptor, facts);
  return facts.state;
}

inline bool is_readable(int descriptor, std::chrono::milliseconds limit) {
  pollfd entry{descriptor, POLLIN, 0};
  return ::poll(&entry, 1, static_cast<int>(limit.count())) == 1;
}

inline bool is_nonblocking(int descriptor) { return (::fcntl(descriptor, F_GETFL) & O_NONBLOCK) != 0; }

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
  explicit listener(tconn::endpoint const& at, int backlog = 64)
      : descriptor_(::socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (::bind(descriptor_, at.data(), at.size()) != 0 || ::listen(descriptor_, backlog) != 0) {
      throw std::system_error(errno, std::generic_category(), "cannot listen at " + at.to_string());
    }
  }
  explicit listener(int backlog = 64) : listener(tconn::endpoint::loopback_v4(0), backlog) {}
  listener(listener const&) = delete;
  listener& operator=(listener const&) = delete;
  ~listener() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  tconn::endpoint where() const { return local_name(descriptor_); }
  int descriptor() const { return descriptor_; }
  void stop() { ::close(std::exchange(descriptor_, -1)); }

  /// The next connection, or an empty socket if none comes within the limit.
  tconn::socket accept(std::chrono::milliseconds limit = 3s) const {
    if (!is_readable(descriptor_, limit)) return {};
    return tconn::socket(::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC));
  }

 private:
  int descriptor_;
};

/// Fills the accept queue of a server that accepts nothing, and gives what fills it. TCP is told to be full by a
/// handshake that is not over within the grace, Unix by EAGAIN.
inline std::vector<tconn::socket> fill_accept_queue(tconn::endpoint const& of, std::chrono::milliseconds grace = 0ms) {
  std::vector<tconn::socket> fillers;
  for (int tries = 0; tries < 8; ++tries) {
    tconn::socket filler(::socket(of.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    auto const is_established = [&] { return state_of(filler.native_handle()) == tconn::tcp_state::established; };
    bool const started = ::connect(filler.native_handle(), of.data(), of.size()) == 0 || errno == EINPROGRESS;
    bool const queued = started && (of.family() == AF_UNIX || eventually(is_established, grace));
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
  return errno == ECONNRESET ? "ECONNRESET" : std::strerror(errno);
}

/// An address of this host at which nobody listens: bound, so that nobody else comes to listen there.
class closed_port {
 public:
  closed_port() : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    auto const any = tconn::endpoint::loopback_v4(0);
    if (::bind(descriptor_.native_handle(), any.data(), any.size()) != 0)
      throw std::system_error(errno, std::generic_category());
  }
  tconn::endpoint where() const { return local_name(descriptor_.native_handle()); }

 private:
  tconn::socket descriptor_;
};

/// A folder for Unix sockets that goes with its contents' one name.
class temporary_path {
 public:
  explicit temporary_path(std::string const& name) {
    char pattern[] = "/tmp/timed_connect.XXXXXX";
    folder_ = ::mkdtemp(pattern);
    path_ = folder_ + '/' + name;
  }
  temporary_path(temporary_path const&) = delete;
  temporary_path& operator=(temporary_path const&) = delete;
  ~temporary_path() {
    ::unlink(path_.c_str());
    ::rmdir(folder_.c_str());
  }
  std::string const& text() const { return path_; }
  tconn::endpoint where() const { return *tconn::endpoint::parse("unix:" + path_); }

 private:
  std::string folder_{};
  std::string path_{};
};

}  // namespace support
