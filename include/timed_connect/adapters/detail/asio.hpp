// SPDX-License-Identifier: MIT
// A connect in the loop of Asio, which there is twice, alone and as a part of Boost; this is the same for both. `Asio` has
// the names.
//
// One wait of Asio's carries the completion handler: the timer's. What else may come, the socket or a cancellation, is
// noted and ends the timer's wait; so the handler has one place at a time, whatever token it was made of, and Asio's own
// machinery for composed operations passes on executors, allocators and cancellation slots.
//
// The attempt's descriptor is lent to Asio while there is something to wait for, and taken back before every step and
// when the operation goes, in whichever way: Asio must not close it, nor know it when it is closed.
#pragma once

#include <timed_connect/adapters/detail/loop_connect.hpp>

#include <fcntl.h>
#include <cerrno>
#include <chrono>
#include <memory>
#include <mutex>
#include <system_error>
#include <type_traits>
#include <utility>

namespace tconn {
inline namespace v1 {
namespace detail {

/// What the waits of one operation share. They may run in several threads, so each holds the mutex.
template <class Asio>
class asio_state : public std::enable_shared_from_this<asio_state<Asio>> {
 public:
  using error_code = typename Asio::error_code;

  template <class Executor, class... Arguments>
  explicit asio_state(Executor const& executor, Arguments&&... arguments)
      : connecting_(std::forward<Arguments>(arguments)...), lent_(executor), cancel_(executor), timer_(executor) {}
  asio_state(asio_state const&) = delete;
  asio_state& operator=(asio_state const&) = delete;
  ~asio_state() { take_back(); }

  std::mutex& mutex() { return mutex_; }
  bool has_begun() const { return has_begun_; }
  bool is_over() const { return connecting_.is_over(); }

  void begin() {
    has_begun_ = true;
    connecting_.begin();
    if (!is_over()) watch_cancellation();
  }

  /// After the timer's wait, which has ended for whatever reason.
  void step(bool has_slot_fired) {
    if (is_over()) return;
    take_back();
    has_slot_fired ? connecting_.end(own_error(errc::cancelled)) : connecting_.go_on(has_come_);
  }

  /// Begins the waits but for the timer's; the connect is over if that cannot be done.
  void watch() {
    has_come_ = false;
    if (connecting_.watched() == no_handle) return;
    error_code failed;
    lent_.assign(connecting_.watched(), failed);
    if (failed) return connecting_.end(failed.value());
    lent_.async_wait(Asio::descriptor::wait_write, [weak = this->weak_from_this()](error_code error) {
      if (auto const state = weak.lock(); state && !error) state->come(/*is_ready*/ true);
    });
  }

  template <class Self>
  void wait(Self&& self) {
    auto const now = std::chrono::steady_clock::now();
    timer_.expires_at(connecting_.wakes_at() < now ? now : connecting_.wakes_at());
    timer_.async_wait(std::forward<Self>(self));
  }

  /// The outcome. The last step has taken the descriptor back, and what still waits for the rest ends with this object.
  connect_result take() { return connecting_.take(); }

 private:
  void take_back() {
    if (lent_.is_open()) lent_.release();
  }

  // Asio knows a descriptor once, and a cancellation may end many operations: each has a copy, which Asio owns. Only the
  // cancellation has a copy; the attempt never.
  void watch_cancellation() {
    if (connecting_.cancelled_by() == nullptr) return;
    int const copy = ::fcntl(connecting_.cancelled_by()->native_handle(), F_DUPFD_CLOEXEC, 0);
    if (copy < 0) return connecting_.end(errno);
    socket owned(copy);
    error_code failed;
    cancel_.assign(copy, failed);
    if (failed) return connecting_.end(failed.value());
    owned.release();
    cancel_.async_wait(Asio::descriptor::wait_read, [weak = this->weak_from_this()](error_code error) {
      if (auto const state = weak.lock(); state && !error) state->come(/*is_ready*/ false);
    });
  }

  // One that comes late, of an earlier wait, only leads to a look that finds nothing.
  void come(bool is_ready) {
    std::scoped_lock const held(mutex_);
    has_come_ = has_come_ || is_ready;
    timer_.cancel();
  }

  std::mutex mutex_{};
  loop_connect connecting_;
  typename Asio::descriptor lent_;
  typename Asio::descriptor cancel_;
  typename Asio::timer timer_;
  bool has_begun_ = false;
  bool has_come_ = false;
};

/// Every type of a cancellation signal ends a connect, and not the strongest alone.
struct any_cancellation {
  template <class Type>
  Type operator()(Type type) const noexcept {
    return type;
  }
};

/// Whether the slot of the completion handler has been signalled. Boost 1.74 has no slots.
template <class Self>
bool has_slot_fired(Self& self) {
  if constexpr (requires { self.get_cancellation_state().cancelled(); }) {
    using types = decltype(self.get_cancellation_state().cancelled());
    return self.get_cancellation_state().cancelled() != types{};
  } else {
    return false;
  }
}

/// What Asio calls again after each wait, in the form that its async_compose() takes.
template <class Asio>
class asio_operation {
 public:
  explicit asio_operation(std::shared_ptr<asio_state<Asio>> state) : state_(std::move(state)) {}
  asio_operation(asio_operation&&) noexcept = default;  // one that is deferred cannot be begun a second time
  asio_operation& operator=(asio_operation&&) = delete;
  ~asio_operation() = default;

  template <class Self>
  void operator()(Self& self, typename Asio::error_code = {}) {
    auto state = state_;  // self, and what is in it, is moved away
    std::unique_lock lock(state->mutex());
    bool const is_first = !state->has_begun();
    if (is_first) {
      if constexpr (requires { self.reset_cancellation_state(any_cancellation()); })
        self.reset_cancellation_state(any_cancellation());
      state->begin();
    } else {
      state->step(has_slot_fired(self));
    }
    if (!state->is_over()) state->watch();
    if (!state->is_over()) return state->wait(std::move(self));
    if (is_first) return Asio::post(std::move(self));  // a handler is never called by what began its operation
    auto result = state->take();
    lock.unlock();
    state_.reset();
    state.reset();
    self.complete(std::move(result));
  }

 private:
  std::shared_ptr<asio_state<Asio>> state_;
};

/// Begins an operation where the executor, or whatever has one, runs. `Token` is as its caller has deduced it.
template <class Asio, class Token, class Where, class... Arguments>
auto asio_begin(Where& where, std::remove_reference_t<Token>& token, Arguments&&... arguments) {
  auto const executor = [&] {
    if constexpr (requires { where.get_executor(); })
      return where.get_executor();
    else
      return where;
  }();
  auto state = std::make_shared<asio_state<Asio>>(executor, std::forward<Arguments>(arguments)...);
  return Asio::template compose<Token>(asio_operation<Asio>(std::move(state)), token, executor);
}

/// Gives a socket to one of Asio's, or tells why it stays where it is.
template <class Asio, class AsioSocket>
std::error_code asio_hand_over(socket& connected, AsioSocket& to) {
  using protocol = typename AsioSocket::protocol_type;
  native_system const sys;
  int family = 0;
  int type = 0;
  if (int const error = sys.kind(connected.native_handle(), family, type)) return native_code(error);
  auto const assign = [&](protocol const& as) -> std::error_code {
    if (as.type() != type) return native_code(native_error::wrong_type);
    if (as.family() != family) return native_code(native_error::wrong_family);
    typename Asio::error_code failed;
    to.assign(as, connected.native_handle(), failed);
    if (failed) return failed;
    connected.release();  // nothing between this and what is above can fail or block: it has one owner all the time
    return {};
  };
  if constexpr (requires { protocol::v6(); })
    return assign(family == AF_INET6 ? protocol::v6() : protocol::v4());
  else
    return assign(protocol());
}

}  // namespace detail
}  // namespace v1
}  // namespace tconn
