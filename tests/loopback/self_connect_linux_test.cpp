// SPDX-License-Identifier: MIT
// A network namespace with one ephemeral port makes every naive connect to that port a self-connect.
#include <timed_connect/timed_connect.hpp>

#include "support/loopback.hpp"
#include "support/network_namespace.hpp"
#include "support/printing.hpp"

#include <gtest/gtest.h>

namespace {

using namespace support;
using tconn::endpoint;

constexpr std::uint16_t the_port = 44444;

void leave_one_port() { std::ofstream("/proc/sys/net/ipv4/ip_local_port_range") << the_port << ' ' << the_port; }

// By hand: what would have been handed out.
std::string connect_by_hand(endpoint const& to) {
  tconn::socket const naive(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(naive.native_handle(), to.data(), to.size()) != 0) return std::strerror(errno);
  bool const itself = local_name(naive.native_handle()) == to;
  tconn::detail::platform::disconnect(naive.native_handle());
  return itself ? "itself" : "somebody";
}

std::string check_owned(endpoint const& to) {
  auto const naive = connect_by_hand(to);
  if (naive != "itself") return "the trap does not work: connected to " + naive;
  auto const result = tconn::timed_connect(to, 2s);
  if (result) return "a self-connect was handed out";
  if (result.error().code != tconn::errc::self_connect) return result.error().message();
  auto pending = tconn::start_connect(to);
  if (!pending) return pending.error().message();
  auto const finished = pending->wait(2s);
  return !finished && finished.error().code == tconn::errc::self_connect ? "" : "pending: " + told(finished);
}

std::string check_borrowed(endpoint const& to) {
  tconn::socket const mine(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto const result = tconn::timed_connect(mine.native_handle(), to, 2s);
  if (result) return "a self-connect was told as success";
  if (result.error().code != tconn::errc::self_connect) return result.error().message();
  if (is_connected(mine.native_handle())) return "the descriptor stays connected to itself";
  return is_nonblocking(mine.native_handle()) ? "the blocking mode was not given back" : "";
}

class SelfConnect : public testing::TestWithParam<endpoint> {};
INSTANTIATE_TEST_SUITE_P(loopback, SelfConnect,
                         testing::Values(endpoint::loopback_v4(the_port), endpoint::loopback_v6(the_port)),
                         [](auto const& to) { return to.param.family() == AF_INET ? "v4" : "v6"; });

TEST_P(SelfConnect, is_never_handed_out) {
  auto const report = in_a_network_namespace([&] {
    leave_one_port();
    auto const owned = check_owned(GetParam());
    return owned.empty() ? check_borrowed(GetParam()) : owned;
  });
  if (!report.entered) GTEST_SKIP() << "no network namespace can be made here (needs root or user namespaces)";
  EXPECT_EQ(report.text, "");
}

}  // namespace
