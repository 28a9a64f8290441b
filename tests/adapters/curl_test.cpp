// SPDX-License-Identifier: MIT
// libcurl, over a socket that it is given.
#include <timed_connect/adapters/curl.hpp>
#include <timed_connect/connect.hpp>

#include "support/descriptors.hpp"
#include "support/loopback.hpp"
#include "support/printing.hpp"
#include "support/tls_server.hpp"

#include <curl/curl.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace {

using namespace support;
using tconn::deadline;
using tconn::adapters::curl_peer;
using tconn::adapters::curl_socket;
using tconn::adapters::for_curl;

/// curl opens descriptors of its own with its first handle and keeps them; the tests look for some that are left.
[[maybe_unused]] auto const has_begun = ::curl_global_init(CURL_GLOBAL_DEFAULT);

/// An easy handle, and what it has received.
class transfer {
 public:
  explicit transfer(std::string const& url) {
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_WRITEDATA, &received_);
    set(CURLOPT_WRITEFUNCTION,
        static_cast<curl_write_callback>([](char* bytes, std::size_t, std::size_t count, void* to) {
          static_cast<std::string*>(to)->append(bytes, count);
          return count;
        }));
  }
  transfer(transfer const&) = delete;
  transfer& operator=(transfer const&) = delete;
  ~transfer() { ::curl_easy_cleanup(easy_); }

  template <class Value>
  void set(CURLoption option, Value value) {
    EXPECT_EQ(::curl_easy_setopt(easy_, option, value), CURLE_OK);
  }
  CURL* easy() { return easy_; }
  CURLcode run() { return ::curl_easy_perform(easy_); }
  std::string const& received() const { return received_; }

 private:
  CURL* easy_ = ::curl_easy_init();
  std::string received_{};
};

/// Accepts one connection, takes a request and answers it.
class answering_server {
 public:
  explicit answering_server(std::string answer)
      : answering_server(tconn::endpoint::loopback_v4(0), std::move(answer)) {}
  answering_server(tconn::endpoint const& at, std::string answer)
      : listener_(at), thread_([this, answer = std::move(answer)] {
          auto const client = listener_.accept(10s);
          char bytes[4096];
          while (request_.find("\r\n\r\n") == std::string::npos) {
            auto const count = ::recv(client.native_handle(), bytes, sizeof bytes, 0);
            if (count <= 0) return;
            request_.append(bytes, static_cast<std::size_t>(count));
          }
          send_text(client, answer);
        }) {}
  answering_server(answering_server const&) = delete;
  answering_server& operator=(answering_server const&) = delete;
  ~answering_server() { join(); }

  tconn::endpoint where() const { return listener_.where(); }
  std::string const& request() {
    join();
    return request_;
  }
  listener const& accepts() const { return listener_; }

 private:
  void join() {
    if (thread_.joinable()) thread_.join();
  }
  listener listener_;
  std::string request_{};
  std::thread thread_;
};

