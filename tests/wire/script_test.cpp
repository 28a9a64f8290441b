// SPDX-License-Identifier: MIT
// How the lines of a script are read, and which make no sense.
#include "wire/lab/script.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace {

/// All that was read, "on SYN 1 +130000000: SYN-ACK data", a line a rule.
std::string read(std::string_view text) {
  std::string shown;
  for (auto const& one : wire::read_script(text)) {
    shown += one.trigger + ' ' + std::to_string(one.which) + " +" + std::to_string(one.delay.count()) + ':';
    for (auto const& what : one.sends) shown += ' ' + what;
    shown += one.loses ? " lost\n" : "\n";
  }
  return shown;
}

TEST(Script, answers_every_packet_of_a_name_that_has_no_number) {
  EXPECT_EQ(read("on SYN: send SYN-ACK"), "on SYN 0 +0: SYN-ACK\n");
}

TEST(Script, answers_only_the_packet_of_a_number) {
  EXPECT_EQ(read("on SYN 2: send SYN-ACK"), "on SYN 2 +0: SYN-ACK\n");
  EXPECT_EQ(read("on packet 17: send RST"), "on packet 17 +0: RST\n");
}

TEST(Script, means_the_first_call_of_a_name_that_has_no_number) {
  EXPECT_EQ(read("before shut_receive: send SYN-ACK"), "before shut_receive 1 +0: SYN-ACK\n");
  EXPECT_EQ(read("before tcp 2: send RST"), "before tcp 2 +0: RST\n");
}

TEST(Script, knows_the_moment_after_the_return) {
  EXPECT_EQ(read("after return: send SYN-ACK"), "after return 1 +0: SYN-ACK\n");
}

TEST(Script, reacts_to_every_packet_that_can_come) {
  for (std::string const packet : {"SYN", "SYN-ACK", "ACK", "FIN-ACK", "RST", "RST-ACK", "data", "packet"})
    EXPECT_EQ(read("on " + packet + ": send ACK"), "on " + packet + " 0 +0: ACK\n");
}

TEST(Script, sends_every_packet_that_can_be_sent) {
  for (std::string const packet : {"SYN", "SYN-ACK", "ACK", "FIN-ACK", "RST", "data", "unreachable"})
    EXPECT_EQ(read("on SYN: send " + packet), "on SYN 0 +0: " + packet + "\n");
}

TEST(Script, reads_a_delay_in_each_of_its_units) {
  EXPECT_EQ(read("on SYN: after 7us send ACK"), "on SYN 0 +7000: ACK\n");
  EXPECT_EQ(read("on SYN: after 130ms send ACK"), "on SYN 0 +130000000: ACK\n");
  EXPECT_EQ(read("on SYN: after 2s send ACK"), "on SYN 0 +2000000000: ACK\n");
  EXPECT_EQ(read("on SYN: after 0ms send ACK"), "on SYN 0 +0: ACK\n");
}

TEST(Script, delays_what_a_call_or_the_return_sets_off) {
  EXPECT_EQ(read("before close: after 5ms send RST"), "before close 1 +5000000: RST\n");
  EXPECT_EQ(read("after return: after 5ms send RST"), "after return 1 +5000000: RST\n");
}

TEST(Script, sends_a_list_in_its_order) {
  EXPECT_EQ(read("on SYN: send SYN-ACK, data, data, RST"), "on SYN 0 +0: SYN-ACK data data RST\n");
  EXPECT_EQ(read("on SYN: after 1ms send SYN-ACK, data"), "on SYN 0 +1000000: SYN-ACK data\n");
}

TEST(Script, loses_a_packet_and_then_sends_nothing) {
  EXPECT_EQ(read("on SYN 1: lose"), "on SYN 1 +0: lost\n");
  EXPECT_EQ(read("on packet: lose"), "on packet 0 +0: lost\n");
}

TEST(Script, keeps_the_order_of_its_lines) {
  EXPECT_EQ(read("on SYN 1: lose\non SYN 2: send SYN-ACK\nbefore close: send RST"),
            "on SYN 1 +0: lost\non SYN 2 +0: SYN-ACK\nbefore close 1 +0: RST\n");
}

