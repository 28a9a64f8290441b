// SPDX-License-Identifier: MIT
// One TLS handshake of OpenSSL's on a connected socket, until a moment and no longer: what adapters/openssl.hpp is made of.
// It owns the SSL; the socket stays its caller's.
#pragma once

#include <timed_connect/cancellation.hpp>
#include <timed_connect/detail/drive.hpp>
#include <timed_connect/error.hpp>
#include <timed_connect/wait.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <cerrno>
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

template <class Category>
std::error_category const& the_category() noexcept {
  static Category const category;
  return category;
}

/// Why there is no TLS; without a code there is.
struct tls_error {
  std::error_code code{};
  std::string text{};  // what OpenSSL says
};

/// A host as its certificate has it: without a final dot (RFC 6066, section 3), and an IPv6 address without brackets and zone.
/// Empty for what OpenSSL would take for something else: it stops at a NUL, takes ".example.org" for every host below it,
/// and no name for all.
inline std::string tls_name(std::string_view host) {
  bool const is_v6 = host.find(':') != host.npos;
  if (host.find('\0') != host.npos) return {};
  if (is_v6 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (is_v6) host = host.substr(0, host.find('%'));
  if (host.ends_with('.')) host.remove_suffix(1);
  return std::string(host.starts_with('.') ? std::string_view() : host);
}

inline int tls_write(BIO* to, char const* bytes, int count) {
  int handle = -1;
  ::BIO_ctrl(to, BIO_C_GET_FD, 0, &handle);
  BIO_clear_retry_flags(to);
  auto const sent = ::send(handle, bytes, static_cast<std::size_t>(count), platform::quiet_send);
  if (sent < 0 && ::BIO_sock_should_retry(-1) != 0) BIO_set_retry_write(to);
  return static_cast<int>(sent);
}

/// Never lets the kernel encrypt: tls_write() could not tell it which records are no data.
inline long tls_control(BIO* of, int what, long number, void* pointer) {
  constexpr int set_ktls = 72;  // BIO_CTRL_SET_KTLS, for which 1.1.1 has no name
  return what == set_ktls ? 0 : ::BIO_meth_get_ctrl(::BIO_s_socket())(of, what, number, pointer);
}

/// OpenSSL's own sockets, but for how they write. Null where there is no memory.
inline BIO_METHOD const* tls_socket_method() {
  static BIO_METHOD const* const method = []() -> BIO_METHOD* {
    BIO_METHOD const* const like = ::BIO_s_socket();
    BIO_METHOD* const made = ::BIO_meth_new(BIO_TYPE_SOCKET, "socket without SIGPIPE");
    if (made == nullptr) return made;
    ::BIO_meth_set_write(made, &tls_write);
    ::BIO_meth_set_read(made, ::BIO_meth_get_read(like));
    ::BIO_meth_set_ctrl(made, &tls_control);
    ::BIO_meth_set_create(made, ::BIO_meth_get_create(like));
    ::BIO_meth_set_destroy(made, ::BIO_meth_get_destroy(like));
    return made;
  }();
  return method;
}

/// A BIO's callback: when its argument has counted down to 0, nothing more is to be read for now.
inline long tls_read_limit(BIO* of, int what, char const*, std::size_t, int, long, int answer, std::size_t*) {
  if (what != BIO_CB_READ) return answer;
  int& reads_left = *reinterpret_cast<int*>(::BIO_get_callback_arg(of));
  if (reads_left-- > 0) return answer;
  BIO_clear_retry_flags(of);
  BIO_set_retry_read(of);
  return -1;
}

/// While it lives, that is the BIO's callback; then it has again what it had before.
class limited_reads {
 public:
  limited_reads(BIO* of, int& reads_left)
      : of_(of), before_(::BIO_get_callback_ex(of)), argument_before_(::BIO_get_callback_arg(of)) {
    ::BIO_set_callback_arg(of_, reinterpret_cast<char*>(&reads_left));
    ::BIO_set_callback_ex(of_, &tls_read_limit);
  }
  limited_reads(limited_reads const&) = delete;
  limited_reads& operator=(limited_reads const&) = delete;
  ~limited_reads() {
    ::BIO_set_callback_ex(of_, before_);
    ::BIO_set_callback_arg(of_, argument_before_);
  }

 private:
  BIO* of_;
  BIO_callback_fn_ex before_;
  char* argument_before_;
};

class tls_handshake {
 public:
  /// All that can be done before there is a socket. `last` may change the SSL, or refuse it.
  template <class Last>
  tls_error prepare(SSL_CTX* context, std::string const& name, bool verify, bool server_name, Last&& last) {
    ::ERR_clear_error();
    ssl_.reset(::SSL_new(context));
    bool const is_ready =
        ssl_ && make_bio() && set_name(name, verify, server_name) && std::forward<Last>(last)(ssl_.get());
    return is_ready ? tls_error{} : error_of(SSL_ERROR_SSL);
  }

  /// Waits for no longer than until then. The socket is in non-blocking mode.
  tls_error run(native_handle connected, cancellation const* cancel, time_point until) {
    BIO* const bio = ::SSL_get_rbio(ssl_.get());
    BIO_set_fd(bio, connected, BIO_NOCLOSE);
    limited_reads const limited(bio, reads_left_);
    bool is_last = false;  // whoever sends a byte at a time does not get more time
    for (int answer = 0; (answer = step()) != 1;) {
      int const system_error = errno;
      int const why = ::SSL_get_error(ssl_.get(), answer);
      if (why == SSL_ERROR_SYSCALL && ::ERR_peek_error() == 0)
        return {native_code(system_error != 0 ? system_error : native_error::connection_aborted)};
      if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return error_of(why);
      auto const entry = why == SSL_ERROR_WANT_WRITE ? platform::writable(connected) : platform::readable(connected);
      if (int const error = is_last ? own_error(errc::deadline_exceeded) : wait(entry, cancel, until))
        return {code_of(error)};
      is_last = sys_.now() >= until;
    }
    return {};
  }

  SSL* release() noexcept { return ssl_.release(); }

 private:
  struct deleter {
    void operator()(SSL* ssl) const noexcept { ::SSL_free(ssl); }
  };

  bool make_bio() {
    BIO* const bio = tls_socket_method() != nullptr ? ::BIO_new(tls_socket_method()) : nullptr;
    if (bio != nullptr) ::SSL_set_bio(ssl_.get(), bio, bio);
    return bio != nullptr;
  }

  bool set_name(std::string const& name, bool verify, bool server_name) {
    ::SSL_set_verify(ssl_.get(), verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    bool const is_address = ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl_.get()), name.c_str()) == 1;
    if (is_address) return true;
    return (!verify || ::SSL_set1_host(ssl_.get(), name.c_str()) == 1) &&
           (!server_name || ::SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                                       const_cast<char*>(name.c_str())) == 1);
  }

  // OpenSSL reads on and on within one call where the peer sends what it skips (HelloRequest, RFC 5246, section 7.4.1.1),
  // so it is made to come back. pthread_cancel() must not unwind it.
  int step() {
    constexpr int most_reads = 64;
    platform::cancel_held const held;
    ::ERR_clear_error();
    reads_left_ = most_reads;
    errno = 0;
    return ::SSL_connect(ssl_.get());
  }

  // 0 once there is something to go on with.
  int wait(poll_entry entry, cancellation const* cancel, time_point until) {
    for (;;) {
      poll_entry entries[2] = {entry, {}};
      if (cancel != nullptr) entries[1] = platform::readable(cancel->native_handle());
      int const woken = sys_.wait(entries, cancel != nullptr ? 2 : 1, until);
      if (woken == 0) return entries[1].revents != 0 ? own_error(errc::cancelled) : 0;
      if (!is_woken(woken)) return woken;
      if (woken == native_error::timed_out && sys_.now() >= until) return own_error(errc::deadline_exceeded);
    }
  }

  // By what SSL_get_error() says. Where OpenSSL has nothing to tell it wants what only a program can give, a certificate
  // say, and asks for that between two calls of SSL_connect().
  tls_error error_of(int why) const {
    auto const verdict = ssl_ ? ::SSL_get_verify_result(ssl_.get()) : X509_V_OK;
    auto const first = ::ERR_peek_error();
    if (first == 0 && why == SSL_ERROR_ZERO_RETURN) return {native_code(native_error::connection_aborted)};
    if (first == 0) return {make_error_code(errc::invalid_option)};
    std::string text;
    while (auto const error = ::ERR_get_error()) {
      char line[256];
      ::ERR_error_string_n(error, line, sizeof line);
      text += (text.empty() ? "" : ", ") + std::string(line);
    }
    bool const is_refused = verdict != X509_V_OK && ERR_GET_REASON(first) == SSL_R_CERTIFICATE_VERIFY_FAILED;
    if (!is_refused) return {{static_cast<int>(first), the_category<tls_category>()}, std::move(text)};
    text += std::string(": ") + ::X509_verify_cert_error_string(verdict);
    return {{static_cast<int>(verdict), the_category<certificate_category>()}, std::move(text)};
  }

  native_system sys_{};
  int reads_left_ = 0;
  std::unique_ptr<SSL, deleter> ssl_{};
};

}  // namespace detail
}  // namespace v1
}  // namespace tconn
