// SPDX-License-Identifier: MIT
// Many endpoints, one deadline, every result. Attempts begin as soon as there is room; what has run out, descriptors or
// local ports, is waited for. At the deadline everything is decided first, then told, then closed: closing thousands of
// dead attempts takes longer than deciding them.
#pragma once

#include <timed_connect/detail/batch.hpp>
#include <timed_connect/pending_connection.hpp>

#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

namespace tconn {
inline namespace v1 {

/// Connects to all of the endpoints: for each exactly one outcome, in the order given. An endpoint may be given more than
/// once. No endpoints, no results.
///
/// Deadline: as timed_connect(), one for all. What has not begun by then is errc::deadline_exceeded, with
/// handshake::not_started. A deadline that has passed already gives every endpoint one try.
///
/// Errors: each result's own, as of timed_connect(). batch_options that make no sense are every result's
/// errc::invalid_option. Running out of descriptors, memory, or ports to an endpoint that is given more than once is no
/// error but a matter of waiting for a place; only without a deadline, and with nothing in flight that may make room, is
/// it told as it is. A cancellation ends all that is not connected.
///
/// Ownership: the connected sockets, and what was kept, belong to the caller; batch_event::release() takes one out.
///
/// Cost: what timed_connect() costs for each, and memory for what is in flight: some 120 bytes each beside the results.
/// Waiting for 64 endpoints or more costs as much as there are answers, not as there are endpoints (Linux: epoll).
template <system_calls System = native_system>
std::vector<basic_connect_result<typename System::owner>> timed_connect_all(std::span<endpoint const> to,
                                                                            deadline limit,
                                                                            batch_options const& options = {},
                                                                            System sys = {}) {
  auto const began = sys.now();
  return detail::batch<System>(sys, to, began, detail::fixed(limit, began), options).run();
}

/// The same for a braced list.
template <system_calls System = native_system>
std::vector<basic_connect_result<typename System::owner>> timed_connect_all(std::initializer_list<endpoint> to,
                                                                            deadline limit,
                                                                            batch_options const& options = {},
                                                                            System sys = {}) {
  return timed_connect_all(std::span<endpoint const>(to.begin(), to.size()), limit, options, std::move(sys));
}

}  // namespace v1
}  // namespace tconn
