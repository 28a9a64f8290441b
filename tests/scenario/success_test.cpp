// SPDX-License-Identifier: MIT
// Promises 4, 5 and 7: success is real, there is exactly one outcome, and the socket comes as it was ordered.
#include "support/simulation.hpp"

#include <memory>

namespace {

using namespace support;
namespace native_error = tconn::native_error;

class Success : public Scenario {};

TEST_F(Success, hands_over_a_blocking_socket_unless_told_otherwise) {
  net.on_syn(to, {syn_ack(5ms)});
  auto const blocking = connect(10ms);
  ASSERT_TRUE(blocking);
  EXPECT_TRUE(net.is_blocking(blocking->native_handle()));
  auto const nonblocking = connect(10ms, {.nonblocking = true});
  ASSERT_TRUE(nonblocking);
  EXPECT_FALSE(net.is_blocking(nonblocking->native_handle()));
}

TEST_F(Success, the_socket_closes_itself) {
  net.on_syn(to, {syn_ack(5ms)});
  { auto const result = connect(10ms); }
  EXPECT_EQ(net.open_sockets(), 0U);
}

TEST_F(Success, takes_no_call_more_than_it_needs_when_the_handshake_is_over_at_once) {
  net.on_syn(to, {syn_ack(0ms)});
  { auto const result = connect(10ms); }
  EXPECT_EQ(net.log(),
            "+0ms open 3\n"
            "+0ms > SYN 192.0.2.1:80\n"
            "+0ms start_connect 3 192.0.2.1:80 = in progress\n"
            "+0ms < SYN-ACK 192.0.2.1:80\n"
            "+0ms > ACK 192.0.2.1:80\n"
            "+0ms start_connect 3 192.0.2.1:80 = 0\n"
            "+0ms local_port 3\n"
            "+0ms set_blocking 3\n"
            "+0ms close 3\n"
            "+0ms > FIN 192.0.2.1:80\n");
}

TEST_F(Success, takes_no_call_more_than_it_needs_when_it_has_to_wait) {
  net.on_syn(to, {syn_ack(5ms)});
  { auto const result = connect(10ms, {.nonblocking = true}); }
  EXPECT_EQ(net.log(),
            "+0ms open 3\n"
            "+0ms > SYN 192.0.2.1:80\n"
            "+0ms start_connect 3 192.0.2.1:80 = in progress\n"
            "+0ms start_connect 3 192.0.2.1:80 = " +
                support::said(EALREADY) +
                "\n"
                "+5ms < SYN-ACK 192.0.2.1:80\n"
                "+5ms > ACK 192.0.2.1:80\n"
                "+5ms wait 3 = 0\n"
                "+5ms connect_error 3\n"
                "+5ms tcp 3\n"
                "+5ms peer_name 3\n"
                "+5ms local_port 3\n"
                "+5ms close 3\n"
                "+5ms > FIN 192.0.2.1:80\n");
}

// connect() says EINPROGRESS (or EINTR) although it has started nothing, as a fault injector can make it.
class LyingConnect : public simulated {
 public:
  LyingConnect(world* net, int answer, int lies)
      : simulated(net), answer_(answer), left_(std::make_shared<int>(lies)) {}
  int start_connect(tconn::native_handle handle, tconn::endpoint const& to) const {
    return --*left_ >= 0 ? answer_ : simulated::start_connect(handle, to);
  }

 private:
  int answer_;
  std::shared_ptr<int> left_;
};

TEST_F(Success, readiness_with_SO_ERROR_0_proves_nothing_without_a_peer) {
  auto const result = tconn::timed_connect(to, 10ms, {}, LyingConnect(&net, native_error::in_progress, 1000));
  ASSERT_FALSE(result) << "a socket that was never connected was handed out";
  EXPECT_EQ(result.error().code, std::errc::not_connected) << net.log();
  EXPECT_EQ(count(net.log(), "wait 3 = 0"), 1) << "poll did not say ready";
}

TEST_F(Success, EINTR_of_connect_itself_means_that_the_attempt_goes_on) {
  net.answers_at_once(to, native_error::interrupted);
  net.before_call = [this](std::string_view call) {
    if (call == "wait") net.deliver(3, tconn::testing::happening::syn_ack);
  };
  EXPECT_TRUE(connect(10ms)) << net.log();
}

TEST_F(Success, a_connect_that_answers_0_at_once_needs_a_peer_too) {
  net.answers_at_once(to, 0);
  EXPECT_TRUE(connect(10ms)) << net.log();
  EXPECT_EQ(count(net.log(), "peer_name 3"), 1);
  // TCP_FASTOPEN_CONNECT, set by a hook: connect() answers 0 and has sent nothing; EISCONN, if the hook has called it too.
  for (int const answer : {0, EISCONN}) {
    auto const result = tconn::timed_connect(to, 10ms, {}, LyingConnect(&net, answer, 1));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, std::errc::not_connected) << answer;
  }
}