TEST(Script, passes_over_comments_and_empty_lines) {
  EXPECT_EQ(read("\n# on SYN: lose\n   \n\ton SYN:send ACK # after all: lose\n\n"), "on SYN 0 +0: ACK\n");
  EXPECT_EQ(read("# alone"), "");
}

TEST(Script, may_be_empty) { EXPECT_EQ(read(""), ""); }

TEST(Script, does_not_mind_how_much_space_there_is) {
  EXPECT_EQ(read("  on   SYN 2 :after 1ms   send SYN-ACK ,data  "), "on SYN 2 +1000000: SYN-ACK data\n");
}

class NoLineOfAScript : public testing::TestWithParam<char const*> {};

TEST_P(NoLineOfAScript, is_named_by_what_is_thrown) {
  std::string const line = GetParam();
  try {
    auto const rules = wire::read_script("on SYN: send SYN-ACK\n" + line + "\non FIN-ACK: send ACK");
    ADD_FAILURE() << line << " was read, and there are " << rules.size() << " rules";
  } catch (std::invalid_argument const& thrown) {
    EXPECT_EQ(thrown.what(), "no line of a script: " + line);
  }
}

constexpr char const* unknown_packets[] = {
    "on HELLO: send SYN-ACK", "on syn: send SYN-ACK",   "on unreachable: send RST", "on SYN: send HELLO",
    "on SYN: send syn-ack",   "on SYN: send RST-ACK",   "on SYN: send packet",      "on SYN: send SYN-ACK, HELLO",
    "on SYN: send",           "on SYN: after 1ms send", "on SYN: send ,",
};
INSTANTIATE_TEST_SUITE_P(with_an_unknown_packet_or_none, NoLineOfAScript, testing::ValuesIn(unknown_packets));

constexpr char const* no_triggers[] = {
    "send SYN-ACK",
    "on SYN send SYN-ACK",
    ": send SYN-ACK",
    "on: send SYN-ACK",
    "before: send SYN-ACK",
    "when SYN: send SYN-ACK",
    "SYN: send SYN-ACK",
    "On SYN: send SYN-ACK",
    "after SYN: send ACK",
    "after shut_receive: send ACK",
    "after: send SYN-ACK",
    "before return: send ACK",
    "nonsense",
};
INSTANTIATE_TEST_SUITE_P(without_a_trigger, NoLineOfAScript, testing::ValuesIn(no_triggers));

constexpr char const* no_numbers[] = {
    "on SYN 0: lose",         "on SYN -1: lose",          "on SYN +1: lose",  "on SYN 1.5: lose",
    "on SYN two: lose",       "on SYN 2x: lose",          "on SYN 1 2: lose", "on SYN 99999999999: lose",
    "before tcp 0: send RST", "after return 0: send RST",
};
INSTANTIATE_TEST_SUITE_P(with_a_number_that_counts_nothing, NoLineOfAScript, testing::ValuesIn(no_numbers));

constexpr char const* no_delays[] = {
    "on SYN: after 130 send SYN-ACK",
    "on SYN: after ms send SYN-ACK",
    "on SYN: after 1 ms send SYN-ACK",
    "on SYN: after -1ms send ACK",
    "on SYN: after 1.5ms send ACK",
    "on SYN: after 1m send ACK",
    "on SYN: after send SYN-ACK",
    "on SYN: after 1ms",
    "on SYN: after",
    "on SYN: after 1ns send ACK",
    "on SYN: after 99999999999s send ACK",
};
INSTANTIATE_TEST_SUITE_P(with_a_delay_that_is_none, NoLineOfAScript, testing::ValuesIn(no_delays));

constexpr char const* no_actions[] = {
    "on SYN:",           "on SYN: SYN-ACK",        "on SYN: lose it",        "on SYN: lose, send ACK",
    "on SYN: send lose", "on SYN: after 1ms lose", "on SYN: send ACK: data", "on SYN: send ACK after 1ms",
    "on SYN: send ACK;", "before close: lose",     "after return: lose",     "on SYN: after 1ms after 1ms send ACK",
};
INSTANTIATE_TEST_SUITE_P(with_something_else_to_do, NoLineOfAScript, testing::ValuesIn(no_actions));

}  // namespace
