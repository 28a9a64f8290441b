// SPDX-License-Identifier: MIT
// OpenSSL: against nginx with a certificate of its own, and servers that are silent, slow, cruel or no servers of TLS.
#include <timed_connect/adapters/openssl.hpp>

#include "support/descriptors.hpp"
#include "support/loopback.hpp"
#include "support/printing.hpp"
#include "support/tls_server.hpp"

#include <gtest/gtest.h>

#include <openssl/ssl.h>
#include <pthread.h>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace {

using namespace support;
using tconn::aftermath;
using tconn::errc;
using tconn::handshake;
using tconn::on_timeout;
using tconn::adapters::timed_tls_connect;
using tconn::adapters::timed_tls_handshake;
using tconn::adapters::tls_result;

struct context_deleter {
  void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
};

/// A client's context that trusts one certificate, or none.
std::unique_ptr<SSL_CTX, context_deleter> trusting(std::string const& certificate) {
  std::unique_ptr<SSL_CTX, context_deleter> made(::SSL_CTX_new(::TLS_client_method()));
  if (!certificate.empty()) {
    EXPECT_EQ(::SSL_CTX_load_verify_locations(made.get(), certificate.c_str(), nullptr), 1);
  }
  return made;
}

std::string ask_over_tls(SSL* ssl) {
  constexpr char request[] = "GET / HTTP/1.0\r\n\r\n";
  ::SSL_write(ssl, request, sizeof request - 1);
  std::string answer;
  char bytes[4096];
  for (int count = 0; (count = ::SSL_read(ssl, bytes, sizeof bytes)) > 0;)
    answer.append(bytes, static_cast<std::size_t>(count));
  return answer;
}

class NginxWithTls : public testing::Test {
 protected:
  void SetUp() override {
    if (!tls_server::is_installed()) GTEST_SKIP() << "SKIPPED: nginx or openssl is not installed (nginx, openssl).";
    server.emplace();
    context = trusting(server->certificate());
  }
  std::optional<tls_server> server{};
  std::unique_ptr<SSL_CTX, context_deleter> context{};
};

TEST_F(NginxWithTls, answers_a_request_to_the_host_of_its_certificate) {
  for (auto const* host : {"localhost", "127.0.0.1"}) {
    auto const client = timed_tls_connect(context.get(), host, server->where(), 10s);
    ASSERT_TRUE(client) << host << ": " << told(client);
    EXPECT_FALSE(is_nonblocking(client->native_handle()));
    EXPECT_EQ(::SSL_get_fd(client->ssl()), client->native_handle());
    auto const answer = ask_over_tls(client->ssl());
    auto const* const name = ::SSL_get_servername(client->ssl(), TLSEXT_NAMETYPE_host_name);
    if (std::string(host) == "localhost")
      EXPECT_STREQ(name, "localhost");
    else
      EXPECT_EQ(name, nullptr);
    EXPECT_NE(answer.find("200 OK"), std::string::npos) << answer;
  }
}

TEST_F(NginxWithTls, is_refused_where_its_certificate_is_for_another_host) {
  auto const descriptors = open_descriptors();
  auto const client = timed_tls_connect(context.get(), "example.org", server->where(), 10s);
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code,
            std::error_code(X509_V_ERR_HOSTNAME_MISMATCH, tconn::adapters::certificate_error_category()));
  EXPECT_NE(client.error().text.find("certificate verify failed"), std::string::npos) << told(client);
  EXPECT_NE(told(client).find(server->where().to_string()), std::string::npos) << told(client);
  EXPECT_EQ(client.error().handshake, handshake::completed);
  EXPECT_EQ(open_descriptors(), descriptors);
  EXPECT_FALSE(timed_tls_connect(context.get(), "127.0.0.2", server->where(), 10s)) << "another address";
}

TEST_F(NginxWithTls, is_refused_where_nobody_trusts_it_unless_anybody_will_do) {
  auto const nobody = trusting("");
  auto const refused = timed_tls_connect(nobody.get(), "localhost", server->where(), 10s);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code.category(), tconn::adapters::certificate_error_category()) << told(refused);
  auto const client = timed_tls_connect(nobody.get(), "", server->where(), 10s, {.nonblocking = true},
                                        {.verify = false, .server_name = false});
  ASSERT_TRUE(client) << told(client);
  EXPECT_TRUE(is_nonblocking(client->native_handle()));
  EXPECT_EQ(::SSL_get_servername(client->ssl(), TLSEXT_NAMETYPE_host_name), nullptr);
}

