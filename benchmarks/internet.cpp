// SPDX-License-Identifier: MIT
// What hedging, racing and waiting for many are worth, with real kernel sockets and thousands of peers of the wire lab's
// internet. Prints tables; ends with 0 only if every result is what the script of its peer says.
#include "wire/lab/internet.hpp"
#include "quantile.hpp"

#include <timed_connect/timed_connect.hpp>

#include <sys/resource.h>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <exception>
#include <memory>
#include <thread>
#include <vector>

#if defined(HAS_LIBURING)
#include <liburing.h>
#endif

namespace {

using namespace std::chrono_literals;
using tconn::endpoint;
using wire::temper;

int wrong = 0;

// ---- 10,000 connects under 300 ms, 2 % of all SYNs lost ----

void hedge() {
  constexpr std::size_t peers = 10'000;
  std::printf("%zu connects, each within 300 ms, to peers 5 to 50 ms away; 2 %% of all SYNs are lost\n", peers);
  std::printf("%-18s %12s %12s\n", "hedge_after", "connected %", "extra SYNs %");
  for (auto const after :
       {std::chrono::nanoseconds::max(), std::chrono::nanoseconds(200ms), std::chrono::nanoseconds(100ms),
        std::chrono::nanoseconds(60ms), std::chrono::nanoseconds(25ms)}) {
    wire::internet net({.peers = peers, .lost_percent = 2, .nearest = 5ms, .farthest = 50ms});
    std::atomic<std::size_t> next = 0;
    std::atomic<std::size_t> connected = 0;
    std::vector<std::thread> all;
    for (int i = 0; i < 100; ++i) {
      all.emplace_back([&] {
        for (std::size_t peer; (peer = next++) < peers;)
          connected += tconn::timed_connect_any({net.at(peer)}, 300ms, {.hedge_after = after}) ? 1U : 0U;
      });
    }
    for (auto& one : all) one.join();
    std::size_t syns = 0;
    for (auto const& one : net.end()) syns += one.syns;
    auto const name = after == std::chrono::nanoseconds::max() ? "never" : std::to_string(after / 1ms) + " ms";
    std::printf("%-18s %12.2f %12.2f\n", name.c_str(), 100.0 * static_cast<double>(connected) / peers,
                100.0 * static_cast<double>(syns - peers) / peers);
  }
}

// ---- races over four addresses, two of them dead ----

void race() {
  constexpr std::size_t races = 300;
  std::printf("\n%zu races over four addresses 20 ms away, the first two of them dead; ms until connected\n", races);
  std::printf("%-18s %12s %12s\n", "stagger", "median", "p99");
  for (auto const stagger : {250ms, 100ms, 25ms, 0ms}) {
    wire::internet net({.peers = 8 * races, .dead_percent = 50, .nearest = 20ms, .farthest = 20ms});
    std::vector<endpoint> dead;
    std::vector<endpoint> live;
    for (std::size_t peer = 0; peer < net.size(); ++peer)
      (net.temper_of(peer) == temper::is_dead ? dead : live).push_back(net.at(peer));
    std::vector<double> taken(races);
    std::atomic<std::size_t> next = 0;
    std::vector<std::thread> all;
    for (int i = 0; i < 20; ++i) {
      all.emplace_back([&] {
        for (std::size_t at; (at = next++) < races;) {
          auto const began = std::chrono::steady_clock::now();
          auto const won = tconn::timed_connect_any({dead[2 * at], dead[2 * at + 1], live[2 * at], live[2 * at + 1]},
                                                    10s, {.stagger = stagger});
          taken[at] = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
          if (!won) ++wrong;
        }
      });
    }
    for (auto& one : all) one.join();
    std::printf("%-18s %12.1f %12.1f\n", (std::to_string(stagger.count()) + " ms").c_str(), quantile(taken, 0.5),
                quantile(taken, 0.99));
  }
}

// ---- batches, by what waits for them ----

/// No queue: all sockets are given to poll() at each wait.
struct by_poll : tconn::native_system {
  static int open_queue(tconn::native_handle&) { return tconn::native_error::not_supported; }
};

#if defined(HAS_LIBURING)
/// The queue is a ring: a one-shot POLL_ADD for each socket, submitted together before each wait.
struct by_ring : tconn::native_system {
  struct ring {
    io_uring it{};
    ~ring() { io_uring_queue_exit(&it); }
  };
  std::shared_ptr<ring> rings = std::make_shared<ring>();

