// SPDX-License-Identifier: MIT
// OpenSSL: against nginx with a certificate of its own, and servers that are silent, slow, cruel or no servers of TLS.
#include <timed_connect/adapters/openssl.hpp>

#include "support/descriptors.hpp"
#include "support/loopback.hpp"
#include "support/printing.hpp"
#include "support/tls_server.hpp"

#include <gtest/gtest.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace {

/// How often anybody has asked the kernel to encrypt.
std::atomic<int> kernel_tls_requests{0};

}  // namespace

/// What OpenSSL calls instead of the C library's. Here the kernel can encrypt, whatever it says.
// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): those of the C library are reserved
extern "C" int setsockopt(int descriptor, int level, int option, void const* value, socklen_t length) {
  constexpr int level_of_tls = 282;  // SOL_TLS
  if (level == level_of_tls) return ++kernel_tls_requests, 0;
  return static_cast<int>(::syscall(SYS_setsockopt, descriptor, level, option, value, length));
}

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

/// A record of TLS 1.2: 22 is a handshake's, 21 an alert's.
std::string record(char type, std::string const& content) {
  auto const count = content.size();
  return std::string{type, 3, 3, static_cast<char>(count >> 8), static_cast<char>(count)} + content;
}

/// Both ends of a connection.
std::array<tconn::socket, 2> socket_pair() {
  int ends[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  return {tconn::socket(ends[0]), tconn::socket(ends[1])};
}

/// Sends until there is no more room, and tells how much that was.
std::size_t fill(tconn::socket const& connection) {
  std::size_t filled = 0;
  char const bytes[1024]{};
  for (ssize_t sent = 0; (sent = ::send(connection.native_handle(), bytes, sizeof bytes, MSG_DONTWAIT)) > 0;)
    filled += static_cast<std::size_t>(sent);
  return filled;
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
  for (auto const* host : {"localhost", "localhost.", "127.0.0.1", "127.0.0.1."}) {
    auto const client = timed_tls_connect(context.get(), host, server->where(), 10s);
    ASSERT_TRUE(client) << host << ": " << told(client);
    EXPECT_FALSE(is_nonblocking(client->native_handle()));
    EXPECT_EQ(::SSL_get_fd(client->ssl()), client->native_handle());
    EXPECT_EQ(::BIO_get_callback_ex(::SSL_get_rbio(client->ssl())), nullptr) << "reading is not limited any more";
    auto const answer = ask_over_tls(client->ssl());
    auto const* const name = ::SSL_get_servername(client->ssl(), TLSEXT_NAMETYPE_host_name);
    if (std::string_view(host).starts_with("localhost"))
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

TEST_F(NginxWithTls, is_asked_for_an_address_where_a_host_stands_in_brackets_and_has_a_zone) {
  for (auto const* host : {"::1", "[::1]", "[::1%lo]"}) {
    auto const client = timed_tls_connect(context.get(), host, server->where(), 10s);
    ASSERT_FALSE(client) << "its certificate is for 127.0.0.1 alone";
    EXPECT_EQ(client.error().code,
              std::error_code(X509_V_ERR_IP_ADDRESS_MISMATCH, tconn::adapters::certificate_error_category()))
        << told(client);
  }
}

TEST_F(NginxWithTls, is_reached_whatever_errors_OpenSSL_still_tells_of) {
  ::SSL_CTX_load_verify_locations(context.get(), "/no such file", nullptr);
  auto const client = timed_tls_connect(context.get(), "localhost", server->where(), 10s);
  EXPECT_TRUE(client) << told(client);
  ::SSL_CTX_load_verify_locations(context.get(), "/no such file", nullptr);
  auto const failed = timed_tls_connect(nullptr, "localhost", server->where(), 10s);
  ASSERT_FALSE(failed);
  EXPECT_EQ(ERR_GET_REASON(static_cast<unsigned>(failed.error().code.value())), SSL_R_NULL_SSL_CTX) << told(failed);
}

TEST_F(NginxWithTls, is_reached_whatever_errors_a_hook_leaves) {
  auto const fails = [&](SSL*) {
    ::SSL_CTX_load_verify_locations(context.get(), "/no such file", nullptr);
    return true;
  };
  auto const client =
      timed_tls_connect(context.get(), "localhost", server->where(), 10s, {}, {.before_handshake = fails});
  EXPECT_TRUE(client) << told(client);
}

TEST_F(NginxWithTls, is_spoken_to_by_an_SSL_that_the_program_has_had_before) {
  auto const speaks_http = [](SSL* ssl) {
    constexpr unsigned char protocols[] = "\x8http/1.1";
    return ::SSL_set_alpn_protos(ssl, protocols, sizeof protocols - 1) == 0;
  };
  auto const client =
      timed_tls_connect(context.get(), "localhost", server->where(), 10s, {}, {.before_handshake = speaks_http});
  ASSERT_TRUE(client) << told(client);
  unsigned char const* chosen = nullptr;
  unsigned count = 0;
  ::SSL_get0_alpn_selected(client->ssl(), &chosen, &count);
  EXPECT_EQ(std::string(chosen, chosen + count), "http/1.1");
}

TEST_F(NginxWithTls, is_never_written_to_by_a_kernel_that_encrypts) {
  ::SSL_CTX_set_options(context.get(), SSL_OP_ENABLE_KTLS);
  ::SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  ::SSL_CTX_set_cipher_list(context.get(), "ECDHE+AESGCM");
  kernel_tls_requests = 0;
  auto const client = timed_tls_connect(context.get(), "localhost", server->where(), 10s);
  ASSERT_TRUE(client) << told(client);
  EXPECT_EQ(kernel_tls_requests, 0);
  EXPECT_NE(ask_over_tls(client->ssl()).find("200 OK"), std::string::npos);
}

TEST_F(NginxWithTls, is_given_up_where_a_callback_wants_to_be_asked_again) {
  auto const again = [](X509_STORE_CTX* store, void*) -> int {
    return SSL_set_retry_verify(
        static_cast<SSL*>(::X509_STORE_CTX_get_ex_data(store, ::SSL_get_ex_data_X509_STORE_CTX_idx())));
  };
  ::SSL_CTX_set_cert_verify_callback(context.get(), again, nullptr);
  auto const failed = timed_tls_connect(context.get(), "localhost", server->where(), 10s);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, errc::invalid_option) << told(failed);
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
  EXPECT_GE(late.error().elapsed, 20ms);
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

/// Sends what OpenSSL skips, HelloRequests, for five seconds or until its client is gone.
class flooding_server {
 public:
  tconn::endpoint where() const { return listener_.where(); }
  ~flooding_server() { thread_.join(); }

 private:
  listener listener_{};
  std::thread thread_{[this] {
    auto const client = listener_.accept();
    auto const hello_requests = record(22, std::string(16384, '\0'));
    auto const end = steady::now() + 5s;
    while (steady::now() < end && send_text(client, hello_requests)) {
    }
  }};
};

// They reset: behind a FIN with no room to receive Linux leaves the server waiting for a minute or two.
TEST_F(TlsHandshake, gives_no_more_time_to_a_server_that_sends_without_end_what_OpenSSL_skips) {
  flooding_server const server;
  auto const began = steady::now();
  auto const late =
      timed_tls_connect(context.get(), "localhost", server.where(), 100ms, {.on_timeout = on_timeout::reset});
  auto const took = steady::now() - began;
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, errc::deadline_exceeded) << told(late);
  EXPECT_GE(took, 100ms);
  EXPECT_LT(took, 4s);
}

TEST_F(TlsHandshake, reads_at_most_twice_what_it_reads_at_once_where_there_is_no_time) {
  auto ends = socket_pair();
  constexpr int sent = 400;
  std::string hello_requests;
  for (int count = 0; count < sent; ++count) hello_requests += record(22, std::string(4, '\0'));
  ASSERT_TRUE(send_text(ends[1], hello_requests));
  int skipped = 0;
  auto const count_skipped = [&](SSL* ssl) {
    ::SSL_set_msg_callback_arg(ssl, &skipped);
    ::SSL_set_msg_callback(ssl, [](int is_sent, int, int type, void const*, std::size_t, SSL*, void* to) {
      if (is_sent == 0 && type == SSL3_RT_HANDSHAKE) ++*static_cast<int*>(to);
    });
    return true;
  };
  auto const late =
      timed_tls_handshake(context.get(), "localhost", std::move(ends[0]), 0ms, {}, {.before_handshake = count_skipped});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, errc::deadline_exceeded) << told(late);
  EXPECT_GT(skipped, 0);
  EXPECT_LT(skipped, sent / 2);
}

TEST_F(TlsHandshake, is_cancelled_while_a_server_sends_without_end) {
  flooding_server const server;
  tconn::cancellation cancel;
  std::thread canceller([&] {
    std::this_thread::sleep_for(50ms);
    cancel.request();
  });
  auto const began = steady::now();
  auto const ended = timed_tls_connect(context.get(), "localhost", server.where(), 10s,
                                       {.on_timeout = on_timeout::reset, .cancel = &cancel});
  auto const took = steady::now() - began;
  canceller.join();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, errc::cancelled) << told(ended);
  EXPECT_LT(took, 4s);
}

