// SPDX-License-Identifier: MIT
// Names: one budget for the lookup and all attempts, and a cancellation that ends either, in exact virtual times.
#include "support/scripted_resolver.hpp"
#include "support/simulation.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace support;
using tconn::aftermath;
using tconn::cancellation;
using tconn::errc;
using tconn::handshake;
using tconn::host;
using tconn::on_timeout;
using tconn::race_options;

auto const four = at("192.0.2.1:443");
auto const four_too = at("192.0.2.2:443");
auto const six = at("[2001:db8::1]:443");
constexpr host example{"example.org", "443"};

class Resolve : public Scenario {
 protected:
  auto resolve(host const& who, tconn::deadline limit, race_options const& options = {}) {
    return tconn::timed_connect(who, limit, options, simulated{&net}, scripted_resolver{&names});
  }
  template <class Result>
  void expect_nothing_begun(Result const& result) {
    EXPECT_EQ(result.error().handshake, handshake::not_started);
    EXPECT_EQ(result.error().aftermath, aftermath::none);
    EXPECT_FALSE(result.error().where.valid());
    EXPECT_TRUE(result.error().attempts.empty());
    EXPECT_EQ(count(net.log(), "open"), 0);
  }
  name_script names{&net};
};

TEST_F(Resolve, connects_to_what_the_name_resolves_to_and_asks_once) {
  names.after = 20ms;
  names.answer = {four};
  net.on_syn(four, {syn_ack(30ms)});
  auto const result = resolve(example, 100ms);
  ASSERT_TRUE(result) << told(result);
  EXPECT_EQ(net.elapsed(), 50ms);
  EXPECT_EQ(net.socket_at(result->native_handle()).target, four);
  EXPECT_EQ(names.asked, std::vector<std::string>{"example.org 443"});
  EXPECT_EQ(names.unfinished, 0);
}

TEST_F(Resolve, spends_one_budget_on_the_lookup_and_the_attempts) {
  names.after = 300ms;
  names.answer = {four};
  auto const result = resolve(example, 500ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::deadline_exceeded);
  EXPECT_EQ(result.error().where, four);
  EXPECT_EQ(result.error().handshake, handshake::in_flight);
  EXPECT_EQ(result.error().elapsed, 500ms) << "since the beginning of the call";
  ASSERT_EQ(result.error().attempts.size(), 1U);
  EXPECT_EQ(result.error().attempts[0].elapsed, 200ms) << "what the lookup has left";
  EXPECT_EQ(net.wire(), "+300ms > SYN 192.0.2.1:443\n");
}

TEST_F(Resolve, races_the_addresses_and_lets_families_take_turns) {
  names.answer = {six, at("[2001:db8::2]:443"), four};
  net.on_syn(four, {syn_ack(5ms)});
  auto const result = resolve(example, 10s, {.stagger = 100ms});
  ASSERT_TRUE(result) << told(result);
  EXPECT_EQ(net.elapsed(), 105ms);
  EXPECT_EQ(net.socket_at(result->native_handle()).target, four);
}

TEST_F(Resolve, ends_at_the_deadline_while_it_looks_the_name_up) {
  names.after = 10s;
  auto const result = resolve(example, 500ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::deadline_exceeded);
  EXPECT_EQ(result.error().elapsed, 500ms);
  EXPECT_EQ(net.elapsed(), 500ms);
  EXPECT_EQ(names.unfinished, 1) << "the lookup is given up";
  expect_nothing_begun(result);
}

TEST_F(Resolve, ends_at_a_fixed_moment_of_which_the_caller_has_used_a_part) {
  net.pass(400ms);
  names.after = 10s;
  auto const result = resolve(example, world::start + 500ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(net.elapsed(), 500ms);
  EXPECT_EQ(result.error().elapsed, 100ms);
}

TEST_F(Resolve, without_a_deadline_waits_for_as_long_as_the_lookup_takes) {
  names.after = 1h;
  names.answer = {four};
  net.on_syn(four, {syn_ack(30ms)});
  EXPECT_TRUE(resolve(example, tconn::deadline::never()));
  EXPECT_EQ(net.elapsed(), 1h + 30ms);
}

TEST_F(Resolve, with_a_zero_deadline_begins_the_lookup_and_looks_once) {
  names.after = 10ms;
  names.answer = {four};
  for (auto const limit : {0ms, -5ms}) {
    auto const result = resolve(example, limit);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::deadline_exceeded);
    expect_nothing_begun(result);
  }
  EXPECT_EQ(net.elapsed(), 0ms);
  EXPECT_EQ(names.asked.size(), 2U);
  EXPECT_EQ(names.steps, 2) << "one look each";
}

