// SPDX-License-Identifier: MIT
// Names without a connect, and waiting for a server by its name, in the simulated world.
#include "support/scripted_resolver.hpp"
#include "support/simulation.hpp"

#include <string>
#include <vector>

namespace {

using namespace support;
using tconn::cancellation;
using tconn::endpoint;
using tconn::errc;
using tconn::host;
using tconn::on_timeout;
using tconn::retry_options;

auto const four = at("192.0.2.1:443");
auto const six = at("[2001:db8::1]:443");
constexpr host example{"example.org", "443"};
std::error_code const no_name{tconn::detail::lookup_error::no_name, tconn::resolve_category()};

class ByName : public Scenario {
 protected:
  auto look_up(host const& who, tconn::deadline limit, cancellation const* cancel = nullptr) {
    return tconn::resolve(who, limit, cancel, simulated{&net}, scripted_resolver{&names});
  }
  auto retry(tconn::deadline limit, retry_options const& options = {}) {
    return tconn::timed_connect_retry(example, limit, options, simulated{&net}, scripted_resolver{&names});
  }
  name_script names{&net};
};

TEST_F(ByName, gives_the_addresses_in_the_resolvers_order) {
  names.after = 20ms;
  names.answer = {six, four};
  auto const found = look_up(example, 1s);
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, (std::vector<endpoint>{six, four}));
  EXPECT_EQ(net.elapsed(), 20ms);
}

TEST_F(ByName, ends_a_lookup_at_its_deadline_and_when_it_is_cancelled) {
  names.after = 1h;
  EXPECT_EQ(look_up(example, 50ms).error(), errc::deadline_exceeded);
  EXPECT_EQ(net.elapsed(), 50ms);
  cancellation cancel;
  net.at(70ms, [&] { cancel.request(); });
  EXPECT_EQ(look_up(example, 1s, &cancel).error(), errc::cancelled);
  EXPECT_EQ(net.elapsed(), 70ms);
  EXPECT_EQ(look_up(example, 1s, &cancel).error(), errc::cancelled);
  EXPECT_EQ(names.asked.size(), 2U) << "the third was cancelled beforehand";
}

TEST_F(ByName, asks_nobody_for_what_can_be_no_host) {
  EXPECT_EQ(look_up({"", "80"}, 1s).error(), errc::invalid_host);
  for (auto const policy : {on_timeout::keep, static_cast<on_timeout>(7)})
    EXPECT_EQ(retry(1s, {.each = {.on_timeout = policy}}).error().code, errc::invalid_option);
  EXPECT_EQ(
      tconn::timed_connect_retry(host{"a b", "80"}, 1s, {}, simulated{&net}, scripted_resolver{&names}).error().code,
      errc::invalid_host);
  EXPECT_TRUE(names.asked.empty());
}

TEST_F(ByName, waits_until_the_name_is_known_and_somebody_listens) {
  names.error = no_name;
  net.on_syn(four, {rst(1ms)});
  net.at(300ms, [&] {
    names.error = {};
    names.answer = {four};
  });
  net.at(900ms, [&] { net.on_syn(four, {syn_ack(1ms)}); });
  auto const result = retry(30s);
  ASSERT_TRUE(result) << told(result);
  EXPECT_GE(net.elapsed(), 900ms);
  EXPECT_LT(net.elapsed(), 1500ms) << "no pause is longer than 500 ms";
}

TEST_F(ByName, takes_whatever_may_pass_of_a_lookup_for_worth_another_attempt) {
  auto const of_lookup = [](int error) { return std::error_code(error, tconn::resolve_category()); };
  namespace lookup_error = tconn::detail::lookup_error;
  for (auto const& [error, passes] : {std::pair{of_lookup(lookup_error::no_name), true},
                                      {of_lookup(lookup_error::no_data), true},
                                      {of_lookup(lookup_error::try_again), true},
                                      {make_error_code(errc::resolver_busy), true},
                                      {make_error_code(errc::no_endpoints), true},
                                      {of_lookup(lookup_error::failed), false},
                                      {std::error_code(lookup_error::no_name, std::generic_category()), false}}) {
    names.asked.clear();
    names.error = error;
    EXPECT_EQ(retry(2s).error().code, passes ? make_error_code(errc::deadline_exceeded) : error);
    EXPECT_EQ(names.asked.size() > 1, passes) << error.message();
  }
}

TEST_F(ByName, asks_nobody_when_it_was_cancelled_beforehand) {
  cancellation cancel;
  cancel.request();
  EXPECT_EQ(retry(2s, {.each = {.cancel = &cancel}}).error().code, errc::cancelled);
  EXPECT_TRUE(names.asked.empty());
}

TEST_F(ByName, tells_of_its_latest_attempts_at_the_deadline) {
  names.error = no_name;
  auto const result = retry(2s);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::deadline_exceeded);
  EXPECT_EQ(result.error().elapsed, 2s);
  ASSERT_EQ(result.error().attempts.size(), names.asked.size());
  EXPECT_EQ(result.error().attempts.back().code, no_name);
}

TEST_F(ByName, ends_at_once_with_an_error_that_will_not_pass) {
  names.error = std::make_error_code(std::errc::permission_denied);
  EXPECT_EQ(retry(2s).error().code, std::errc::permission_denied);
  EXPECT_EQ(names.asked.size(), 1U);
  names.error = {};
  names.answer = {four};
  net.on_syn(four, {rst(1ms)});
  auto const never = [](std::error_code const&) { return false; };
  EXPECT_EQ(retry(2s, {.retries = never}).error().code, std::errc::connection_refused);
}

TEST_F(ByName, is_cancelled_in_a_lookup_a_pause_and_an_attempt) {
  for (auto const when : {5ms, 12ms, 400ms}) {
    world other;
    name_script script{&other};
    script.after = 10ms;
    script.error = no_name;
    other.at(300ms, [&] {
      script.error = {};
      script.answer = {four};
    });
    cancellation cancel;
    other.at(when, [&] { cancel.request(); });
    auto const result = tconn::timed_connect_retry(example, 30s, {.each = {.cancel = &cancel}, .seed = 3},
                                                   simulated{&other}, scripted_resolver{&script});
    EXPECT_EQ(result.error().code, errc::cancelled);
    EXPECT_EQ(other.elapsed(), when);
    EXPECT_EQ(other.open_sockets(), 0U);
  }
}

TEST_F(ByName, cancelled_at_any_call_has_one_outcome_and_leaves_nothing_open) {
  auto const play = [](world& own, name_script& script) {
    script.after = 5ms;
    script.answer = {four};
    own.on_syn(four, {rst(20ms)});
    own.on_syn(four, {syn_ack(20ms)});
  };
  auto const once = times_cancelled_at_any_call("Connection refused", [&](world& own, cancellation const& cancel) {
    name_script script{&own};
    play(own, script);
    return tconn::timed_connect(example, 1s, {.each = {.cancel = &cancel}}, simulated{&own},
                                scripted_resolver{&script});
  });
  EXPECT_GE(once, 4);
  auto const again = times_cancelled_at_any_call("connected", [&](world& own, cancellation const& cancel) {
    name_script script{&own};
    play(own, script);
    return tconn::timed_connect_retry(example, 10s, {.each = {.cancel = &cancel}, .seed = 3}, simulated{&own},
                                      scripted_resolver{&script});
  });
  EXPECT_GE(again, 10);
}

}  // namespace
