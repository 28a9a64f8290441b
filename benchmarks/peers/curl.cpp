// SPDX-License-Identifier: MIT
#include <curl/curl.h>

#include "peer.hpp"

namespace {

using peers::outcome;

CURL* prepared() {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  auto* const handle = curl_easy_init();
  curl_easy_setopt(handle, CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(handle, CURLOPT_FORBID_REUSE, 1L);
  curl_easy_setopt(handle, CURLOPT_MAXCONNECTS, 1L);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  return handle;
}

// It closes a connection that it was only to make when it makes the next one.
outcome connect(tconn::endpoint const& to, std::chrono::microseconds limit) {
  static auto* const handle = prepared();
  auto const url = "http://" + to.to_string();
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limit / std::chrono::milliseconds(1)));
  auto const result = curl_easy_perform(handle);
  if (result == CURLE_OK) return outcome::connected;
  if (result == CURLE_OPERATION_TIMEDOUT) return outcome::timed_out;
  long error = -1;
  curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &error);
  return error == ECONNREFUSED ? outcome::refused : outcome::failed;
}

using namespace std::chrono_literals;
peers::entry const listed({"curl", curl_version_info(CURLVERSION_NOW)->version, connect, 1ms});

}  // namespace