TEST_F(Resolve, with_a_zero_deadline_goes_on_to_one_attempt_when_the_answer_is_there) {
  names.answer = {four, four_too};
  auto const result = resolve(example, 0ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::deadline_exceeded);
  EXPECT_EQ(result.error().where, four);
  EXPECT_EQ(result.error().attempts.size(), 1U);
  EXPECT_EQ(net.elapsed(), 0ms);
}

TEST_F(Resolve, at_the_deadline_looks_a_last_time_whether_the_answer_is_there) {
  net.calls_take(1us);
  names.after = 500ms + 1us;  // after the wait has expired, and before the last look
  names.answer = {four};
  net.answers_at_once(four, 0);
  auto const result = resolve(example, 500ms);
  ASSERT_TRUE(result) << told(result) << net.log();
}

TEST_F(Resolve, wakes_up_when_the_lookup_wants_to_go_on_by_itself) {
  names.wakes_after = 70ms;
  names.answer = {four};
  net.on_syn(four, {syn_ack(30ms)});
  ASSERT_TRUE(resolve(example, 10s));
  EXPECT_EQ(net.elapsed(), 100ms);
  EXPECT_EQ(count(net.log(), "timed out"), 1);
}

TEST_F(Resolve, does_not_wait_longer_than_its_deadline_for_a_lookup_that_wakes_up_later) {
  names.wakes_after = 10s;
  ASSERT_FALSE(resolve(example, 500ms));
  EXPECT_EQ(net.elapsed(), 500ms);
}

TEST_F(Resolve, is_cancelled_at_once_while_it_looks_the_name_up) {
  cancellation cancel;
  names.after = 10s;
  net.at(30ms, [&] { cancel.request(); });
  auto const result = resolve(example, tconn::deadline::never(), {.each = {.cancel = &cancel}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::cancelled);
  EXPECT_EQ(result.error().elapsed, 30ms);
  EXPECT_EQ(names.unfinished, 1);
  expect_nothing_begun(result);
}

TEST_F(Resolve, that_is_cancelled_at_the_moment_of_the_answer_connects_to_nobody) {
  cancellation cancel;
  names.after = 30ms;
  names.answer = {four};
  net.at(30ms, [&] { cancel.request(); });
  auto const result = resolve(example, 10s, {.each = {.cancel = &cancel}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::cancelled);
  expect_nothing_begun(result);
}

TEST_F(Resolve, is_cancelled_in_the_attempts_as_well) {
  cancellation cancel;
  names.after = 30ms;
  names.answer = {four};
  net.at(40ms, [&] { cancel.request(); });
  auto const result = resolve(example, 10s, {.each = {.cancel = &cancel}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::cancelled);
  EXPECT_EQ(result.error().where, four);
  EXPECT_EQ(net.elapsed(), 40ms);
}

TEST_F(Resolve, that_is_cancelled_before_it_begins_asks_nobody) {
  cancellation cancel;
  cancel.request();
  auto const result = resolve(example, 10s, {.each = {.cancel = &cancel}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::cancelled);
  EXPECT_TRUE(names.asked.empty());
}

TEST_F(Resolve, passes_on_why_there_is_no_address) {
  names.after = 20ms;
  names.error = {EAI_NONAME, tconn::resolve_category()};
  auto const result = resolve(example, 10s);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, names.error);
  EXPECT_EQ(result.error().elapsed, 20ms);
  EXPECT_EQ(result.error().message(),
            "no endpoint: " + names.error.message() + " after 20.000 ms, handshake not_started");
  expect_nothing_begun(result);
}

TEST_F(Resolve, passes_on_why_a_lookup_does_not_even_begin) {
  names.start_error = errc::resolver_busy;
  auto const result = resolve(example, 10s);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::resolver_busy);
  EXPECT_EQ(net.log(), "");
}

TEST_F(Resolve, of_a_name_without_addresses_has_no_endpoints) {
  names.after = 20ms;
  auto const result = resolve(example, 10s);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::no_endpoints);
  EXPECT_EQ(result.error().elapsed, 20ms);
}

TEST_F(Resolve, of_numeric_text_asks_no_resolver) {
  auto const six_scoped = at("[fe80::1%1]:443");
  struct {
    host who;
    tconn::endpoint means;
  } const all[] = {{{"192.0.2.1", "443"}, four},
                   {{"2001:db8::1", "443"}, six},
                   {{"fe80::1%1", "443"}, six_scoped},
                   {{"127.1", "443"}, at("127.0.0.1:443")}};  // as getaddrinfo() reads it
  for (auto const& [who, means] : all) {
    SCOPED_TRACE(who.name);
    net.answers_at_once(means, 0);
    auto const result = resolve(who, 10s);
    ASSERT_TRUE(result) << told(result);
    EXPECT_EQ(net.socket_at(result->native_handle()).target, means);
  }
  EXPECT_TRUE(names.asked.empty());
  EXPECT_EQ(net.elapsed(), 0ms);
}

TEST_F(Resolve, of_text_with_a_colon_that_is_no_address_asks_no_resolver) {
  for (auto const* name : {"::g", "1:2", "fe80::1%nosuchinterface"}) {
    auto const result = resolve({name, "443"}, 10s);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, std::error_code(EAI_NONAME, tconn::resolve_category())) << name;
  }
  EXPECT_TRUE(names.asked.empty());
}

