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
namespace detail {

/// For CURLOPT_CONNECT_TO: any host and port are at this address, so curl has nothing to look up. It knows no zones, and
/// needs none.
inline std::string connect_to_of_curl(endpoint const& at) {
  std::string text = at.to_string();
  if (auto const zone = text.find('%'); zone != std::string::npos) text.erase(zone, text.find(']') - zone);
  return "::" + text;
}

/// The same for whom a socket is connected to. Of a Unix socket any address will do.
inline std::string connect_to_of_curl(socket const& connected) {
  native_system const sys;
  int family = 0;
  int type = 0;
  endpoint peer;
  sys.kind(connected.native_handle(), family, type);
  sys.name(connected.native_handle(), name_of::peer, family, peer);
  return connect_to_of_curl(is_inet(family) && peer.valid() ? peer : endpoint::loopback_v4(80));
}

/// The times that curl takes. 0 is none for a transfer, and 300 s for what it calls connecting.
struct curl_limits {
  long transfer_ms;
  long connect_ms;
};

inline curl_limits limits_of_curl(deadline limit, time_point now) {
  constexpr std::int64_t most_ms = 0x7fffffff;
  auto const until = limit.until(now);
  if (until <= now) return {1, 1};
  auto const left = until == never ? most_ms + 1 : std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
  if (left > most_ms) return {0, static_cast<long>(most_ms)};
  return {static_cast<long>(left), static_cast<long>(left)};
}

/// CURLOPT_OPENSOCKETFUNCTION, for a socket to connect and no other.
inline curl_socket_t give_to_curl(void* given, curlsocktype purpose, curl_sockaddr*) {
  auto& connected = *static_cast<socket*>(given);
  return purpose == CURLSOCKTYPE_IPCXN && connected ? connected.release() : CURL_SOCKET_BAD;
}

/// CURLOPT_SOCKOPTFUNCTION.
inline int is_connected_for_curl(void*, curl_socket_t, curlsocktype) { return CURL_SOCKOPT_ALREADY_CONNECTED; }

}  // namespace detail

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

/// Whom a socket is connected to.
enum class curl_peer {
  server,  ///< The one that the transfer is with, whatever host its URL names.
  proxy,   ///< A proxy, the one that curl is told of by CURLOPT_PROXY or by the environment.
};

/// While it lives, the transfers of an easy handle use this connected socket: curl connects to nobody. Beside the callbacks
/// for opening a socket and its options it sets CURLOPT_FRESH_CONNECT, TIMEOUT_MS and CONNECTTIMEOUT_MS, and for
/// curl_peer::server CONNECT_TO and PROXY; these, and PRE_PROXY, are not the program's to set meanwhile. When it goes it takes
/// them back to curl's defaults, and not to what the program had set before. It must go before the handle, and not during a
/// transfer. curl_easy_duphandle() may not copy the handle while it lives.
///
/// With curl_peer::server curl looks up no name, and uses no proxy, also where http_proxy is in the environment. The URL's
/// host is what HTTP and TLS are told. With curl_peer::proxy curl asks the proxy for that host, as it does without this
/// object; a proxy that is given by a name is looked up first, for nothing.
///
/// Deadline: CURLOPT_TIMEOUT_MS is what is left of it, rounded up to milliseconds, at least one of them; none for never, and
/// for more than 2^31 - 1 ms. CURLOPT_CONNECTTIMEOUT_MS, which is for TLS and a proxy's tunnel too, is the same, and 2^31 - 1 ms
/// where that is none. curl counts from the beginning of a transfer, so that should be now.
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
  curl_socket(CURL* easy, socket connected, deadline limit = deadline::never(), curl_peer peer = curl_peer::server)
      : easy_(easy), peer_(peer), connected_(std::move(connected)), was_there_(connected_) {
    if (peer_ == curl_peer::server) {
      to_ = ::curl_slist_append(nullptr, tconn::detail::connect_to_of_curl(connected_).c_str());
      if (to_ == nullptr) error_ = CURLE_OUT_OF_MEMORY;
    }
    auto const limits = tconn::detail::limits_of_curl(limit, std::chrono::steady_clock::now());
    set(CURLOPT_OPENSOCKETFUNCTION, &tconn::detail::give_to_curl);
    set(CURLOPT_OPENSOCKETDATA, &connected_);
    set(CURLOPT_SOCKOPTFUNCTION, &tconn::detail::is_connected_for_curl);
    set(CURLOPT_FRESH_CONNECT, 1L);
    set(CURLOPT_TIMEOUT_MS, limits.transfer_ms);
    set(CURLOPT_CONNECTTIMEOUT_MS, limits.connect_ms);
    if (peer_ == curl_peer::proxy) return;
    set(CURLOPT_CONNECT_TO, to_);
    set(CURLOPT_PROXY, "");
  }
  curl_socket(curl_socket const&) = delete;
  curl_socket& operator=(curl_socket const&) = delete;
  ~curl_socket() {
    set(CURLOPT_OPENSOCKETFUNCTION, static_cast<curl_opensocket_callback>(nullptr));
    set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(nullptr));
    set(CURLOPT_SOCKOPTFUNCTION, static_cast<curl_sockopt_callback>(nullptr));
    set(CURLOPT_FRESH_CONNECT, 0L);
    set(CURLOPT_TIMEOUT_MS, 0L);
    set(CURLOPT_CONNECTTIMEOUT_MS, 0L);
    if (peer_ == curl_peer::proxy) return;
    set(CURLOPT_CONNECT_TO, static_cast<curl_slist*>(nullptr));
    set(CURLOPT_PROXY, static_cast<char const*>(nullptr));
    ::curl_slist_free_all(to_);
  }

  /// What curl has answered to the first option that it did not take; CURLE_OK if there was none.
  CURLcode error() const noexcept { return error_; }
  /// Whether curl has taken the socket; never if there was none.
  bool is_taken() const noexcept { return was_there_ && !connected_; }

 private:
  template <class Value>
  void set(CURLoption option, Value value) {
    CURLcode const answer = ::curl_easy_setopt(easy_, option, value);
    if (error_ == CURLE_OK) error_ = answer;
  }

  CURL* easy_;
  curl_peer peer_;
  socket connected_;
  bool was_there_;
  curl_slist* to_ = nullptr;
  CURLcode error_ = CURLE_OK;
};

}  // namespace adapters
}  // namespace v1
}  // namespace tconn
