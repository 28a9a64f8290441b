// SPDX-License-Identifier: MIT
// The library's own error codes. What the operating system says is passed on as it is, in native_category(), which is
// std::system_category() but on Windows.
#pragma once

#include <timed_connect/detail/platform.hpp>

#include <string>
#include <system_error>

namespace tconn {
inline namespace v1 {

/// Why a call failed where no system call did. Each compares equal to the std::errc that is named here, where there is
/// one.
enum class errc {
  /// The deadline came first (std::errc::timed_out; the kernel's own ETIMEDOUT is another code).
  deadline_exceeded = 1,
  cancelled,             ///< A cancellation was requested (std::errc::operation_canceled).
  refused_by_hook,       ///< connect_options::before_connect returned an error (std::errc::permission_denied).
  no_endpoints,          ///< There was nothing to connect to (std::errc::invalid_argument).
  invalid_option,        ///< An option out of range, impossible here, or one that this system lacks
                         ///< (std::errc::invalid_argument).
  invalid_endpoint,      ///< Not an address: AF_UNSPEC, too short or too long, or text that does not parse
                         ///< (std::errc::invalid_argument).
  descriptor_too_large,  ///< The selecting strategy cannot watch this descriptor (std::errc::value_too_large).
  self_connect,  ///< TCP connected the socket to itself, as nobody listens there (std::errc::connection_refused).
  invalid_host,  ///< Not the name of a host, or not a service: empty, too long, with a NUL, blank or control character, a
                 ///< port over 65535, or text that does not parse (std::errc::invalid_argument).
  resolver_busy,  ///< Too many abandoned lookups are still at work (std::errc::resource_unavailable_try_again).
};

namespace detail {

class errc_category final : public std::error_category {
 public:
  char const* name() const noexcept override { return "timed_connect"; }

  std::string message(int code) const override {
    switch (static_cast<errc>(code)) {
      case errc::deadline_exceeded: return "deadline exceeded";
      case errc::cancelled: return "cancelled";
      case errc::refused_by_hook: return "refused by the before_connect hook";
      case errc::no_endpoints: return "no endpoints were given";
      case errc::invalid_option: return "an option is out of range or not available here";
      case errc::invalid_endpoint:
        return "not an endpoint (wanted: 192.0.2.1:80, [2001:db8::1]:80, [fe80::1%eth0]:80, unix:/path or unix:@name)";
      case errc::descriptor_too_large: return "the descriptor is beyond FD_SETSIZE, which select() cannot watch";
      case errc::self_connect: return "the socket connected to itself: nobody listens there";
      case errc::invalid_host: return "not a host and a service (wanted: example.org:443, [2001:db8::1]:https)";
      case errc::resolver_busy: return "too many lookups that nobody waits for are still at work";
    }
    return "unknown error";
  }

  std::error_condition default_error_condition(int code) const noexcept override {
    switch (static_cast<errc>(code)) {
      case errc::deadline_exceeded: return std::errc::timed_out;
      case errc::cancelled: return std::errc::operation_canceled;
      case errc::refused_by_hook: return std::errc::permission_denied;
      case errc::no_endpoints:
      case errc::invalid_option:
      case errc::invalid_endpoint:
      case errc::invalid_host: return std::errc::invalid_argument;
      case errc::descriptor_too_large: return std::errc::value_too_large;
      case errc::self_connect: return std::errc::connection_refused;
      case errc::resolver_busy: return std::errc::resource_unavailable_try_again;
    }
    return {code, *this};
  }
};

/// A native error number (errno) as an error_code.
inline std::error_code native_code(int error) { return {error, native_category()}; }

/// Below the entry points an error is one number: 0 for none, the system's own, or an errc beyond all of those. It fits
/// 16 bits, as g++ 12 for 32-bit ARM may lose the upper half of a larger constant where it stands in a condition (-O1).
inline constexpr int first_own_error = 0x8000;
constexpr int own_error(errc code) { return first_own_error + static_cast<int>(code); }

}  // namespace detail

/// The category of tconn::errc.
inline std::error_category const& error_category() noexcept {
  static detail::errc_category const category;
  return category;
}

/// The enumerator as an error_code; what lets an errc stand where a std::error_code is wanted.
inline std::error_code make_error_code(errc code) noexcept { return {static_cast<int>(code), error_category()}; }

namespace detail {

/// What a number below the entry points means above them.
inline std::error_code code_of(int error) {
  return error > first_own_error ? make_error_code(static_cast<errc>(error - first_own_error)) : native_code(error);
}

}  // namespace detail

}  // namespace v1
}  // namespace tconn

template <>
struct std::is_error_code_enum<tconn::errc> : std::true_type {};
