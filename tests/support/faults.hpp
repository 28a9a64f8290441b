// SPDX-License-Identifier: MIT
// What may go wrong in a simulated world, and the means to let all of it go wrong: each call fails with each error that
// the manual page of the system call behind it allows, one fault at a time, or two.
#pragma once

#include <timed_connect/testing/intercepted.hpp>
#include <timed_connect/testing/simulated.hpp>

#include "support/error_numbers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace support {

/// A primitive, by its name in a fault_plan, and what it may answer; 0 ends the list. The first `distinct` of the errors
/// stand for all: the library tells the others apart only in what it tells its caller.
struct call_errors {
  std::string_view call;
  std::size_t distinct;
  std::array<int, 27> errors;
};

/// From the sections ERRORS of Linux's manual pages (6.03), each named with its call. The pages call their lists
/// incomplete; what follows the mark "and" comes from socket(7), ip(7), tcp(7), unix(7), POSIX.1-2017 or the kernel, and
/// EPERM from a seccomp filter, which can let any call fail. close(2) is missing: whatever it answers the descriptor is
/// gone on Linux, and the library does not ask. EINTR is here where a page has it, and only there.
inline constexpr call_errors all_call_errors[] = {
    // socket(2), and EPERM.
    {"open", 2, {EMFILE, EACCES, ENFILE, ENOBUFS, ENOMEM, EAFNOSUPPORT, EINVAL, EPROTONOSUPPORT, EPERM}},
    // connect(2), and what a packet, a router or the network may say: ECONNRESET, ECONNABORTED, EHOSTUNREACH, ENETDOWN;
    // EINVAL, ENOBUFS, ENOMEM; ENOENT of a path.
    {"start_connect", 10, {EINTR,        EINPROGRESS, EALREADY, EISCONN,    ECONNREFUSED, EADDRNOTAVAIL, EAGAIN,
                           ECONNABORTED, ENOMEM,      EPERM,    EACCES,     EADDRINUSE,   EAFNOSUPPORT,  EBADF,
                           EFAULT,       ENETUNREACH, ENOTSOCK, EPROTOTYPE, ETIMEDOUT,    ECONNRESET,    EHOSTUNREACH,
                           ENETDOWN,     EINVAL,      ENOBUFS,  ENOENT}},
    // ppoll(2), and EBADF of pselect(2), EAGAIN of poll() elsewhere, EPERM.
    {"wait", 2, {EINTR, EINVAL, EFAULT, ENOMEM, EBADF, EAGAIN, EPERM}},
    // getsockopt(2) with SO_ERROR, and ENOBUFS, ENOMEM, EPERM; Solaris answers with the error itself.
    {"connect_error",
     1,
     {EBADF, EFAULT, EINVAL, ENOPROTOOPT, ENOTSOCK, ENOBUFS, ENOMEM, EPERM, ECONNREFUSED, ETIMEDOUT}},
    // getsockopt(2) with TCP_INFO, and EOPNOTSUPP, ENOMEM, EPERM.
    {"tcp", 1, {ENOPROTOOPT, EBADF, EFAULT, EINVAL, ENOTSOCK, EOPNOTSUPP, ENOMEM, EPERM}},
    // getsockopt(2) with SO_PEERNAME, and ENOTCONN (sock.c, sk_getsockopt), ENOMEM, EPERM.
    {"target_name", 2, {ENOTCONN, ENOPROTOOPT, EBADF, EFAULT, EINVAL, ENOTSOCK, ENOMEM, EPERM}},
    // getsockopt(2) with SO_DOMAIN and SO_TYPE, and EPERM.
    {"kind", 1, {EBADF, ENOTSOCK, EFAULT, EINVAL, ENOPROTOOPT, EPERM}},
    // getpeername(2), and EPERM.
    {"peer_name", 2, {ENOTCONN, EBADF, EFAULT, EINVAL, ENOBUFS, ENOTSOCK, EPERM}},
    // getsockname(2), and EPERM.
    {"local_port", 1, {ENOBUFS, EBADF, EFAULT, EINVAL, ENOTSOCK, EPERM}},
    {"local_name", 1, {ENOBUFS, EBADF, EFAULT, EINVAL, ENOTSOCK, EPERM}},
    // fcntl(2) with F_GETFL, and EPERM.
    {"blocking", 1, {EBADF, EPERM}},
    // ioctl(2), and EPERM.
    {"set_blocking", 1, {EBADF, EFAULT, EINVAL, ENOTTY, EPERM}},
    {"set_nonblocking", 1, {EBADF, EFAULT, EINVAL, ENOTTY, EPERM}},
    // setsockopt(2), and ENODEV, ENOMEM, EPERM, EOPNOTSUPP, EDOM.
    {"set_option", 3, {ENOPROTOOPT, ENOMEM, EPERM, EBADF, EFAULT, EINVAL, ENOTSOCK}},
    {"bind_to_interface", 3, {ENOPROTOOPT, ENOMEM, EPERM, EBADF, EFAULT, EINVAL, ENOTSOCK, ENODEV}},
    {"mark_arrivals", 1, {ENOPROTOOPT, EBADF, EFAULT, EINVAL, ENOTSOCK, EOPNOTSUPP, EPERM}},
    {"reset_on_close", 1, {EINVAL, EBADF, EFAULT, ENOPROTOOPT, ENOTSOCK, EDOM, EPERM}},
    // getsockopt(2), and EOPNOTSUPP, EPERM.
    {"has_arrived", 1, {ENOPROTOOPT, EBADF, EFAULT, EINVAL, ENOTSOCK, EOPNOTSUPP, EPERM}},
    // bind(2), and EPERM.
    {"bind",
     3,
     {EADDRNOTAVAIL, ENOMEM, EACCES, EADDRINUSE, EBADF, EINVAL, ENOTSOCK, EFAULT, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR,
      EROFS, EPERM}},
    // shutdown(2), and ENOBUFS, EPERM.
    {"shut_receive", 2, {ENOTCONN, EBADF, EINVAL, ENOTSOCK, ENOBUFS, EPERM}},
    {"shut_both", 2, {ENOTCONN, EBADF, EINVAL, ENOTSOCK, ENOBUFS, EPERM}},
    // connect(2) to AF_UNSPEC, which begins no connection, so without what that page says of one; and EINVAL, EOPNOTSUPP.
    {"disconnect", 1, {EPERM, EACCES, EAFNOSUPPORT, EBADF, EFAULT, ENOTSOCK, EINTR, EINVAL, EOPNOTSUPP}},
    // recv(2), and ECONNRESET, EPERM.
    {"discard_received",
     1,
     {EAGAIN, EBADF, ECONNREFUSED, EFAULT, EINTR, EINVAL, ENOMEM, ENOTCONN, ENOTSOCK, ECONNRESET, EPERM}},
    {"discard_report",
     1,
     {EAGAIN, EBADF, ECONNREFUSED, EFAULT, EINTR, EINVAL, ENOMEM, ENOTCONN, ENOTSOCK, ECONNRESET, EPERM}},
    // epoll_create(2), and EPERM.
    {"open_queue", 1, {EMFILE, EINVAL, ENFILE, ENOMEM, EPERM}},
    // epoll_ctl(2).
    {"watch", 1, {ENOSPC, EBADF, EEXIST, EINVAL, ELOOP, ENOENT, ENOMEM, EPERM}},
    // epoll_wait(2), and EPERM.
    {"take_ready", 2, {EINTR, EBADF, EFAULT, EINVAL, EPERM}},
};

