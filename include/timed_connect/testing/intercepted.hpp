// SPDX-License-Identifier: MIT
// Somebody who is asked before every call: any System, whose calls are announced by name before they are made. From it
// come the fault injector (faulty.hpp), and tests that let something happen exactly between two of the library's calls.
#pragma once

#include <timed_connect/system.hpp>
#include <timed_connect/testing/script.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace tconn {
inline namespace v1 {
namespace testing {

/// Is asked before a call, by its name (see call_name()), and must not throw before close(): 0 lets the call be made;
/// anything else is what it answers without being made.
template <class F>
concept interceptor = std::copyable<F> && requires(F const before, std::string_view call) {
  { before(call) } -> std::same_as<int>;
};

/// A System that asks before each call. Two are always made: now(), which is not even announced, and close(). Sockets
/// that outlive the call are closed by the inner system's owner, which asks nobody.
template <system_calls Inner, interceptor Before>
class intercepted : public Inner {
 public:
  /// Whatever `before` refers to must outlive every copy.
  intercepted(Inner inner, Before before) : Inner(std::move(inner)), before_(std::move(before)) {}

  ///@{
  /// What each does stands at the concept system_calls.
  int open(native_handle& opened, int family, bool multipath) const {
    int const instead = before_("open");
    return instead != 0 ? instead : Inner::open(opened, family, multipath);
  }
  void close(native_handle handle) const {
    before_("close");
    Inner::close(handle);
  }
  int kind(native_handle handle, int& family, int& type) const {
    int const instead = before_("kind");
    return instead != 0 ? instead : Inner::kind(handle, family, type);
  }
  int blocking(native_handle handle, bool& is_blocking) const {
    int const instead = before_("blocking");
    return instead != 0 ? instead : Inner::blocking(handle, is_blocking);
  }
  int set_blocking(native_handle handle, bool blocking) const {
    int const instead = before_(mode_call_name(blocking));
    return instead != 0 ? instead : Inner::set_blocking(handle, blocking);
  }
  int set_option(native_handle handle, socket_option option, int value) const {
    int const instead = before_("set_option");
    return instead != 0 ? instead : Inner::set_option(handle, option, value);
  }
  int bind(native_handle handle, endpoint const& local) const {
    int const instead = before_("bind");
    return instead != 0 ? instead : Inner::bind(handle, local);
  }
  int bind_to_interface(native_handle handle, std::string_view name) const {
    int const instead = before_("bind_to_interface");
    return instead != 0 ? instead : Inner::bind_to_interface(handle, name);
  }
  int start_connect(native_handle handle, endpoint const& to) const {
    int const instead = before_("start_connect");
    return instead != 0 ? instead : Inner::start_connect(handle, to);
  }
  int wait(poll_entry* entries, std::size_t count, time_point until) const {
    int const instead = before_("wait");
    return instead != 0 ? instead : Inner::wait(entries, count, until);
  }
  int open_queue(native_handle& queue) const {
    int const instead = before_("open_queue");
    return instead != 0 ? instead : Inner::open_queue(queue);
  }
  int watch(native_handle queue, native_handle handle, std::uint32_t token) const {
    int const instead = before_("watch");
    return instead != 0 ? instead : Inner::watch(queue, handle, token);
  }
  int take_ready(native_handle queue, std::uint32_t* tokens, std::size_t& count) const {
    int const instead = before_("take_ready");
    if (instead != 0) count = 0;
    return instead != 0 ? instead : Inner::take_ready(queue, tokens, count);
  }
  int connect_error(native_handle handle, int& error) const {
    int const instead = before_("connect_error");
    return instead != 0 ? instead : Inner::connect_error(handle, error);
  }
  int local_port(native_handle handle, std::uint16_t& port) const {
    int const instead = before_("local_port");
    return instead != 0 ? instead : Inner::local_port(handle, port);
  }
  int name(native_handle handle, name_of which, int family, endpoint& named) const {
    int const instead = before_(call_name(which));
    return instead != 0 ? instead : Inner::name(handle, which, family, named);
  }
  int shut(native_handle handle, shut_direction direction) const {
    int const instead = before_(call_name(direction));
    return instead != 0 ? instead : Inner::shut(handle, direction);
  }
  int disconnect(native_handle handle) const {
    int const instead = before_("disconnect");
    return instead != 0 ? instead : Inner::disconnect(handle);
  }
  int mark_arrivals(native_handle handle) const {
    int const instead = before_("mark_arrivals");
    return instead != 0 ? instead : Inner::mark_arrivals(handle);
  }
  int has_arrived(native_handle handle, bool& arrived) const {
    int const instead = before_("has_arrived");
    return instead != 0 ? instead : Inner::has_arrived(handle, arrived);
  }
  int reset_on_close(native_handle handle) const {
    int const instead = before_("reset_on_close");
    return instead != 0 ? instead : Inner::reset_on_close(handle);
  }
  int discard_received(native_handle handle) const {
    int const instead = before_("discard_received");
    return instead != 0 ? instead : Inner::discard_received(handle);
  }
  int discard_report(native_handle handle) const {
    int const instead = before_("discard_report");
    return instead != 0 ? instead : Inner::discard_report(handle);
  }
  int tcp(native_handle handle, tcp_facts& facts) const {
    int const instead = before_("tcp");
    ///@}
    return instead != 0 ? instead : Inner::tcp(handle, facts);
  }

 private:
  Before before_;
};

}  // namespace testing
}  // namespace v1
}  // namespace tconn