TEST_F(TlsHandshake, waits_until_the_deadline_where_there_is_no_room_to_write) {
  auto ends = socket_pair();
  fill(ends[0]);
  auto const began = steady::now();
  auto const late = timed_tls_handshake(context.get(), "localhost", std::move(ends[0]), 20ms);
  EXPECT_GE(steady::now() - began, 20ms);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, errc::deadline_exceeded) << told(late);
}

TEST_F(TlsHandshake, goes_on_when_there_is_room_to_write) {
  auto ends = socket_pair();
  auto const filled = fill(ends[0]);
  std::string hello;
  std::thread server([&] {
    std::this_thread::sleep_for(20ms);
    std::size_t taken = 0;
    char bytes[1024];
    while (taken < filled) {
      auto const count = ::recv(ends[1].native_handle(), bytes, std::min(sizeof bytes, filled - taken), 0);
      if (count <= 0) return;
      taken += static_cast<std::size_t>(count);
    }
    if (auto const read = tconn::testing::receive(ends[1])) hello = *read;
    send_text(ends[1], "220 welcome to something else\r\n");
  });
  auto const failed = timed_tls_handshake(context.get(), "localhost", std::move(ends[0]), 2s);
  server.join();
  ASSERT_FALSE(failed);
  EXPECT_TRUE(hello.starts_with('\x16')) << "the server has read " << hello.size() << " bytes";
  EXPECT_EQ(failed.error().code.category(), tconn::adapters::tls_error_category()) << told(failed);
}

