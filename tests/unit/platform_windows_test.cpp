// SPDX-License-Identifier: MIT
// Winsock's errors compare equal to their std::errc, and the primitives of the platform tell them.
#include <timed_connect/detail/platform.hpp>
#include <timed_connect/testing/simulated.hpp>
#include <timed_connect/timed_connect.hpp>

#include "support/loopback.hpp"
#include "support/printing.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>

namespace {

using namespace support;
using tconn::native_category;
using tconn::no_handle;
using windows = tconn::detail::windows_platform;

TEST(WinsockCategory, knows_the_portable_name_of_an_error) {
  std::pair<int, std::errc> const all[] = {{WSAEINTR, std::errc::interrupted},
                                           {WSAEACCES, std::errc::permission_denied},
                                           {WSAEINVAL, std::errc::invalid_argument},
                                           {WSAEMFILE, std::errc::too_many_files_open},
                                           {WSAEWOULDBLOCK, std::errc::resource_unavailable_try_again},
                                           {WSAEINPROGRESS, std::errc::operation_in_progress},
                                           {WSAEALREADY, std::errc::connection_already_in_progress},
                                           {WSAENOTSOCK, std::errc::not_a_socket},
                                           {WSAEAFNOSUPPORT, std::errc::address_family_not_supported},
                                           {WSAEADDRINUSE, std::errc::address_in_use},
                                           {WSAEADDRNOTAVAIL, std::errc::address_not_available},
                                           {WSAENETUNREACH, std::errc::network_unreachable},
                                           {WSAECONNABORTED, std::errc::connection_aborted},
                                           {WSAECONNRESET, std::errc::connection_reset},
                                           {WSAEISCONN, std::errc::already_connected},
                                           {WSAENOTCONN, std::errc::not_connected},
                                           {WSAETIMEDOUT, std::errc::timed_out},
                                           {WSAECONNREFUSED, std::errc::connection_refused},
                                           {WSAEHOSTUNREACH, std::errc::host_unreachable},
                                           {WSA_NOT_ENOUGH_MEMORY, std::errc::not_enough_memory},
                                           {ERROR_FILE_NOT_FOUND, std::errc::no_such_file_or_directory}};
  for (auto const& [number, name] : all) {
    std::error_code const code(number, native_category());
    EXPECT_EQ(code, name) << number;
    EXPECT_FALSE(code.message().empty()) << number;
    EXPECT_NE(code.message().back(), '\n') << number;
  }
  EXPECT_STREQ(native_category().name(), "winsock");
  EXPECT_NE(std::error_code(WSAECONNREFUSED, native_category()), std::errc::timed_out);
  std::error_code const unknown(123456, native_category());
  EXPECT_EQ(unknown.message(), "error 123456");
  EXPECT_EQ(unknown.default_error_condition().category(), native_category());
}

TEST(WindowsPlatform, tells_the_error_of_every_call_on_what_is_no_socket) {
  int number = 0;
  std::uint16_t port = 0;
  auto const here = tconn::endpoint::loopback_v4(80);
  sockaddr_storage bytes{};
  tconn::detail::address_length length = sizeof bytes;
  auto* const address = reinterpret_cast<sockaddr*>(&bytes);
  tconn::tcp_facts facts;
  std::map<std::string, int> const answers{
      {"kind", windows::kind(no_handle, number, number)},
      {"set_blocking", windows::set_blocking(no_handle, true)},
      {"no_delay", windows::set_option(no_handle, tconn::socket_option::no_delay, 1)},
      {"bind", windows::bind(no_handle, here.data(), static_cast<int>(here.size()), false)},
      {"connect", windows::connect(no_handle, here.data(), static_cast<int>(here.size()))},
      {"connect_error", windows::connect_error(no_handle, number)},
      {"local_port", windows::local_port(no_handle, port)},
      {"local name", windows::name(no_handle, tconn::name_of::local, address, length)},
      {"peer name", windows::name(no_handle, tconn::name_of::peer, address, length)},
      {"shut", windows::shut(no_handle, tconn::shut_direction::both)},
      {"reset_on_close", windows::reset_on_close(no_handle)},
      {"discard_received", windows::discard_received(no_handle)}};
  for (auto const& [call, answer] : answers) EXPECT_EQ(answer, WSAENOTSOCK) << call;
  EXPECT_NE(windows::tcp(no_handle, facts), 0);  // wine 8 does not look whether it is a socket
  EXPECT_EQ(facts.state, tconn::tcp_state::unknown);
}

TEST(WindowsPlatform, starts_a_connect_as_in_progress_and_not_as_try_again) {
  full_listener const silent;
  tconn::native_handle opened = no_handle;
  ASSERT_EQ(windows::open(opened, AF_INET, false), 0);
  tconn::socket const mine(opened);
  auto const where = silent.where();
  EXPECT_EQ(windows::connect(opened, where.data(), static_cast<int>(where.size())), WSAEINPROGRESS);
}

TEST(WindowsPlatform, refuses_what_Winsock_does_not_have) {
  tconn::native_handle opened = no_handle;
  EXPECT_EQ(windows::open(opened, AF_INET, /*multipath*/ true), WSAEPROTONOSUPPORT);
  EXPECT_EQ(windows::open(opened, 9999, false), WSAEAFNOSUPPORT);
  listener const server;
  for (auto const& options : {tconn::connect_options{.interface_name = "1"}, tconn::connect_options{.mark = 1},
                              tconn::connect_options{.syn_count = 2}, tconn::connect_options{.multipath = true}})
    EXPECT_EQ(tconn::timed_connect(server.where(), 1s, options).error().code, tconn::errc::invalid_option);
}

// It cannot be read, and so not be given back; a borrowed socket keeps its own.
TEST(WindowsPlatform, repeats_no_SYN_to_loopback_by_a_socket_of_our_own) {
  using tconn::testing::simulated;
  auto const asked = [](tconn::testing::world const& net) { return net.log().find("set_option") != std::string::npos; };
  for (bool const is_loopback : {true, false}) {
    auto const to = is_loopback ? tconn::endpoint::loopback_v4(80) : *tconn::endpoint::parse("192.0.2.1:80");
    tconn::testing::world net;
    static_cast<void>(tconn::timed_connect(to, 10ms, {}, simulated{&net}));
    EXPECT_EQ(asked(net), is_loopback);
    tconn::testing::world other;
    static_cast<void>(tconn::timed_connect(other.lend(), to, 10ms, {}, simulated{&other}));
    EXPECT_FALSE(asked(other)) << other.log();
  }
}

// select() alone sees what has failed in its third set, WSAPoll() in versions of Windows that report it at all.
TEST(WindowsPlatform, sees_a_refusal_by_poll_and_by_select) {
  closed_port const nobody;
  auto const where = nobody.where();
  for (bool const by_select : {false, true}) {
    tconn::native_handle opened = no_handle;
    ASSERT_EQ(windows::open(opened, AF_INET, false), 0);
    tconn::socket const mine(opened);
    windows::connect(opened, where.data(), static_cast<int>(where.size()));
    auto entry = windows::writable(opened);
    int woken = WSAEINTR;
    for (int looks = 0; looks < 100 && woken == WSAEINTR; ++looks)
      woken = by_select ? windows::select(&entry, 1, 5s) : windows::poll(&entry, 1, 5s);
    EXPECT_EQ(woken, 0) << by_select;
    int error = 0;
    EXPECT_EQ(windows::connect_error(opened, error), 0);
    EXPECT_EQ(error, WSAECONNREFUSED) << by_select;
  }
}

TEST(WindowsPlatform, cuts_a_wait_into_slices_so_that_an_old_WSAPoll_hides_no_refusal) {
  full_listener const silent;
  tconn::native_handle opened = no_handle;
  ASSERT_EQ(windows::open(opened, AF_INET, false), 0);
  tconn::socket const mine(opened);
  auto const where = silent.where();
  windows::connect(opened, where.data(), static_cast<int>(where.size()));
  auto entry = windows::writable(opened);
  auto const began = steady::now();
  EXPECT_EQ(windows::poll(&entry, 1, 10s), WSAEINTR);
  EXPECT_LT(steady::now() - began, 5s);
  EXPECT_EQ(windows::poll(&entry, 1, 2ms), WSAETIMEDOUT);
}

// FD_SETSIZE is 64 there, and counts sockets.
TEST(WindowsPlatform, selects_more_sockets_than_a_set_holds) {
  listener const server;
  full_listener const silent;
  std::vector<tconn::socket> sockets;
  std::vector<tconn::poll_entry> entries;
  for (int i = 0; i < 100; ++i) {
    sockets.emplace_back(open_socket(AF_INET));
    windows::set_blocking(sockets.back().native_handle(), false);
    auto const where = i == 90 ? server.where() : silent.where();
    windows::connect(sockets.back().native_handle(), where.data(), static_cast<int>(where.size()));
    entries.push_back(windows::writable(sockets.back().native_handle()));
  }
  int woken = WSAEINTR;
  for (auto const end = steady::now() + 5s; woken == WSAEINTR && steady::now() < end;)
    woken = windows::select(entries.data(), entries.size(), 5s);
  EXPECT_EQ(woken, 0);
  for (std::size_t i = 0; i < entries.size(); ++i) EXPECT_EQ(entries[i].revents != 0, i == 90) << i;
}

}  // namespace