/// Which errors a sweep takes of each call.
enum class choice {
  all,      ///< Every error.
  distinct  ///< One for each way in which the library goes on.
};

/// What this call may answer; nothing, and the test has failed, where nobody has looked it up.
inline std::span<int const> errors_of(std::string_view call, choice of) {
  auto const is_it = [&](call_errors const& one) { return one.call == call; };
  auto const* const found = std::find_if(std::begin(all_call_errors), std::end(all_call_errors), is_it);
  if (found == std::end(all_call_errors)) {
    ADD_FAILURE() << "what may this call answer? " << call;
    return {};
  }
  auto const end = std::find(found->errors.begin(), found->errors.end(), 0);
  auto const count = of == choice::distinct ? found->distinct : static_cast<std::size_t>(end - found->errors.begin());
  return {found->errors.data(), count};
}

/// The n-th call answers its m-th error; calls are counted from 1, errors from 0, and call 0 never comes.
struct fault {
  int call = 0;
  std::size_t error = 0;
};

/// The faults of one play, and what has come of them.
class faults {
 public:
  struct hit {
    int number;
    std::string_view call;
    int error;
  };

  explicit faults(choice of, fault first = {}, fault second = {}) : of_(of), planned_{first, second} {}

  /// 0 if the call is to be made. close() cannot fail and is not counted.
  int answer_to(std::string_view call) {
    if (call == "close") return 0;
    ++calls_;
    for (auto const& one : planned_) {
      if (one.call != calls_) continue;
      auto const errors = errors_of(call, of_);
      choices_ = errors.size();
      if (one.error >= choices_) return 0;
      hits_.push_back({calls_, call, errors[one.error]});
      return hits_.back().error;
    }
    return 0;
  }