TEST_F(Success, a_peer_that_has_closed_already_is_a_success_and_one_that_has_reset_is_not) {
  net.on_syn(to, {syn_ack(5ms), fin(5ms)});
  EXPECT_TRUE(connect(10ms));
  auto const other = at("192.0.2.2:80");
  net.on_syn(other, {syn_ack(5ms), rst(5ms)});
  auto const result = tconn::timed_connect(other, 10ms, {}, simulated{&net});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::connection_reset) << net.log();
}

TEST_F(Success, is_not_told_where_SO_ERROR_cannot_be_read) {
  net.on_syn(to, {syn_ack(5ms)});
  tconn::testing::fault_plan plan{.fail_at = 1, .error = EIO, .call = "connect_error"};
  auto const result = tconn::timed_connect(to, 10ms, {}, tconn::testing::faulty{simulated{&net}, plan});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::error_code(EIO, tconn::native_category()));
}

TEST_F(Success, SO_ERROR_is_read_once) {
  net.on_syn(to, {rst(5ms)});
  auto const result = connect(10ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::connection_refused);
  EXPECT_EQ(count(net.log(), "connect_error"), 1) << net.log();
}

/// Linux, while a RST is at work on another processor: SO_ERROR is set, and the state is not changed yet. TCP_INFO takes
/// the state first and waits for the RST after, so the first one tells what was.
struct tells_what_was : simulated {
  tells_what_was(world* net, tconn::tcp_state state) : simulated(net), was(state) {}
  int connect_error(tconn::native_handle handle, int& error) const {
    int const answer = simulated::connect_error(handle, error);
    is_stale = error != 0;
    return answer;
  }
  int tcp(tconn::native_handle handle, tconn::tcp_facts& facts) const {
    int const answer = simulated::tcp(handle, facts);
    if (std::exchange(is_stale, false)) facts.state = was;
    return answer;
  }
  tconn::tcp_state was;
  mutable bool is_stale = false;
};

TEST_F(Success, is_not_told_and_the_error_is_while_the_RST_is_at_work) {
  net.on_syn(to, {rst(5ms)});
  auto const refused = tconn::timed_connect(to, 10ms, {}, tells_what_was(&net, tconn::tcp_state::syn_sent));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, std::errc::connection_refused) << net.log();
  auto const other = at("192.0.2.2:80");
  net.on_syn(other, {syn_ack(5ms), rst(5ms)});
  auto const reset = tconn::timed_connect(other, 10ms, {}, tells_what_was(&net, tconn::tcp_state::established));
  ASSERT_FALSE(reset);
  EXPECT_EQ(reset.error().code, std::errc::connection_reset) << net.log();
}

TEST_F(Success, a_socket_whose_blocking_mode_cannot_be_restored_is_not_handed_out) {
  net.on_syn(to, {syn_ack(5ms)});
  tconn::testing::fault_plan plan{.fail_at = 1, .error = EIO, .call = "set_blocking"};
  auto const result = tconn::timed_connect(to, 10ms, {}, tconn::testing::faulty{simulated{&net}, plan});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::error_code(EIO, tconn::native_category()));
  EXPECT_EQ(result.error().aftermath, tconn::aftermath::peer_sees_close);
}

// A system that connects to somebody else than it was asked for, as Linux does where a program in its kernel (cgroup
// connect4) says so.
struct redirecting : simulated {
  using simulated::simulated;
  int name(tconn::native_handle handle, tconn::name_of which, int family, tconn::endpoint& named) const {
    int const error = simulated::name(handle, which, family, named);
    if (which == tconn::name_of::peer && error == 0) named = at("192.0.2.99:99");
    return error;
  }
};

TEST_F(Success, on_a_new_socket_does_not_depend_on_which_peer_the_system_names) {
  net.on_syn(to, {syn_ack(5ms)});
  EXPECT_TRUE(tconn::timed_connect(to, 10ms, {}, redirecting(&net))) << net.log();
  net.answers_at_once(to, 0);
  EXPECT_TRUE(tconn::timed_connect(to, 10ms, {}, redirecting(&net))) << net.log();
}

}  // namespace
