// SPDX-License-Identifier: MIT
// A transfer of libcurl's over a socket that was connected before, both within one deadline. The server is a thread of this
// program's.
#include <timed_connect/adapters/curl.hpp>
#include <timed_connect/connect.hpp>
#include <timed_connect/testing/loopback.hpp>

#include <curl/curl.h>
#include <cstdio>
#include <thread>
#include <utility>

int main() {  // NOLINT(bugprone-exception-escape): without a server the example ends
  using namespace std::chrono_literals;
  tconn::testing::listening_server const server;
  std::thread answering([&] {
    auto const client = server.accept();
    tconn::testing::what_is_read(client);
    tconn::testing::send_text(client, "HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n");
  });

  auto const limit = tconn::deadline::after(2s);
  auto connected = tconn::timed_connect(server.where(), limit, {}, tconn::adapters::for_curl{});
  if (!connected) std::puts(connected.error().message().c_str());
  CURLcode code = CURLE_COULDNT_CONNECT;
  CURL* const easy = curl_easy_init();
  if (connected) {
    tconn::adapters::curl_socket const given(easy, std::move(*connected), limit);
    curl_easy_setopt(easy, CURLOPT_URL, "http://example.org/");  // the name is told to the server, and not looked up
    code = curl_easy_perform(easy);
    std::puts(curl_easy_strerror(code));
  }
  curl_easy_cleanup(easy);
  answering.join();
  return code == CURLE_OK ? 0 : 1;
}
