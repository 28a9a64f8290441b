// SPDX-License-Identifier: MIT
// libcurl, over a socket that it is given.
#include <timed_connect/adapters/curl.hpp>
#include <timed_connect/connect.hpp>

#include "support/descriptors.hpp"
#include "support/loopback.hpp"
#include "support/printing.hpp"

#include <curl/curl.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace {

using namespace support;
using tconn::deadline;
using tconn::adapters::curl_socket;
using tconn::adapters::for_curl;

/// curl opens descriptors of its own with its first handle and keeps them; the tests look for some that are left.
[[maybe_unused]] auto const has_begun = ::curl_global_init(CURL_GLOBAL_DEFAULT);

/// An easy handle that goes through no proxy, and what it has received.
class transfer {
 public:
  explicit transfer(std::string const& url) {
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_PROXY, "");
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
      what_is_read(one);
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

}  // namespace
