// SPDX-License-Identifier: MIT
// Boost.Asio (https://boost.org, 1.74 or later): a connect as an asynchronous operation, and a connected socket that
// becomes one of Asio's. Needs Boost's headers, and POSIX.
//
//   tconn::adapters::boost_asio::async_timed_connect(context, to, 250ms, {}, [](tconn::connect_result result) { ... });
#pragma once

#include <timed_connect/adapters/detail/asio.hpp>

#include <boost/asio/compose.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <system_error>
#include <utility>

namespace tconn {
inline namespace v1 {
namespace detail {

struct boosts_asio {
  using error_code = ::boost::system::error_code;
  using descriptor = ::boost::asio::posix::stream_descriptor;
  using timer = ::boost::asio::steady_timer;

  template <class Handler>
  static void post(Handler&& handler) {
    ::boost::asio::post(std::forward<Handler>(handler));
  }
  template <class Token, class Operation, class Executor>
  static auto compose(Operation&& operation, Token& token, Executor const& executor) {
    return ::boost::asio::async_compose<Token, void(connect_result)>(std::forward<Operation>(operation), token,
                                                                     executor);
  }
};

}  // namespace detail

namespace adapters::boost_asio {

/// Connects a new socket before a deadline, as timed_connect() does, and calls a completion handler with the
/// connect_result: void(tconn::connect_result). `where` is an io_context, an executor, or anything that has one. Any token
/// will do but yield_context, which in Boost 1.74 wants a result that can be made without arguments.
///
/// Deadline: as timed_connect(). It counts from this call, also where a token such as use_awaitable begins later.
///
/// Errors: as timed_connect(); also what Asio reports when it cannot watch the descriptor. errc::cancelled by
/// options.cancel, and by a signal of any type to the handler's cancellation slot (Boost 1.77).
///
/// Ownership: the connected socket, or the attempt that was kept, is the handler's. Asio knows the descriptor while it
/// waits and never closes it. If the context goes first, the attempt is given up by `close` and nobody is called. What
/// the options refer to (a hook's object, the interface's name, the cancellation) must outlive the operation.
///
/// Cost: one allocation of 1.4 kB by operator new beside the handler's; a connect that is over at once is told by one post()
/// and meets no reactor. A cancellation is watched by a copy of its descriptor. Several threads may run the context. An
/// operation that is deferred is made here, and can be begun once.
///
/// Example: examples/adapters/boost_asio.cpp
template <class Where, class Token>
auto async_timed_connect(Where&& where, endpoint const& to, deadline limit, connect_options const& options,
                         Token&& token) {
  return tconn::detail::asio_begin<tconn::detail::boosts_asio, Token>(where, token, to, limit, options);
}

/// Goes on with an attempt that is in flight, as pending_connection::wait() does, and calls a completion handler with the
/// connect_result.
///
/// Deadline: `how` is what happens then; kept, the attempt is in connect_failure::pending.
///
/// Errors: as pending_connection::wait(). Cancelled as above, and by what the attempt was given when it began.
///
/// Ownership and Cost: as above; the attempt is the operation's.
template <class Where, class Token>
auto async_wait(Where&& where, pending_connection attempt, deadline limit, on_timeout how, Token&& token) {
  return tconn::detail::asio_begin<tconn::detail::boosts_asio, Token>(where, token, std::move(attempt), limit, how);
}

/// Gives a connected socket to one of Asio's that is not open: an ip::tcp::socket, or a local::stream_protocol::socket for
/// a Unix one. The blocking mode stays.
///
/// Errors: EBADF, EPROTOTYPE or EAFNOSUPPORT where the socket is none of that protocol; Asio's own, already_open among
/// them.
///
/// Ownership: from here on Asio's; after an error still `connected`'s.
template <class AsioSocket>
std::error_code hand_over(socket&& connected, AsioSocket& to) {
  return tconn::detail::asio_hand_over<tconn::detail::boosts_asio>(connected, to);
}

}  // namespace adapters::boost_asio
}  // namespace v1
}  // namespace tconn
