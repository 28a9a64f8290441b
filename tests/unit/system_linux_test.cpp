// SPDX-License-Identifier: MIT
// Each primitive of the native system tells its error, and the plain POSIX ones do, which other systems have.
#include <timed_connect/detail/drive.hpp>
#include <timed_connect/wait.hpp>

#include "support/loopback.hpp"

#include <gtest/gtest.h>

#include <signal.h>
#include <sys/resource.h>
#include <atomic>
#include <cerrno>
#include <fstream>
#include <map>
#include <string>

namespace {

using namespace support;
using tconn::name_of;
using tconn::native_system;
using tconn::no_handle;
using tconn::shut_direction;
using tconn::socket_option;
using posix = tconn::detail::posix_platform;

TEST(NativeSystem, tells_the_error_of_every_call_on_what_is_no_descriptor) {
  if (!tells_what_is_left()) GTEST_SKIP() << needs_a_kernel;
  native_system const sys;
  int number = 0;
  bool flag = false;
  std::uint16_t port = 0;
  auto const here = tconn::endpoint::loopback_v4(80);
  auto named = here;
  tconn::tcp_facts facts;
  std::uint32_t token = 0;
  std::size_t taken = 1;
  std::map<std::string, int> const answers{
      {"kind", sys.kind(no_handle, number, number)},
      {"blocking", sys.blocking(no_handle, flag)},
      {"set_blocking", sys.set_blocking(no_handle, true)},
      {"no_delay", sys.set_option(no_handle, socket_option::no_delay, 1)},
      {"keep_alive", sys.set_option(no_handle, socket_option::keep_alive, 1)},
      {"user_timeout_ms", sys.set_option(no_handle, socket_option::user_timeout_ms, 1)},
      {"syn_count", sys.set_option(no_handle, socket_option::syn_count, 1)},
      {"mark", sys.set_option(no_handle, socket_option::mark, 1)},
      {"bind", sys.bind(no_handle, here)},
      {"bind without a port", sys.bind(no_handle, tconn::endpoint::loopback_v4(0))},
      {"bind_to_interface", sys.bind_to_interface(no_handle, "lo")},
      {"start_connect", sys.start_connect(no_handle, here)},
      {"connect_error", sys.connect_error(no_handle, number)},
      {"local_port", sys.local_port(no_handle, port)},
      {"local name", sys.name(no_handle, name_of::local, AF_INET, named)},
      {"peer name", sys.name(no_handle, name_of::peer, AF_INET, named)},
      {"target name", sys.name(no_handle, name_of::target, AF_INET, named)},
      {"shut", sys.shut(no_handle, shut_direction::both)},
      {"disconnect", sys.disconnect(no_handle)},
      {"mark_arrivals", sys.mark_arrivals(no_handle)},
      {"has_arrived", sys.has_arrived(no_handle, flag)},
      {"reset_on_close", sys.reset_on_close(no_handle)},
      {"discard_received", sys.discard_received(no_handle)},
      {"discard_report", sys.discard_report(no_handle)},
      {"tcp", sys.tcp(no_handle, facts)},
      {"watch", sys.watch(no_handle, no_handle, 0)},
      {"take_ready", sys.take_ready(no_handle, &token, taken)}};
  for (auto const& [call, answer] : answers) EXPECT_EQ(answer, EBADF) << call;
  EXPECT_EQ(named, here) << "a name that could not be read";
  EXPECT_EQ(taken, 0U);
}

TEST(NativeSystem, tells_why_there_is_no_socket_and_no_queue) {
  native_system const sys;
  int opened = no_handle;
  EXPECT_EQ(sys.open(opened, 9999, false), EAFNOSUPPORT);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit const none{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  int const socket = sys.open(opened, AF_INET, false);
  int queue_handle = no_handle;
  int const queue = sys.open_queue(queue_handle);
  tconn::native_handle ends[2] = {no_handle, no_handle};
  int const pipe = posix::open_event(ends[0], ends[1]);
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(socket, EMFILE);
  EXPECT_EQ(queue, EMFILE);
  EXPECT_EQ(pipe, EMFILE);
  EXPECT_EQ(ends[0], no_handle);
}

TEST(NativeSystem, takes_a_second_connect_for_a_proof_of_tcp_alone) {
  EXPECT_TRUE(native_system::second_connect_proves(AF_INET));
  EXPECT_TRUE(native_system::second_connect_proves(AF_INET6));
  EXPECT_FALSE(native_system::second_connect_proves(AF_UNIX));
}

TEST(PosixPlatform, tells_the_error_of_every_call_on_what_is_no_descriptor) {
  int number = 0;
  bool flag = false;
  std::uint16_t port = 0;
  auto const here = tconn::endpoint::loopback_v4(80);
  sockaddr_storage bytes{};
  tconn::detail::address_length length = sizeof bytes;
  auto* const address = reinterpret_cast<sockaddr*>(&bytes);
  std::map<std::string, int> const answers{{"kind", posix::kind(no_handle, number, number)},
                                           {"blocking", posix::blocking(no_handle, flag)},
                                           {"set_blocking", posix::set_blocking(no_handle, true)},
                                           {"no_delay", posix::set_option(no_handle, socket_option::no_delay, 1)},
                                           {"keep_alive", posix::set_option(no_handle, socket_option::keep_alive, 1)},
                                           {"bind", posix::bind(no_handle, here.data(), here.size(), false)},
                                           {"connect", posix::connect(no_handle, here.data(), here.size())},
                                           {"connect_error", posix::connect_error(no_handle, number)},
                                           {"local_port", posix::local_port(no_handle, port)},
                                           {"local name", posix::name(no_handle, name_of::local, address, length)},
                                           {"peer name", posix::name(no_handle, name_of::peer, address, length)},
                                           {"shut", posix::shut(no_handle, shut_direction::receive)},
                                           {"reset_on_close", posix::reset_on_close(no_handle)},
                                           {"discard_received", posix::discard_received(no_handle)}};
  for (auto const& [call, answer] : answers) EXPECT_EQ(answer, EBADF) << call;
  int opened = no_handle;
  EXPECT_EQ(posix::open(opened, 9999, false), EAFNOSUPPORT);
}

TEST(PosixPlatform, looks_up_each_address_once) {
  addrinfo* found = nullptr;
  ASSERT_EQ(posix::look_up("127.0.0.1", "80", /*numeric*/ true, found), 0);
  EXPECT_EQ(found->ai_next, nullptr) << "one for each type of socket";
  EXPECT_EQ(found->ai_socktype, SOCK_STREAM);
  posix::free_found(found);
}

// What a thread of its own has seen.
struct of_a_thread {
  std::atomic<bool> is_over{false};
  bool may_get_a_signal = true;
};

void look_at_the_signals(void* given) {
  auto& seen = *static_cast<of_a_thread*>(given);
  sigset_t blocked;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  seen.may_get_a_signal = ::sigismember(&blocked, SIGUSR1) == 0 || ::sigismember(&blocked, SIGALRM) == 0;
  seen.is_over = true;
}

TEST(PosixPlatform, starts_threads_that_no_signal_comes_to_and_leaves_the_callers_mask_alone) {
  of_a_thread seen;
  ASSERT_EQ(posix::start_thread<look_at_the_signals>(&seen), 0);
  EXPECT_TRUE(eventually([&] { return seen.is_over.load(); }));
  EXPECT_FALSE(seen.may_get_a_signal);
  of_a_thread mine;
  look_at_the_signals(&mine);
  EXPECT_TRUE(mine.may_get_a_signal);
}

#if !defined(__SANITIZE_THREAD__)  // which keeps much of every thread
std::size_t virtual_kilobytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmSize:")) return std::stoul(line.substr(7));
  }
  return 0;
}

TEST(PosixPlatform, starts_threads_that_leave_no_stack_behind) {
  auto const run_one = [] {
    of_a_thread seen;
    ASSERT_EQ(posix::start_thread<look_at_the_signals>(&seen), 0);
    EXPECT_TRUE(eventually([&] { return seen.is_over.load(); }));
  };
  for (int i = 0; i < 8; ++i) run_one();
  auto const before = virtual_kilobytes();
  for (int i = 0; i < 64; ++i) run_one();
  EXPECT_LT(virtual_kilobytes(), before + std::size_t{32} * 1024 * 8);  // 64 stacks of 8 MB would be twice that
}
#endif

TEST(Rest, waits_for_its_time_alone_whatever_descriptor_0_is) {
  native_system sys;
  tconn::socket const input(::dup(0));
  ::close(0);
  auto const until = sys.now() + 3ms;
  int const ended = tconn::detail::rest(sys, until, nullptr);
  bool const was_early = sys.now() < until;
  if (input) ::dup2(input.native_handle(), 0);
  EXPECT_EQ(ended, 0);
  EXPECT_FALSE(was_early);
}

}  // namespace