TEST_F(NginxWithTls, takes_a_socket_that_was_connected_before) {
  auto connected = tconn::timed_connect(server->where(), 10s);
  ASSERT_TRUE(connected);
  auto const client = timed_tls_handshake(context.get(), "localhost", std::move(*connected), 10s);
  EXPECT_TRUE(client) << told(client);
}

TEST_F(NginxWithTls, that_is_stopped_is_waited_for_until_the_deadline) {
  server->stop();
  auto const began = steady::now();
  auto const late = timed_tls_connect(context.get(), "localhost", server->where(), 50ms);
  EXPECT_GE(steady::now() - began, 50ms);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, errc::deadline_exceeded) << told(late);
  server->resume();
  auto const client = timed_tls_connect(context.get(), "localhost", server->where(), 10s);
  EXPECT_TRUE(client) << told(client);
}

class TlsHandshake : public testing::Test {
 protected:
  std::unique_ptr<SSL_CTX, context_deleter> const context = trusting("");
};

TEST_F(TlsHandshake, with_a_server_that_says_nothing_ends_at_the_deadline_by_the_policy_and_never_before) {
  listener const silent;
  for (auto const how : {on_timeout::close, on_timeout::reset}) {
    for (auto const limit : {0us, 100us, 1500us, 30000us}) {
      auto const descriptors = open_descriptors();
      auto const began = steady::now();
      auto const late = timed_tls_connect(context.get(), "localhost", silent.where(), limit, {.on_timeout = how});
      EXPECT_GE(steady::now() - began, limit);
      EXPECT_LT(steady::now() - began, 5s);
      ASSERT_FALSE(late);
      EXPECT_EQ(late.error().code, errc::deadline_exceeded) << told(late);
      EXPECT_GE(late.error().elapsed, limit);
      EXPECT_EQ(late.error().handshake, handshake::completed);
      EXPECT_EQ(late.error().aftermath,
                how == on_timeout::close ? aftermath::peer_sees_close : aftermath::peer_sees_reset);
      EXPECT_EQ(late.error().text, "");
      EXPECT_EQ(open_descriptors(), descriptors);
      auto const seen = silent.accept();
      auto read = what_is_read(seen);
      for (int reads = 0; reads < 100 && read.ends_with(" bytes"); ++reads) read = what_is_read(seen);
      EXPECT_EQ(read, how == on_timeout::close ? "EOF" : "ECONNRESET");
    }
  }
}

TEST_F(TlsHandshake, is_not_reached_by_the_time_where_nobody_accepts) {
  full_listener const full;
  auto const began = steady::now();
  auto const late = timed_tls_connect(context.get(), "localhost", full.where(), 20ms);
  EXPECT_GE(steady::now() - began, 20ms);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, errc::deadline_exceeded);
  EXPECT_EQ(late.error().handshake, handshake::in_flight);
  closed_port const nobody;
  auto const refused = timed_tls_connect(context.get(), "localhost", nobody.where(), 5s);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, std::errc::connection_refused) << told(refused);
}

TEST_F(TlsHandshake, has_what_connecting_has_left_of_the_time) {
  listener const silent;
  auto const slow = [](tconn::native_handle, tconn::endpoint const&) {
    std::this_thread::sleep_for(1s);
    return std::error_code();
  };
  auto const began = steady::now();
  auto const late = timed_tls_connect(context.get(), "localhost", silent.where(), 1200ms, {.before_connect = slow});
  EXPECT_GE(steady::now() - began, 1200ms);
  EXPECT_LT(steady::now() - began, 2200ms);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, errc::deadline_exceeded) << told(late);
  EXPECT_GE(late.error().elapsed, 1200ms);
}

TEST_F(TlsHandshake, gives_no_more_time_to_a_server_that_sends_a_byte_at_a_time) {
  listener const slow;
  std::thread server([&] {
    auto const client = slow.accept();
    // The beginning of a long record of a handshake, whose end never comes.
    send_text(client, std::string("\x16\x03\x03\x3f\xff\x02", 6));
    while (send_text(client, "x")) std::this_thread::sleep_for(100us);
  });
  auto const began = steady::now();
  auto const late = timed_tls_connect(context.get(), "localhost", slow.where(), 50ms);
  auto const took = steady::now() - began;
  server.join();
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, errc::deadline_exceeded) << told(late);
  EXPECT_GE(took, 50ms);
  EXPECT_LT(took, 1s);
}

