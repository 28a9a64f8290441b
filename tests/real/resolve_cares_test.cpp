// SPDX-License-Identifier: MIT
// c-ares and a name server that is at work, slow, silent or lying.
#include <timed_connect/resolve_cares.hpp>
#include <timed_connect/timed_connect.hpp>

#include "support/name_server.hpp"
#include "support/printing.hpp"

#include <gtest/gtest.h>

#include <pthread.h>
#include <atomic>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>

namespace {

using namespace support;
using tconn::cancellation;
using tconn::cares_resolver;
using tconn::endpoint;
using tconn::errc;
using tconn::handshake;
using tconn::host;

template <class System = tconn::native_system>
tconn::connect_result connect(host const& who, tconn::deadline limit, endpoint const& server,
                              tconn::race_options const& options = {}) {
  return tconn::timed_connect(who, limit, options, System{}, cares_resolver{server.to_string()});
}

void expect_resolve_error(tconn::connect_result const& result, int error) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::error_code(error, tconn::resolve_category())) << told(result);
  EXPECT_EQ(result.error().handshake, handshake::not_started);
}

TEST(CaresError, is_told_by_the_number_of_getaddrinfo_that_says_the_same) {
  auto const told_as = [](int status) { return tconn::detail::cares_error(status).value(); };
  namespace lookup_error = tconn::detail::lookup_error;
  for (int const status : {ARES_EBADNAME, ARES_ENODATA, ARES_ENOTFOUND})
    EXPECT_EQ(told_as(status), lookup_error::no_name) << status;
  for (int const status : {ARES_ECONNREFUSED, ARES_ESERVFAIL, ARES_ETIMEOUT})
    EXPECT_EQ(told_as(status), lookup_error::try_again) << status;
  EXPECT_EQ(told_as(ARES_ESERVICE), lookup_error::no_service);
  EXPECT_EQ(told_as(ARES_ENOMEM), lookup_error::no_memory);
  EXPECT_EQ(told_as(ARES_EREFUSED), lookup_error::failed);
}

class CaresResolver : public testing::Test {
 protected:
  void SetUp() override {
    if (!name_server::is_installed()) GTEST_SKIP() << "SKIPPED: dnsmasq is not installed (dnsmasq-base).";
    std::string known =
        "127.0.0.1 four.test both.test bank.test\n::1 six.test both.test bank.test\n10.0.0.1 bank.test\n";
    for (int i = 1; i <= 100; ++i) known += "127.0.0." + std::to_string(i) + " many.test\n";
    server.emplace(where.port(), known);
  }
  reserved_port port{};
  endpoint const where = port.where();
  std::optional<name_server> server{};
};

TEST_F(CaresResolver, finds_a_name_over_either_family_and_tries_the_other_one) {
  auto const threads = settled_thread_count();
  for (auto const& own : {endpoint::loopback_v4(0), endpoint::loopback_v6(0)}) {
    listener const accepts(own);
    auto const service = std::to_string(accepts.where().port());
    for (auto const* name : {own.family() == AF_INET ? "four.test" : "six.test", "both.test"}) {
      auto const result = connect({name, service}, 10s, where);
      ASSERT_TRUE(result) << name << ' ' << told(result);
      EXPECT_EQ(peer_name(result->native_handle()), accepts.where());
    }
  }
  EXPECT_LE(thread_count(), threads);
}

TEST_F(CaresResolver, is_waited_for_by_every_strategy) {
  listener const accepts;
  auto const service = std::to_string(accepts.where().port());
  EXPECT_TRUE(connect<tconn::selecting>({"four.test", service}, 10s, where));
  EXPECT_TRUE(connect<tconn::spinning>({"four.test", service}, 10s, where));
}

