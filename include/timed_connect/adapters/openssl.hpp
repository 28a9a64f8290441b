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

#include <timed_connect/connect.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace tconn {
inline namespace v1 {
namespace detail {

class tls_category final : public std::error_category {
 public:
  char const* name() const noexcept override { return "OpenSSL"; }
  std::string message(int code) const override {
    char const* const reason = ::ERR_reason_error_string(static_cast<unsigned>(code));
    return reason != nullptr ? reason : "unknown error of OpenSSL";
  }
};

class certificate_category final : public std::error_category {
 public:
  char const* name() const noexcept override { return "certificate"; }
  std::string message(int code) const override { return ::X509_verify_cert_error_string(code); }
};

}  // namespace detail

namespace adapters {

/// Of what OpenSSL's ERR_get_error() tells.
inline std::error_category const& tls_error_category() noexcept {
  static tconn::detail::tls_category const category;
  return category;
}

/// Of why a certificate is not accepted, X509_V_ERR_HOSTNAME_MISMATCH and the like.
inline std::error_category const& certificate_error_category() noexcept {
  static tconn::detail::certificate_category const category;
  return category;
}

/// The choices for one handshake.
struct tls_options {
  /// Whether the server's certificate has to be good: signed by whom the context trusts, valid, and for this host. Without,
  /// anybody may be at the other end.
  bool verify = true;
  /// Whether the server is told which host is wanted (SNI). An IP address is never told.
  bool server_name = true;
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

inline int tls_write(BIO* to, char const* bytes, int count) {
  native_handle handle = no_handle;
  ::BIO_ctrl(to, BIO_C_GET_FD, 0, &handle);
  BIO_clear_retry_flags(to);
  auto const sent = ::send(handle, bytes, static_cast<std::size_t>(count), platform::quiet_send);
  if (sent < 0 && ::BIO_sock_should_retry(-1) != 0) BIO_set_retry_write(to);
  return static_cast<int>(sent);
}

/// OpenSSL's own sockets, but for how they write. Null where there is no memory.
inline BIO_METHOD const* tls_socket_method() {
  static BIO_METHOD const* const method = []() -> BIO_METHOD* {
    BIO_METHOD const* const like = ::BIO_s_socket();
    BIO_METHOD* const made = ::BIO_meth_new(BIO_TYPE_SOCKET, "socket without SIGPIPE");
    if (made == nullptr) return made;
    ::BIO_meth_set_write(made, &tls_write);
    ::BIO_meth_set_read(made, ::BIO_meth_get_read(like));
    ::BIO_meth_set_ctrl(made, ::BIO_meth_get_ctrl(like));
    ::BIO_meth_set_create(made, ::BIO_meth_get_create(like));
    ::BIO_meth_set_destroy(made, ::BIO_meth_get_destroy(like));
    return made;
  }();
  return method;
}

/// One handshake on a connected socket.
class tls_handshake {
 public:
  tls_handshake(socket connected, endpoint const& where, time_point began, connect_options const& options)
      : connected_(std::move(connected)), where_(where), began_(began), options_(options) {}

  adapters::tls_result run(SSL_CTX* context, std::string_view host, time_point until,
                           adapters::tls_options const& how) {
    if (int const error = refusal(host, how)) return fail(code_of(error));
    if (!set_up(context, std::string(host), how)) return fail_by_openssl();
    if (int const error = sys_.set_blocking(connected_.native_handle(), false)) return fail(native_code(error));
    bool is_last = false;  // whoever sends a byte at a time does not get more time
    for (int answer = 0; (answer = step()) != 1;) {
      int const system_error = errno;
      int const why = ::SSL_get_error(ssl_.get(), answer);
      if (why == SSL_ERROR_SYSCALL && ::ERR_peek_error() == 0)
        return fail(native_code(system_error != 0 ? system_error : native_error::connection_aborted));
      if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return fail_by_openssl();
      if (int const error = is_last ? own_error(errc::deadline_exceeded) : wait(why == SSL_ERROR_WANT_WRITE, until))
        return fail(code_of(error));
      is_last = sys_.now() >= until;
    }
    if (int const error = options_.nonblocking ? 0 : sys_.set_blocking(connected_.native_handle(), true))
      return fail(native_code(error));
    return adapters::tls_socket(std::move(connected_), ssl_.release());
  }

 private:
  struct deleter {
    void operator()(SSL* ssl) const noexcept { ::SSL_free(ssl); }
  };

  int refusal(std::string_view host, adapters::tls_options const& how) const {
    if (!is_policy(options_.on_timeout) || options_.on_timeout == on_timeout::keep)
      return own_error(errc::invalid_option);
    bool const is_good = !host.empty() && host.find('\0') == std::string_view::npos;
    if ((how.verify || how.server_name) && !is_good) return own_error(errc::invalid_host);
    return check(options_.cancel);
  }

  bool set_up(SSL_CTX* context, std::string const& host, adapters::tls_options const& how) {
    ::ERR_clear_error();
    ssl_.reset(::SSL_new(context));
    if (!ssl_) return false;
    BIO* const bio = tls_socket_method() != nullptr ? ::BIO_new(tls_socket_method()) : nullptr;
    if (bio == nullptr) return false;
    BIO_set_fd(bio, connected_.native_handle(), BIO_NOCLOSE);
    ::SSL_set_bio(ssl_.get(), bio, bio);
    ::SSL_set_verify(ssl_.get(), how.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    bool const is_address = ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl_.get()), host.c_str()) == 1;
    ::ERR_clear_error();
    if (is_address) return true;
    return (!how.verify || ::SSL_set1_host(ssl_.get(), host.c_str()) == 1) &&
           (!how.server_name || ::SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                                           const_cast<char*>(host.c_str())) == 1);
  }

  // pthread_cancel() must not unwind OpenSSL.
  int step() {
    platform::cancel_held const held;
    ::ERR_clear_error();
    errno = 0;
    return ::SSL_connect(ssl_.get());
  }

  // 0 once there is something to go on with.
  int wait(bool is_to_write, time_point until) {
    for (;;) {
      native_handle const handle = connected_.native_handle();
      poll_entry entries[2] = {is_to_write ? platform::writable(handle) : platform::readable(handle), {}};
      if (options_.cancel != nullptr) entries[1] = platform::readable(options_.cancel->native_handle());
      int const woken = sys_.wait(entries, options_.cancel != nullptr ? 2 : 1, until);
      if (woken == 0) return entries[1].revents != 0 ? own_error(errc::cancelled) : 0;
      if (!is_woken(woken)) return woken;
      if (woken == native_error::timed_out && sys_.now() >= until) return own_error(errc::deadline_exceeded);
    }
  }

  adapters::tls_failure fail(std::error_code code, std::string text = {}) {
    ssl_.reset();
    left_behind left;
    if (connected_) {
      bool const is_reset =
          options_.on_timeout == on_timeout::reset && (code == errc::deadline_exceeded || code == errc::cancelled);
      attempt<native_system> const tried{sys_, where_, connected_.native_handle()};
      left = tried.give_up(is_reset ? on_timeout::reset : on_timeout::close);
      close_given_up(sys_, connected_.release(), left.aftermath);
      left.handshake = handshake::completed;
    }
    adapters::tls_failure failed{failure<native_system>(0, where_, left, sys_.now() - began_), std::move(text)};
    failed.code = code;
    return failed;
  }

  adapters::tls_failure fail_by_openssl() {
    auto const verdict = ssl_ ? ::SSL_get_verify_result(ssl_.get()) : X509_V_OK;
    auto const first = ::ERR_peek_error();
    std::string text;
    while (auto const error = ::ERR_get_error()) {
      char line[256];
      ::ERR_error_string_n(error, line, sizeof line);
      text += (text.empty() ? "" : ", ") + std::string(line);
    }
    bool const is_refused = verdict != X509_V_OK && ERR_GET_REASON(first) == SSL_R_CERTIFICATE_VERIFY_FAILED;
    if (is_refused) {
      text += std::string(": ") + ::X509_verify_cert_error_string(verdict);
      return fail({static_cast<int>(verdict), adapters::certificate_error_category()}, std::move(text));
    }
    return fail({static_cast<int>(first), adapters::tls_error_category()}, std::move(text));
  }

  native_system sys_{};
  socket connected_;
  endpoint where_;
  time_point began_;
  connect_options const& options_;
  std::unique_ptr<SSL, deleter> ssl_{};
};

}  // namespace detail

