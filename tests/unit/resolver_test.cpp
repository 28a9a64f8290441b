// SPDX-License-Identifier: MIT
#include <timed_connect/resolver.hpp>

#include "support/error_numbers.hpp"

#include <gtest/gtest.h>

#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::string_view_literals;
using tconn::errc;
using tconn::host;

TEST(Host, reads_a_name_and_a_service_and_takes_brackets_off_an_address) {
  struct {
    std::string_view text;
    std::string_view name;
    std::string_view service;
  } const all[] = {
      {"example.org:443", "example.org", "443"},     {"example.org.:https", "example.org.", "https"},
      {"127.0.0.1:80", "127.0.0.1", "80"},           {"[::1]:443", "::1", "443"},
      {"[fe80::1%eth0]:ssh", "fe80::1%eth0", "ssh"}, {"localhost:0", "localhost", "0"},
      {"example.org:9", "example.org", "9"},         {"example.org:1099", "example.org", "1099"},
      {"a_b-c.d:65535", "a_b-c.d", "65535"},         {"xn--bcher-kva.example:1", "xn--bcher-kva.example", "1"}};
  for (auto const& [text, name, service] : all) {
    auto const parsed = host::parse(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(parsed->name, name);
    EXPECT_EQ(parsed->service, service);
  }
}

TEST(Host, refers_to_the_text_that_it_was_read_from) {
  std::string const text = "example.org:443";
  auto const parsed = host::parse(text);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->name.data(), text.data());
}

TEST(Host, refuses_any_other_text) {
  std::string long_text(254, 'a');
  long_text += ":80";
  for (auto const text : {""sv,
                          ":"sv,
                          "example.org"sv,
                          "example.org:"sv,
                          ":443"sv,
                          "::1:443"sv,
                          "::1"sv,
                          "[::1]"sv,
                          "[::1]:"sv,
                          "[]:443"sv,
                          "[example.org]:443"sv,
                          "[127.0.0.1]:443"sv,
                          "[[::1]]:443"sv,
                          "[::1:443"sv,
                          "::1]:443"sv,
                          "x[::1]:443"sv,
                          "exa mple.org:443"sv,
                          "example.org :443"sv,
                          "example.org: 443"sv,
                          "example.org:44 3"sv,
                          "example.org:65536"sv,
                          "example.org:0443"sv,
                          "example.org:+443"sv,
                          "example.org:-443"sv,
                          "example.org:443\0"sv,
                          "exa\0mple.org:443"sv,
                          "example.org\n:443"sv,
                          "unix:/run/x.sock"sv,
                          "unix:@x"sv,
                          "*:443"sv,
                          "http://example.org:80"sv,
                          std::string_view(long_text)}) {
    auto const parsed = host::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error(), errc::invalid_host) << text;
  }
}

TEST(FoundEndpoints, are_the_IPv4_and_IPv6_addresses_of_a_list_and_no_others) {
  auto const four = *tconn::endpoint::parse("192.0.2.1:443");
  auto const six = *tconn::endpoint::parse("[2001:db8::1]:443");
  auto const path = *tconn::endpoint::parse("unix:/run/server");
  tconn::endpoint const all[] = {path, four, path, six, path};
  addrinfo list[std::size(all)]{};
  for (std::size_t i = 0; i < std::size(all); ++i) {
    list[i].ai_addr = const_cast<sockaddr*>(all[i].data());
    list[i].ai_addrlen = static_cast<decltype(list[i].ai_addrlen)>(all[i].size());
    list[i].ai_next = i + 1 < std::size(all) ? &list[i + 1] : nullptr;
  }
  EXPECT_EQ(tconn::detail::endpoints_of(list), (std::vector<tconn::endpoint>{four, six}));
}

TEST(ResolveCategory, says_what_getaddrinfo_says_and_knows_the_conditions_of_two) {
  auto const& category = tconn::resolve_category();
  EXPECT_STREQ(category.name(), "resolve");
  auto const message = std::error_code(EAI_NONAME, category).message();
  EXPECT_FALSE(message.empty());
  EXPECT_EQ(std::string(::gai_strerror(EAI_NONAME)).substr(0, message.size()), message);  // Windows ends it by a point
  EXPECT_EQ(std::error_code(EAI_MEMORY, category), std::errc::not_enough_memory);
  EXPECT_EQ(std::error_code(EAI_AGAIN, category), std::errc::resource_unavailable_try_again);
  EXPECT_EQ(std::error_code(EAI_NONAME, category).default_error_condition().category(), category);
  EXPECT_NE(std::error_code(EAI_NONAME, category), std::error_code(EAI_NONAME, tconn::native_category()));
  EXPECT_EQ(&category, &tconn::resolve_category());
}

TEST(ResolveCategory, leaves_to_the_system_what_is_in_errno) {
  using tconn::detail::lookup_code;
  auto const in_errno = tconn::detail::lookup_error::in_errno;
  EXPECT_EQ(lookup_code(in_errno, EMFILE), std::error_code(EMFILE, tconn::native_category()));
  EXPECT_EQ(lookup_code(EAI_NONAME, EMFILE), std::error_code(EAI_NONAME, tconn::resolve_category()));
}

}  // namespace
