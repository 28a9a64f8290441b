// SPDX-License-Identifier: MIT
// The batch with real sockets: tens of thousands of endpoints, live, refused and dead, and what happens when descriptors
// or ports run out. Each test has a network namespace of its own, so that nobody else takes the ports.
#include <timed_connect/batch.hpp>

#include "support/descriptors.hpp"
#include "support/loopback.hpp"
#include "support/network_namespace.hpp"
#include "support/slow_machinery.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <arpa/inet.h>
#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using support::full_listener;
using support::in_a_network_namespace;
using support::listener;
using support::open_descriptors;
using support::scaled;
using tconn::batch_event;
using tconn::batch_options;
using tconn::endpoint;
using tconn::errc;
using tconn::handshake;
using tconn::timed_connect_all;

/// The i-th address of this host, all different.
endpoint host(std::size_t i, std::uint16_t port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  name.sin_addr.s_addr = htonl(static_cast<std::uint32_t>((127U << 24U) + (1U << 16U) + i));
  return {reinterpret_cast<sockaddr*>(&name), sizeof name};
}

/// A server at every address of this host that accepts, and closes when the client does.
class accepting_server {
 public:
  accepting_server() : listener_(*endpoint::parse("0.0.0.0:0"), 4096), thread_([this] { accept(); }) {}
  accepting_server(accepting_server const&) = delete;
  accepting_server& operator=(accepting_server const&) = delete;
  ~accepting_server() {
    stopping_ = true;
    thread_.join();
  }
  std::uint16_t port() const { return listener_.where().port(); }
  std::size_t accepted() const { return accepted_; }

 private:
  void accept() {
    while (!stopping_) {
      if (listener_.accept(5ms)) ++accepted_;
    }
  }

  listener listener_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> accepted_{0};
  std::thread thread_;
};

bool limit_descriptors(rlim_t most) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < most) limit.rlim_max = most;  // root may
  limit.rlim_cur = most;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

/// What was expected of an outcome and was not so; at most one a kind.
class complaints {
 public:
  void expect(bool is_so, std::string const& what) {
    if (!is_so && text_.find(what) == std::string::npos) text_ += what + "; ";
  }
  std::string const& text() const { return text_; }

 private:
  std::string text_{};
};

/// In a namespace, where limits and ports may be changed.
template <class Function>
void check_in_a_namespace(Function&& function) {
  auto const report = in_a_network_namespace(function);
  if (!report.entered) GTEST_SKIP() << "no network namespace can be made here (needs root or user namespaces)";
  if (report.text == "SKIPPED")
    GTEST_SKIP() << "the limit of descriptors (ulimit -Hn) is too low, and cannot be raised";
  EXPECT_EQ(report.text, "");
}

// A third is live, a third refuses, a third is dead; the place tells which. The batch is cancelled when only the dead are
// left, so that nobody has to guess how long the others take on a slow machine.
std::string tells_the_truth_of(std::size_t size, batch_options options, bool keeps_sockets) {
  complaints wrong;
  full_listener const dead;
  accepting_server const server;
  std::vector<endpoint> all;
  for (std::size_t i = 0; i < size; ++i)
    all.push_back(i % 3 == 0 ? host(i, server.port()) : i % 3 == 1 ? host(i, 1) : dead.where());
  std::vector<int> told(size);
  tconn::cancellation only_dead_left;
  std::size_t alive = size - size / 3;
  auto note = [&](batch_event& event) {
    ++told[event.index];
    if (!keeps_sockets && event.connected != tconn::no_handle) ::close(event.release());
    if (event.index % 3 != 2 && --alive == 0) only_dead_left.request();
  };
  options.on_result = note;
  options.each.cancel = &only_dead_left;
  auto const before = open_descriptors();
  auto const results = timed_connect_all(all, 50s, options);
  std::size_t connected = 0;
  for (std::size_t i = 0; i < size; ++i) {
    auto const& one = results[i];
    wrong.expect(told[i] == 1, "not told exactly once");
    wrong.expect(one.has_value() == (i % 3 == 0), "connected or not, " + std::to_string(i % 3));
    connected += one ? 1U : 0U;
    if (one && *one)
      wrong.expect(support::peer_name(one->native_handle()) == all[i], "connected to another");
    else if (!one)
      wrong.expect(i % 3 == 1 ? one.error().code == std::errc::connection_refused : one.error().code == errc::cancelled,
                   one.error().message());
  }
  wrong.expect(open_descriptors() == before + (keeps_sockets ? connected : 0), "descriptors");
  wrong.expect(support::eventually([&] { return server.accepted() == connected; }), "the server accepted others");
  return wrong.text();
}

