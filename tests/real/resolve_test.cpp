// SPDX-License-Identifier: MIT
// The system's resolver, getaddrinfo(), and a name server that is at work, slow, silent or lying. Each test has a network
// and a resolv.conf of its own.
#include <timed_connect/resolve.hpp>
#include <timed_connect/timed_connect.hpp>

#include "support/name_server.hpp"
#include "support/printing.hpp"

#include <gtest/gtest.h>

#include <pthread.h>
#include <signal.h>
#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace support;
using tconn::aftermath;
using tconn::cancellation;
using tconn::endpoint;
using tconn::errc;
using tconn::handshake;
using tconn::timed_connect;
using tconn::detail::lookup_job;

constexpr std::uint16_t dns_port = 53;
constexpr std::uint16_t fast_port = 5353;
constexpr char known[] = "127.0.0.1 four.test both.test\n::1 six.test both.test\n";

bool is_nothing_begun(tconn::connect_result const& result) {
  return !result && result.error().handshake == handshake::not_started && result.error().aftermath == aftermath::none &&
         !result.error().where.valid();
}

/// Waits until no abandoned lookup is at work, and its thread is gone. A process that ends before leaves memory behind.
bool all_lookups_end(std::ptrdiff_t threads) {
  return eventually([&] { return lookup_job::abandoned() == 0 && thread_count() <= threads; }, 20s);
}

/// How many events this process has open.
int event_count() {
  int events = 0;
  for (auto const& one : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    events += std::filesystem::read_symlink(one.path(), gone).string().find("eventfd") != std::string::npos ? 1 : 0;
  }
  return events;
}

class SystemResolver : public testing::Test {
 protected:
  void SetUp() override {
    if (!name_server::is_installed()) GTEST_SKIP() << "SKIPPED: dnsmasq is not installed (dnsmasq-base).";
  }
  template <class Function>
  void run(Function&& function, std::chrono::seconds patience = 1s) {
    auto const report = with_its_own_resolver(patience, std::forward<Function>(function));
    if (!report.entered)
      GTEST_SKIP() << "SKIPPED: no network and mount namespaces can be made here (needs root or user namespaces).";
    EXPECT_EQ(report.text, "");
  }
};

TEST_F(SystemResolver, finds_a_name_over_either_family_and_tries_the_other_one) {
  run([](findings& found) {
    name_server const server(dns_port, known);
    auto const threads = settled_thread_count();
    auto const began_with = descriptor_count();
    for (auto const& own : {endpoint::loopback_v4(0), endpoint::loopback_v6(0)}) {
      listener const accepts(own);
      auto const port = std::to_string(accepts.where().port());
      auto const* const only = own.family() == AF_INET ? "four.test" : "six.test";
      for (auto const* name : {only, "both.test"}) {
        auto const result = timed_connect({name, port}, 10s);
        found.expect(result && peer_name(result->native_handle()) == accepts.where(), name + told(result));
      }
    }
    found.expect(eventually([&] { return thread_count() <= threads; }), "a thread is left");
    found.expect(eventually([&] { return descriptor_count() == began_with; }), "a descriptor is left");
  });
}

/// Gives the loopback interface a second address, which does not look like loopback.
bool add_outer_address() {
  ifreq alias{};
  std::strcpy(alias.ifr_name, "lo:1");
  auto const outer = *endpoint::parse("192.0.2.7:0");
  std::memcpy(&alias.ifr_addr, outer.data(), sizeof alias.ifr_addr);
  return ::ioctl(udp_socket().descriptor(), SIOCSIFADDR, &alias) == 0;
}

TEST_F(SystemResolver, finds_addresses_of_a_family_in_which_this_host_is_in_no_network) {
  run([](findings& found) {
    found.expect(add_outer_address(), "the host has no IPv4 address");
    name_server const server(dns_port, known);
    listener const accepts(endpoint::loopback_v6(0));
    auto const result = timed_connect({"six.test", std::to_string(accepts.where().port())}, 10s);
    found.expect(result.has_value(), told(result));
  });
}

