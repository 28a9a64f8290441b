// SPDX-License-Identifier: MIT
// The fault injector: any System, whose n-th call fails. With it "fail the 1st, the 2nd, the 3rd ... call until none is
// left" visits every error path of a program that uses this library.
#pragma once

#include <timed_connect/system.hpp>
#include <timed_connect/testing/script.hpp>

#include <cstdint>
#include <string_view>
#include <utility>

namespace tconn {
inline namespace v1 {
namespace testing {

/// Which call fails, and how. Calls are counted from 1, over all copies of the system that share the plan.
struct fault_plan {
  int fail_at = 0;          ///< The number of the call that fails; 0: none.
  int error = 0;            ///< What it answers.
  std::string_view call{};  ///< Count only calls of this name ("wait", "start_connect", ...); empty: all that can fail.
  int calls = 0;            ///< How many have been counted.
  std::string_view hit{};   ///< The name of the call that failed; empty if none did.

  /// Counts a call of this name, and says whether it is the one that fails.
  bool fails(std::string_view name) {
    if ((!call.empty() && call != name) || ++calls != fail_at) return false;
    hit = name;
    return true;
  }
};

/// A System whose calls fail as the plan says, without being made; close() always closes, and now() is not counted.
template <system_calls Inner>
class faulty : public Inner {
 public:
  /// The plan must outlive every copy.
  faulty(Inner inner, fault_plan& plan) : Inner(std::move(inner)), plan_(&plan) {}

  int open(native_handle& opened, int family, bool multipath) const {
    return fails("open") ? plan_->error : Inner::open(opened, family, multipath);
  }
  int kind(native_handle handle, int& family, int& type) const {
    return fails("kind") ? plan_->error : Inner::kind(handle, family, type);
  }
  int blocking(native_handle handle, bool& is_blocking) const {
    return fails("blocking") ? plan_->error : Inner::blocking(handle, is_blocking);
  }
  int set_blocking(native_handle handle, bool blocking) const {
    return fails(mode_call_name(blocking)) ? plan_->error : Inner::set_blocking(handle, blocking);
  }
  int set_option(native_handle handle, socket_option option, int value) const {
    return fails("set_option") ? plan_->error : Inner::set_option(handle, option, value);
  }
  int bind(native_handle handle, endpoint const& local) const {
    return fails("bind") ? plan_->error : Inner::bind(handle, local);
  }
  int bind_to_interface(native_handle handle, std::string_view name) const {
    return fails("bind_to_interface") ? plan_->error : Inner::bind_to_interface(handle, name);
  }
  int start_connect(native_handle handle, endpoint const& to) const {
    return fails("start_connect") ? plan_->error : Inner::start_connect(handle, to);
  }
  int wait(native_handle handle, time_point until) const {
    return fails("wait") ? plan_->error : Inner::wait(handle, until);
  }
  int connect_error(native_handle handle, int& error) const {
    return fails("connect_error") ? plan_->error : Inner::connect_error(handle, error);
  }
  int local_port(native_handle handle, std::uint16_t& port) const {
    return fails("local_port") ? plan_->error : Inner::local_port(handle, port);
  }
  int name(native_handle handle, name_of which, int family, endpoint& named) const {
    return fails(call_name(which)) ? plan_->error : Inner::name(handle, which, family, named);
  }
  int shut(native_handle handle, shut_direction direction) const {
    return fails(call_name(direction)) ? plan_->error : Inner::shut(handle, direction);
  }
  int disconnect(native_handle handle) const { return fails("disconnect") ? plan_->error : Inner::disconnect(handle); }
  int reset_on_close(native_handle handle) const {
    return fails("reset_on_close") ? plan_->error : Inner::reset_on_close(handle);
  }
  int discard_received(native_handle handle) const {
    return fails("discard_received") ? plan_->error : Inner::discard_received(handle);
  }
  int tcp(native_handle handle, tcp_facts& facts) const {
    return fails("tcp") ? plan_->error : Inner::tcp(handle, facts);
  }

 private:
  bool fails(std::string_view name) const { return plan_->fails(name); }

  fault_plan* plan_;
};

}  // namespace testing
}  // namespace v1
}  // namespace tconn
