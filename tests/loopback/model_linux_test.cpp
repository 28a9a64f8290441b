// SPDX-License-Identifier: MIT
// The simulated world answers as the kernel does: the same primitives in the same order, on real sockets and on
// simulated ones, give the same answers. What the scenario tests prove is worth as much as this.
#include <timed_connect/testing/simulated.hpp>
#include <timed_connect/timed_connect.hpp>

#include "support/loopback.hpp"

#include <gtest/gtest.h>

namespace {

using namespace support;
using tconn::name_of;
using tconn::shut_direction;
using tconn::testing::simulated;
using tconn::testing::world;

enum class peer { live, silent, refusing };
char const* const names[] = {"live", "silent", "refusing"};

/// Calls one primitive after another and writes the answers down.
template <class System>
class notes {
 public:
  notes(System sys, tconn::endpoint const& to, tconn::endpoint const& other) : sys_(sys), to_(to), other_(other) {
    put("open", sys_.open(handle_, to.family(), false));
  }
  notes(notes const&) = delete;
  notes& operator=(notes const&) = delete;
  ~notes() { sys_.close(handle_); }

  notes& connect() { return put("connect", sys_.start_connect(handle_, to_)); }
  notes& connect_other() { return put("connect other", sys_.start_connect(handle_, other_)); }
  notes& settle() {
    auto entry = tconn::detail::platform::writable(handle_);
    return put("wait", sys_.wait(&entry, 1, sys_.now() + 50ms));
  }
  notes& error() {
    int value = -1;
    put("error", sys_.connect_error(handle_, value));
    return put("  is", value);
  }
  notes& state() {
    tconn::tcp_facts facts;
    put("tcp", sys_.tcp(handle_, facts));
    put("  state", static_cast<int>(facts.state));
    return put("  repeated", static_cast<int>(facts.syn_retransmits));
  }
  notes& name(name_of which) {
    tconn::endpoint named;
    put(which == name_of::peer ? "peer" : "target", sys_.name(handle_, which, to_.family(), named));
    return put("  is", named == to_ ? 1 : named == other_ ? 2 : 0);
  }
  notes& shut(shut_direction direction) { return put("shut", sys_.shut(handle_, direction)); }
  notes& mark() { return put("mark", sys_.mark_arrivals(handle_)); }
  notes& arrived() {
    bool has = false;
    put("arrived", sys_.has_arrived(handle_, has));
    return put("  is", has ? 1 : 0);
  }
  notes& report() { return put("report", sys_.discard_report(handle_)); }
  notes& disconnect() { return put("disconnect", sys_.disconnect(handle_)); }
  notes& everything() { return state().name(name_of::peer).name(name_of::target).settle(); }
  std::string const& text() const { return text_; }

 private:
  notes& put(char const* what, int answer) {
    text_ += std::string(what) + " = " + std::to_string(answer) + '\n';
    return *this;
  }
  System sys_;
  tconn::endpoint to_;
  tconn::endpoint other_;
  tconn::native_handle handle_ = -1;
  std::string text_{};
};

class Model : public testing::TestWithParam<peer> {
 protected:
  void SetUp() override {
    if (!tells_what_is_left()) GTEST_SKIP() << needs_a_kernel;
  }

  listener const live_{};
  full_listener const silent_{};
  closed_port const refusing_{};
  listener const other_{};

  template <class Course>
  void compare(Course const& course) {
    auto const to = GetParam() == peer::live     ? live_.where()
                    : GetParam() == peer::silent ? silent_.where()
                                                 : refusing_.where();
    notes<tconn::native_system> real(tconn::native_system{}, to, other_.where());
    world net;
    if (GetParam() == peer::live) net.on_syn(to, {tconn::testing::syn_ack(0ms)});
    if (GetParam() == peer::refusing) net.on_syn(to, {tconn::testing::rst(0ms)});
    net.on_syn(other_.where(), {tconn::testing::syn_ack(0ms)});
    notes<simulated> virtually(simulated{&net}, to, other_.where());
    course(real);
    course(virtually);
    EXPECT_EQ(real.text(), virtually.text());
  }
};
INSTANTIATE_TEST_SUITE_P(peers, Model, testing::Values(peer::live, peer::silent, peer::refusing),
                         [](auto const& which) { return names[static_cast<int>(which.param)]; });

TEST_P(Model, of_a_fresh_socket) {
  compare([](auto& n) {
    n.everything().error().shut(shut_direction::receive).shut(shut_direction::both).disconnect().everything();
  });
}
TEST_P(Model, of_an_attempt) {
  compare([](auto& n) { n.connect().everything().error().error().everything(); });
}
TEST_P(Model, of_connecting_twice_and_three_times) {
  compare([](auto& n) { n.connect().connect().state().connect_other().state().name(name_of::target); });
}
TEST_P(Model, of_connecting_again_after_SO_ERROR_was_read) {
  compare([](auto& n) { n.connect().settle().error().connect().connect().settle().state(); });
}
TEST_P(Model, of_shutting_down_the_receiving_side) {
  compare([](auto& n) {
    n.connect().shut(shut_direction::receive).state().shut(shut_direction::receive).error().name(name_of::target);
  });
}
TEST_P(Model, of_shutting_down_both_sides_in_flight) {
  compare([](auto& n) { n.connect().shut(shut_direction::both).state().error(); });
}
TEST_P(Model, of_deciding_by_the_receiving_side_and_then_ending_both) {
  compare([](auto& n) { n.connect().shut(shut_direction::receive).shut(shut_direction::both).error().state(); });
}
TEST_P(Model, of_a_reset_and_another_connect) {
  compare([](auto& n) {
    n.connect().disconnect().state().error().connect_other().settle().name(name_of::peer).name(name_of::target);
  });
}
TEST_P(Model, of_what_arrives_after_a_mark) {
  compare([](auto& n) { n.mark().arrived().connect().settle().arrived().mark().arrived().disconnect().arrived(); });
}
TEST_P(Model, of_reports_that_nobody_has_sent) {
  compare([](auto& n) { n.report().connect().settle().report(); });
}
TEST_P(Model, of_another_connect_after_an_abort) {
  compare([](auto& n) {
    n.connect().shut(shut_direction::receive).error().disconnect().error().connect_other().settle().state();
  });
}

}  // namespace
