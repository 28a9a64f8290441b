// SPDX-License-Identifier: MIT
// A std::stop_token as a cancellation, where the standard library has it: libc++ up to 19 does not.
#pragma once

#include <timed_connect/cancellation.hpp>

#include <version>

#if defined(__cpp_lib_jthread)

#include <stop_token>
#include <utility>

namespace tconn {
inline namespace v1 {

/// Cancels when a stop is requested: timed_connect(to, 1s, {.cancel = stopping}), where `stopping` is an object
/// of this class that outlives the call, and what the call has kept. A stop that was requested before counts as well.
///
/// Cost: a descriptor, and what a std::stop_callback costs. Its destructor waits for a request that is just being made by
/// another thread.
class stop_cancellation {
 public:
  /// Watches the token; one that nobody can stop never cancels.
  explicit stop_cancellation(std::stop_token token) : callback_(std::move(token), requester{&cancel_}) {}
  stop_cancellation(stop_cancellation const&) = delete;
  stop_cancellation& operator=(stop_cancellation const&) = delete;
  ~stop_cancellation() = default;

  /// For connect_options::cancel.
  operator cancellation const*() const noexcept { return &cancel_; }
  /// The cancellation itself; it may be requested without the token too.
  cancellation& get() noexcept { return cancel_; }

 private:
  struct requester {
    cancellation* cancel;
    void operator()() const noexcept { cancel->request(); }
  };

  cancellation cancel_{};
  std::stop_callback<requester> callback_;  // goes first, and waits for the request that is being made
};

}  // namespace v1
}  // namespace tconn

#endif