TEST_F(CaresResolver, asks_over_TCP_when_the_answer_is_too_long_for_a_datagram) {
  listener const accepts;
  auto const service = std::to_string(accepts.where().port());
  auto const result = connect({"many.test", service}, 10s, where, {.stagger = 0ms});
  EXPECT_TRUE(result) << told(result);
  auto const refused =
      connect({"many.test", service}, 10s, where, {.each = {.before_connect = tconn::guards::public_addresses_only}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().attempts.size(), 100U);
}

TEST(CaresServers, are_those_that_the_system_asks_where_none_is_named) {
  if (!name_server::is_installed()) GTEST_SKIP() << "SKIPPED: dnsmasq is not installed (dnsmasq-base).";
  auto const report = with_its_own_resolver(1s, [](findings& found) {
    name_server const known(53, "127.0.0.1 four.test\n");
    listener const accepts;
    auto const service = std::to_string(accepts.where().port());
    auto const result = tconn::timed_connect({"four.test", service}, 10s, {}, tconn::native_system{}, cares_resolver{});
    found.expect(result.has_value(), told(result));
  });
  if (!report.entered)
    GTEST_SKIP() << "SKIPPED: no network and mount namespaces can be made here (needs root or user namespaces).";
  EXPECT_EQ(report.text, "");
}

TEST_F(CaresResolver, tells_of_names_and_services_that_nobody_has) {
  expect_resolve_error(connect({"nobody.test", "80"}, 10s, where), EAI_NONAME);
  expect_resolve_error(connect({std::string(64, 'a') + ".test", "80"}, 10s, where), EAI_NONAME);
  expect_resolve_error(connect({"four.test", "no-such-service"}, 10s, where), EAI_SERVICE);
}

TEST_F(CaresResolver, is_waited_for_within_the_deadline_and_no_longer) {
  slow_name_server const slow(0, where.port(), 300ms);
  listener const accepts;
  auto const service = std::to_string(accepts.where().port());
  auto const late = connect({"four.test", service}, 50ms, slow.where());
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, errc::deadline_exceeded);
  EXPECT_EQ(late.error().handshake, handshake::not_started);
  EXPECT_GE(late.error().elapsed, 50ms);
  EXPECT_LT(late.error().elapsed, 250ms);
  auto const began = steady::now();
  auto const result = connect({"four.test", service}, 10s, slow.where());
  EXPECT_TRUE(result) << told(result);
  EXPECT_GE(steady::now() - began, 300ms);
}

TEST_F(CaresResolver, that_lies_does_not_lead_past_the_guard) {
  listener const inside;
  auto const service = std::to_string(inside.where().port());
  auto const result =
      connect({"bank.test", service}, 10s, where, {.each = {.before_connect = tconn::guards::public_addresses_only}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::refused_by_hook);
  EXPECT_EQ(result.error().attempts.size(), 3U);
  EXPECT_FALSE(inside.accept(50ms));
  EXPECT_TRUE(connect({"bank.test", service}, 10s, where)) << "it did not lie";
}

TEST(CaresWithoutAnswer, keeps_every_deadline_and_leaves_nothing_at_work_however_often) {
  udp_socket const silent;
  auto const threads = settled_thread_count();
  auto const descriptors = descriptor_count();
  for (int i = 0; i < 50; ++i) {
    auto const result = connect({"four.test", "80"}, 2ms, silent.where());
    ASSERT_FALSE(result);
    ASSERT_EQ(result.error().code, errc::deadline_exceeded) << told(result);
    EXPECT_GE(result.error().elapsed, 2ms);
    EXPECT_EQ(descriptor_count(), descriptors);
  }
  EXPECT_LE(thread_count(), threads);
}

TEST(CaresWithoutAnswer, is_not_asked_for_a_numeric_address_with_a_named_service) {
  if (::getservbyname("discard", "tcp") == nullptr) GTEST_SKIP() << "SKIPPED: there is no /etc/services (netbase).";
  udp_socket const silent;
  struct {
    char const* name = nullptr;
    endpoint means{};
  } const all[] = {{"127.0.0.1", *endpoint::parse("127.0.0.1:9")},
                   {"127.1", *endpoint::parse("127.0.0.1:9")},
                   {"::1", *endpoint::parse("[::1]:9")}};
  for (auto const& [name, means] : all) {
    auto const result = connect({name, "discard"}, 10s, silent.where());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().where, means) << told(result);
    EXPECT_LT(result.error().elapsed, 5s);
  }
  expect_resolve_error(connect({"::g", "discard"}, 10s, silent.where()), EAI_NONAME);
  EXPECT_FALSE(is_readable(silent.descriptor(), 0ms)) << "somebody has asked";
}

TEST(CaresWithoutAnswer, is_cancelled_at_once) {
  udp_socket const silent;
  cancellation cancel;
  std::thread canceller([&] {
    is_readable(silent.descriptor(), 10s);  // the question has come
    cancel.request();
  });
  auto const result =
      connect({"four.test", "80"}, tconn::deadline::never(), silent.where(), {.each = {.cancel = &cancel}});
  canceller.join();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::cancelled);
  EXPECT_LT(result.error().elapsed, 4s);
}

/// The native system, in which a pthread_cancel() that was asked for before acts in the first wait at the latest.
struct cancelled_in_its_wait : tconn::native_system {
  int wait(tconn::poll_entry*, std::size_t, tconn::time_point) const {
    has_waited = true;
    ::pthread_testcancel();
    return 0;
  }
  static inline std::atomic<bool> has_waited{false};
};

