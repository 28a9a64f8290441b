// SPDX-License-Identifier: MIT
#include <timed_connect/guards.hpp>

#include "support/printing.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace {

using tconn::connect_hook;
using tconn::connect_options;
using tconn::endpoint;
using tconn::errc;
using tconn::guards::all_of;
using tconn::guards::is_public;
using tconn::guards::public_addresses_only;

endpoint at(std::string const& address) {
  bool const v6 = address.find(':') != address.npos;
  return *endpoint::parse(v6 ? '[' + address + "]:80" : address + ":80");
}

// The address `steps` (1 or -1) away from another, counted as one big number.
endpoint next_to(std::string const& address, int steps) {
  bool const v6 = address.find(':') != address.npos;
  std::array<unsigned char, 16> bytes{};
  EXPECT_EQ(::inet_pton(v6 ? AF_INET6 : AF_INET, address.c_str(), bytes.data()), 1) << address;
  unsigned char const wraps_to = steps > 0 ? 0x00 : 0xff;
  for (std::size_t i = v6 ? 16 : 4; i-- > 0;) {
    bytes[i] = static_cast<unsigned char>(bytes[i] + steps);
    if (bytes[i] != wraps_to) break;
  }
  char text[64] = "";
  return at(::inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), text, sizeof text));
}

enum class judged { refused, allowed, no_such_address };
using enum judged;

// A range with its first and last address, how they are judged, and how those right before and right behind it are.
struct row {
  char const* name;
  char const* first;
  char const* last;
  judged inside;
  judged before;
  judged after;
};

