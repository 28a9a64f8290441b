// SPDX-License-Identifier: MIT
// What a successful connect and close on loopback costs over a raw blocking connect(). Differences of a few per cent
// are visible only side by side: in each lap every client connects 25 times, in an order drawn anew, and 40 laps make a
// round. A client's figure for the round is its median connect, and its ratio is to the raw one of the same round. The
// rows tell the median and the quartiles of that ratio over the rounds.
//
// The kernel completes the handshakes by itself. What has gathered in the accept queue is accepted and closed after
// each lap, by the same thread and untimed, so that no server runs beside a client.
#include <timed_connect/connect.hpp>

#include "quantile.hpp"
#include "support/loopback.hpp"

#include <benchmark/benchmark.h>

#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <array>
#include <cerrno>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

bool raw(tconn::endpoint const& to) {
  int const handle = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool const connected = ::connect(handle, to.data(), to.size()) == 0;
  ::close(handle);
  return connected;
}

bool connected_by_poll(int handle, tconn::endpoint const& to) {
  if (::connect(handle, to.data(), to.size()) != 0 && errno != EINPROGRESS) return false;
  pollfd entry{handle, POLLOUT, 0};
  timespec const limit{1, 0};
  if (::ppoll(&entry, 1, &limit, nullptr) != 1) return false;
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(handle, SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0) return false;
  int non_blocking = 0;
  return ::ioctl(handle, FIONBIO, &non_blocking) == 0;
}

bool poll_loop(tconn::endpoint const& to) {
  int const handle = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  bool const connected = connected_by_poll(handle, to);
  ::close(handle);
  return connected;
}

/// The calls that timed_connect() makes, and nothing but those: what the kernel takes for them.
bool same_calls(tconn::endpoint const& to) {
  int const handle = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  ::connect(handle, to.data(), to.size());
  bool const connected = ::connect(handle, to.data(), to.size()) == 0;
  sockaddr_in own{};
  socklen_t length = sizeof own;
  ::getsockname(handle, reinterpret_cast<sockaddr*>(&own), &length);
  int non_blocking = 0;
  ::ioctl(handle, FIONBIO, &non_blocking);
  ::close(handle);
  return connected || errno == EALREADY;  // on a busy machine the handshake may not be over yet
}

bool timed(tconn::endpoint const& to) { return tconn::timed_connect(to, 1s).has_value(); }

bool timed_nonblocking(tconn::endpoint const& to) {
  return tconn::timed_connect(to, 1s, {.nonblocking = true}).has_value();
}

struct client {
  char const* name;
  bool (*connect_and_close)(tconn::endpoint const&);
};
constexpr std::array<client, 5> clients{{{"raw", raw},
                                         {"poll_loop", poll_loop},
                                         {"same_calls", same_calls},
                                         {"timed_connect", timed},
                                         {"timed_connect_nonblocking", timed_nonblocking}}};

constexpr int rounds = 101;
constexpr int laps = 40;
constexpr int connects = 25;  // of each client, in each lap

/// The client does not wander to another CPU while this lives.
class one_cpu {
 public:
  one_cpu() {
    ::sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<unsigned>(::sched_getcpu()), &one);
    ::sched_setaffinity(0, sizeof one, &one);
  }
  one_cpu(one_cpu const&) = delete;
  one_cpu& operator=(one_cpu const&) = delete;
  ~one_cpu() { ::sched_setaffinity(0, sizeof before_, &before_); }

 private:
  cpu_set_t before_{};
};

void connect_some(client const& whose, tconn::endpoint const& to, std::vector<double>& taken) {
  for (int count = 0; count < connects; ++count) {
    auto const began = steady::now();
    bool const connected = whose.connect_and_close(to);
    taken.push_back(std::chrono::duration<double, std::nano>(steady::now() - began).count());
    if (!connected) throw std::runtime_error(std::string(whose.name) + " was not connected");
  }
}

using order = std::array<std::size_t, clients.size()>;

/// The median connect of each client, in nanoseconds.
std::array<double, clients.size()> play_round(support::listener const& server, order& in_turn, std::mt19937& random) {
  auto const to = server.where();
  std::array<std::vector<double>, clients.size()> taken;
  for (auto& of_one : taken) of_one.reserve(laps * connects);
  for (int lap = 0; lap < laps; ++lap) {
    std::shuffle(in_turn.begin(), in_turn.end(), random);
    for (auto const index : in_turn) connect_some(clients[index], to, taken[index]);
    for (std::size_t count = 0; count < connects * clients.size(); ++count) {
      if (!server.accept(1s)) throw std::runtime_error("the server misses a connection");
    }
  }
  std::array<double, clients.size()> medians{};
  for (auto const index : in_turn) medians[index] = quantile(std::move(taken[index]), 0.5);
  return medians;
}

/// For each client its medians, round by round.
using medians = std::array<std::vector<double>, clients.size()>;

medians play() {
  one_cpu const pinned;
  support::listener const server(connects * static_cast<int>(clients.size()));
  std::mt19937 random;
  order in_turn{};
  std::iota(in_turn.begin(), in_turn.end(), 0U);
  play_round(server, in_turn, random);  // to warm up
  medians all;
  for (int round = 0; round < rounds; ++round) {
    auto const played = play_round(server, in_turn, random);
    for (auto const index : in_turn) all[index].push_back(played[index]);
  }
  return all;
}

/// The rounds that all rows share, and why there are none.
struct outcome {
  medians played{};
  std::string error{};
};

outcome try_to_play() {
  try {
    return {play(), {}};
  } catch (std::exception const& error) {
    return {{}, error.what()};
  }
}

// The first row plays all rounds, for every client; each row shows its own.
void success(benchmark::State& state, std::size_t mine) {
  static outcome const shared = try_to_play();
  auto const& [played, error] = shared;
  if (!error.empty()) state.SkipWithError(error.c_str());
  std::vector<double> ratios;
  for (auto _ : state) {
    auto const round = ratios.size();
    state.SetIterationTime(played[mine][round] / 1e9);
    ratios.push_back(played[mine][round] / played[0][round]);
  }
  if (ratios.empty()) return;
  state.counters["ns"] = quantile(played[mine], 0.5);
  state.counters["x raw"] = quantile(ratios, 0.5);
  state.counters["x raw q1"] = quantile(ratios, 0.25);
  state.counters["x raw q3"] = quantile(ratios, 0.75);
}

bool const registered = [] {
  for (std::size_t index = 0; index < clients.size(); ++index) {
    auto const name = std::string("success/") + clients[index].name;
    benchmark::RegisterBenchmark(name.c_str(), success, index)->Iterations(rounds)->Repetitions(1)->UseManualTime();
  }
  return true;
}();

}  // namespace
