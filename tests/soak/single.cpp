// SPDX-License-Identifier: MIT
// The actions of a client that make one attempt.
#include "client.hpp"

#include "support/loopback.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <utility>

namespace soak {

using namespace std::chrono_literals;

namespace {

/// What a descriptor stands for: its number alone could have become another's.
auto inode_of(tconn::socket const& open) {
  struct stat facts {};
  ::fstat(open.native_handle(), &facts);
  return facts.st_ino;
}

}  // namespace

void client::connect_owned() {
  auto const& to = some_place();
  bool const is_inet = to.where.family() != AF_UNIX;
  maybe_cancelled const cancel(*this);
  attempts made(all_, action::owned);
  auto options = some_options(cancel);
  options.before_connect = made;
  options.no_delay = is_inet && chosen_.one_in(8);
  options.keep_alive = is_inet && chosen_.one_in(8);
  options.user_timeout = is_inet && chosen_.one_in(8) ? 30'000ms : 0ms;
  auto limit = some_limit();
  bool const answers = to.manner == manner::live || to.manner == manner::refusing;
  if (answers && chosen_.one_in(16)) limit.until = tconn::deadline::never();
  auto result = by_some_strategy([&](auto sys) { return tconn::timed_connect(to.where, limit.until, options, sys); });
  if (!result) hold_to(limit, result.error().code);
  conclude(made, result, options.nonblocking);
}

void client::start() {
  maybe_cancelled const cancel(*this);
  attempts made(all_, action::started);
  auto options = some_options(cancel);
  options.before_connect = made;
  auto started = by_some_strategy([&](auto sys) { return tconn::start_connect(some_place().where, options, sys); });
  if (started) return go_on(made.list().front(), std::move(*started), options.nonblocking);
  auto const& failure = started.error();
  for (auto const& one : made.list()) tell(one, failure.code, failure.handshake, failure.aftermath);
}

void client::connect_borrowed() {
  auto const& to = some_place();
  bool const is_blocking = chosen_.one_in(2);
  tconn::socket mine(::socket(to.where.family(), SOCK_STREAM | SOCK_CLOEXEC | (is_blocking ? 0 : SOCK_NONBLOCK), 0));
  attempts made(all_, action::borrowed);
  if (made(mine.native_handle(), to.where)) return;
  auto const& one = made.list().front();
  auto const inode = inode_of(mine);
  bool is_in_flight = false;
  for (auto rounds = 1 + chosen_.below(3); rounds != 0; --rounds) {
    maybe_cancelled const cancel(*this);
    tconn::connect_options options;
    options.on_timeout = some_policy();
    options.accept_late = chosen_.one_in(2);
    options.cancel = cancel.get();
    auto const limit = some_limit();
    auto const result = by_some_strategy(
        [&](auto sys) { return tconn::timed_connect(mine.native_handle(), to.where, limit.until, options, sys); });
    if (support::is_nonblocking(mine.native_handle()) == is_blocking) wrong(one, "given back in another mode");
    if (::fcntl(mine.native_handle(), F_GETFD) != FD_CLOEXEC || inode_of(mine) != inode)
      wrong(one, "not given back as it came");
    if (result) return use(one, std::move(mine));
    auto const& failure = result.error();
    hold_to(limit, failure.code);
    if (failure.pending) wrong(one, "a borrowed descriptor was kept");
    bool const was_not_touched = failure.handshake == tconn::handshake::not_started;
    if (failure.aftermath != tconn::aftermath::kept && !(is_in_flight && was_not_touched))
      return tell(one, failure.code, failure.handshake, failure.aftermath);
    is_in_flight = true;
  }
  mine.close();
  all_.book.tell(one.who, told::let_go);
}

}  // namespace soak