TEST_F(Resolve, of_a_numeric_address_asks_for_the_port_of_a_service_that_has_a_name) {
  names.answer = {four};
  for (auto const* name : {"192.0.2.1", "2001:db8::1"}) EXPECT_FALSE(resolve({name, "https"}, 0ms));
  EXPECT_EQ(names.asked, (std::vector<std::string>{"192.0.2.1 https", "2001:db8::1 https"}));
}

TEST_F(Resolve, of_what_can_be_no_host_asks_no_resolver) {
  using namespace std::string_view_literals;
  std::string const long_name(300, 'a');
  std::string const too_long(254, 'a');
  for (host const& who : std::initializer_list<host>{
           {},
           {"", "443"},
           {".", "443"},
           {long_name, "443"},
           {too_long, "443"},
           {"exa mple.org", "443"},
           {" example.org", "443"},
           {"example.org ", "443"},
           {"example.org\0.evil.org"sv, "443"},
           {"\0"sv, "443"},
           {"example.org\n", "443"},
           {"example\x7f.org", "443"},
           {"example.org\t", "443"},
           {"example.org", ""},
           {"example.org", "\0"sv},
           {"example.org", "443\0"sv},
           {"example.org", "ht tps"},
           {"example.org", "65536"},
           {"example.org", "99999999999999999999"},
           {"example.org", "0443"},
           {"example.org", "+443"},
           {"example.org", "-1"},
           {"example.org", " 443"},
           {"example.org", "{https}"},
           {"192.0.2.1", "65536"},
       }) {
    auto const result = resolve(who, 10s);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::invalid_host) << '"' << who.name << "\" \"" << who.service << '"';
    expect_nothing_begun(result);
  }
  EXPECT_TRUE(names.asked.empty());
  EXPECT_EQ(net.log(), "");
}

TEST_F(Resolve, of_the_longest_name_and_any_port_asks) {
  std::string const longest = std::string(253, 'a') + '.';
  for (host const& who : std::initializer_list<host>{
           {longest, "65535"}, {"a", "0"}, {"a", "afs3-fileserver"}, {"a", "3com-tsmux"}, {"a", "z39.50"}})
    EXPECT_EQ(resolve(who, 10s).error().code, errc::no_endpoints) << who.service;
  EXPECT_EQ(names.asked.size(), 5U);
}

