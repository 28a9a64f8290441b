// SPDX-License-Identifier: MIT
// libcurl (https://curl.se, 7.49 or later): a transfer over a socket that was connected before, by timed_connect() or by a
// race, with what is left of the same deadline. Link libcurl.
//
//   auto const limit = tconn::deadline::after(2s);
//   auto connected = tconn::timed_connect(to, limit, {}, tconn::adapters::for_curl{});
//   if (!connected) ...
//   tconn::adapters::curl_socket const given(easy, std::move(*connected), limit);
//   CURLcode const code = curl_easy_perform(easy);
#pragma once

#include <timed_connect/deadline.hpp>
#include <timed_connect/endpoint.hpp>
#include <timed_connect/socket.hpp>

#include <curl/curl.h>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace tconn {
inline namespace v1 {
namespace adapters {

/// The system with which to connect what curl is to have: timed_connect(to, limit, {}, for_curl{}), a race or a name the same
/// way. curl 7.88.0 and 7.88.1, which Debian 12 has, call connect() for a socket of which they were told that it is connected
/// (https://github.com/curl/curl/issues/10626). Linux answers that with success once, for a socket that was never asked a
/// second time; and so this one does not ask. With those two versions every other socket, and every Unix socket, fails
/// with CURLE_COULDNT_CONNECT.
/// Cost: two system calls more than without, where the handshake is over at once.
struct for_curl : native_system {
  static constexpr bool second_connect_proves(int) { return false; }  ///< It could, but is not to be made.
};

/// While it lives, the transfers of an easy handle use this connected socket, whatever host their URL names: curl looks up
/// no name and connects to nobody. The URL's host is what HTTP and TLS are told. Beside the callbacks for opening a
/// socket and its options it sets CURLOPT_CONNECT_TO, FRESH_CONNECT and TIMEOUT_MS, and takes all of them back when it
/// goes. It must go before the handle, and not during a transfer. Whoever wants to go through a proxy connects to that.
///
/// Deadline: CURLOPT_TIMEOUT_MS is what is left of it, rounded up to milliseconds, at least one of them and at most 2^31 - 1;
/// none for never. curl counts from the beginning of a transfer, so that should be now.
///
/// Errors: error() for what curl answers to the options. A transfer that needs a second connection, to be led to another
/// host say, fails with CURLE_COULDNT_CONNECT.
///
/// Ownership: the socket is curl's from the moment at which curl asks for it, and closed by curl, or by the user's
/// CURLOPT_CLOSESOCKETFUNCTION; curl may keep it open for later transfers. Until then it is this object's.
///
/// Cost: getpeername(), and what a curl_slist costs.
///
/// Example: examples/adapters/curl.cpp
class curl_socket {
 public:
  /// Takes the socket over.
  curl_socket(CURL* easy, socket connected, deadline limit = deadline::never())
      : easy_(easy), connected_(std::move(connected)) {
    to_ = ::curl_slist_append(nullptr, address_of(connected_).c_str());
    if (to_ == nullptr) error_ = CURLE_OUT_OF_MEMORY;
    set(CURLOPT_OPENSOCKETFUNCTION, static_cast<curl_opensocket_callback>(&open));
    set(CURLOPT_OPENSOCKETDATA, this);
    set(CURLOPT_SOCKOPTFUNCTION, static_cast<curl_sockopt_callback>(&is_connected));
    set(CURLOPT_CONNECT_TO, to_);
    set(CURLOPT_FRESH_CONNECT, 1L);
    set(CURLOPT_TIMEOUT_MS, left_ms(limit));
  }
  curl_socket(curl_socket const&) = delete;
  curl_socket& operator=(curl_socket const&) = delete;
  ~curl_socket() {
    set(CURLOPT_OPENSOCKETFUNCTION, static_cast<curl_opensocket_callback>(nullptr));
    set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(nullptr));
    set(CURLOPT_SOCKOPTFUNCTION, static_cast<curl_sockopt_callback>(nullptr));
    set(CURLOPT_CONNECT_TO, static_cast<curl_slist*>(nullptr));
    set(CURLOPT_FRESH_CONNECT, 0L);
    set(CURLOPT_TIMEOUT_MS, 0L);
    ::curl_slist_free_all(to_);
  }

  /// What curl has answered to the first option that it did not take; CURLE_OK if there was none.
  CURLcode error() const noexcept { return error_; }
  /// Whether curl has taken the socket.
  bool is_taken() const noexcept { return !connected_; }

 private:
  template <class Value>
  void set(CURLoption option, Value value) {
    CURLcode const answer = ::curl_easy_setopt(easy_, option, value);
    if (error_ == CURLE_OK) error_ = answer;
  }

  // An address for any host and port, so that curl has nothing to look up. Of a Unix socket any will do.
  static std::string address_of(socket const& connected) {
    native_system const sys;
    int family = 0;
    int type = 0;
    endpoint peer;
    sys.kind(connected.native_handle(), family, type);
    sys.name(connected.native_handle(), name_of::peer, family, peer);
    bool const is_inet = family == AF_INET || family == AF_INET6;
    std::string text = (is_inet && peer.valid() ? peer : endpoint::loopback_v4(80)).to_string();
    if (auto const zone = text.find('%'); zone != std::string::npos) text.erase(zone, text.find(']') - zone);
    return "::" + text;
  }

  static long left_ms(deadline limit) {
    constexpr std::int64_t most = 0x7fffffff;
    auto const now = std::chrono::steady_clock::now();
    auto const until = limit.until(now);
    if (until == tconn::detail::never) return 0;
    if (until <= now) return 1;
    auto const left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
    return static_cast<long>(left < most ? left : most);
  }

  static curl_socket_t open(void* self, curlsocktype purpose, curl_sockaddr*) {
    auto& its = *static_cast<curl_socket*>(self);
    return purpose == CURLSOCKTYPE_IPCXN && its.connected_ ? its.connected_.release() : CURL_SOCKET_BAD;
  }
  static int is_connected(void*, curl_socket_t, curlsocktype) { return CURL_SOCKOPT_ALREADY_CONNECTED; }

  CURL* easy_;
  socket connected_;
  curl_slist* to_ = nullptr;
  CURLcode error_ = CURLE_OK;
};

}  // namespace adapters
}  // namespace v1
}  // namespace tconn
