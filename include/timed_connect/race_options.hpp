// SPDX-License-Identifier: MIT
// What a caller may choose of a race, beside the endpoints and the deadline.
#pragma once

#include <timed_connect/deadline.hpp>
#include <timed_connect/options.hpp>

#include <chrono>

namespace tconn {
inline namespace v1 {

/// How the attempts are paced, and what becomes of them. Negative spans are errc::invalid_option.
struct race_options {
  /// For every attempt. `on_timeout` is for those that nobody has beaten: at the deadline, at a limit of their own, or
  /// when the call is cancelled. keep is errc::invalid_option.
  connect_options each{};
  /// How long after an attempt the next one begins, unless one has failed by then. Less than 10 ms is 10 ms (RFC 8305,
  /// section 5); 0 begins them all at once.
  std::chrono::nanoseconds stagger = std::chrono::milliseconds{250};
  /// What becomes of attempts when another has won: some of them may be connected already. keep is errc::invalid_option.
  tconn::on_timeout losers = on_timeout::reset;
  /// How long one attempt may take; nanoseconds::max(): as long as the deadline allows.
  std::chrono::nanoseconds attempt_limit = detail::forever;
  /// When an attempt is unanswered for so long, a second one to the same endpoint begins beside it, so that a lost SYN
  /// costs no more than this. nanoseconds::max(): never.
  std::chrono::nanoseconds hedge_after = detail::forever;
};

namespace detail {

/// The error that the options alone show; 0 if they make sense.
inline int check(race_options const& options) {
  constexpr std::chrono::nanoseconds none{0};
  bool const good = is_policy(options.each.on_timeout) && options.each.on_timeout != on_timeout::keep &&
                    is_policy(options.losers) && options.losers != on_timeout::keep && options.stagger >= none &&
                    options.attempt_limit >= none && options.hedge_after >= none;
  return good ? check(options.each.cancel) : own_error(errc::invalid_option);
}

}  // namespace detail
}  // namespace v1
}  // namespace tconn
