// SPDX-License-Identifier: MIT
#include <timed_connect/endpoint.hpp>

#include "support/os.hpp"
#include "support/printing.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

using tconn::endpoint;
using namespace std::string_literals;

TEST(Endpoint, gives_back_the_text_that_it_was_parsed_from) {
  for (auto const* text :
       {"127.0.0.1:80", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:80", "[2001:db8::1]:443", "[::ffff:192.0.2.1]:1",
        "[::]:0", "unix:/run/x.sock", "unix:relative", "unix:/with a space", "unix:/with:colon"}) {
    auto const parsed = endpoint::parse(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_TRUE(parsed->valid()) << text;
    EXPECT_EQ(parsed->to_string(), text);
    EXPECT_EQ(*endpoint::parse(parsed->to_string()), *parsed) << text;
  }
}

TEST(Endpoint, gives_back_the_text_of_an_interface_and_of_an_abstract_name) {
  auto const scoped = "[fe80::1%" + support::loopback_interface() + "]:80";
  ASSERT_TRUE(endpoint::parse(scoped)) << scoped;
  EXPECT_EQ(endpoint::parse(scoped)->to_string(), scoped);
  if (!support::is_linux) GTEST_SKIP() << "only Linux has abstract names";
  for (auto const& text : {"unix:@abstract"s, "unix:@" + std::string(106, 'x')})
    EXPECT_EQ(endpoint::parse(text)->to_string(), text);
}

TEST(Endpoint, reads_the_parts_of_an_address) {
  EXPECT_EQ(*endpoint::parse("127.0.0.1:8080"), endpoint::loopback_v4(8080));
  EXPECT_EQ(*endpoint::parse("[::1]:8080"), endpoint::loopback_v6(8080));
  EXPECT_EQ(*endpoint::parse("[0:0:0:0:0:0:0:1]:8080"), endpoint::loopback_v6(8080));
  EXPECT_EQ(endpoint::parse("127.0.0.1:8080")->port(), 8080);
  EXPECT_EQ(endpoint::parse("[::1]:8080")->port(), 8080);
  EXPECT_EQ(endpoint::parse("unix:/x")->port(), 0);
  EXPECT_EQ(endpoint::parse("127.0.0.1:1")->family(), AF_INET);
  EXPECT_EQ(endpoint::parse("[::1]:1")->family(), AF_INET6);
  EXPECT_EQ(endpoint::parse("unix:/x")->family(), AF_UNIX);
  sockaddr_in6 scoped{};
  std::memcpy(&scoped, endpoint::parse("[fe80::1%1]:80")->data(), sizeof scoped);
  EXPECT_EQ(scoped.sin6_scope_id, 1U);
  EXPECT_EQ(*endpoint::parse("[fe80::1%" + support::loopback_interface() + "]:80"), *endpoint::parse("[fe80::1%1]:80"));
}

TEST(Endpoint, refuses_text_that_is_not_an_endpoint) {
  std::vector<std::string> const bad = {"",
                                        ":",
                                        ":80",
                                        "127.0.0.1",
                                        "127.0.0.1:",
                                        "127.0.0.1:+80",
                                        "127.0.0.1:-80",
                                        "127.0.0.1: 80",
                                        "127.0.0.1:80 ",
                                        " 127.0.0.1:80",
                                        "127.0.0.1:080",
                                        "127.0.0.1:00",
                                        "127.0.0.1:65536",
                                        "127.0.0.1:99999999999999999999",
                                        "127.0.0.1:18446744073709551696",
                                        "127.0.0.1:0x50",
                                        "127.0.0.1:http",
                                        "127.0.0.01:80",
                                        "127.1:80",
                                        "127.0.0.1.5:80",
                                        "256.0.0.1:80",
                                        "0x7f.0.0.1:80",
                                        "2130706433:80",
                                        "localhost:80",
                                        "127.0.0.1:8\0"s,
                                        "127.0.0.1\0:80"s,
                                        "\0"s,
                                        "::1:80",
                                        "[::1]",
                                        "[::1]:",
                                        "[::1]80",
                                        "[]:80",
                                        "[::1:80",
                                        "::1]:80",
                                        "x::1]:80",
                                        "[[::1]]:80",
                                        "[::1]:080",
                                        "[::1]:65536",
                                        "[::1 ]:80",
                                        "[ ::1]:80",
                                        "[127.0.0.1]:80",
                                        "[::g]:80",
                                        "[1::2::3]:80",
                                        "[fe80::1%]:80",
                                        "[fe80::1%nosuchinterface]:80",
                                        "[fe80::1%lo:nosuchlabel]:80",
                                        "[fe80::1%01]:80",
                                        "[fe80::1%+1]:80",
                                        "[fe80::1%1x]:80",
                                        "[fe80::1%lo\0]:80"s,
                                        "[%lo]:80",
                                        "[fe80::1%0]:80",
                                        "unix:",
                                        "unix:@",
                                        "unix:/a\0b"s,
                                        "unix:@a\0b"s,
                                        "unix:" + std::string(108, 'x'),
                                        "unix:@" + std::string(108, 'x'),
                                        "UNIX:/x",
                                        "tcp://127.0.0.1:80",
                                        std::string(100'000, '1')};
  for (auto const& text : bad) {
    auto const parsed = endpoint::parse(text);
    ASSERT_FALSE(parsed) << text.substr(0, 100);
    EXPECT_EQ(parsed.error(), tconn::errc::invalid_endpoint) << text.substr(0, 100);
  }
}

TEST(Endpoint, refuses_an_interface_that_is_not_there) {
  if (support::loopback_interface() == "1") GTEST_SKIP() << "interfaces have no names here, and any number is one";
  EXPECT_FALSE(endpoint::parse("[fe80::1%999999999]:80"));
}

TEST(Endpoint, takes_a_unix_name_of_the_longest_length_that_fits) {
  auto const longest = "unix:/" + std::string(sizeof(sockaddr_un::sun_path) - 2, 'x');
  EXPECT_EQ(endpoint::parse(longest)->to_string(), longest);
  sockaddr_un full{};  // the kernel takes a path that fills sun_path without a NUL
  full.sun_family = AF_UNIX;
  std::memset(full.sun_path, 'x', sizeof full.sun_path);
  endpoint const unterminated(reinterpret_cast<sockaddr*>(&full), sizeof full);
  EXPECT_TRUE(unterminated.valid());
  EXPECT_EQ(unterminated.to_string(), "unix:" + std::string(sizeof full.sun_path, 'x'));
  EXPECT_EQ(unterminated.size(), sizeof full);
}

TEST(Endpoint, of_a_unix_path_is_the_same_whether_or_not_its_end_is_counted) {
  sockaddr_un path{};
  path.sun_family = AF_UNIX;
  std::memcpy(path.sun_path, "/run/x.sock", sizeof "/run/x.sock");
  auto const* const address = reinterpret_cast<sockaddr*>(&path);
  constexpr socklen_t sun_len = offsetof(sockaddr_un, sun_path) + sizeof "/run/x.sock" - 1;
  auto const expected = *endpoint::parse("unix:/run/x.sock");
  for (auto const length : {sun_len, sun_len + 1, static_cast<socklen_t>(sizeof path)}) {
    EXPECT_EQ(endpoint(address, length), expected) << length;
    EXPECT_TRUE(endpoint(address, length).reaches(expected)) << length;
    EXPECT_EQ(endpoint(address, length).size(), sun_len + 1) << length;
  }
}

TEST(Endpoint, is_not_valid_for_AF_UNSPEC_and_for_lengths_that_are_not_the_familys) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  sockaddr_un path{};
  path.sun_family = AF_UNIX;
  path.sun_path[0] = 'x';
  sockaddr_storage unspecified{};
  auto const is_valid = [](auto const& address, socklen_t length) {
    endpoint const made(reinterpret_cast<sockaddr const*>(&address), length);
    EXPECT_EQ(made.valid(), made.size() != 0);
    EXPECT_EQ(made.valid(), made.family() != AF_UNSPEC);
    return made.valid();
  };
  EXPECT_TRUE(is_valid(v4, sizeof v4));
  EXPECT_TRUE(is_valid(v6, sizeof v6));
  EXPECT_TRUE(is_valid(path, sizeof path));
  EXPECT_FALSE(is_valid(v4, sizeof v4 - 1));
  EXPECT_FALSE(is_valid(v6, sizeof v6 - 1));
  EXPECT_FALSE(is_valid(v6, 24));
  EXPECT_FALSE(is_valid(path, 2));
  EXPECT_FALSE(is_valid(unspecified, sizeof unspecified));
  EXPECT_FALSE(is_valid(unspecified, 0));
  sockaddr_storage wide{};
  wide.ss_family = AF_INET;
  EXPECT_FALSE(is_valid(wide, sizeof(sockaddr_in) + 1));
  EXPECT_FALSE(is_valid(wide, sizeof wide));
  wide.ss_family = AF_UNIX;
  EXPECT_FALSE(is_valid(wide, sizeof(sockaddr_un) + 1));
  struct {
    sockaddr_storage begin{};
    char more[8]{};
  } longer;
  longer.begin.ss_family = AF_APPLETALK;
  EXPECT_FALSE(is_valid(longer, sizeof longer));
  EXPECT_TRUE(is_valid(longer, 16));
  EXPECT_TRUE(is_valid(longer, sizeof longer.begin));
  EXPECT_FALSE(is_valid(longer, sizeof longer.begin.ss_family));  // a family, and no address
  EXPECT_FALSE(endpoint(nullptr, 16).valid());
  EXPECT_FALSE(endpoint().valid());
  EXPECT_EQ(endpoint().to_string(), "no endpoint");
}

TEST(Endpoint, is_equal_by_address_port_and_scope_alone) {
  sockaddr_in left{};
  left.sin_family = AF_INET;
  left.sin_port = htons(80);
  auto right = left;
  std::memset(right.sin_zero, 7, sizeof right.sin_zero);
  auto const make = [](auto const& address) {
    return endpoint(reinterpret_cast<sockaddr const*>(&address), sizeof address);
  };
  EXPECT_EQ(make(left), make(right));
  right.sin_port = htons(81);
  EXPECT_NE(make(left), make(right));
  sockaddr_in6 plain{};
  plain.sin6_family = AF_INET6;
  auto scoped = plain;
  scoped.sin6_scope_id = 1;
  EXPECT_NE(make(plain), make(scoped));
  EXPECT_NE(endpoint::loopback_v4(80), endpoint::loopback_v6(80));
  auto labelled = plain;
  labelled.sin6_flowinfo = 7;
  EXPECT_EQ(make(plain), make(labelled));
  sockaddr_un padded{};
  padded.sun_family = AF_UNIX;
  padded.sun_path[0] = 'x';
  padded.sun_path[5] = 'y';  // behind the NUL: not part of the name
  EXPECT_EQ(make(padded), *endpoint::parse("unix:x"));
}

TEST(Endpoint, of_another_family_or_length_is_another_one_whatever_bytes_they_share) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(80);
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto other = v4;
  other.sin_family = AF_APPLETALK;
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = v4.sin_port;
  v6.sin6_flowinfo = v4.sin_addr.s_addr;  // where IPv4 has its address
  auto const make = [](auto const& address) {
    return endpoint(reinterpret_cast<sockaddr const*>(&address), sizeof address);
  };
  EXPECT_NE(make(v4), make(other));
  EXPECT_NE(make(v4), make(v6));
  auto const at = [](std::string_view text) { return *endpoint::parse(text); };
  if (support::is_linux) {
    EXPECT_NE(at("unix:@a"), at("unix:@ab"));
    EXPECT_NE(at("unix:@ab"), at("unix:@a"));
  }
  EXPECT_NE(at("unix:/run/a"), at("unix:/var/a"));
  EXPECT_NE(at("unix:/run/a"), at("unix:/run/b")) << "they differ where IPv6 has its flow label";
  EXPECT_NE(at("unix:/run/x/a"), at("unix:/run/x/b"));
}

TEST(Endpoint, knows_loopback_in_each_of_its_spellings) {
  for (auto const* text : {"127.0.0.1:80", "127.255.255.255:0", "[::1]:80", "[::ffff:127.0.0.1]:1"})
    EXPECT_TRUE(endpoint::parse(text)->is_loopback()) << text;
  for (auto const* text : {"126.255.255.255:80", "128.0.0.1:80", "0.0.0.0:80", "[::]:80", "[::2]:80",
                           "[2001:db8::1]:80", "[::ffff:126.0.0.1]:1", "[::127.0.0.1]:1", "unix:/x"})
    EXPECT_FALSE(endpoint::parse(text)->is_loopback()) << text;
  EXPECT_FALSE(endpoint().is_loopback());
  // Bytes that would be ::1, were they not of another family.
  sockaddr_in6 other{};
  other.sin6_family = AF_APPLETALK;
  other.sin6_addr.s6_addr[15] = 1;
  EXPECT_FALSE(endpoint(reinterpret_cast<sockaddr const*>(&other), sizeof other).is_loopback());
}

TEST(Endpoint, reaches_what_a_socket_connected_to_it_gives_as_its_peer) {
  auto const at = [](char const* text) { return *endpoint::parse(text); };
  EXPECT_TRUE(at("127.0.0.1:80").reaches(at("127.0.0.1:80")));
  EXPECT_FALSE(at("127.0.0.1:80").reaches(at("127.0.0.2:80")));
  EXPECT_TRUE(at("0.0.0.0:80").reaches(at("127.0.0.1:80")));
  EXPECT_FALSE(at("0.0.0.0:80").reaches(at("127.0.0.1:81")));
  EXPECT_TRUE(at("[::]:80").reaches(at("[::1]:80")));
  EXPECT_TRUE(at("[fe80::1%1]:80").reaches(at("[fe80::1]:80")));
  EXPECT_FALSE(at("[fe80::1%1]:80").reaches(at("[fe80::2%1]:80")));
  EXPECT_FALSE(at("127.0.0.1:80").reaches(at("[::1]:80")));
  EXPECT_FALSE(at("0.0.0.0:80").reaches(at("[::1]:80")));
  EXPECT_FALSE(at("0.0.0.0:80").reaches(at("192.0.2.1:80"))) << "somebody else's";
  EXPECT_FALSE(at("[::]:80").reaches(at("[2001:db8::1]:80")));
  EXPECT_FALSE(at("[::]:80").reaches(at("[2001:db8::7f00:1]:80"))) << "it only ends as a loopback address does";
  EXPECT_TRUE(at("[::]:80").reaches(at("[::ffff:127.0.0.1]:80")));
  EXPECT_TRUE(at("[::ffff:0.0.0.0]:80").reaches(at("[::ffff:127.0.0.1]:80")));
  EXPECT_FALSE(at("[::ffff:0.0.0.0]:80").reaches(at("[::ffff:192.0.2.1]:80")));
  EXPECT_TRUE(at("unix:/x").reaches(at("unix:/x")));
  EXPECT_FALSE(at("unix:/x").reaches(at("unix:/y")));
  auto const scoped = [](std::uint32_t scope) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr.s6_addr[0] = 0xfe;
    address.sin6_addr.s6_addr[1] = 0x80;
    address.sin6_scope_id = scope;
    return endpoint(reinterpret_cast<sockaddr*>(&address), sizeof address);
  };
  EXPECT_TRUE(scoped(7).reaches(scoped(7)));
  EXPECT_FALSE(scoped(7).reaches(scoped(8)));
  EXPECT_TRUE(scoped(7).reaches(scoped(0)));
  EXPECT_TRUE(scoped(0).reaches(scoped(7)));
}

