// SPDX-License-Identifier: MIT
#include <timed_connect/options.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace {

using namespace std::chrono_literals;
using tconn::connect_hook;
using tconn::connect_options;
using tconn::endpoint;
using tconn::errc;
using tconn::on_timeout;

endpoint const v4 = endpoint::loopback_v4(80);
endpoint const local_socket = *endpoint::parse("unix:/x");

std::error_code veto(tconn::native_handle, endpoint const&) {
  return std::make_error_code(std::errc::operation_not_permitted);
}

TEST(ConnectHook, calls_functions_captureless_lambdas_and_lvalues) {
  connect_hook const nothing;
  EXPECT_FALSE(static_cast<bool>(nothing));
  EXPECT_FALSE(static_cast<bool>(connect_hook(nullptr)));
  connect_hook const function = veto;
  EXPECT_EQ(function(3, v4), std::errc::operation_not_permitted);
  connect_hook const captureless = [](tconn::native_handle handle, endpoint const&) {
    return handle == 3 ? std::error_code{} : std::make_error_code(std::errc::bad_file_descriptor);
  };
  EXPECT_FALSE(captureless(3, v4));
  EXPECT_EQ(captureless(4, v4), std::errc::bad_file_descriptor);
  int calls = 0;
  auto counting = [&calls](tconn::native_handle, endpoint const&) {
    ++calls;
    return std::error_code{};
  };
  connect_hook const object = counting;
  connect_hook const copy = object;
  object(3, v4);
  copy(3, v4);
  EXPECT_EQ(calls, 2);
  auto const constant = counting;
  connect_hook const through_constant = constant;
  through_constant(3, v4);
  EXPECT_EQ(calls, 3);
}

struct capturing {
  int state;
  std::error_code operator()(tconn::native_handle, endpoint const&) const { return {}; }
};
static_assert(!std::is_constructible_v<connect_hook, capturing>, "a capturing temporary would dangle");
static_assert(!std::is_constructible_v<connect_hook, capturing const>, "a constant one would too");

TEST(ConnectHook, calls_generic_and_noexcept_captureless_lambdas) {
  connect_hook const generic = [](auto, auto const&) noexcept { return std::make_error_code(std::errc::io_error); };
  EXPECT_EQ(generic(3, v4), std::errc::io_error);
}
static_assert(std::is_constructible_v<connect_hook, capturing&> &&
              std::is_constructible_v<connect_hook, capturing const&>);

std::error_code check(connect_options const& options, endpoint const& to = v4) {
  return tconn::detail::code_of(tconn::detail::check(to, options));
}

TEST(Options, are_all_optional_and_designated) {
  EXPECT_FALSE(check({}));
  EXPECT_FALSE(check({.on_timeout = on_timeout::keep,
                      .accept_late = false,
                      .nonblocking = true,
                      .local = endpoint::loopback_v4(0),
                      .interface_name = "lo",
                      .mark = 7,
                      .no_delay = true,
                      .keep_alive = true,
                      .user_timeout = 5s,
                      .syn_count = 3,
                      .multipath = true,
                      .before_connect = veto}));
}

TEST(Options, out_of_range_are_invalid) {
  EXPECT_EQ(check({.on_timeout = static_cast<on_timeout>(3)}), errc::invalid_option);
  EXPECT_EQ(check({.on_timeout = static_cast<on_timeout>(-1)}), errc::invalid_option);
  EXPECT_EQ(check({.interface_name = "sixteen-letters-"}), errc::invalid_option);
  EXPECT_FALSE(check({.interface_name = "fifteen-letters"}));
  EXPECT_EQ(check({.interface_name = std::string_view("lo\0", 3)}), errc::invalid_option);
  EXPECT_EQ(check({.user_timeout = -1ms}), errc::invalid_option);
  EXPECT_EQ(check({.user_timeout = 2147483648ms}), errc::invalid_option);
  EXPECT_FALSE(check({.user_timeout = 2147483647ms}));
  EXPECT_EQ(check({.syn_count = -1}), errc::invalid_option);
  EXPECT_EQ(check({.syn_count = 128}), errc::invalid_option);
  EXPECT_FALSE(check({.syn_count = 127}));
}

TEST(Options, of_a_call_that_somebody_has_cancelled_already_say_so_if_nothing_else_is_wrong) {
  tconn::cancellation cancel;
  EXPECT_FALSE(check({.cancel = &cancel}));
  EXPECT_FALSE(check({.no_delay = true, .cancel = &cancel}));
  cancel.request();
  EXPECT_EQ(check({.cancel = &cancel}), errc::cancelled);
  EXPECT_EQ(check({.no_delay = true, .cancel = &cancel}), errc::cancelled);
  EXPECT_EQ(check({.syn_count = -1, .cancel = &cancel}), errc::invalid_option);
}

TEST(Options, that_make_no_sense_for_the_family_are_invalid) {
  EXPECT_EQ(check({.local = endpoint::loopback_v6(0)}), errc::invalid_option);
  EXPECT_EQ(check({.local = endpoint()}), errc::invalid_option);
  EXPECT_EQ(check({.interface_name = "lo"}, local_socket), errc::invalid_option);
  EXPECT_EQ(check({.mark = 0}, local_socket), errc::invalid_option);
  EXPECT_EQ(check({.no_delay = true}, local_socket), errc::invalid_option);
  EXPECT_EQ(check({.keep_alive = true}, local_socket), errc::invalid_option);
  EXPECT_EQ(check({.user_timeout = 1ms}, local_socket), errc::invalid_option);
  EXPECT_EQ(check({.syn_count = 1}, local_socket), errc::invalid_option);
  EXPECT_EQ(check({.multipath = true}, local_socket), errc::invalid_option);
  EXPECT_FALSE(check({.local = *endpoint::parse("unix:me")}, local_socket));
}

TEST(Options, the_endpoint_is_checked_first) {
  EXPECT_EQ(check({}, endpoint()), errc::invalid_endpoint);
  EXPECT_EQ(check({.syn_count = -1}, endpoint()), errc::invalid_endpoint);
}

TEST(Options, on_timeout_is_told_by_the_name_of_its_enumerator) {
  EXPECT_EQ(to_string(on_timeout::close), "close");
  EXPECT_EQ(to_string(on_timeout::reset), "reset");
  EXPECT_EQ(to_string(on_timeout::keep), "keep");
}

TEST(Options, each_field_is_known_to_the_checks_of_what_a_borrowed_descriptor_may_have) {
  // A new field does not compile here: say in detail::asks_for_inet() or fits_borrowed() where it applies.
  auto const& [on_timeout, accept_late, nonblocking, local, interface_name, mark, no_delay, keep_alive, user_timeout,
               syn_count, multipath, before_connect, cancel] = connect_options{};
  EXPECT_TRUE(tconn::detail::fits_borrowed({on_timeout, accept_late, nonblocking, local, interface_name, mark, no_delay,
                                            keep_alive, user_timeout, syn_count, multipath, before_connect, cancel}));
}

}  // namespace