  int open_queue(tconn::native_handle& queue) const {
    io_uring_params params{};
    params.flags = IORING_SETUP_CQSIZE;
    params.cq_entries = 1 << 16;
    if (int const error = io_uring_queue_init_params(4096, &rings->it, &params)) return -error;
    queue = ::dup(rings->it.ring_fd);
    return 0;
  }
  int watch(tconn::native_handle, tconn::native_handle handle, std::uint32_t token) const {
    auto* entry = io_uring_get_sqe(&rings->it);
    if (entry == nullptr) {
      io_uring_submit(&rings->it);
      entry = io_uring_get_sqe(&rings->it);
    }
    if (entry == nullptr) return tconn::native_error::try_again;
    io_uring_prep_poll_add(entry, handle, POLLOUT);
    io_uring_sqe_set_data64(entry, token);
    return 0;
  }
  int wait(tconn::poll_entry* entries, std::size_t count, tconn::time_point until) const {
    if (io_uring_sq_ready(&rings->it) != 0) io_uring_submit(&rings->it);
    return tconn::native_system::wait(entries, count, until);
  }
  int take_ready(tconn::native_handle, std::uint32_t* tokens, std::size_t& count) const {
    io_uring_cqe* ready[64];
    unsigned const taken = io_uring_peek_batch_cqe(&rings->it, ready, static_cast<unsigned>(count));
    for (unsigned i = 0; i < taken; ++i) tokens[i] = static_cast<std::uint32_t>(ready[i]->user_data);
    io_uring_cq_advance(&rings->it, taken);
    count = taken;
    return 0;
  }
};
#endif

double thread_cpu() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

template <class System>
double cpu_per_endpoint(std::size_t peers, std::chrono::milliseconds farthest) {
  std::vector<double> rounds;
  for (int round = 0; round < 5; ++round) {
    wire::internet net(
        {.peers = peers, .seed = 7, .dead_percent = 10, .refusing_percent = 10, .nearest = 1ms, .farthest = farthest});
    std::vector<endpoint> all;
    std::size_t alive = 0;
    for (std::size_t peer = 0; peer < peers; ++peer) {
      all.push_back(net.at(peer));
      alive += net.temper_of(peer) == temper::is_dead ? 0U : 1U;
    }
    tconn::cancellation only_dead_left;
    auto note = [&](tconn::batch_event& event) {
      if (net.temper_of(event.index) != temper::is_dead && --alive == 0) only_dead_left.request();
    };
    auto const before = thread_cpu();
    {
      auto const results =
          tconn::timed_connect_all(all, 60s, {.each = {.cancel = &only_dead_left}, .on_result = note}, System{});
      rounds.push_back((thread_cpu() - before) / static_cast<double>(peers));
      for (std::size_t peer = 0; peer < peers; ++peer) {
        auto const& one = results[peer];
        auto const how = net.temper_of(peer);
        bool const is_right = how == temper::answers   ? one.has_value()
                              : how == temper::refuses ? !one && one.error().code == std::errc::connection_refused
                                                       : !one && one.error().code == tconn::errc::cancelled;
        if (!is_right) ++wrong;
      }
    }
  }
  return quantile(rounds, 0.5);
}

void batch(std::size_t most) {
  std::puts("\nbatches, 10 % dead, 10 % refusing; us of CPU for each endpoint, all calls included, median of 5");
  std::printf("%-12s %-14s %10s %10s %10s\n", "endpoints", "answers within", "poll", "epoll", "io_uring");
  for (std::size_t const peers : {1'000U, 5'000U, 10'000U, 15'000U, 50'000U}) {
    for (auto const farthest : {30ms, 1000ms}) {
      if (peers + 100 > most) {
        std::printf("%-12zu %-14s more than the %zu descriptors that there may be\n", peers,
                    (std::to_string(farthest.count()) + " ms").c_str(), most);
        break;
      }
      std::printf("%-12zu %-14s %10.1f %10.1f", peers, (std::to_string(farthest.count()) + " ms").c_str(),
                  cpu_per_endpoint<by_poll>(peers, farthest), cpu_per_endpoint<tconn::native_system>(peers, farthest));
#if defined(HAS_LIBURING)
      std::printf(" %10.1f\n", cpu_per_endpoint<by_ring>(peers, farthest));
#else
      std::printf(" %10s\n", "-");
#endif
      std::fflush(stdout);
    }
  }
}

}  // namespace

int main() try {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  rlimit const more{60'000, 60'000};
  if (limit.rlim_max < more.rlim_max && ::setrlimit(RLIMIT_NOFILE, &more) == 0) limit = more;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  hedge();
  race();
  batch(limit.rlim_cur);
  std::printf("\nresults that were not what the peer's script says: %d\n", wrong);
  return wrong == 0 ? 0 : 1;
} catch (std::exception const& why) {
  std::fprintf(stderr, "%s\n", why.what());
  return 1;
}
