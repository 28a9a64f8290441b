// SPDX-License-Identifier: MIT
// What a successful connect and close on loopback costs over a raw blocking connect(), and what a refusal does. All
// clients connect in one thread, in turn, to the same server.
#include "by_hand.hpp"
#include "contest.hpp"
#include "quantile.hpp"
#include "rows.hpp"
#include "support/loopback.hpp"

#include <timed_connect/connect.hpp>

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using peers::microseconds;
using peers::outcome;
using tconn::endpoint;

/// The calls that timed_connect() makes, and nothing but those: what the kernel takes for them.
outcome same_calls(endpoint const& to, microseconds) {
  int const handle = by_hand::open(to, SOCK_NONBLOCK);
  static_cast<void>(::connect(handle, to.data(), to.size()));
  int const error = ::connect(handle, to.data(), to.size()) == 0 ? 0 : errno;
  sockaddr_in own{};
  socklen_t length = sizeof own;
  ::getsockname(handle, reinterpret_cast<sockaddr*>(&own), &length);
  by_hand::make_blocking(handle);
  ::close(handle);
  // On a busy machine the handshake may not be over yet.
  return error == EALREADY ? outcome::connected : peers::outcome_of(error);
}

/// The same for a Unix socket, whose connect() says at once whether it is connected.
outcome same_calls_of_unix(endpoint const& to, microseconds) {
  int const handle = by_hand::open(to, SOCK_NONBLOCK);
  int const error = ::connect(handle, to.data(), to.size()) == 0 ? 0 : errno;
  sockaddr_un peer{};
  socklen_t length = sizeof peer;
  ::getpeername(handle, reinterpret_cast<sockaddr*>(&peer), &length);
  by_hand::make_blocking(handle);
  ::close(handle);
  return peers::outcome_of(error);
}

/// The same where the second connect() says that the first one was refused.
outcome same_calls_of_a_refusal(endpoint const& to, microseconds) {
  int const handle = by_hand::open(to, SOCK_NONBLOCK);
  static_cast<void>(::connect(handle, to.data(), to.size()));
  int const error = ::connect(handle, to.data(), to.size()) == 0 ? 0 : errno;
  by_hand::read_state(handle);
  ::close(handle);
  return peers::outcome_of(error);
}

template <class Result>
outcome told(Result const& result) {
  if (result) return outcome::connected;
  if (result.error().code == tconn::errc::deadline_exceeded) return outcome::timed_out;
  return result.error().code == std::errc::connection_refused ? outcome::refused : outcome::failed;
}

outcome timed(endpoint const& to, microseconds limit) { return told(tconn::timed_connect(to, limit)); }

outcome timed_nonblocking(endpoint const& to, microseconds limit) {
  return told(tconn::timed_connect(to, limit, {.nonblocking = true}));
}

outcome timed_borrowed(endpoint const& to, microseconds limit) {
  int const mine = by_hand::open(to);
  auto const result = told(tconn::timed_connect(mine, to, limit));
  ::close(mine);
  return result;
}

constexpr int many_rounds = 101;
constexpr int fewer_rounds = 41;

void add_tcp() {
  contest what{"success", outcome::connected, rounds(many_rounds), {}, {}, {}};
  what.clients = {{"raw", by_hand::raw},
                  {"poll_loop", by_hand::poll_loop},
                  {"same_calls", same_calls},
                  {"timed_connect", timed},
                  {"timed_connect_nonblocking", timed_nonblocking},
                  {"timed_connect_borrowed", timed_borrowed}};
  append_peers(what.clients);
  what.rivals = {"rust_std"};
  what.build = [count = what.clients.size()] { return listening(endpoint::loopback_v4(0), count); };
  add(std::move(what));
}

void add_unix() {
  contest what{"unix", outcome::connected, rounds(fewer_rounds), {}, {}, {}};
  what.clients = {{"raw", by_hand::raw},
                  {"poll_loop", by_hand::poll_loop},
                  {"same_calls", same_calls_of_unix},
                  {"timed_connect", timed},
                  {"timed_connect_nonblocking", timed_nonblocking},
                  {"timed_connect_borrowed", timed_borrowed}};
  // An abstract name, which leaves no file behind; the namespace is nobody else's.
  what.build = [count = what.clients.size()] {
    return listening(*endpoint::parse("unix:@timed_connect_benchmark"), count);
  };
  add(std::move(what));
}

void add_refusal() {
  contest what{"refusal", outcome::refused, rounds(fewer_rounds), {}, {}, {}};
  what.clients = {{"raw", by_hand::raw},
                  {"poll_loop", by_hand::poll_loop},
                  {"same_calls", same_calls_of_a_refusal},
                  {"timed_connect", timed},
                  {"timed_connect_borrowed", timed_borrowed}};
  append_peers(what.clients);
  what.build = [] {
    auto const nobody = std::make_shared<support::closed_port const>();
    return arena{nobody->where(), [nobody](std::size_t) {}};
  };
  add(std::move(what));
}

/// The way into the kernel and back, which every call of every client has to go.
void system_call(benchmark::State& state) {
  std::vector<double> taken;
  for (auto _ : state) {
    constexpr int calls = 1000;
    auto const began = std::chrono::steady_clock::now();
    for (int count = 0; count < calls; ++count) ::syscall(SYS_getppid);
    std::chrono::duration<double, std::nano> const each = (std::chrono::steady_clock::now() - began) / calls;
    taken.push_back(each.count());
    state.SetIterationTime(each.count() / 1e9);
  }
  state.counters["ns"] = quantile(std::move(taken), 0.5);
}

/// The first touch of a page, for which the kernel has to find one: what memory costs that is new to the process.
void first_touch(benchmark::State& state) {
  constexpr std::size_t page = 4096;
  constexpr std::size_t pages = 1000;
  std::vector<double> taken;
  for (auto _ : state) {
    void* const made = ::mmap(nullptr, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED) {
      state.SkipWithError("mmap failed");
      return;
    }
    ::madvise(made, pages * page, MADV_NOHUGEPAGE);
    auto* const bytes = static_cast<char volatile*>(made);
    auto const began = std::chrono::steady_clock::now();
    for (std::size_t at = 0; at < pages * page; at += page) bytes[at] = 1;
    std::chrono::duration<double, std::nano> const each = (std::chrono::steady_clock::now() - began) / pages;
    ::munmap(made, pages * page);
    taken.push_back(each.count());
    state.SetIterationTime(each.count() / 1e9);
  }
  state.counters["ns"] = quantile(std::move(taken), 0.5);
}

}  // namespace

void add_success() {
  benchmark::RegisterBenchmark("floor/system_call", system_call)->Iterations(100)->Repetitions(1)->UseManualTime();
  benchmark::RegisterBenchmark("floor/first_touch", first_touch)->Iterations(100)->Repetitions(1)->UseManualTime();
  add_tcp();
  add_unix();
  add_refusal();
}