TEST_F(TlsHandshake, tells_of_a_server_that_speaks_something_else) {
  listener const other;
  std::thread server([&] {
    auto const client = other.accept();
    send_text(client, "220 welcome to something else\r\n");
    what_is_read(client);
  });
  auto const failed = timed_tls_connect(context.get(), "localhost", other.where(), 5s);
  server.join();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code.category(), tconn::adapters::tls_error_category()) << told(failed);
  EXPECT_NE(failed.error().text, "");
  EXPECT_NE(failed.error().code.message().find("version"), std::string::npos) << failed.error().code.message();
}

TEST_F(TlsHandshake, tells_of_a_server_that_ends_it_and_is_not_killed_by_SIGPIPE) {
  for (bool const is_reset : {false, true}) {
    listener const cruel;
    std::thread server([&] {
      auto const client = cruel.accept();
      what_is_read(client);
      linger const at_once{is_reset ? 1 : 0, 0};
      ::setsockopt(client.native_handle(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    });
    auto const failed = timed_tls_connect(context.get(), "localhost", cruel.where(), 5s);
    server.join();
    ASSERT_FALSE(failed);
    EXPECT_NE(failed.error().code, errc::deadline_exceeded) << told(failed);
    if (is_reset) {
      EXPECT_EQ(failed.error().code, std::errc::connection_reset) << told(failed);
    }
  }
  auto const before = std::signal(SIGPIPE, SIG_DFL);
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  tconn::socket mine(ends[0]);
  tconn::socket(ends[1]).close();
  auto const failed = timed_tls_handshake(context.get(), "localhost", std::move(mine), 5s);
  std::signal(SIGPIPE, before);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, std::errc::broken_pipe) << told(failed);
}

TEST_F(TlsHandshake, is_cancelled) {
  listener const silent;
  tconn::cancellation cancel;
  tconn::socket client;  // stays open: a RST would be another end
  std::thread canceller([&] {
    client = silent.accept();
    what_is_read(client);  // the handshake has begun
    cancel.request();
  });
  auto const ended =
      timed_tls_connect(context.get(), "localhost", silent.where(), tconn::deadline::never(), {.cancel = &cancel});
  canceller.join();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, errc::cancelled) << told(ended);
  EXPECT_EQ(timed_tls_connect(context.get(), "localhost", silent.where(), 5s, {.cancel = &cancel}).error().code,
            errc::cancelled);
}

TEST_F(TlsHandshake, refuses_bad_input) {
  listener const server;
  auto const code = [&](std::string_view host, on_timeout how) {
    auto const refused = timed_tls_connect(context.get(), host, server.where(), 5s, {.on_timeout = how});
    return refused ? std::error_code() : refused.error().code;
  };
  EXPECT_EQ(code("localhost", on_timeout::keep), errc::invalid_option);
  EXPECT_FALSE(server.accept(0ms)) << "something was sent";
  EXPECT_EQ(code("", on_timeout::close), errc::invalid_host);
  EXPECT_EQ(code(std::string_view("a\0b", 3), on_timeout::close), errc::invalid_host);
  EXPECT_EQ(code(std::string(300, 'a'), on_timeout::close).category(), tconn::adapters::tls_error_category());
  EXPECT_EQ(timed_tls_handshake(context.get(), "localhost", tconn::socket(), 5s).error().code,
            std::errc::bad_file_descriptor);
  EXPECT_NE(timed_tls_connect(nullptr, "localhost", server.where(), 5s).error().code, std::error_code());
}

TEST_F(TlsHandshake, is_unwound_by_pthread_cancel_in_its_waits_and_not_within_OpenSSL) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  struct given {
    SSL_CTX* context = nullptr;
    tconn::socket connected{};
  } all{context.get(), tconn::socket(ends[0])};
  tconn::socket const server(ends[1]);
  auto const descriptors = open_descriptors();
  auto const body = [](void* argument) -> void* {
    auto& its = *static_cast<given*>(argument);
    ::pthread_cancel(::pthread_self());  // acts in the next call that can be cancelled
    static_cast<void>(
        timed_tls_handshake(its.context, "localhost", std::move(its.connected), tconn::deadline::never()));
    return nullptr;
  };
  pthread_t thread{};
  ASSERT_EQ(::pthread_create(&thread, nullptr, body, &all), 0);
  void* result = nullptr;
  ::pthread_join(thread, &result);
  EXPECT_EQ(result, PTHREAD_CANCELED);
  EXPECT_TRUE(what_is_read(server).ends_with("bytes")) << "it was unwound before it had sent anything";
  EXPECT_EQ(open_descriptors(), descriptors - 1);
}

}  // namespace
