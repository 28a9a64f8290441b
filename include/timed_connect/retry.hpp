// SPDX-License-Identifier: MIT
// Waiting for a server that is not there yet: fresh attempts until the deadline, with pauses of random length between
// them, so that a thousand clients that begin together do not come back together.
#pragma once

#include <timed_connect/detail/drive.hpp>
#include <timed_connect/pending_connection.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <system_error>
#include <utility>
#include <vector>

namespace tconn {
inline namespace v1 {

/// Whether a server that is starting, or a network that is coming up, may show this error for a while: refused, reset or
/// aborted, unreachable, a network that is down, a Unix path that is not there yet, the kernel's or the attempt's own
/// time over, no local port free.
inline bool may_pass(std::error_code const& code) {
  // The system's own alone: those of another category, a lookup's say, have numbers of their own.
  constexpr int all[] = {
      native_error::refused,          native_error::connection_reset,    native_error::connection_aborted,
      native_error::host_unreachable, native_error::network_unreachable, native_error::network_down,
      native_error::no_such_path,     native_error::timed_out,           native_error::address_not_available,
      native_error::try_again};
  if (code == errc::deadline_exceeded || code == errc::self_connect) return true;
  return code.category() == native_category() &&
         std::find(std::begin(all), std::end(all), code.value()) != std::end(all);
}

/// How a server is waited for. Negative spans are errc::invalid_option, and so is a first pause of 0 or one that is longer
/// than the longest.
struct retry_options {
  /// For every attempt. keep is errc::invalid_option.
  connect_options each{};
  /// The pause before the n-th new attempt has a random length, evenly from nothing up to a bound (full jitter). The
  /// bound is this at first, and doubles each time.
  std::chrono::nanoseconds first_pause = std::chrono::milliseconds{50};
  /// Where the bound stops growing.
  std::chrono::nanoseconds longest_pause = std::chrono::milliseconds{500};
  /// How long one attempt may take; nanoseconds::max(): as long as the deadline allows.
  std::chrono::nanoseconds attempt_limit = detail::forever;
  /// Which errors are worth another attempt; any other is told at once. Not null.
  bool (*retries)(std::error_code const&) = &may_pass;
  /// What the random lengths depend on; 0: on the time.
  std::uint64_t seed = 0;
};

namespace detail {

/// How many attempts a failure tells of at most: the latest ones.
inline constexpr std::size_t most_attempts_told = 100;

/// The error that the options alone show; 0 if they make sense.
inline int check(retry_options const& options) {
  constexpr std::chrono::nanoseconds none{0};
  bool const good = is_policy(options.each.on_timeout) && options.each.on_timeout != on_timeout::keep &&
                    options.retries != nullptr && options.first_pause > none &&
                    options.longest_pause >= options.first_pause && options.attempt_limit >= none;
  return good ? 0 : own_error(errc::invalid_option);
}

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014): enough to spread clients.
class jitter {
 public:
  explicit jitter(std::uint64_t seed) : state_(seed) {}

  /// Evenly from 0 up to the bound.
  std::chrono::nanoseconds up_to(std::chrono::nanoseconds bound) {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
    mixed ^= mixed >> 31;
    return std::chrono::nanoseconds{static_cast<std::int64_t>(mixed % (static_cast<std::uint64_t>(bound.count()) + 1))};
  }

 private:
  std::uint64_t state_;
};

/// A call that waits for a server. `try_once` makes one attempt between two moments, and `retries` says whether its error
/// is worth another.
template <system_calls System, class TryOnce, class Retries>
class retrying {
 public:
  using owner = typename System::owner;

  retrying(System& sys, time_point began, time_point until, retry_options const& options, TryOnce try_once,
           Retries retries)
      : sys_(sys),
        try_once_(std::move(try_once)),
        retries_(std::move(retries)),
        began_(began),
        until_(until),
        options_(options),
        bound_(options.first_pause),
        jitter_(options.seed != 0 ? options.seed : static_cast<std::uint64_t>(began.time_since_epoch().count())) {}

  basic_connect_result<owner> run() {
    for (;;) {
      auto const now = sys_.now();
      basic_connect_result<owner> tried = try_once_(now, earlier(until_, saturated_sum(now, options_.attempt_limit)));
      if (tried) return tried;
      auto& failure = tried.error();
      remember(failure);
      std::error_code const verdict = verdict_after(failure.code);
      if (!verdict) continue;
      failure.code = verdict;
      failure.elapsed = sys_.now() - began_;
      failure.attempts = std::move(attempts_);
      return tried;
    }
  }

 private:
  void remember(basic_connect_failure<owner> const& why) {
    if (attempts_.size() == most_attempts_told) attempts_.erase(attempts_.begin());
    attempts_.push_back(remembered(why));
  }

  // Why there is no other attempt. Nothing if there is to be one; then the pause before it is over.
  std::error_code verdict_after(std::error_code const& code) {
    if (code == errc::cancelled || !retries_(code)) return code;
    auto const length = jitter_.up_to(bound_);
    bound_ = bound_ < options_.longest_pause / 2 ? bound_ * 2 : options_.longest_pause;
    auto const end = earlier(until_, saturated_sum(sys_.now(), length));
    if (int const error = rest(sys_, end, options_.each.cancel)) return code_of(error);
    return sys_.now() < until_ ? std::error_code{} : make_error_code(errc::deadline_exceeded);
  }

  System& sys_;
  TryOnce try_once_;
  Retries retries_;
  time_point began_;
  time_point until_;
  retry_options const& options_;
  std::chrono::nanoseconds bound_;
  jitter jitter_;
  std::vector<attempt_failure> attempts_{};
};

}  // namespace detail

/// Connects as soon as somebody listens: one attempt after another, each with a socket of its own, until the deadline.
/// For start scripts that wait for a server, and clients whose server is being restarted.
///
/// Deadline: as timed_connect(); it bounds the whole, and ends a pause and an attempt alike. Zero and the past try once.
///
/// Errors: errc::invalid_option, see retry_options, and errc::invalid_endpoint, before anything is sent; an error that is
/// not worth another attempt, at once; errc::cancelled; else errc::deadline_exceeded. The rest of the failure tells of
/// the last attempt, and failure.attempts has the latest 100.
///
/// Ownership: the socket belongs to the caller; a failure owns nothing.
///
/// Cost: each attempt costs what timed_connect() does; allocates for failed ones.
template <system_calls System = native_system>
basic_connect_result<typename System::owner> timed_connect_retry(endpoint const& to, deadline limit,
                                                                 retry_options const& options = {}, System sys = {}) {
  using owner = typename System::owner;
  auto const began = sys.now();
  int error = detail::check(options);
  if (error == 0) error = detail::check(to, options.each);
  if (error != 0) return detail::failure<owner>(error, to, {}, sys.now() - began);
  auto const try_once = [&](time_point now, time_point end) {
    detail::owned_connect<System> connecting(sys, to, options.each, detail::fixed(end, now));
    connecting.begin();
    detail::drive(connecting, sys, options.each.cancel);
    return connecting.conclude(options.each.on_timeout, now);
  };
  return detail::retrying(sys, began, detail::fixed(limit, began), options, try_once, options.retries).run();
}

}  // namespace v1
}  // namespace tconn