TEST(All, gives_20000_endpoints_their_true_outcomes) {
  check_in_a_namespace([] {
    auto const size = scaled(20'000);
    if (!limit_descriptors(size * 2 / 3 + 300)) return std::string("SKIPPED");
    return tells_the_truth_of(size, {}, /*keeps_sockets*/ true);
  });
}

TEST(All, gives_50000_endpoints_their_true_outcomes_a_few_hundred_at_a_time) {
  check_in_a_namespace([] {
    // The dead ones hold their places to the end, so the limit has to leave room beside them.
    auto const size = scaled(50'000);
    if (!limit_descriptors(size / 3 + 600)) return std::string("SKIPPED");
    return tells_the_truth_of(size, {.max_in_flight = size / 3 + 300}, /*keeps_sockets*/ false);
  });
}

TEST(All, gives_true_outcomes_when_descriptors_run_out_all_the_time) {
  if (support::is_under_valgrind())
    GTEST_SKIP() << "valgrind keeps the limit of descriptors itself, and closes what accept() has given beyond it";
  check_in_a_namespace([] {
    auto const size = scaled(6'000);
    if (!limit_descriptors(size / 3 + 40)) return std::string("SKIPPED");
    return tells_the_truth_of(size, {}, /*keeps_sockets*/ false);
  });
}

TEST(All, tells_no_lack_of_descriptors_as_an_error) {
  if (!support::tells_what_is_left()) GTEST_SKIP() << support::needs_a_kernel;
  check_in_a_namespace([] {
    complaints wrong;
    full_listener const dead;
    limit_descriptors(60);
    std::vector<endpoint> const all(200, dead.where());
    std::size_t begun = 0;
    auto const limit = support::unhurried(100ms);
    for (auto const& one : timed_connect_all(all, limit)) {
      wrong.expect(one.error().code == errc::deadline_exceeded, one.error().message());
      wrong.expect(one.error().elapsed >= limit, "early");
      begun += one.error().handshake == handshake::in_flight ? 1U : 0U;
    }
    wrong.expect(begun > 30 && begun < 60, std::to_string(begun) + " were begun");
    return wrong.text();
  });
}

// Ten ports for each pair of addresses.
void leave_ten_ports() { std::ofstream("/proc/sys/net/ipv4/ip_local_port_range") << "40000 40009"; }

TEST(All, has_more_connections_to_one_endpoint_than_one_address_has_ports) {
  check_in_a_namespace([] {
    complaints wrong;
    listener const server(64);
    leave_ten_ports();
    std::vector<endpoint> const all(25, server.where());
    std::vector<endpoint> const pool{*endpoint::parse("127.0.0.1:0"), *endpoint::parse("127.0.0.2:0"),
                                     *endpoint::parse("127.0.0.3:0")};
    for (auto const& one : timed_connect_all(all, 20s, {.local_addresses = pool}))
      wrong.expect(one.has_value(), one ? "" : one.error().message());
    return wrong.text();
  });
}

TEST(All, waits_for_a_port_that_somebody_gives_back) {
  check_in_a_namespace([] {
    complaints wrong;
    listener const server(64);
    leave_ten_ports();
    // Closed with RST, so that no port stays in TIME_WAIT.
    auto drop = [](batch_event& event) {
      if (event.connected == tconn::no_handle) return;
      tconn::native_system{}.reset_on_close(event.connected);
      ::close(event.release());
    };
    std::vector<endpoint> const all(25, server.where());
    for (auto const& one : timed_connect_all(all, 20s, {.on_result = drop}))
      wrong.expect(one.has_value(), one ? "" : one.error().message());
    auto const results = timed_connect_all(all, 200ms);
    std::size_t connected = 0;
    for (auto const& one : results) {
      connected += one ? 1U : 0U;
      if (!one) wrong.expect(one.error().code == errc::deadline_exceeded, one.error().message());
    }
    wrong.expect(connected == 10, std::to_string(connected) + " connected by ten ports");
    return wrong.text();
  });
}

TEST(All, gives_select_no_descriptor_that_it_cannot_watch) {
  check_in_a_namespace([] {
    complaints wrong;
    full_listener const dead;
    if (!limit_descriptors(1300)) return std::string("SKIPPED");
    std::vector<endpoint> const all(100, dead.where());
    // The first descriptor that is free; the queue would have the next one.
    for (int const lowest : {1022, 1023, 1024, 1100}) {
      while (::dup(0) < lowest - 1) continue;
      for (auto const& one : timed_connect_all(all, 20ms, {}, tconn::selecting{}))
        wrong.expect(
            !one && (one.error().code == errc::descriptor_too_large || one.error().code == errc::deadline_exceeded),
            one ? "connected" : one.error().code.message());
    }
    return wrong.text();
  });
}

}  // namespace