/// A variable of the environment, while it lives.
class environment_variable {
 public:
  environment_variable(char const* name, std::string const& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  environment_variable(environment_variable const&) = delete;
  environment_variable& operator=(environment_variable const&) = delete;
  ~environment_variable() { ::unsetenv(name_); }

 private:
  char const* name_;
};

/// Whether this curl calls connect() for a socket that is connected; see for_curl.
bool connects_again() {
  auto const version = ::curl_version_info(CURLVERSION_NOW)->version_num;
  return version == 0x075800 || version == 0x075801;
}

constexpr char hello[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";

TEST(CurlSocket, carries_a_transfer_of_any_host_and_is_closed_by_curl) {
  temporary_path const path("socket");
  for (auto const& own : {tconn::endpoint::loopback_v4(0), tconn::endpoint::loopback_v6(0), path.where()}) {
    SCOPED_TRACE(own.to_string());
    if (own.family() == AF_UNIX && connects_again()) continue;
    auto const descriptors = open_descriptors();
    {
      answering_server server(own, hello);
      auto const limit = deadline::after(10s);
      auto connected = tconn::timed_connect(server.where(), limit, {}, for_curl{});
      ASSERT_TRUE(connected) << told(connected);
      transfer page("http://no-such-host.invalid:1234/page");
      curl_socket const given(page.easy(), std::move(*connected), limit);
      EXPECT_EQ(given.error(), CURLE_OK);
      EXPECT_FALSE(given.is_taken());
      EXPECT_EQ(page.run(), CURLE_OK);
      EXPECT_TRUE(given.is_taken());
      EXPECT_EQ(page.received(), "hello");
      EXPECT_NE(server.request().find("Host: no-such-host.invalid:1234"), std::string::npos);
      EXPECT_FALSE(server.accepts().accept(0ms)) << "curl has connected too";
    }
    EXPECT_EQ(open_descriptors(), descriptors);
  }
}

TEST(CurlSocket, ends_at_the_deadline_and_never_before_it) {
  listener const silent;
  for (auto const budget : {1ms, 20ms, 50ms}) {
    auto const began = steady::now();
    auto const limit = deadline::after(budget);
    auto connected = tconn::timed_connect(silent.where(), limit, {}, for_curl{});
    ASSERT_TRUE(connected) << told(connected);
    transfer page("http://127.0.0.1/");
    curl_socket const given(page.easy(), std::move(*connected), limit);
    EXPECT_EQ(page.run(), CURLE_OPERATION_TIMEDOUT);
    EXPECT_GE(steady::now() - began, budget);
    EXPECT_LT(steady::now() - began, 5s);
  }
}

TEST(CurlSocket, has_a_moment_where_the_deadline_is_over_and_not_for_ever) {
  listener const silent;
  auto connected = tconn::timed_connect(silent.where(), 5s, {}, for_curl{});
  transfer page("http://127.0.0.1/");
  curl_socket const given(page.easy(), std::move(*connected), 0ms);
  EXPECT_EQ(page.run(), CURLE_OPERATION_TIMEDOUT);
}

TEST(CurlSocket, is_given_once_and_to_the_next_connection_there_is_none) {
  answering_server const server(
      "HTTP/1.1 302 Found\r\nLocation: http://another.invalid/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  auto connected = tconn::timed_connect(server.where(), 5s, {}, for_curl{});
  ASSERT_TRUE(connected);
  transfer page("http://127.0.0.1/");
  page.set(CURLOPT_FOLLOWLOCATION, 1L);
  curl_socket const given(page.easy(), std::move(*connected), 10s);
  EXPECT_EQ(page.run(), CURLE_COULDNT_CONNECT);
}

TEST(CurlSocket, that_curl_has_not_asked_for_goes_with_its_object_which_leaves_the_handle_as_it_was) {
  std::optional<answering_server> first(hello);
  transfer page("http://127.0.0.1:" + std::to_string(first->where().port()) + '/');
  listener const other;
  auto const descriptors = open_descriptors();
  {
    auto connected = tconn::timed_connect(other.where(), 5s);
    ASSERT_TRUE(connected);
    curl_socket const given(page.easy(), std::move(*connected), 10ms);
  }
  EXPECT_EQ(open_descriptors(), descriptors);
  EXPECT_EQ(page.run(), CURLE_OK) << "curl does not connect by itself any more";
  EXPECT_EQ(page.received(), "hello");
}

TEST(CurlSocket, is_taken_where_curl_has_kept_another_connection_open) {
  listener const server;
  transfer page("http://127.0.0.1/");
  std::thread answering([&] {
    tconn::socket kept[2];
    for (auto& one : kept) {
      one = server.accept(10s);
      EXPECT_TRUE(what_is_read(one).ends_with(" bytes")) << "curl has asked by the other connection";
      send_text(one, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    }
  });
  for (int round = 0; round < 2; ++round) {
    auto connected = tconn::timed_connect(server.where(), 5s, {}, for_curl{});
    EXPECT_TRUE(connected);
    curl_socket const given(page.easy(), std::move(*connected), 5s);
    EXPECT_EQ(page.run(), CURLE_OK);
    EXPECT_TRUE(given.is_taken());
  }
  answering.join();
  EXPECT_EQ(page.received(), "hellohello");
}

TEST(CurlSocket, of_a_server_goes_through_no_proxy) {
  for (bool const is_set : {false, true}) {
    SCOPED_TRACE(is_set ? "by CURLOPT_PROXY" : "by the environment");
    answering_server server(hello);
    transfer page("http://example.org/page");
    auto const proxy = "http://" + server.where().to_string();
    environment_variable const http_proxy("http_proxy", is_set ? "" : proxy);
    if (is_set) page.set(CURLOPT_PROXY, proxy.c_str());
    auto connected = tconn::timed_connect(server.where(), 5s, {}, for_curl{});
    ASSERT_TRUE(connected) << told(connected);
    curl_socket const given(page.easy(), std::move(*connected), 5s);
    EXPECT_EQ(page.run(), CURLE_OK);
    EXPECT_EQ(server.request().substr(0, 9), "GET /page");
  }
}

TEST(CurlSocket, of_a_proxy_asks_it_for_the_host_of_the_URL) {
  for (bool const is_set : {false, true}) {
    SCOPED_TRACE(is_set ? "by CURLOPT_PROXY" : "by the environment");
    answering_server server(hello);
    transfer page("http://no-such-host.invalid/page");
    auto const proxy = "http://" + server.where().to_string();
    environment_variable const http_proxy("http_proxy", is_set ? "" : proxy);
    if (is_set) page.set(CURLOPT_PROXY, proxy.c_str());
    auto connected = tconn::timed_connect(server.where(), 5s, {}, for_curl{});
    ASSERT_TRUE(connected) << told(connected);
    curl_socket const given(page.easy(), std::move(*connected), 5s, curl_peer::proxy);
    EXPECT_EQ(given.error(), CURLE_OK);
    EXPECT_EQ(page.run(), CURLE_OK);
    EXPECT_TRUE(given.is_taken());
    EXPECT_EQ(page.received(), "hello");
    EXPECT_EQ(server.request().substr(0, 35), "GET http://no-such-host.invalid/pag");
  }
}

TEST(CurlSocket, of_a_proxy_leads_to_the_host_of_the_URL_through_a_tunnel) {
  answering_server proxy("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  transfer page("https://no-such-host.invalid/");
  page.set(CURLOPT_PROXY, ("http://" + proxy.where().to_string()).c_str());
  auto connected = tconn::timed_connect(proxy.where(), 5s, {}, for_curl{});
  ASSERT_TRUE(connected) << told(connected);
  curl_socket const given(page.easy(), std::move(*connected), 5s, curl_peer::proxy);
  EXPECT_NE(page.run(), CURLE_OK);
  EXPECT_EQ(proxy.request().substr(0, 35), "CONNECT no-such-host.invalid:443 HT");
}

TEST(CurlSocket, leaves_a_proxy_to_the_transfers_that_come_after_it) {
  answering_server proxy(hello);
  transfer page("http://no-such-host.invalid/page");
  environment_variable const http_proxy("http_proxy", "http://" + proxy.where().to_string());
  listener const other;
  {
    auto connected = tconn::timed_connect(other.where(), 5s);
    ASSERT_TRUE(connected);
    curl_socket const given(page.easy(), std::move(*connected), 5s);
  }
  EXPECT_EQ(page.run(), CURLE_OK);
  EXPECT_EQ(proxy.request().substr(0, 11), "GET http://");
}

TEST(CurlSocket, is_not_taken_where_there_was_none) {
  transfer page("http://127.0.0.1/");
  curl_socket const given(page.easy(), tconn::socket(), 5s);
  EXPECT_FALSE(given.is_taken());
  EXPECT_EQ(page.run(), CURLE_COULDNT_CONNECT);
  EXPECT_FALSE(given.is_taken());
}

TEST(CurlSocket, has_the_time_of_its_deadline_and_not_what_was_set_before) {
  for (bool const is_never : {false, true}) {
    listener const server;
    std::thread answering([&] {
      auto const client = server.accept(5s);
      what_is_read(client);
      std::this_thread::sleep_for(100ms);
      send_text(client, hello);
    });
    transfer page("http://127.0.0.1/");
    page.set(CURLOPT_TIMEOUT_MS, 20L);
    auto connected = tconn::timed_connect(server.where(), 5s, {}, for_curl{});
    EXPECT_TRUE(connected);
    curl_socket const given(page.easy(), std::move(*connected), is_never ? deadline::never() : deadline(10s));
    EXPECT_EQ(page.run(), CURLE_OK);
    answering.join();
  }
}

TEST(CurlSocket, gives_a_TLS_handshake_the_time_of_its_deadline_too) {
  listener const silent;
  transfer page("https://127.0.0.1/");
  page.set(CURLOPT_CONNECTTIMEOUT_MS, 20L);
  auto const began = steady::now();
  auto connected = tconn::timed_connect(silent.where(), 5s, {}, for_curl{});
  ASSERT_TRUE(connected);
  curl_socket const given(page.easy(), std::move(*connected), deadline::at(began + 100ms));
  EXPECT_EQ(page.run(), CURLE_OPERATION_TIMEDOUT);
  EXPECT_GE(steady::now() - began, 100ms);
  EXPECT_LT(steady::now() - began, 5s);
}

TEST(CurlSocket, leaves_the_handle_without_its_times) {
  for (bool const is_tls : {false, true}) {
    listener const server;
    std::thread answering([&] {
      auto const unused = server.accept(5s);
      auto const client = server.accept(5s);
      what_is_read(client);
      std::this_thread::sleep_for(50ms);
      send_text(client, hello);
    });
    transfer page((is_tls ? "https://" : "http://") + server.where().to_string() + '/');
    {
      auto connected = tconn::timed_connect(server.where(), 5s);
      curl_socket const given(page.easy(), std::move(*connected), 1ms);
    }
    EXPECT_EQ(page.run(), is_tls ? CURLE_SSL_CONNECT_ERROR : CURLE_OK);
    answering.join();
  }
}

TEST(CurlLimits, are_what_is_left_rounded_up_and_none_where_curl_cannot_count_so_far) {
  auto const now = steady::now();
  auto const limits = [&](deadline limit) {
    auto const made = tconn::detail::limits_of_curl(limit, now);
    return std::to_string(made.transfer_ms) + ' ' + std::to_string(made.connect_ms);
  };
  constexpr auto most = std::chrono::milliseconds(0x7fffffff);
  EXPECT_EQ(limits(deadline::at(now - 1s)), "1 1");
  EXPECT_EQ(limits(deadline::at(now)), "1 1");
  EXPECT_EQ(limits(deadline::at(now + 1ns)), "1 1");
  EXPECT_EQ(limits(deadline::at(now + 1ms)), "1 1");
  EXPECT_EQ(limits(deadline::at(now + 1ms + 1ns)), "2 2");
  EXPECT_EQ(limits(deadline::at(now + 400s)), "400000 400000");
  EXPECT_EQ(limits(deadline::at(now + most)), "2147483647 2147483647");
  EXPECT_EQ(limits(deadline::at(now + most + 1ns)), "0 2147483647");
  EXPECT_EQ(limits(deadline::never()), "0 2147483647");
}

TEST(CurlConnectTo, names_an_address_as_curl_takes_it) {
  auto const text = [](std::string const& at) {
    return tconn::detail::connect_to_of_curl(tconn::endpoint::parse(at).value());
  };
  EXPECT_EQ(text("192.0.2.1:80"), "::192.0.2.1:80");
  EXPECT_EQ(text("[2001:db8::1]:443"), "::[2001:db8::1]:443");
  EXPECT_EQ(text("[fe80::1%lo]:80"), "::[fe80::1]:80");
  temporary_path const path("socket");
  listener const server(path.where());
  auto const connected = tconn::timed_connect(server.where(), 5s);
  ASSERT_TRUE(connected) << told(connected);
  EXPECT_EQ(tconn::detail::connect_to_of_curl(*connected), "::127.0.0.1:80");
}

TEST(CurlCallback, gives_the_socket_for_a_connection_and_once) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  tconn::socket const peer(ends[0]);
  tconn::socket connected(ends[1]);
  using tconn::detail::give_to_curl;
  EXPECT_EQ(give_to_curl(&connected, CURLSOCKTYPE_ACCEPT, nullptr), CURL_SOCKET_BAD);
  EXPECT_TRUE(connected);
  tconn::socket const given(give_to_curl(&connected, CURLSOCKTYPE_IPCXN, nullptr));
  EXPECT_EQ(given.native_handle(), ends[1]);
  EXPECT_EQ(give_to_curl(&connected, CURLSOCKTYPE_IPCXN, nullptr), CURL_SOCKET_BAD);
}

class CurlSocketWithTls : public testing::Test {
 protected:
  void SetUp() override {
    if (!tls_server::is_installed()) GTEST_SKIP() << "SKIPPED: nginx or openssl is not installed (nginx, openssl).";
    server.emplace();
  }
  tconn::socket connected() const {
    auto made = tconn::timed_connect(server->where(), 5s, {}, for_curl{});
    EXPECT_TRUE(made) << told(made);
    return std::move(*made);
  }
  std::optional<tls_server> server{};
};

TEST_F(CurlSocketWithTls, verifies_the_host_of_the_URL) {
  for (bool const is_its_name : {true, false}) {
    transfer page(is_its_name ? "https://localhost/" : "https://example.org/");
    page.set(CURLOPT_CAINFO, server->certificate().c_str());
    curl_socket const given(page.easy(), connected(), 10s);
    EXPECT_EQ(page.run(), is_its_name ? CURLE_OK : CURLE_PEER_FAILED_VERIFICATION);
    EXPECT_EQ(page.received(), is_its_name ? "hello" : "");
  }
}

TEST_F(CurlSocketWithTls, carries_a_transfer_of_the_multi_interface) {
  struct cleanup {
    void operator()(CURLM* multi) const { ::curl_multi_cleanup(multi); }
  };
  auto const descriptors = open_descriptors();
  {
    std::unique_ptr<CURLM, cleanup> const multi(::curl_multi_init());
    transfer page("https://localhost/");
    page.set(CURLOPT_CAINFO, server->certificate().c_str());
    curl_socket const given(page.easy(), connected(), 10s);
    ::curl_multi_add_handle(multi.get(), page.easy());
    int left = 1;
    while (left != 0 && ::curl_multi_perform(multi.get(), &left) == CURLM_OK)
      if (left != 0) ::curl_multi_poll(multi.get(), nullptr, 0, 1000, nullptr);
    auto const* const message = ::curl_multi_info_read(multi.get(), &left);
    ASSERT_NE(message, nullptr);
    EXPECT_EQ(message->data.result, CURLE_OK);
    EXPECT_EQ(page.received(), "hello");
    ::curl_multi_remove_handle(multi.get(), page.easy());
  }
  EXPECT_EQ(open_descriptors(), descriptors);
}

}  // namespace
