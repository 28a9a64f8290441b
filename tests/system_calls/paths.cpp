// SPDX-License-Identifier: MIT
// Plays one path through the library, named by the argument, for system_calls_test.cpp to watch. What counts stands
// between two calls of getppid(), which nothing else calls. Exit status: 0, 1 if the path ended otherwise than it
// should, 2 if there is none of that name.
#include <timed_connect/timed_connect.hpp>

#include "support/loopback.hpp"

#include <linux/filter.h>
#include <sys/resource.h>
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

namespace {

using namespace support;
using tconn::errc;
using tconn::on_timeout;
using tconn::start_connect;
using tconn::timed_connect;

constexpr auto limit = 100ms;

/// Plays a part between the two marks, and tells whether it ended as expected.
template <class Part>
bool marked(Part&& part) {
  ::getppid();
  bool const as_expected = part();
  ::getppid();
  return as_expected;
}

/// The strategy, which says when it begins to wait. It may be told to wait only when the answer has come.
template <class Strategy>
struct telling : Strategy {
  std::atomic<bool>* has_begun;
  std::atomic<bool> const* may_go_on;
  int wait(tconn::poll_entry* entries, std::size_t count, tconn::time_point until) const {
    *has_begun = true;
    while (!*may_go_on) {  // without a system call
    }
    return Strategy::wait(entries, count, until);
  }
};

/// When a wait goes on that another thread answers.
enum class wait_goes_on { at_once, after_the_answer };

/// Plays a part that waits, and lets another thread answer it meanwhile: strace follows the first thread alone.
template <class Strategy, class Answer, class Part>
bool answered(Answer&& answer, Part&& part, wait_goes_on when = wait_goes_on::at_once) {
  std::atomic<bool> has_begun = false;
  std::atomic<bool> may_go_on = when == wait_goes_on::at_once;
  std::thread other([&] {
    if (eventually([&] { return has_begun.load(); })) answer();
    may_go_on = true;
  });
  bool const as_expected = marked([&] { return part(telling<Strategy>{{}, &has_begun, &may_go_on}); });
  other.join();
  return as_expected;
}

/// A server that hears nothing. It answers with a SYN of its own, which opens a connection as well (RFC 9293, 3.5): the
/// SYN that it has not heard is repeated only after a second.
class silent_peer {
 public:
  silent_peer() : deaf_(bound_to(tconn::endpoint::loopback_v4(0))) {
    sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
    sock_fprog const filter{1, &nothing};
    if (::setsockopt(deaf_.native_handle(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0 ||
        ::listen(deaf_.native_handle(), 0) != 0) {
      throw std::system_error(last_error(), tconn::native_category(), "cannot listen and hear nothing");
    }
  }

  tconn::endpoint where() const { return local_name(deaf_.native_handle()); }

  /// Connects to every socket of this program that waits for an answer.
  void answer() {
    constexpr tconn::native_handle most_handles = 256;
    for (tconn::native_handle handle = 0; handle < most_handles; ++handle) {
      if (state_of(handle) != tconn::tcp_state::syn_sent) continue;
      auto const to = local_name(handle);
      auto& from = answers_.emplace_back(bound_to(where()));
      if (::connect(from.native_handle(), to.data(), to.size()) == 0) eventually([&] { return is_connected(handle); });
    }
  }

  /// From now on every SYN is refused.
  void stop() { deaf_.close(); }

 private:
  static tconn::socket bound_to(tconn::endpoint const& at) {
    tconn::socket made(open_socket(at.family()));
    int const yes = 1;  // what answers has the address of what listens
    if (::setsockopt(made.native_handle(), SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) != 0 ||
        ::bind(made.native_handle(), at.data(), at.size()) != 0) {
      throw std::system_error(last_error(), tconn::native_category(), "cannot bind to " + at.to_string());
    }
    return made;
  }

  tconn::socket deaf_;
  std::vector<tconn::socket> answers_{};
};

template <class Result>
bool is_exceeded(Result const& result) {
  return !result && result.error().code == errc::deadline_exceeded;
}

std::error_code agrees(tconn::native_handle, tconn::endpoint const&) { return {}; }

bool success(tconn::endpoint const& at, tconn::connect_options const& options = {}) {
  listener const server(at);
  auto const to = server.where();
  return marked([&] { return timed_connect(to, 10s, options).has_value(); });
}

bool success_unix() {
  temporary_path const path("server");
  return success(path.where());
}

bool refused() {
  closed_port const nobody;
  auto const to = nobody.where();
  return marked([&] {
    auto const result = timed_connect(to, 10s);
    return !result && result.error().code == std::errc::connection_refused;
  });
}

bool exceeded(tconn::deadline deadline, on_timeout how) {
  silent_peer const silent;
  auto const to = silent.where();
  tconn::connect_result result = timed_connect(tconn::endpoint{}, 0s);
  bool const as_expected = marked([&] {
    result = timed_connect(to, deadline, {.on_timeout = how});
    return is_exceeded(result);
  });
  return as_expected && result.error().pending.has_value() == (how == on_timeout::keep);
}

// Without time to wait, the last look is what finds the connection.
bool found_by_the_last_look(tconn::connect_options const& options) {
  listener const server;
  auto const to = server.where();
  return marked([&] {
    auto const result = timed_connect(to, 0s, options);
    return options.accept_late ? result.has_value() : is_exceeded(result);
  });
}

tconn::socket fresh(int flags) { return tconn::socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0)); }

bool borrowed_success(int flags, tconn::connect_options const& options = {}) {
  listener const server;
  auto const to = server.where();
  auto const mine = fresh(flags);
  return marked([&] { return timed_connect(mine.native_handle(), to, 10s, options).has_value(); });
}

bool borrowed_exceeded(on_timeout how) {
  silent_peer const silent;
  auto const to = silent.where();
  auto const mine = fresh(0);
  return marked([&] { return is_exceeded(timed_connect(mine.native_handle(), to, limit, {.on_timeout = how})); });
}

bool started_and_finished() {
  listener const server;
  auto const to = server.where();
  return marked([&] {
    auto pending = start_connect(to);
    auto const finished = pending ? pending->try_finish() : std::nullopt;
    return finished && finished->has_value();
  });
}

bool started_and_abandoned() {
  silent_peer const silent;
  auto const to = silent.where();
  return marked([&] {
    auto pending = start_connect(to);
    return pending && !pending->try_finish();
  });
}

template <class Strategy>
bool awaited(tconn::connect_options const& options = {}) {
  silent_peer server;
  auto const to = server.where();
  return answered<Strategy>([&] { server.answer(); },
                            [&](auto const& sys) { return timed_connect(to, 10s, options, sys).has_value(); });
}

bool awaited_with_a_cancellation() {
  tconn::cancellation const never_requested;
  return awaited<tconn::polling>({.cancel = &never_requested});
}

bool awaited_borrowed() {
  silent_peer server;
  auto const to = server.where();
  auto const mine = fresh(0);
  return answered<tconn::polling>(
      [&] { server.answer(); },
      [&](auto const& sys) { return timed_connect(mine.native_handle(), to, 10s, {}, sys).has_value(); });
}

// The SYN that the kernel repeats, after a second, is refused.
bool awaited_refusal() {
  silent_peer server;
  auto const to = server.where();
  return answered<tconn::polling>([&] { server.stop(); },
                                  [&](auto const& sys) {
                                    auto const result = timed_connect(to, 10s, {}, sys);
                                    return !result && result.error().code == std::errc::connection_refused;
                                  });
}

bool cancelled() {
  silent_peer const silent;
  auto const to = silent.where();
  tconn::cancellation cancel;
  return answered<tconn::polling>([&] { cancel.request(); },
                                  [&](auto const& sys) {
                                    auto const result = timed_connect(to, 10s, {.cancel = &cancel}, sys);
                                    return !result && result.error().code == errc::cancelled;
                                  });
}

// The port is opened by what says that there is to be another attempt: that call to listen() is not the library's.
bool tried_again() {
  static closed_port const server;
  auto const to = server.where();
  tconn::retry_options options;
  options.retries = [](std::error_code const& code) {
    server.listen();
    return code == std::errc::connection_refused;
  };
  options.seed = 3;  // a pause of 47 ms
  return marked([&] { return tconn::timed_connect_retry(to, 10s, options).has_value(); });
}

bool unix_backlog() {
  temporary_path const path("server");
  full_listener const full(path.where());
  auto const to = full.where();
  return marked([&] { return is_exceeded(timed_connect(to, limit)); });
}

// The first one is dead, and given up when the second one has connected.
bool race(std::chrono::nanoseconds stagger) {
  silent_peer const silent;
  listener const server;
  std::vector<tconn::endpoint> const to{silent.where(), server.where()};
  return marked([&] { return tconn::timed_connect_any(to, 10s, {.stagger = stagger}).has_value(); });
}

// Every second one is dead, and given up when the deadline has passed.
bool batch(std::size_t size) {
  silent_peer const silent;
  listener const server(tconn::endpoint::loopback_v4(0), 100);
  std::vector<tconn::endpoint> to;
  for (std::size_t i = 0; i < size; ++i) to.push_back(i % 2 == 0 ? silent.where() : server.where());
  return marked([&] {
    auto const results = tconn::timed_connect_all(to, limit);
    bool as_expected = results.size() == size;
    for (std::size_t i = 0; i < size; ++i)
      as_expected = as_expected && (i % 2 == 0 ? is_exceeded(results[i]) : results[i].has_value());
    return as_expected;
  });
}

// Every second one answers during the first wait, which goes on when all of them have.
bool awaited_batch(std::size_t size) {
  silent_peer late;
  listener const server(tconn::endpoint::loopback_v4(0), 100);
  std::vector<tconn::endpoint> to;
  for (std::size_t i = 0; i < size; ++i) to.push_back(i % 2 == 0 ? late.where() : server.where());
  tconn::cancellation const never_requested;
  tconn::batch_options const options{.each = {.cancel = &never_requested}};
  auto const play = [&](auto const& sys) {
    auto const results = tconn::timed_connect_all(to, 10s, options, sys);
    return std::all_of(results.begin(), results.end(), [](auto const& one) { return one.has_value(); });
  };
  return answered<tconn::polling>([&] { late.answer(); }, play, wait_goes_on::after_the_answer);
}

bool requested() {
  return marked([] {
    tconn::cancellation cancel;
    for (int requests = 0; requests < 2; ++requests) cancel.request();
    return cancel.requested();
  });
}

bool requested_without_a_descriptor() {
  rlimit none{};
  ::setrlimit(RLIMIT_NOFILE, &none);
  return requested();
}

struct path {
  std::string_view name;
  bool (*play)();
};

constexpr path paths[] = {
    {"success", [] { return success(tconn::endpoint::loopback_v4(0)); }},
    {"success_nonblocking", [] { return success(tconn::endpoint::loopback_v4(0), {.nonblocking = true}); }},
    {"success_v6", [] { return success(tconn::endpoint::loopback_v6(0)); }},
    {"success_unix", success_unix},
    {"success_no_delay", [] { return success(tconn::endpoint::loopback_v4(0), {.no_delay = true}); }},
    {"success_keep_alive", [] { return success(tconn::endpoint::loopback_v4(0), {.keep_alive = true}); }},
    {"success_hook", [] { return success(tconn::endpoint::loopback_v4(0), {.before_connect = agrees}); }},
    {"refused", refused},
    {"exceeded_close", [] { return exceeded(limit, on_timeout::close); }},
    {"exceeded_reset", [] { return exceeded(limit, on_timeout::reset); }},
    {"exceeded_keep", [] { return exceeded(limit, on_timeout::keep); }},
    {"zero_exceeded", [] { return exceeded(0s, on_timeout::close); }},
    {"late_accepted", [] { return found_by_the_last_look({}); }},
    {"late_close", [] { return found_by_the_last_look({.on_timeout = on_timeout::close, .accept_late = false}); }},
    {"late_reset", [] { return found_by_the_last_look({.on_timeout = on_timeout::reset, .accept_late = false}); }},
    {"borrowed_success_blocking", [] { return borrowed_success(0); }},
    {"borrowed_success_nonblocking", [] { return borrowed_success(SOCK_NONBLOCK); }},
    {"borrowed_success_hook", [] { return borrowed_success(SOCK_NONBLOCK, {.before_connect = agrees}); }},
    {"borrowed_exceeded_close", [] { return borrowed_exceeded(on_timeout::close); }},
    {"borrowed_exceeded_reset", [] { return borrowed_exceeded(on_timeout::reset); }},
    {"borrowed_exceeded_keep", [] { return borrowed_exceeded(on_timeout::keep); }},
    {"started_and_finished", started_and_finished},
    {"started_and_abandoned", started_and_abandoned},
    {"awaited", [] { return awaited<tconn::polling>(); }},
    {"awaited_selecting", [] { return awaited<tconn::selecting>(); }},
    {"awaited_spinning", [] { return awaited<tconn::spinning>(); }},
    {"awaited_with_a_cancellation", awaited_with_a_cancellation},
    {"awaited_borrowed", awaited_borrowed},
    {"awaited_refusal", awaited_refusal},
    {"cancelled", cancelled},
    {"tried_again", tried_again},
    {"unix_backlog", unix_backlog},
    {"race", [] { return race(0ns); }},
    {"paced_race", [] { return race(limit); }},
    {"batch_of_20", [] { return batch(20); }},
    {"batch_of_64", [] { return batch(64); }},
    {"awaited_batch_of_64", [] { return awaited_batch(64); }},
    {"requested", requested},
    {"requested_without_a_descriptor", requested_without_a_descriptor},
};

}  // namespace

int main(int count, char** arguments) try {
  for (auto const& [name, play] : paths) {
    if (count == 2 && name == arguments[1]) return play() ? 0 : 1;
  }
  return 2;
} catch (std::exception const& error) {
  std::fputs(error.what(), stderr);
  return 1;
}
