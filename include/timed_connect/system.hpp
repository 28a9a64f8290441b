// SPDX-License-Identifier: MIT
// The seam: everything that the logic asks of an operating system. A System is to this library what an Allocator is to
// std::vector: a cheap copyable value, the last, defaulted parameter of every entry point. Its primitives are dumb: one
// system call each, a native error number out (0 = fine; below 0x8000), no loops, no policy. From this one seam come the waiting
// strategies (wait.hpp), the simulated world and the fault injector (testing/), and other TCP stacks.
// No primitive that can block is noexcept: poll, connect and close are cancellation points, and pthread_cancel unwinds.
#pragma once

#include <timed_connect/deadline.hpp>
#include <timed_connect/detail/platform.hpp>
#include <timed_connect/endpoint.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tconn {
inline namespace v1 {

/// What a System must offer. To change one primitive of the native system, derive from tconn::native_system and write
/// it anew.
template <class S>
concept system_calls = std::copyable<S> &&
    requires(S sys, native_handle handle, endpoint& address, bool& flag, int& number, std::uint16_t& port,
             tcp_facts& facts, poll_entry* entries, time_point moment, endpoint const& to, std::uint32_t* tokens,
             std::size_t& count) {
  /// The system that closes what this one has opened: itself, a base of it, or one without state. The returned sockets
  /// hold it, so strategies that share an owner share their types.
  typename S::owner;
  requires std::derived_from<S, typename S::owner> || std::default_initializable<typename S::owner>;

  /// The clock that every deadline of this system is held against; it never goes back. wait() goes by the same clock,
  /// so who changes one changes both.
  { sys.now() } -> std::same_as<time_point>;
  /// A new stream socket, close-on-exec and non-blocking from birth.
  { sys.open(handle, to.family(), /*multipath*/ true) } -> std::same_as<int>;
  /// Destructors call it: it must not throw, and pthread_cancel must not unwind it.
  sys.close(handle);
  /// The socket's family and type; an error for what is not open, or no socket.
  { sys.kind(handle, number, number) } -> std::same_as<int>;
  /// Reads the blocking mode.
  { sys.blocking(handle, flag) } -> std::same_as<int>;
  /// Sets the blocking mode.
  { sys.set_blocking(handle, true) } -> std::same_as<int>;
  /// unknown_option where the system lacks it.
  { sys.set_option(handle, socket_option::no_delay, 1) } -> std::same_as<int>;
  /// The local address; a port of 0 leaves the choice to the system, at connect() if it can.
  { sys.bind(handle, to) } -> std::same_as<int>;
  /// The device to go through; unknown_option where the system lacks that.
  { sys.bind_to_interface(handle, std::string_view{}) } -> std::same_as<int>;
  /// A non-blocking connect(); never waits.
  { sys.start_connect(handle, to) } -> std::same_as<int>;
  /// Whether, for a family, a second start_connect that answers 0 proves that the handshake is complete.
  { sys.second_connect_proves(to.family()) } -> std::same_as<bool>;
  /// Whether wait() can watch this handle, a socket's, a cancellation's or a lookup's.
  { sys.can_wait_on(handle) } -> std::same_as<bool>;
  /// Waits once for any of so many handles: 0 = at least one is ready, or has failed, or is none (its revents are not
  /// 0); timed_out = the moment has passed; interrupted, or any other error. Without handles it only waits. A moment in
  /// the past looks and does not wait, as the last look does with the first moment that the clock has; the last one has
  /// no end. A handle that is waited for in order to be read is a cancellation's, a lookup's or a queue; every other is
  /// a socket.
  { sys.wait(entries, std::size_t{1}, moment) } -> std::same_as<int>;
  /// A queue, closed as sockets are, that can be waited for in order to be read: it is readable while a socket of its own
  /// is ready. Any answer but 0 where the system has none, or none left; sockets are then given to wait() one by one.
  { sys.open_queue(handle) } -> std::same_as<int>;
  /// Has the queue report once, by this token, that a socket is ready or has failed. Again after a report, for another.
  { sys.watch(handle, handle, std::uint32_t{}) } -> std::same_as<int>;
  /// Takes up to `count` tokens of what is ready, and sets `count` to how many there were; never waits.
  { sys.take_ready(handle, tokens, count) } -> std::same_as<int>;
  /// SO_ERROR, which reading clears.
  { sys.connect_error(handle, number) } -> std::same_as<int>;
  /// The port of an IPv4 or IPv6 socket's own name.
  { sys.local_port(handle, port) } -> std::same_as<int>;
  /// One of the socket's names; not_connected where it has none, not_supported where the system cannot tell.
  { sys.name(handle, name_of::peer, to.family(), address) } -> std::same_as<int>;
  /// shutdown().
  { sys.shut(handle, shut_direction::receive) } -> std::same_as<int>;
  /// Ends whatever there is, at once: RST if it is established, else silence; the handle can connect again. Any answer
  /// but 0 where the system has no such call.
  { sys.disconnect(handle) } -> std::same_as<int>;
  /// From now on it is noted whether the peer sends anything; any answer but 0 where the system cannot.
  { sys.mark_arrivals(handle) } -> std::same_as<int>;
  /// Whether the peer has sent anything since the mark, after disconnect() too.
  { sys.has_arrived(handle, flag) } -> std::same_as<int>;
  /// Lets close() send a RST if the connection is established.
  { sys.reset_on_close(handle) } -> std::same_as<int>;
  /// Throws away some of what the peer has sent: 0; or another answer if there was nothing.
  { sys.discard_received(handle) } -> std::same_as<int>;
  /// Throws away one report of an error that the system has queued beside SO_ERROR: 0; or another answer if there was
  /// none, or the system has no such queue.
  { sys.discard_report(handle) } -> std::same_as<int>;
  /// How far TCP is; unknown_option where the system, or the family, cannot tell.
  { sys.tcp(handle, facts) } -> std::same_as<int>;
};

struct native_system;

/// The operating system's own calls: every primitive but wait(), which the strategies of wait.hpp add. What each does
/// stands at the concept system_calls. Cost: one system call each, no allocation.
struct native_calls {
  using owner = native_system;  ///< So the sockets of all strategies are of one type.

  ///@{
  /// What each does stands at the concept system_calls.
  time_point now() const { return std::chrono::steady_clock::now(); }
  int open(native_handle& opened, int family, bool multipath) const {
    return detail::platform::open(opened, family, multipath);
  }
  void close(native_handle handle) const { detail::platform::close(handle); }
  int kind(native_handle handle, int& family, int& type) const { return detail::platform::kind(handle, family, type); }
  int blocking(native_handle handle, bool& is_blocking) const {
    return detail::platform::blocking(handle, is_blocking);
  }
  int set_blocking(native_handle handle, bool blocking) const {
    return detail::platform::set_blocking(handle, blocking);
  }
  int set_option(native_handle handle, socket_option option, int value) const {
    return detail::platform::set_option(handle, option, value);
  }
  int bind(native_handle handle, endpoint const& local) const {
    return detail::platform::bind(handle, local.data(), local.size(), local.port() == 0);
  }
  int bind_to_interface(native_handle handle, std::string_view name) const {
    return detail::platform::bind_to_interface(handle, name.data(), name.size());
  }
  int start_connect(native_handle handle, endpoint const& to) const {
    return detail::platform::connect(handle, to.data(), to.size());
  }
  static constexpr bool can_wait_on(native_handle) { return true; }
  static constexpr bool second_connect_proves(int family) { return detail::platform::second_connect_proves(family); }
  int open_queue(native_handle& queue) const { return detail::platform::open_queue(queue); }
  int watch(native_handle queue, native_handle handle, std::uint32_t token) const {
    return detail::platform::watch(queue, handle, token);
  }
  int take_ready(native_handle queue, std::uint32_t* tokens, std::size_t& count) const {
    return detail::platform::take_ready(queue, tokens, count);
  }
  int connect_error(native_handle handle, int& error) const { return detail::platform::connect_error(handle, error); }
  int local_port(native_handle handle, std::uint16_t& port) const { return detail::platform::local_port(handle, port); }
  int name(native_handle handle, name_of which, int family, endpoint& named) const {
    sockaddr_storage bytes{};
    detail::address_length length = sizeof bytes;
    if (which == name_of::target) length = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    int const error = detail::platform::name(handle, which, reinterpret_cast<sockaddr*>(&bytes), length);
    if (error == 0) named = endpoint(reinterpret_cast<sockaddr*>(&bytes), length);
    return error;
  }
  int shut(native_handle handle, shut_direction direction) const { return detail::platform::shut(handle, direction); }
  int disconnect(native_handle handle) const { return detail::platform::disconnect(handle); }
  int mark_arrivals(native_handle handle) const { return detail::platform::mark_arrivals(handle); }
  int has_arrived(native_handle handle, bool& arrived) const { return detail::platform::has_arrived(handle, arrived); }
  int reset_on_close(native_handle handle) const { return detail::platform::reset_on_close(handle); }
  int discard_received(native_handle handle) const { return detail::platform::discard_received(handle); }
  int discard_report(native_handle handle) const { return detail::platform::discard_report(handle); }
  int tcp(native_handle handle, tcp_facts& facts) const { return detail::platform::tcp(handle, facts); }
  ///@}
};

namespace detail {

/// The part of a system that a socket keeps in order to be closed.
template <class System>
typename System::owner owner_of([[maybe_unused]] System const& sys) {
  if constexpr (std::derived_from<System, typename System::owner>)
    return static_cast<typename System::owner const&>(sys);
  else
    return {};
}

}  // namespace detail
}  // namespace v1
}  // namespace tconn
