// SPDX-License-Identifier: MIT
// From how an attempt stands to what the caller gets: the policy is applied, what is left behind is told, and the
// handle of an owned attempt is handed over or closed.
#pragma once

#include <timed_connect/connect_failure.hpp>
#include <timed_connect/detail/attempt.hpp>

#include <chrono>
#include <optional>

namespace tconn {
inline namespace v1 {
namespace detail {

template <system_calls Owner>
basic_connect_failure<Owner> failure(int error, endpoint const& where, left_behind left,
                                     std::chrono::nanoseconds elapsed) {
  return {code_of(error), where, left.handshake, left.aftermath, left.syn_retransmits, elapsed, std::nullopt, {}};
}

/// What is remembered of one of several attempts.
template <system_calls Owner>
attempt_failure remembered(basic_connect_failure<Owner> const& why) {
  return {why.where, why.code, why.handshake, why.aftermath, why.syn_retransmits, why.elapsed};
}

/// Closes an owned socket that has been given up. What the peer had sent is thrown away first: unread data would make
/// the kernel send a RST behind the FIN.
template <system_calls System>
void close_given_up(System& sys, native_handle handle, aftermath left) {
  constexpr int most_reads = 1024;  // each takes up to 1 MiB from TCP, 4 kB from a Unix socket
  for (int reads = 0; left == aftermath::peer_sees_close && reads < most_reads; ++reads) {
    if (sys.discard_received(handle) != 0) break;
  }
  sys.close(handle);
}

/// Closes what was given up as soon as that is told.
template <system_calls System>
struct closing_at_once {
  System& sys;
  void operator()(native_handle handle, aftermath left) const { close_given_up(sys, handle, left); }
};

/// Whether an attempt that is said to have failed is over. Where the state is never told, what is said is all there is;
/// where it should be told and is not, shutdown() knows.
template <class Attempt>
bool is_dead(Attempt const& tried, tcp_state state) {
  if (state != tcp_state::unknown) return state == tcp_state::closed;
  return !tried.sys.second_connect_proves(tried.to.family()) ||
         tried.sys.shut(tried.handle, shut_direction::receive) == native_error::not_connected;
}

/// Does to an attempt without a connection what its stage and the policy ask for, and tells what is left behind.
template <class Attempt>
left_behind leave(Attempt const& tried, stage at, on_timeout how) {
  switch (at) {
    case stage::not_started:
    case stage::not_ours: return {};
    case stage::failed: {
      tcp_facts facts;
      tried.sys.tcp(tried.handle, facts);
      if (is_dead(tried, facts.state)) return {handshake::failed, aftermath::none, facts.syn_retransmits};
      break;  // a security module, say, has refused the second connect(), which then was no verdict
    }
    case stage::in_flight:
    case stage::refused_late:
      if (how == on_timeout::keep) return tried.state(aftermath::kept);
      break;
    case stage::connected:
    case stage::broken: break;
  }
  bool const may_be_to_itself = at != stage::connected && at != stage::refused_late;
  return tried.give_up(how == on_timeout::reset ? on_timeout::reset : on_timeout::close, may_be_to_itself);
}

/// What an owned attempt has come to. The handle is handed over in the socket, or kept (aftermath::kept), or given to
/// `dispose`, which sees to it that it is closed as close_given_up() does.
template <system_calls System, class Dispose>
basic_connect_result<typename System::owner> conclude(attempt<System> const& tried, outcome seen, on_timeout how,
                                                      bool nonblocking, time_point began, Dispose&& dispose) {
  using owner = typename System::owner;
  System& sys = tried.sys;
  if (seen.at == stage::connected) {
    int const stuck = nonblocking ? 0 : sys.set_blocking(tried.handle, true);
    if (stuck == 0) return basic_socket<owner>(tried.handle, owner_of(sys));
    seen.error = stuck;
  }
  left_behind const left = leave(tried, seen.at, how);
  if (left.aftermath != aftermath::kept) dispose(tried.handle, left.aftermath);
  return failure<owner>(seen.error, tried.to, left, sys.now() - began);
}

}  // namespace detail
}  // namespace v1
}  // namespace tconn
