// SPDX-License-Identifier: MIT
// When to stop: a moment on the steady clock, or never. It is fixed once, at the public entry (`until`), and every
// function below sees only that moment; so no retry, signal or list of addresses can start the budget anew.
#pragma once

#include <timed_connect/detail/config.hpp>

#include <chrono>
#include <cstdint>
#include <ratio>
#include <type_traits>

namespace tconn {
inline namespace v1 {

/// A moment on the steady clock, to the nanosecond.
using time_point = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

namespace detail {

inline constexpr std::chrono::nanoseconds forever{INT64_MAX};
inline constexpr time_point never{forever};
inline constexpr time_point long_past{std::chrono::nanoseconds{INT64_MIN}};

/// Floating-point and odd units: rounded up, so that a deadline is never early. NaN is the past.
constexpr std::int64_t saturated(long double nanoseconds) {
  constexpr long double edge = 9223372036854775808.0L;
  if (!(nanoseconds > -edge)) return INT64_MIN;
  if (nanoseconds >= edge) return INT64_MAX;
  auto const whole = static_cast<std::int64_t>(nanoseconds);
  return whole + (static_cast<long double>(whole) < nanoseconds ? 1 : 0);
}

/// Any duration in nanoseconds, rounded up, without overflow: what is too long is `forever`, what is too negative the
/// past.
template <class Rep, class Period>
constexpr std::chrono::nanoseconds saturated_nanoseconds(std::chrono::duration<Rep, Period> span) {
  using std::chrono::nanoseconds;
  auto const wide = static_cast<long double>(span.count());
  constexpr long double unit = static_cast<long double>(Period::num) * 1e9L / static_cast<long double>(Period::den);
  if constexpr (std::is_integral_v<Rep> && Period::num <= INT64_MAX / 1'000'000'000) {
    using scale = std::ratio_divide<Period, std::nano>;
    if constexpr (scale::den <= INT64_MAX / scale::num) {
      if (wide * unit >= 9.2e18L || wide * unit <= -9.2e18L || wide >= 9.2e18L)
        return nanoseconds{saturated(wide * unit)};
      auto const count = static_cast<std::int64_t>(span.count());
      std::int64_t const rest = count % scale::den * scale::num;
      return nanoseconds{count / scale::den * scale::num + rest / scale::den + (rest % scale::den > 0 ? 1 : 0)};
    }
  }
  return nanoseconds{saturated(wide * unit)};
}

/// The moment that comes first.
constexpr time_point earlier(time_point a, time_point b) { return a < b ? a : b; }

constexpr time_point saturated_sum(time_point from, std::chrono::nanoseconds span) {
  std::int64_t const start = from.time_since_epoch().count();
  if (span == forever || (start > 0 && span.count() > INT64_MAX - start)) return never;
  if (start < 0 && span.count() < INT64_MIN - start) return long_past;
  return from + span;
}

}  // namespace detail

/// The limit of a call. Implicit from any duration and from time points of steady_clock and system_clock, so that
/// `timed_connect(to, 250ms)` reads as it should. A bare duration counts from the call that receives it; every other
/// deadline is a fixed moment, so that several calls can share one budget. Zero and the past mean: try once, do not
/// wait. Too long (hours::max(), +inf) is never; NaN is the past. A moment of system_clock is translated when the
/// deadline is made: setting the wall clock afterwards does not move it.
class deadline {
 public:
  /// So long from the call that receives it. Rounded up to nanoseconds, never early.
  template <class Rep, class Period>
  constexpr deadline(std::chrono::duration<Rep, Period> from_the_call)
      : span_(detail::saturated_nanoseconds(from_the_call)), relative_(true) {}

  /// A moment of the steady clock.
  template <class Duration>
  constexpr deadline(std::chrono::time_point<std::chrono::steady_clock, Duration> moment)
      : span_(detail::saturated_nanoseconds(moment.time_since_epoch())) {}

  /// A moment of the wall clock, translated now. Reads both clocks.
  template <class Duration>
  deadline(std::chrono::time_point<std::chrono::system_clock, Duration> moment)
      : span_(on_steady_clock(detail::saturated_nanoseconds(moment.time_since_epoch()))) {}

  /// The moment `span` from now, on the real clock.
  template <class Rep, class Period>
  static deadline after(std::chrono::duration<Rep, Period> span) {
    return deadline{detail::saturated_sum(std::chrono::steady_clock::now(), detail::saturated_nanoseconds(span))};
  }

  /// The same as the implicit conversion, for where a name reads better.
  template <class Clock, class Duration>
  static deadline at(std::chrono::time_point<Clock, Duration> moment) {
    return deadline{moment};
  }

  /// The only deadline that waits for ever.
  static constexpr deadline never() { return deadline{detail::never}; }

  /// The moment that this deadline means for a call that began at `now`. Never is the last moment of the clock.
  constexpr time_point until(time_point now) const {
    return relative_ ? detail::saturated_sum(now, span_) : time_point{span_};
  }

 private:
  static std::chrono::nanoseconds on_steady_clock(std::chrono::nanoseconds since_epoch) {
    using namespace std::chrono;
    if (since_epoch == detail::forever) return detail::forever;
    auto const wall = duration_cast<nanoseconds>(system_clock::now().time_since_epoch());
    auto const from_now = detail::saturated_sum(time_point{since_epoch}, -wall).time_since_epoch();
    return detail::saturated_sum(steady_clock::now(), from_now).time_since_epoch();
  }

  std::chrono::nanoseconds span_;  // from the call if relative, else from the clock's epoch
  bool relative_ = false;
};

}  // namespace v1
}  // namespace tconn