TEST_F(SystemResolver, looks_up_a_service_by_its_name) {
  if (::getservbyname("http", "tcp") == nullptr) GTEST_SKIP() << "SKIPPED: there is no /etc/services (netbase).";
  run([](findings& found) {
    name_server const server(dns_port, known);
    listener const web(endpoint::loopback_v4(80));
    for (auto const* name : {"four.test", "127.0.0.1"}) {
      auto const result = timed_connect({name, "http"}, 10s);
      found.expect(result && peer_name(result->native_handle()) == web.where(), name + told(result));
    }
    auto const unknown = timed_connect({"four.test", "no-such-service"}, 10s);
    found.expect(is_nothing_begun(unknown) && unknown.error().code.category() == tconn::resolve_category(),
                 told(unknown));
  });
}

TEST_F(SystemResolver, tells_of_a_name_that_nobody_has) {
  run([](findings& found) {
    name_server const server(dns_port, known);
    auto const result = timed_connect({"nobody.test", "80"}, 10s);
    found.expect(
        is_nothing_begun(result) && result.error().code == std::error_code(EAI_NONAME, tconn::resolve_category()),
        told(result));
  });
}

TEST_F(SystemResolver, is_waited_for_within_the_deadline_and_no_longer) {
  run([](findings& found) {
    name_server const server(fast_port, known);
    slow_name_server const slow(dns_port, fast_port, 300ms);
    auto const threads = settled_thread_count();
    listener const accepts;
    auto const port = std::to_string(accepts.where().port());
    auto const late = timed_connect({"four.test", port}, 50ms);
    found.expect(is_nothing_begun(late) && late.error().code == errc::deadline_exceeded, told(late));
    found.expect(late.error().elapsed >= 50ms && late.error().elapsed < 250ms, "not at the deadline: " + told(late));
    auto const began = steady::now();
    auto const result = timed_connect({"four.test", port}, 10s);
    found.expect(result.has_value(), told(result));
    found.expect(steady::now() - began >= 300ms, "the server was not slow");
    found.expect(all_lookups_end(threads), "the abandoned lookup does not end");
  });
}

TEST_F(SystemResolver, is_abandoned_at_once_when_the_call_is_cancelled) {
  run([](findings& found) {
    auto const threads = settled_thread_count();
    udp_socket const silent(dns_port);
    cancellation cancel;
    std::thread canceller([&] {
      is_readable(silent.descriptor(), 10s);  // the question has come
      cancel.request();
    });
    auto const result = timed_connect({"four.test", "80"}, tconn::deadline::never(), {.each = {.cancel = &cancel}});
    canceller.join();
    found.expect(is_nothing_begun(result) && result.error().code == errc::cancelled, told(result));
    found.expect(lookup_job::abandoned() == 1, "nothing is at work");
    found.expect(result.error().elapsed < 900ms, "it waited for the lookup");
    found.expect(all_lookups_end(threads), "the lookup does not end");
  });
}

TEST_F(SystemResolver, that_gets_no_answer_keeps_every_deadline_and_leaves_a_bounded_number_at_work) {
  run(
      [](findings& found) {
        std::optional<udp_socket> silent(dns_port);
        auto const threads = settled_thread_count();
        auto const began_with = descriptor_count();
        for (int i = 1; i <= lookup_job::most_abandoned; ++i) {
          auto const result = timed_connect({"four.test", "80"}, 5ms);
          found.expect(is_nothing_begun(result) && result.error().code == errc::deadline_exceeded, told(result));
          found.expect(result.error().elapsed >= 5ms && result.error().elapsed < 500ms,
                       "not at the deadline: " + told(result));
          found.expect(lookup_job::abandoned() == i, "not counted: " + std::to_string(i));
        }
        found.expect(event_count() == 0, "an abandoned lookup holds an event");
        auto const refused = timed_connect({"four.test", "80"}, 10s);
        found.expect(is_nothing_begun(refused) && refused.error().code == errc::resolver_busy, told(refused));
        listener const accepts;
        auto const port = std::to_string(accepts.where().port());
        found.expect(timed_connect({"127.0.0.1", port}, 10s).has_value(), "numeric text is refused as well");

        found.expect(all_lookups_end(threads), "the bound does not go down");
        found.expect(eventually([&] { return thread_count() <= threads; }), "a thread is left");
        found.expect(descriptor_count() == began_with + 1, "a descriptor is left");
        silent.reset();
        name_server const server(dns_port, known);
        auto const again = timed_connect({"four.test", port}, 10s);
        found.expect(again.has_value(), "again: " + told(again));
      },
      3s);
}