namespace adapters {

/// Makes a TLS connection of a connected socket, which may come from a race, from a name, or from anywhere. `host` is the
/// name or IP address that the certificate has to be for.
///
/// Deadline: deadline_exceeded never comes before it. Zero and the past try once and do not wait.
///
/// Errors: errc::deadline_exceeded and errc::cancelled, to which on_timeout applies: `close` or `reset`, and `keep` is
/// errc::invalid_option. errc::invalid_host for an empty name or one with a NUL. certificate_error_category() for a
/// certificate that is not accepted; tls_error_category() for all else that OpenSSL tells; what the system reports,
/// ECONNRESET say. Of the options, on_timeout, nonblocking and cancel apply.
///
/// Ownership: what is returned has the socket and the SSL, which holds its own reference to the context. After a failure
/// all is closed.
///
/// Cost: what OpenSSL does; three system calls beside.
inline tls_result timed_tls_handshake(SSL_CTX* context, std::string_view host, socket connected, deadline limit,
                                      connect_options const& options = {}, tls_options const& how = {}) {
  native_system const sys;
  auto const began = sys.now();
  endpoint where;
  int family = 0;
  int type = 0;
  sys.kind(connected.native_handle(), family, type);
  sys.name(connected.native_handle(), name_of::peer, family, where);
  return tconn::detail::tls_handshake(std::move(connected), where, began, options)
      .run(context, host, limit.until(began), how);
}

/// Connects a new socket and then makes a TLS connection of it, before one deadline.
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
  if (options.on_timeout == on_timeout::keep) {
    return tls_failure{
        tconn::detail::failure<native_system>(tconn::detail::own_error(errc::invalid_option), to, {}, {}), {}};
  }
  connect_options first = options;
  first.nonblocking = true;  // the handshake needs it so
  auto connected = timed_connect(to, until, first);
  if (!connected) return tls_failure{std::move(connected.error()), {}};
  return tconn::detail::tls_handshake(std::move(*connected), to, began, options).run(context, host, until, how);
}

}  // namespace adapters
}  // namespace v1
}  // namespace tconn
