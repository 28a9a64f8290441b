// SPDX-License-Identifier: MIT
// OpenSSL (https://openssl.org, 1.1.1 or later): connect, and then the TLS handshake, under one deadline. Link libssl and
// libcrypto.
//
// A server that accepts and says nothing is as silent as one that does not accept, so the handshake waits for what is left
// of the deadline and no longer. Whom we talk to is asked and verified unless that is switched off (RFC 6066, section 3;
// RFC 6125). OpenSSL writes to its sockets with SIGPIPE; this one writes without.
//
//   auto const client = tconn::adapters::timed_tls_connect(context, "example.org", to, 2s);
//   if (!client) std::puts(client.error().message().c_str());
//   else SSL_write(client->ssl(), ...);
#pragma once

#include <timed_connect/adapters/detail/openssl.hpp>
#include <timed_connect/connect.hpp>
#include <timed_connect/hook.hpp>

#include <openssl/ssl.h>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace tconn {
inline namespace v1 {
namespace adapters {

/// Of what OpenSSL's ERR_get_error() tells.
inline std::error_category const& tls_error_category() noexcept {
  return tconn::detail::the_category<tconn::detail::tls_category>();
}

/// Of why a certificate is not accepted, X509_V_ERR_HOSTNAME_MISMATCH and the like.
inline std::error_category const& certificate_error_category() noexcept {
  return tconn::detail::the_category<tconn::detail::certificate_category>();
}

/// The choices for one handshake.
struct tls_options {
  /// Whether the server's certificate has to be good: signed by whom the context trusts, valid, and for this host. Without,
  /// anybody may be at the other end.
  bool verify = true;
  /// Whether the server is told which host is wanted (SNI). An IP address is never told.
  bool server_name = true;
  /// Called once all is ready, before anything is sent, for what is one connection's and not the context's: a session to
  /// resume, ALPN (SSL_set_alpn_protos() gives 0 for success). The SSL and its BIO stay owned; a callback of that
  /// BIO's is not called until the handshake is over. False ends the call, with
  /// OpenSSL's error if there is one, else errc::invalid_option.
  hook<bool(SSL*)> before_handshake{};
};

/// Why there is no connection with TLS. Everything is closed. Once TCP was connected, `handshake` is completed and
/// `aftermath` is what was done to that connection.
struct tls_failure : connect_failure {
  /// What OpenSSL says; empty where it has nothing to do with it.
  std::string text{};

  /// connect_failure::message(), and OpenSSL's text. Allocates.
  std::string message() const {
    auto line = connect_failure::message();
    return text.empty() ? line : line + "; OpenSSL: " + text;
  }
};

/// A connection with TLS. When it goes, the socket is closed; SSL_shutdown() is the program's to call. Move-only.
class tls_socket {
 public:
  /// Takes both over.
  tls_socket(socket connected, SSL* ssl) noexcept : socket_(std::move(connected)), ssl_(ssl) {}

  /// For SSL_read(), SSL_write() and all else; it stays owned.
  SSL* ssl() const noexcept { return ssl_.get(); }
  /// The descriptor, to wait for; it stays owned.
  tconn::native_handle native_handle() const noexcept { return socket_.native_handle(); }

 private:
  struct deleter {
    void operator()(SSL* ssl) const noexcept { ::SSL_free(ssl); }
  };
  socket socket_;
  std::unique_ptr<SSL, deleter> ssl_;  // goes first
};

/// What there is of a connection with TLS.
using tls_result = result<tls_socket, tls_failure>;

}  // namespace adapters

namespace detail {

/// A call, from its beginning to its end.
struct tls_call {
  endpoint const& where;
  time_point began;
  connect_options const& options;
  native_system sys{};
  tls_handshake handshake{};

  tls_error prepare(SSL_CTX* context, std::string_view host, adapters::tls_options const& how) {
    if (!is_policy(options.on_timeout) || options.on_timeout == on_timeout::keep) return {errc::invalid_option};
    auto const name = tls_name(host);
    if ((how.verify || how.server_name) && name.empty()) return {errc::invalid_host};
    if (int const error = check(options.cancel)) return {code_of(error)};
    return handshake.prepare(context, name, how.verify, how.server_name,
                             [&](SSL* ssl) { return !how.before_handshake || how.before_handshake(ssl); });
  }

  // The socket is in non-blocking mode.
  adapters::tls_result run(socket connected, time_point until) {
    native_handle const handle = connected.native_handle();
    auto why = handshake.run(handle, options.cancel, until);
    if (why.code) return end(std::move(connected), std::move(why));
    if (int const error = options.nonblocking ? 0 : sys.set_blocking(handle, true))
      return end(std::move(connected), {native_code(error)});
    return adapters::tls_socket(std::move(connected), handshake.release());
  }

  adapters::tls_failure end(socket connected, tls_error why) {
    bool const is_over = why.code == errc::deadline_exceeded || why.code == errc::cancelled;
    auto left = give_up(connected, is_over ? options.on_timeout : on_timeout::close);
    close_given_up(sys, connected.release(), left.aftermath);
    left.handshake = tconn::handshake::completed;
    return fail(std::move(why), left);
  }

  // Of a socket without a peer, of which there may be no more to tell than why the peer could not be read.
  adapters::tls_failure end_unconnected(socket unconnected, int family, int error) {
    int reason = 0;
    bool const may_have_reason = error == native_error::not_connected;
    bool const has_reason =
        may_have_reason && sys.connect_error(unconnected.native_handle(), reason) == 0 && reason != 0;
    auto left = is_inet(family) ? give_up(unconnected, on_timeout::close) : left_behind{};
    bool const was_nothing = may_have_reason && !has_reason && left.handshake == tconn::handshake::failed;
    if (was_nothing) left.handshake = tconn::handshake::not_started;
    return fail({native_code(has_reason ? reason : error)}, left);
  }

  adapters::tls_failure fail(tls_error why, left_behind left = {}) const {
    adapters::tls_failure failed{failure<native_system>(0, where, left, sys.now() - began), std::move(why.text)};
    failed.code = why.code;
    return failed;
  }

 private:
  left_behind give_up(socket const& connected, on_timeout how) {
    return attempt<native_system>{sys, where, connected.native_handle()}.give_up(how);
  }
};

}  // namespace detail

namespace adapters {

/// Makes a TLS connection of a connected socket, which may come from a race, from a name, or from anywhere. `host` is the
/// name or IP address that the certificate has to be for. One final dot is not part of it, nor are the brackets or the zone
/// of an IPv6 address. What all connections have in common, ALPN say, belongs in the context.
///
/// Deadline: deadline_exceeded never comes before it. Zero and the past try once and do not wait.
///
/// Errors: errc::deadline_exceeded and errc::cancelled, to which on_timeout applies: `close` or `reset`, and `keep` is
/// errc::invalid_option. errc::invalid_host for a name that is empty, has a NUL or begins with a dot; a service is not
/// wanted, whatever its message says. ENOTCONN for a socket that has no peer, or why it has none.
/// certificate_error_category() for a certificate that is not accepted; tls_error_category() for all else that OpenSSL
/// tells; what the system reports, ECONNRESET say; ECONNABORTED where the server ends TLS in good order instead.
/// errc::invalid_option where OpenSSL wants to be called again by its program, as SSL_set_retry_verify() makes it. Of the
/// options, on_timeout, nonblocking and cancel apply.
///
/// Ownership: what is returned has the socket and the SSL, which holds its own reference to the context. After a failure
/// all is closed. The kernel never encrypts (kTLS), whatever SSL_OP_ENABLE_KTLS says.
///
/// Cost: what OpenSSL does; five system calls beside.
inline tls_result timed_tls_handshake(SSL_CTX* context, std::string_view host, socket connected, deadline limit,
                                      connect_options const& options = {}, tls_options const& how = {}) {
  native_system const sys;
  auto const began = sys.now();
  endpoint where;
  int family = 0;
  int type = 0;
  int error = sys.kind(connected.native_handle(), family, type);
  if (error == 0) error = sys.name(connected.native_handle(), name_of::peer, family, where);
  tconn::detail::tls_call call{where, began, options};
  if (error != 0) return call.end_unconnected(std::move(connected), family, error);
  auto refused = call.prepare(context, host, how);
  if (refused.code) return call.end(std::move(connected), std::move(refused));
  error = sys.set_blocking(connected.native_handle(), false);
  if (error != 0) return call.end(std::move(connected), {tconn::detail::native_code(error)});
  return call.run(std::move(connected), limit.until(began));
}

/// Connects a new socket and then makes a TLS connection of it, before one deadline. What timed_tls_handshake() would
/// refuse is refused before anything is sent.
///
/// Deadline, Errors, Ownership: as timed_connect() until TCP is connected, but for `keep`, which is errc::invalid_option; and
/// then as timed_tls_handshake().
///
/// Cost: those of both.
///
/// Example: examples/adapters/openssl.cpp
inline tls_result timed_tls_connect(SSL_CTX* context, std::string_view host, endpoint const& to, deadline limit,
                                    connect_options const& options = {}, tls_options const& how = {}) {
  native_system const sys;
  auto const began = sys.now();
  auto const until = limit.until(began);
  tconn::detail::tls_call call{to, began, options};
  if (auto refused = call.prepare(context, host, how); refused.code) return call.fail(std::move(refused));
  connect_options first = options;
  first.nonblocking = true;  // the handshake needs it so
  auto connected = timed_connect(to, until, first);
  if (connected) return call.run(std::move(*connected), until);
  tls_failure failed{std::move(connected.error()), {}};
  failed.elapsed = sys.now() - began;
  return failed;
}

}  // namespace adapters
}  // namespace v1
}  // namespace tconn