TEST_F(Resolve, looks_at_the_options_before_the_host) {
  for (auto const& options :
       {race_options{.each = {.on_timeout = on_timeout::keep}}, race_options{.losers = on_timeout::keep},
        race_options{.stagger = -1ns}, race_options{.attempt_limit = -1ns}}) {
    EXPECT_EQ(resolve({}, 10s, options).error().code, errc::invalid_option);
    EXPECT_EQ(resolve(example, 10s, options).error().code, errc::invalid_option);
  }
  EXPECT_TRUE(names.asked.empty());
}

TEST_F(Resolve, bears_a_storm_of_signals_within_its_one_budget) {
  net.signals_every(1ms);
  names.after = 300ms;
  names.answer = {four};
  auto const result = resolve(example, 500ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::deadline_exceeded);
  EXPECT_EQ(net.elapsed(), 500ms);
  EXPECT_EQ(net.wire(), "+300ms > SYN 192.0.2.1:443\n");
  EXPECT_GE(count(net.log(), "interrupted"), 400);
}

TEST_F(Resolve, shows_the_guard_the_addresses_that_are_dialled) {
  names.answer = {at("127.0.0.1:443"), at("10.0.0.1:443"), at("[::1]:443"), at("[::ffff:8.8.8.8]:443"),
                  at("169.254.169.254:443")};
  auto const result =
      resolve({"rebound.example", "443"}, 10s, {.each = {.before_connect = tconn::guards::public_addresses_only}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::refused_by_hook);
  EXPECT_EQ(result.error().attempts.size(), 5U);
  EXPECT_EQ(net.wire(), "") << "nothing was sent";
}

TEST_F(Resolve, shows_the_guard_numeric_text_in_any_form) {
  for (auto const* name : {"127.0.0.1", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "::1", "::ffff:127.0.0.1"}) {
    auto const result = resolve({name, "443"}, 10s, {.each = {.before_connect = tconn::guards::public_addresses_only}});
    ASSERT_FALSE(result) << name;
    EXPECT_EQ(result.error().code, errc::refused_by_hook) << name;
  }
  EXPECT_EQ(net.wire(), "");
}

/// A system whose wait() leaves something in the entries though nothing is ready.
struct untidy : simulated {
  using simulated::simulated;
  int wait(tconn::poll_entry* entries, std::size_t count, tconn::time_point until) const {
    int const woken = simulated::wait(entries, count, until);
    for (std::size_t i = 0; woken != 0 && i < count; ++i) entries[i].revents = entries[i].events;
    return woken;
  }
};

TEST_F(Resolve, believes_nothing_that_a_wait_has_left_behind_in_which_nothing_was_ready) {
  net.signals_every(10ms);
  names.after = 50ms;
  names.answer = {four};
  net.on_syn(four, {syn_ack(0ms)});
  cancellation cancel;
  auto const result =
      tconn::timed_connect(example, 1s, {.each = {.cancel = &cancel}}, untidy{&net}, scripted_resolver{&names});
  EXPECT_TRUE(result) << told(result);
  EXPECT_EQ(net.elapsed(), 50ms) << "and not when the first signal came";
}

TEST_F(Resolve, gives_the_lookup_up_when_the_wait_itself_fails) {
  names.after = 10s;
  tconn::testing::fault_plan plan{1, ENOMEM, "wait"};
  auto const result =
      tconn::timed_connect(example, 10s, {}, tconn::testing::faulty{simulated{&net}, plan}, scripted_resolver{&names});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::not_enough_memory);
  EXPECT_EQ(names.unfinished, 1);
  expect_nothing_begun(result);
}

/// A strategy that cannot watch descriptors from some number on.
struct short_sighted : simulated {
  using owner = simulated;
  short_sighted(world* net, tconn::native_handle beyond) : simulated(net), limit(beyond) {}
  bool can_wait_on(tconn::native_handle handle) const { return handle < limit; }
  tconn::native_handle limit;
};

TEST_F(Resolve, does_not_wait_for_a_descriptor_that_its_strategy_cannot_watch) {
  cancellation cancel;
  names.answer = {four};
  for (auto const limit : {cancel.native_handle(), cancel.native_handle() + 1}) {
    auto const result = tconn::timed_connect(example, 10s, {.each = {.cancel = &cancel}}, short_sighted{&net, limit},
                                             scripted_resolver{&names});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::descriptor_too_large);
  }
  EXPECT_EQ(net.log(), "");
}

}  // namespace