// Every row of the two registries, and what the address space registries say of the rest.
row const rows[] = {
    {"this network", "0.0.0.0", "0.255.255.255", refused, no_such_address, allowed},
    {"private use 10/8", "10.0.0.0", "10.255.255.255", refused, allowed, allowed},
    {"shared address space", "100.64.0.0", "100.127.255.255", refused, allowed, allowed},
    {"loopback", "127.0.0.0", "127.255.255.255", refused, allowed, allowed},
    {"link-local", "169.254.0.0", "169.254.255.255", refused, allowed, allowed},
    {"private use 172.16/12", "172.16.0.0", "172.31.255.255", refused, allowed, allowed},
    {"IETF protocol assignments", "192.0.0.0", "192.0.0.255", refused, allowed, allowed},
    {"IPv4 service continuity", "192.0.0.0", "192.0.0.7", refused, allowed, refused},
    {"IPv4 dummy address", "192.0.0.8", "192.0.0.8", refused, refused, allowed},
    {"port control protocol anycast", "192.0.0.9", "192.0.0.9", allowed, refused, allowed},
    {"TURN anycast", "192.0.0.10", "192.0.0.10", allowed, allowed, refused},
    {"NAT64 discovery", "192.0.0.170", "192.0.0.171", refused, refused, refused},
    {"documentation 1", "192.0.2.0", "192.0.2.255", refused, allowed, allowed},
    {"AS112", "192.31.196.0", "192.31.196.255", allowed, allowed, allowed},
    {"AMT", "192.52.193.0", "192.52.193.255", allowed, allowed, allowed},
    {"6to4 relay anycast", "192.88.99.0", "192.88.99.255", refused, allowed, allowed},
    {"6a44 relay anycast", "192.88.99.2", "192.88.99.2", refused, refused, refused},
    {"private use 192.168/16", "192.168.0.0", "192.168.255.255", refused, allowed, allowed},
    {"AS112, direct delegation", "192.175.48.0", "192.175.48.255", allowed, allowed, allowed},
    {"benchmarking", "198.18.0.0", "198.19.255.255", refused, allowed, allowed},
    {"documentation 2", "198.51.100.0", "198.51.100.255", refused, allowed, allowed},
    {"documentation 3", "203.0.113.0", "203.0.113.255", refused, allowed, allowed},
    {"multicast", "224.0.0.0", "239.255.255.255", refused, allowed, refused},
    {"reserved", "240.0.0.0", "255.255.255.255", refused, refused, no_such_address},
    {"limited broadcast", "255.255.255.255", "255.255.255.255", refused, refused, no_such_address},

    {"unspecified", "::", "::", refused, no_such_address, refused},
    {"loopback, IPv6", "::1", "::1", refused, refused, refused},
    {"v4-compatible", "::", "::ffff:ffff", refused, no_such_address, refused},
    {"v4-mapped", "::ffff:0:0", "::ffff:ffff:ffff", refused, refused, refused},
    {"NAT64", "64:ff9b::", "64:ff9b::ffff:ffff", refused, refused, refused},
    {"NAT64, local use", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", refused, refused, refused},
    {"discard", "100::", "100::ffff:ffff:ffff:ffff", refused, refused, refused},
    {"dummy prefix", "100:0:0:1::", "100::1:ffff:ffff:ffff:ffff", refused, refused, refused},
    {"below global unicast", "::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", refused, no_such_address, allowed},
    {"IETF protocol assignments, IPv6", "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", refused, allowed, allowed},
    {"Teredo", "2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", refused, allowed, refused},
    {"port control protocol anycast, IPv6", "2001:1::1", "2001:1::1", allowed, refused, allowed},
    {"TURN anycast, IPv6", "2001:1::2", "2001:1::2", allowed, allowed, allowed},
    {"DNS-SD anycast", "2001:1::3", "2001:1::3", allowed, allowed, refused},
    {"benchmarking, IPv6", "2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", refused, refused, refused},
    {"AMT, IPv6", "2001:3::", "2001:3:ffff:ffff:ffff:ffff:ffff:ffff", allowed, refused, refused},
    {"AS112, IPv6", "2001:4:112::", "2001:4:112:ffff:ffff:ffff:ffff:ffff", allowed, refused, refused},
    {"ORCHID", "2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff", refused, refused, refused},
    {"ORCHIDv2", "2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff", refused, refused, refused},
    {"drone identifiers", "2001:30::", "2001:3f:ffff:ffff:ffff:ffff:ffff:ffff", refused, refused, refused},
    {"documentation, IPv6", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", refused, allowed, allowed},
    {"6to4", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", refused, allowed, allowed},
    {"AS112, direct delegation, IPv6", "2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff", allowed, allowed,
     allowed},
    {"documentation 2, IPv6", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", refused, allowed, allowed},
    {"above global unicast", "4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", refused, allowed, no_such_address},
    {"SRv6 SIDs", "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", refused, refused, refused},
    {"unique local", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", refused, refused, refused},
    {"link-local, IPv6", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", refused, refused, refused},
    {"site-local", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", refused, refused, refused},
    {"multicast, IPv6", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", refused, refused, no_such_address},
};

TEST(PublicAddresses, are_told_from_special_ones_at_the_ends_of_every_range) {
  for (auto const& [name, first, last, inside, before, after] : rows) {
    SCOPED_TRACE(name);
    EXPECT_EQ(is_public(at(first)), inside == allowed) << first;
    EXPECT_EQ(is_public(at(last)), inside == allowed) << last;
    if (before != no_such_address) {
      EXPECT_EQ(is_public(next_to(first, -1)), before == allowed) << next_to(first, -1).to_string();
    }
    if (after != no_such_address) {
      EXPECT_EQ(is_public(next_to(last, 1)), after == allowed) << next_to(last, 1).to_string();
    }
  }
}

TEST(PublicAddresses, are_those_of_well_known_servers) {
  for (auto const* address : {"1.1.1.1", "8.8.8.8", "9.9.9.9", "192.0.0.9", "192.0.0.10", "223.255.255.255",
                              "2606:4700:4700::1111", "2001:4860:4860::8888", "2a00:1450:4001:800::200e", "2003::1"}) {
    EXPECT_TRUE(is_public(at(address))) << address;
  }
}

TEST(PublicAddresses, are_not_the_metadata_services_of_clouds) {
  for (auto const* address : {"169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "fd00:ec2::254"}) {
    EXPECT_FALSE(is_public(at(address))) << address;
  }
}

TEST(PublicAddresses, do_not_carry_an_ipv4_address_be_it_private_or_public) {
  for (auto const* address : {"::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8",
                              "::127.0.0.1", "::8.8.8.8", "::ffff:0:8.8.8.8",                 // v4-compatible, SIIT
                              "64:ff9b::10.0.0.1", "64:ff9b::8.8.8.8", "64:ff9b:1::8.8.8.8",  // NAT64
                              "2002:a00:1::1", "2002:7f00:1::", "2002:808:808::1",            // 6to4
                              "2001:0:808:808::f5ff:fffe", "2001:0:4136:e378::f7f7:f7f7"}) {  // Teredo
    EXPECT_FALSE(is_public(at(address))) << address;
  }
}

TEST(PublicAddresses, do_not_depend_on_port_or_scope_id) {
  EXPECT_TRUE(is_public(*endpoint::parse("1.1.1.1:0")));
  EXPECT_TRUE(is_public(*endpoint::parse("1.1.1.1:65535")));
  EXPECT_FALSE(is_public(*endpoint::parse("10.0.0.1:65535")));
  EXPECT_TRUE(is_public(*endpoint::parse("[2606:4700:4700::1111%1]:443")));
  EXPECT_FALSE(is_public(*endpoint::parse("[fe80::1%1]:443")));
  EXPECT_FALSE(is_public(*endpoint::parse("[::1%1]:443")));
  EXPECT_FALSE(is_public(*endpoint::parse("[::ffff:10.0.0.1%1]:443")));
}

TEST(PublicAddresses, are_ipv4_or_ipv6) {
  EXPECT_FALSE(is_public(endpoint()));
  EXPECT_FALSE(is_public(*endpoint::parse("unix:/run/x.sock")));
  EXPECT_FALSE(is_public(*endpoint::parse("unix:@abstract")));
  sockaddr_storage other{};
  std::memcpy(&other, at("1.1.1.1").data(), sizeof(sockaddr_in));
  EXPECT_FALSE(is_public(endpoint(reinterpret_cast<sockaddr*>(&other), sizeof(sockaddr_in) - 1))) << "cut short";
  other.ss_family = 40;  // AF_VSOCK
  endpoint const vsock(reinterpret_cast<sockaddr*>(&other), 16);
  ASSERT_TRUE(vsock.valid());
  EXPECT_FALSE(is_public(vsock));
}

TEST(PublicAddressesOnly, is_a_hook_that_refuses_all_others) {
  connect_options const options{.before_connect = public_addresses_only};
  EXPECT_FALSE(options.before_connect(3, at("1.1.1.1")));
  EXPECT_FALSE(options.before_connect(3, at("2606:4700:4700::1111")));
  EXPECT_EQ(options.before_connect(3, at("127.0.0.1")), errc::refused_by_hook);
  EXPECT_EQ(options.before_connect(3, at("::1")), errc::refused_by_hook);
  EXPECT_EQ(options.before_connect(3, endpoint()), errc::refused_by_hook);
}

// A hook that notes that it was called, and with what.
struct noting {
  std::string& calls;
  char const* name = "";
  std::error_code answer{};

  std::error_code operator()(tconn::native_handle handle, endpoint const& to) const {
    calls += name + std::to_string(handle) + ' ' + to.to_string() + '\n';
    return answer;
  }
};

TEST(AllOf, calls_every_hook_in_order_with_the_same_arguments) {
  std::string calls;
  noting const first{calls, "first "};
  noting second{calls, "second "};
  auto const both = all_of(first, second);
  EXPECT_FALSE(both(3, at("1.1.1.1")));
  EXPECT_EQ(calls, "first 3 1.1.1.1:80\nsecond 3 1.1.1.1:80\n");
  calls.clear();
  auto const reversed = all_of(second, first, second);
  EXPECT_FALSE(reversed(4, at("::1")));
  EXPECT_EQ(calls, "second 4 [::1]:80\nfirst 4 [::1]:80\nsecond 4 [::1]:80\n");
}

TEST(AllOf, stops_at_the_first_error_and_returns_it) {
  std::string calls;
  noting const good{calls, "good "};
  noting const bad{calls, "bad ", std::make_error_code(std::errc::host_unreachable)};
  auto const good_first = all_of(good, bad, public_addresses_only);
  EXPECT_EQ(good_first(3, at("10.0.0.1")), std::errc::host_unreachable);
  EXPECT_EQ(calls, "good 3 10.0.0.1:80\nbad 3 10.0.0.1:80\n");
  calls.clear();
  auto const bad_first = all_of(bad, good);
  EXPECT_EQ(bad_first(3, at("1.1.1.1")), std::errc::host_unreachable);
  EXPECT_EQ(calls, "bad 3 1.1.1.1:80\n");
}

TEST(AllOf, puts_the_guard_before_or_behind_the_hook_of_the_caller) {
  std::string calls;
  noting const mine{calls, "mine "};
  auto const guard_first = all_of(public_addresses_only, mine);
  EXPECT_EQ(guard_first(3, at("10.0.0.1")), errc::refused_by_hook);
  EXPECT_EQ(calls, "") << "my hook was asked although the guard had refused";
  EXPECT_FALSE(guard_first(3, at("1.1.1.1")));
  EXPECT_EQ(calls, "mine 3 1.1.1.1:80\n");
  calls.clear();
  auto const guard_last = all_of(mine, public_addresses_only);
  EXPECT_EQ(guard_last(3, at("10.0.0.1")), errc::refused_by_hook);
  EXPECT_EQ(calls, "mine 3 10.0.0.1:80\n");
}

TEST(AllOf, takes_whatever_a_connect_hook_takes) {
  std::string calls;
  noting const mine{calls, "mine "};
  connect_hook const nothing;
  connect_hook const hook = mine;
  auto const inner = all_of(hook, nothing, nullptr);
  auto const outer = all_of(inner, [](tconn::native_handle, endpoint const& to) {
    return to.port() == 80 ? std::error_code{} : std::make_error_code(std::errc::operation_not_permitted);
  });
  connect_options const options{.before_connect = outer};
  EXPECT_FALSE(options.before_connect(3, at("1.1.1.1")));
  EXPECT_EQ(options.before_connect(3, *endpoint::parse("1.1.1.1:81")), std::errc::operation_not_permitted);
  EXPECT_EQ(calls, "mine 3 1.1.1.1:80\nmine 3 1.1.1.1:81\n");
  EXPECT_FALSE(all_of(nothing)(3, at("127.0.0.1")));
}

template <class... Hooks>
concept can_be_composed = requires(Hooks&&... hooks) {
  all_of(static_cast<Hooks&&>(hooks)...);
};
using function = std::error_code(tconn::native_handle, endpoint const&);
using sequence = decltype(all_of(public_addresses_only, public_addresses_only));
static_assert(can_be_composed<function&, function*, noting&, noting const&, sequence&, sequence const&>);
static_assert(!can_be_composed<noting> && !can_be_composed<noting const>, "a capturing temporary would dangle");
static_assert(!can_be_composed<function&, noting> && !can_be_composed<noting, function&>, "anywhere");
static_assert(!can_be_composed<sequence>, "so would a sequence");
static_assert(!can_be_composed<> && !can_be_composed<int&>, "there must be hooks");
static_assert(!std::is_constructible_v<connect_hook, sequence> && std::is_constructible_v<connect_hook, sequence&>);
static_assert(std::is_trivially_copyable_v<sequence> && sizeof(sequence) == 2 * sizeof(connect_hook),
              "nothing but the hooks, and nothing on the heap");

}  // namespace