TEST(Endpoint, knows_the_wildcard_and_the_address_of_another_without_its_port) {
  auto const at = [](char const* text) { return *endpoint::parse(text); };
  for (auto const* wildcard : {"0.0.0.0:80", "[::]:80", "[::ffff:0.0.0.0]:80"}) EXPECT_TRUE(at(wildcard).is_wildcard());
  for (auto const* other : {"127.0.0.1:80", "[::1]:80", "[::ffff:127.0.0.1]:80", "[2001:db8::]:80", "unix:/x"})
    EXPECT_FALSE(at(other).is_wildcard()) << other;
  EXPECT_TRUE(at("192.0.2.1:80").has_the_address_of(at("192.0.2.1:81")));
  EXPECT_FALSE(at("192.0.2.1:80").has_the_address_of(at("192.0.2.2:80")));
  EXPECT_TRUE(at("[2001:db8::1]:80").has_the_address_of(at("[2001:db8::1]:81")));
  EXPECT_FALSE(at("[2001:db8::1]:80").has_the_address_of(at("[2001:db8::2]:80")));
  EXPECT_FALSE(at("192.0.2.1:80").has_the_address_of(at("[2001:db8::1]:80")));
  EXPECT_TRUE(at("unix:/x").has_the_address_of(at("unix:/x"))) << "it has no port";
}

TEST(Endpoint, of_a_family_without_text_prints_its_number) {
  sockaddr other{};
  other.sa_family = AF_APPLETALK;
  EXPECT_EQ(endpoint(&other, sizeof other).to_string(), "family " + std::to_string(AF_APPLETALK));
}

TEST(Endpoint, prints_the_scope_of_an_interface_that_is_not_there_as_its_number) {
  sockaddr_in6 gone{};
  gone.sin6_family = AF_INET6;
  gone.sin6_port = htons(80);
  gone.sin6_scope_id = 999'999'999;
  EXPECT_EQ(endpoint(reinterpret_cast<sockaddr*>(&gone), sizeof gone).to_string(), "[::%999999999]:80");
}

TEST(Endpoint, does_not_print_a_relative_path_as_an_abstract_name) {
  sockaddr_un path{};
  path.sun_family = AF_UNIX;
  std::memcpy(path.sun_path, "@x", 3);
  EXPECT_EQ(endpoint(reinterpret_cast<sockaddr*>(&path), sizeof path).to_string(), "unix:./@x");
}

}  // namespace