/// The signals that each thread but this one blocks.
std::vector<unsigned long long> blocked_by_others() {
  std::vector<unsigned long long> all;
  for (auto const& task : std::filesystem::directory_iterator("/proc/self/task")) {
    if (task.path().filename() == std::to_string(::getpid())) continue;
    std::ifstream status(task.path() / "status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("SigBlk:")) all.push_back(std::stoull(line.substr(7), nullptr, 16));
    }
  }
  return all;
}

/// These come to the thread that is at fault, blocked or not; valgrind keeps them open.
bool is_raised_by_a_fault(int signal) {
  constexpr int all[] = {SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGSYS};
  return std::find(std::begin(all), std::end(all), signal) != std::end(all);
}

TEST_F(SystemResolver, receives_no_signals_in_its_thread_and_leaves_the_callers_mask_alone) {
  run([](findings& found) {
    auto const threads = settled_thread_count();
    udp_socket const silent(dns_port);
    sigset_t before;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
    auto const result = timed_connect({"four.test", "80"}, 5ms);
    sigset_t after;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
    auto const blocked = blocked_by_others();
    for (int number = 1; number < 32; ++number) {
      found.expect(sigismember(&before, number) == sigismember(&after, number), "the caller's mask has changed");
      if (is_raised_by_a_fault(number) || number == SIGKILL || number == SIGSTOP) continue;
      bool const is_blocked = !blocked.empty() && (blocked.back() >> (number - 1) & 1U) != 0;
      found.expect(is_blocked, "the thread may get signal " + std::to_string(number));
    }
    found.expect(all_lookups_end(threads), "the lookup does not end");
  });
}

/// The native system, in which pthread_cancel() ends the first wait.
struct cancelled_in_its_wait : tconn::native_system {
  int wait(tconn::poll_entry*, std::size_t, tconn::time_point) const {
    ::pthread_cancel(::pthread_self());
    ::pthread_testcancel();
    return 0;
  }
};

TEST_F(SystemResolver, outlives_a_caller_that_was_cancelled_or_has_ended) {
  run([](findings& found) {
    udp_socket const silent(dns_port);
    auto const threads = settled_thread_count();
    pthread_t caller{};
    auto const body = [](void*) -> void* {
      static_cast<void>(timed_connect({"four.test", "80"}, tconn::deadline::never(), {}, cancelled_in_its_wait{}));
      return nullptr;
    };
    ::pthread_create(&caller, nullptr, body, nullptr);
    void* left = nullptr;
    ::pthread_join(caller, &left);
    found.expect(left == PTHREAD_CANCELED, "it was not cancelled");
    std::thread([&] { found.expect(!timed_connect({"four.test", "80"}, 5ms), "there was an answer"); }).join();
    found.expect(lookup_job::abandoned() == 2, "both lookups go on");
    found.expect(eventually([&] { return lookup_job::abandoned() == 0 && thread_count() <= threads; }, 20s),
                 "they do not end");
  });
}

TEST_F(SystemResolver, that_lies_does_not_lead_past_the_guard) {
  run([](findings& found) {
    name_server const server(dns_port,
                             "127.0.0.1 bank.test\n10.0.0.1 bank.test\n::1 bank.test\n169.254.169.254 bank.test\n");
    listener const inside;
    auto const port = std::to_string(inside.where().port());
    auto const result =
        timed_connect({"bank.test", port}, 10s, {.each = {.before_connect = tconn::guards::public_addresses_only}});
    found.expect(!result && result.error().code == errc::refused_by_hook && result.error().attempts.size() == 4,
                 told(result));
    found.expect(!inside.accept(50ms), "the inside was reached");
    auto const unguarded = timed_connect({"bank.test", port}, 10s);
    found.expect(unguarded.has_value(), "it did not lie: " + told(unguarded));
  });
}

}  // namespace