TEST_F(TlsHandshake, tells_of_a_server_that_ends_it_in_good_order) {
  listener const polite;
  std::thread server([&] {
    auto const client = polite.accept();
    what_is_read(client);
    send_text(client, record(21, std::string("\1\0", 2)));  // close_notify
    what_is_read(client);
  });
  auto const failed = timed_tls_connect(context.get(), "localhost", polite.where(), 5s);
  server.join();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, std::errc::connection_aborted) << told(failed);
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

TEST_F(TlsHandshake, is_cancelled_and_given_up_by_the_policy) {
  for (auto const how : {on_timeout::close, on_timeout::reset}) {
    listener const silent;
    tconn::cancellation cancel;
    tconn::socket client;  // stays open: a RST would be another end
    std::thread canceller([&] {
      client = silent.accept();
      what_is_read(client);  // the handshake has begun
      cancel.request();
    });
    auto const ended = timed_tls_connect(context.get(), "localhost", silent.where(), tconn::deadline::never(),
                                         {.on_timeout = how, .cancel = &cancel});
    canceller.join();
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, errc::cancelled) << told(ended);
    EXPECT_EQ(ended.error().aftermath,
              how == on_timeout::close ? aftermath::peer_sees_close : aftermath::peer_sees_reset);
    EXPECT_EQ(what_is_read(client), how == on_timeout::close ? "EOF" : "ECONNRESET");
  }
}

TEST_F(TlsHandshake, that_was_cancelled_before_sends_nothing) {
  listener const server;
  tconn::cancellation cancel;
  cancel.request();
  EXPECT_EQ(timed_tls_connect(context.get(), "localhost", server.where(), 5s, {.cancel = &cancel}).error().code,
            errc::cancelled);
  EXPECT_FALSE(server.accept(0ms));
  auto connected = tconn::timed_connect(server.where(), 5s);
  ASSERT_TRUE(connected) << told(connected);
  auto const ended = timed_tls_handshake(context.get(), "localhost", std::move(*connected), 5s, {.cancel = &cancel});
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, errc::cancelled) << told(ended);
  EXPECT_EQ(what_is_read(server.accept()), "EOF");
}