  /// How many calls there were.
  int calls() const { return calls_; }
  /// How many errors there are for the last of the calls that has failed.
  std::size_t choices() const { return choices_; }
  std::vector<hit> const& hits() const { return hits_; }

  bool have_hit(std::string_view call) const {
    return any([&](hit const& one) { return one.call == call; });
  }
  bool have_answered(int error) const {
    return any([&](hit const& one) { return one.error == error; });
  }
  bool have_hit(std::string_view call, int error) const {
    return any([&](hit const& one) { return one.call == call && one.error == error; });
  }

  /// "call 7, wait, answers Interrupted system call; ..."
  std::string text() const {
    std::string told;
    for (auto const& one : hits_)
      told += "call " + std::to_string(one.number) + ", " + std::string(one.call) + ", answers " +
              tconn::detail::native_code(one.error).message() + "; ";
    return told;
  }

 private:
  template <class Predicate>
  bool any(Predicate&& is_it) const {
    return std::any_of(hits_.begin(), hits_.end(), is_it);
  }

  choice of_;
  std::array<fault, 2> planned_;
  int calls_ = 0;
  std::size_t choices_ = 0;
  std::vector<hit> hits_{};
};

struct asks_faults {
  faults* plan;
  int operator()(std::string_view call) const { return plan->answer_to(call); }
};

/// The simulated system with faults. A call that fails is not made, but for a connect() that a signal interrupts: POSIX
/// has the attempt go on.
class faulted : public tconn::testing::intercepted<tconn::testing::simulated, asks_faults> {
  using simulated = tconn::testing::simulated;

 public:
  using owner = faulted;  ///< What outlives the call meets faults too.

  faulted(tconn::testing::world& net, faults& plan)
      : intercepted<simulated, asks_faults>(simulated{&net}, asks_faults{&plan}), net_(&net) {}

  int start_connect(tconn::native_handle handle, tconn::endpoint const& to) const {
    int const answer = intercepted<simulated, asks_faults>::start_connect(handle, to);
    if (answer == EINTR && tconn::detail::is_inet(to.family())) {
      auto const& s = net_->socket_at(handle);
      if (s.state == tconn::tcp_state::closed && !s.connecting) simulated::start_connect(handle, to);
    }
    return answer;
  }

 private:
  tconn::testing::world* net_;
};

static_assert(tconn::system_calls<faulted>);

/// Plays with every fault that can come after the one that is given, or with every single one: for each call that is made,
/// each error of it. Gives how many there were; stops at the first play that fails.
template <class Play>
long play_with_each_fault(choice of, Play const& play, fault first = {}) {
  constexpr int most_calls = 2000;  // a fault may make another call necessary, but not for ever
  long played = 0;
  for (int call = first.call + 1; call < most_calls; ++call) {
    std::size_t choices = 1;
    for (std::size_t error = 0; error < choices; ++error, ++played) {
      faults plan(of, first, {call, error});
      play(plan);
      if (plan.calls() < call || testing::Test::HasFailure()) return played;
      choices = plan.choices();
    }
  }
  ADD_FAILURE() << "the sweep does not end";
  return played;
}

/// Plays with every pair of faults, the second of every call that is made once the first has come; of the first faults
/// only every n-th is taken, for which `turn` counts on from sweep to sweep. Gives how many pairs there were.
template <class Play>
long play_with_each_pair_of_faults(choice of, std::size_t every, std::size_t& turn, Play const& play) {
  long played = 0;
  fault first{1, 0};
  play_with_each_fault(of, [&](faults& plan) {
    play(plan);
    if (plan.hits().empty() || testing::Test::HasFailure()) return;
    if (plan.hits()[0].number != first.call) first = {plan.hits()[0].number, 0};
    if (turn++ % every == 0) played += play_with_each_fault(of, play, first);
    ++first.error;
  });
  return played;
}

}  // namespace support
