// SPDX-License-Identifier: MIT
// C++20 coroutines over a loop that is no larger than it must be: one thread, one poll() for all who wait, the steady
// clock. It needs no other library and no exceptions; who has an event loop already will rather want an adapter for that.
//
//   tconn::adapters::task visit(tconn::adapters::poll_loop& loop, tconn::endpoint to) {
//     auto const client = co_await tconn::adapters::connect(loop, to, 250ms);
//     ...
//   }
//   tconn::adapters::poll_loop loop;
//   auto const one = visit(loop, here), another = visit(loop, there);
//   loop.run();
#pragma once

#include <timed_connect/adapters/detail/loop_connect.hpp>

#include <coroutine>
#include <cstddef>
#include <exception>
#include <utility>
#include <vector>

namespace tconn {
inline namespace v1 {
namespace detail {

struct suspended_connect;

/// A place in a list of those who wait, which they leave when they go. It allocates nothing. A list is a place of nobody's.
class list_place {
 public:
  explicit list_place(suspended_connect* whose = nullptr) : whose_(whose) {}
  list_place(list_place const&) = delete;
  list_place& operator=(list_place const&) = delete;
  ~list_place() { leave(); }

  suspended_connect& whose() const { return *whose_; }
  list_place* next() const { return next_; }
  bool is_alone() const { return next_ == this; }
  void leave() {
    next_->previous_ = previous_;
    previous_->next_ = next_;
    next_ = previous_ = this;
  }
  /// Moves to the end of the list that another place stands for.
  void join(list_place& list) {
    leave();
    next_ = &list;
    previous_ = list.previous_;
    previous_->next_ = this;
    list.previous_ = this;
  }

 private:
  suspended_connect* whose_;
  list_place* next_ = this;
  list_place* previous_ = this;
};

/// One connect that a coroutine waits for.
struct suspended_connect {
  template <class... Arguments>
  explicit suspended_connect(Arguments&&... arguments) : connecting(std::forward<Arguments>(arguments)...) {}

  loop_connect connecting;
  list_place place{this};
  std::coroutine_handle<> waiter{};
};

}  // namespace detail

namespace adapters {

class connect_awaitable;

/// Runs the coroutines that wait for a connect. For one thread. It must outlive those who wait.
class poll_loop {
 public:
  poll_loop() = default;
  poll_loop(poll_loop const&) = delete;
  poll_loop& operator=(poll_loop const&) = delete;
  ~poll_loop() = default;

  /// Until nobody waits any more.
  void run() {
    while (has_waiters()) run_once();
  }

  /// Waits for the first that happens, but not after `limit`, and resumes those whom it is for. Where nobody waits, and
  /// without a limit, there is nothing to wait for. What a coroutine throws comes out here; a later call goes on with the
  /// others.
  /// Errors: where poll() fails, each connect that is waited for ends with its error (ENOMEM, or EINVAL for more
  /// descriptors than the process may have).
  /// Cost: one poll(), whose entries are kept from call to call.
  void run_once(deadline limit = deadline::never()) {
    if (over_.is_alone()) wait(limit);
    while (!over_.is_alone()) {
      auto const waiter = over_.next()->whose().waiter;
      over_.next()->leave();
      waiter.resume();  // it may begin others, and end any that is on a list
    }
  }

  /// Whether a coroutine waits for a connect.
  bool has_waiters() const { return !waiting_.is_alone() || !over_.is_alone(); }

 private:
  friend class connect_awaitable;

  void wait(deadline limit) {
    native_system const sys;
    time_point until = limit.until(sys.now());
    entries_.clear();
    for (auto* place = waiting_.next(); place != &waiting_; place = place->next()) {
      auto const& connecting = place->whose().connecting;
      until = tconn::detail::earlier(until, connecting.wakes_at());
      if (connecting.watched() != no_handle)
        entries_.push_back(tconn::detail::platform::writable(connecting.watched()));
      if (auto const* cancel = connecting.cancelled_by())
        entries_.push_back(tconn::detail::platform::readable(cancel->native_handle()));
    }
    if (has_waiters() || until != tconn::detail::never) step_all(sys.wait(entries_.data(), entries_.size(), until));
  }

  // Who is over is put on another list first: what is resumed may change this one.
  void step_all(int woken) {
    bool const has_failed = !tconn::detail::is_woken(woken);
    std::size_t entry = 0;
    // A hook that is called by one may begin another, for which there is no entry yet.
    auto const is_ready = [&] { return woken == 0 && entry < entries_.size() && entries_[entry++].revents != 0; };
    for (auto* place = waiting_.next(); place != &waiting_;) {
      auto* const here = std::exchange(place, place->next());
      auto& connecting = here->whose().connecting;
      bool const has_come = connecting.watched() != no_handle && is_ready();
      if (connecting.cancelled_by() != nullptr) ++entry;  // go_on() asks the cancellation itself
      connecting.go_on(has_come);
      if (has_failed && !connecting.is_over()) connecting.end(woken);
      if (connecting.is_over()) here->join(over_);
    }
  }

  tconn::detail::list_place waiting_{};
  tconn::detail::list_place over_{};
  std::vector<poll_entry> entries_{};
};

/// What connect() and wait() give, to be awaited at once and once. Where its coroutine is destroyed, the attempt is given
/// up by `close`.
class [[nodiscard]] connect_awaitable {
 public:
  /// The deadline counts from here.
  template <class... Arguments>
  explicit connect_awaitable(poll_loop& loop, Arguments&&... arguments)
      : loop_(loop), suspended_(std::forward<Arguments>(arguments)...) {}

  /// Begins the attempt; a coroutine whose connect is over at once is not suspended.
  bool await_ready() {
    suspended_.connecting.begin();
    return suspended_.connecting.is_over();
  }
  /// From here on the loop looks after the attempt, and resumes the coroutine once it is over.
  void await_suspend(std::coroutine_handle<> waiter) {
    suspended_.waiter = waiter;
    suspended_.place.join(loop_.waiting_);
  }
  /// The outcome.
  connect_result await_resume() { return suspended_.connecting.take(); }

 private:
  poll_loop& loop_;
  tconn::detail::suspended_connect suspended_;
};

/// `co_await connect(loop, to, limit)` is timed_connect(to, limit), while others run.
///
/// Deadline: as timed_connect(); it counts from this call.
///
/// Errors: as timed_connect(); also where the loop cannot wait.
///
/// Ownership: as timed_connect(). What the options refer to must outlive the wait.
///
/// Cost: as timed_connect(); no allocation.
///
/// Example: examples/adapters/coroutine.cpp
inline auto connect(poll_loop& loop, endpoint const& to, deadline limit, connect_options const& options = {}) {
  return connect_awaitable(loop, to, limit, options);
}

/// `co_await wait(loop, attempt, limit, how)` is attempt.wait(limit, how), while others run; but what is kept at the
/// deadline is in connect_failure::pending.
///
/// Deadline, Errors, Ownership, Cost: as pending_connection::wait(). The attempt is the awaitable's.
inline auto wait(poll_loop& loop, pending_connection attempt, deadline limit, on_timeout how = on_timeout::keep) {
  return connect_awaitable(loop, std::move(attempt), limit, how);
}

/// A coroutine that begins at once and belongs to this object: it is destroyed with it, suspended or not, and what it is
/// waiting for is given up. An exception that leaves the coroutine ends the program. Move-only.
class [[nodiscard]] task {
 public:
  /// What the compiler asks a coroutine for.
  struct promise_type {
    ///@{
    /// See the standard, [dcl.fct.def.coroutine].
    task get_return_object() { return task(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
    ///@}
  };

  /// Takes the coroutine over; the other is empty then.
  task(task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  /// The same; a coroutine that is here is destroyed first.
  task& operator=(task&& other) noexcept {
    if (this != &other) {
      destroy();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  ~task() { destroy(); }

  /// Whether it has come to its end; also where there is none.
  bool done() const noexcept { return !handle_ || handle_.done(); }

 private:
  explicit task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
  void destroy() {
    if (handle_) handle_.destroy();
  }

  std::coroutine_handle<promise_type> handle_;
};

}  // namespace adapters
}  // namespace v1
}  // namespace tconn