TEST(CaresWithoutAnswer, is_not_unwound_by_pthread_cancel_but_in_the_wait_and_leaves_nothing) {
  static std::optional<udp_socket> silent(std::in_place);
  auto const body = [](void*) -> void* {
    ::pthread_cancel(::pthread_self());
    static_cast<void>(connect<cancelled_in_its_wait>({"four.test", "80"}, 10s, silent->where()));
    return nullptr;
  };
  pthread_t caller{};
  ASSERT_EQ(::pthread_create(&caller, nullptr, body, nullptr), 0);
  void* left = nullptr;
  ::pthread_join(caller, &left);
  EXPECT_EQ(left, PTHREAD_CANCELED);
  EXPECT_TRUE(cancelled_in_its_wait::has_waited);
  silent.reset();
}

TEST(CaresWithoutAnswer, tells_of_a_server_that_is_not_there) {
  std::optional<udp_socket> gone(std::in_place);
  auto const where = gone->where();
  gone.reset();
  expect_resolve_error(connect({"four.test", "80"}, 10s, where), EAI_AGAIN);
}

TEST(CaresWithoutAnswer, gives_up_by_itself_when_its_own_time_is_over) {
  udp_socket const silent;
  ::setenv("RES_OPTIONS", "retrans:50 retry:2", 1);
  auto const result = connect({"four.test", "80"}, 30s, silent.where());
  ::unsetenv("RES_OPTIONS");
  expect_resolve_error(result, EAI_AGAIN);
  EXPECT_GE(result.error().elapsed, 50ms);
  EXPECT_LT(result.error().elapsed, 20s);
}

TEST(CaresWithoutAnswer, sleeps_until_its_own_time_is_over) {
  constexpr tconn::time_point noon{12h};
  udp_socket const silent;
  ::setenv("RES_OPTIONS", "retrans:900 retry:2", 1);
  auto const asking = cares_resolver{silent.where().to_string()}.start({"four.test", "80"});
  ::unsetenv("RES_OPTIONS");
  ASSERT_TRUE(asking);
  EXPECT_GT(asking->wakes_at(noon), noon);
  EXPECT_LE(asking->wakes_at(noon), noon + 900ms);
}

TEST(CaresWithoutAnswer, goes_on_at_once_after_an_answer_that_nobody_was_asked_for) {
  constexpr tconn::time_point noon{12h};
  udp_socket const silent;
  auto asking = cares_resolver{silent.where().to_string()}.start({std::string(64, 'a') + ".test", "80"});
  ASSERT_TRUE(asking);
  EXPECT_EQ(asking->wakes_at(noon), noon);
  EXPECT_TRUE(asking->step({}));
}

/// The n-th allocation of c-ares' fails.
struct scarce_memory {
  explicit scarce_memory(int failing) {
    left = failing;
    ::ares_library_init_mem(ARES_LIB_INIT_ALL, &allocate, &std::free, &reallocate);
  }
  scarce_memory(scarce_memory const&) = delete;
  scarce_memory& operator=(scarce_memory const&) = delete;
  ~scarce_memory() {
    ::ares_library_init_mem(ARES_LIB_INIT_ALL, &std::malloc, &std::free, &std::realloc);
    for (int i = 0; i < 2; ++i) ::ares_library_cleanup();
  }
  static bool is_spent() { return --left == 0; }
  static void* allocate(std::size_t size) { return is_spent() ? nullptr : std::malloc(size); }
  static void* reallocate(void* memory, std::size_t size) { return is_spent() ? nullptr : std::realloc(memory, size); }
  static inline int left = 0;
};

TEST(CaresWithoutMemory, tells_so_or_goes_on_without_whichever_allocation_fails) {
  udp_socket const silent;
  int told_so = 0;
  bool has_failed = true;
  for (int failing = 1; has_failed; ++failing) {
    scarce_memory const scarce(failing);
    auto asking = cares_resolver{silent.where().to_string()}.start({"four.test", "80"});
    auto const answer = asking ? asking->step({}) : tconn::found_endpoints(asking.error());
    has_failed = scarce_memory::left <= 0;
    if (!answer) continue;
    ASSERT_FALSE(*answer) << failing;
    EXPECT_EQ(answer->error(), std::errc::not_enough_memory) << failing << ": " << answer->error().message();
    ++told_so;
  }
  EXPECT_GT(told_so, 0);
}

TEST(CaresWithoutAnswer, refuses_servers_that_do_not_parse) {
  auto const result =
      tconn::timed_connect({"four.test", "80"}, 10s, {}, tconn::native_system{}, cares_resolver{"not a server"});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::invalid_option);
}

}  // namespace