TEST_F(TlsHandshake, refuses_bad_input_before_anything_is_sent) {
  listener const server;
  auto const code = [&](std::string_view host, on_timeout how = on_timeout::close) {
    auto const refused = timed_tls_connect(context.get(), host, server.where(), 5s, {.on_timeout = how});
    if (!refused) {
      EXPECT_EQ(refused.error().handshake, handshake::not_started);
    }
    return refused ? std::error_code() : refused.error().code;
  };
  EXPECT_EQ(code("localhost", on_timeout::keep), errc::invalid_option);
  EXPECT_EQ(code("localhost", static_cast<on_timeout>(9)), errc::invalid_option);
  for (auto const* host : {"", ".", "..", ".localhost", "%:", "[%:]"})
    EXPECT_EQ(code(host), errc::invalid_host) << host;
  EXPECT_EQ(code(std::string_view("a\0b", 3)), errc::invalid_host);
  EXPECT_EQ(code(std::string_view("::1%\0", 5)), errc::invalid_host);
  auto const too_long = code(std::string(300, 'a'));
  EXPECT_EQ(too_long.category(), tconn::adapters::tls_error_category());
  EXPECT_EQ(ERR_GET_REASON(static_cast<unsigned>(too_long.value())), SSL_R_SSL3_EXT_INVALID_SERVERNAME);
  EXPECT_TRUE(timed_tls_connect(nullptr, "localhost", server.where(), 5s).error().code);
  auto const vetoes = [](SSL*) { return false; };
  EXPECT_EQ(
      timed_tls_connect(context.get(), "localhost", server.where(), 5s, {}, {.before_handshake = vetoes}).error().code,
      errc::invalid_option);
  EXPECT_FALSE(server.accept(0ms)) << "something was sent";
}

TEST_F(TlsHandshake, refuses_bad_input_for_a_socket_that_it_was_given_and_closes_that) {
  listener const server;
  auto const refused = [&](char const* host, on_timeout how) {
    auto connected = tconn::timed_connect(server.where(), 5s);
    EXPECT_TRUE(connected) << told(connected);
    auto const made = timed_tls_handshake(context.get(), host, std::move(*connected), 5s, {.on_timeout = how});
    EXPECT_FALSE(made);
    EXPECT_EQ(made.error().handshake, handshake::completed);
    EXPECT_EQ(made.error().aftermath, aftermath::peer_sees_close);
    EXPECT_EQ(what_is_read(server.accept()), "EOF");
    return made.error().code;
  };
  EXPECT_EQ(refused("", on_timeout::close), errc::invalid_host);
  EXPECT_EQ(refused("localhost", on_timeout::keep), errc::invalid_option);
  EXPECT_EQ(refused("localhost", static_cast<on_timeout>(9)), errc::invalid_option);
}

TEST_F(TlsHandshake, wants_a_socket_that_is_connected) {
  auto const failed = [&](tconn::socket given) {
    auto made = timed_tls_handshake(context.get(), "localhost", std::move(given), 5s);
    EXPECT_FALSE(made);
    return std::move(made.error());
  };
  EXPECT_EQ(failed(tconn::socket()).code, std::errc::bad_file_descriptor);
  auto const descriptors = open_descriptors();
  for (int const family : {AF_INET, AF_INET6, AF_UNIX}) {
    auto const why = failed(tconn::socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)));
    EXPECT_EQ(why.code, std::errc::not_connected) << why.message();
    EXPECT_EQ(why.handshake, handshake::not_started) << why.message();
    EXPECT_EQ(why.aftermath, aftermath::none) << why.message();
  }
  {
    full_listener const full;
    auto pending = tconn::start_connect(full.where());
    ASSERT_TRUE(pending);
    auto const why = failed(tconn::socket(::dup(pending->native_handle())));
    EXPECT_EQ(why.code, std::errc::not_connected) << why.message();
    EXPECT_EQ(why.handshake, handshake::in_flight) << why.message();
  }
  listener const cruel;
  auto connected = tconn::timed_connect(cruel.where(), 5s);
  ASSERT_TRUE(connected) << told(connected);
  auto accepted = cruel.accept();
  linger const at_once{1, 0};
  ::setsockopt(accepted.native_handle(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  accepted.close();
  auto const why = failed(std::move(*connected));
  EXPECT_EQ(why.code, std::errc::connection_reset) << why.message();
  EXPECT_EQ(why.handshake, handshake::failed) << why.message();
  EXPECT_EQ(open_descriptors(), descriptors + 1) << "more than the listener's is left";
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
