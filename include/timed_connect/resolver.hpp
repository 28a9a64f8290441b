// SPDX-License-Identifier: MIT
// What a host is, and what a resolver must offer so that its lookups are waited for under a deadline like everything
// else. A resolver is the second seam beside System: the operating system's (resolve.hpp), c-ares (resolve_cares.hpp),
// or a test's own. See getaddrinfo(3), RFC 1035 and RFC 1123 for names, RFC 3986 section 3.2.2 for brackets.
#pragma once

#include <timed_connect/deadline.hpp>
#include <timed_connect/detail/platform.hpp>
#include <timed_connect/detail/text.hpp>
#include <timed_connect/endpoint.hpp>
#include <timed_connect/error.hpp>
#include <timed_connect/result.hpp>

#include <algorithm>
#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace tconn {
inline namespace v1 {

/// A server by its name. It owns no text: what it refers to must outlive the call.
struct host {
  /// A name of at most 253 bytes (and a dot behind it), or a numeric address without brackets. It goes to the resolver as
  /// it is: whoever has other letters than ASCII's brings them as "xn--...".
  std::string_view name{};
  /// A port in digits, or the name of a service.
  std::string_view service{};

  /// Reads "example.org:443", "example.org:https" or "[::1]:443"; nothing is looked up, and no text is copied.
  /// Errors: errc::invalid_host for anything else.
  static result<host> parse(std::string_view text);
};

namespace detail {

class lookup_category final : public std::error_category {
 public:
  char const* name() const noexcept override { return "resolve"; }
  std::string message(int code) const override { return platform::lookup_message(code); }
  std::error_condition default_error_condition(int code) const noexcept override {
    if (code == lookup_error::no_memory) return std::errc::not_enough_memory;
    if (code == lookup_error::try_again) return std::errc::resource_unavailable_try_again;
    return {code, *this};
  }
};

}  // namespace detail

/// The category of what getaddrinfo() reports: the numbers are its EAI_NONAME, EAI_AGAIN, ... EAI_MEMORY compares equal to
/// std::errc::not_enough_memory, and EAI_AGAIN to std::errc::resource_unavailable_try_again.
inline std::error_category const& resolve_category() noexcept {
  static detail::lookup_category const category;
  return category;
}

/// What a lookup has found: addresses in the order in which they are to be tried.
using found_endpoints = result<std::vector<endpoint>>;

/// A lookup that has begun. Destroying it ends it, or leaves it to itself; either way without waiting.
template <class L>
concept name_lookup = std::movable<L> &&
    requires(L lookup, std::vector<poll_entry>& entries, std::span<poll_entry const> seen, time_point now) {
  /// Appends the handles that it wants to be waited for, anew before each wait.
  lookup.watch(entries);
  /// When it wants to go on though none of them is ready; the clock's last moment: never.
  { lookup.wakes_at(now) } -> std::same_as<time_point>;
  /// Goes on after a wait, without waiting itself: `seen` are its entries with what has come of them. Nothing while
  /// there is no answer; after one it is not called again.
  { lookup.step(seen) } -> std::same_as<std::optional<found_endpoints>>;
};

/// What a resolver must offer. It is given no numeric addresses, unless the service has a name.
template <class R>
concept name_resolver = std::movable<R> && requires(R resolver, host const& who) {
  /// Begins a lookup, or tells why it cannot. It copies what it needs of the host.
  requires name_lookup<typename decltype(resolver.start(who))::value_type>;
  requires std::same_as<typename decltype(resolver.start(who))::error_type, std::error_code>;
};

namespace detail {

/// RFC 1035, section 2.3.4: 255 octets, of which two are no text.
inline constexpr std::size_t longest_name = 253;

inline bool has_blank_or_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char one) {
    auto const byte = static_cast<unsigned char>(one);
    return byte <= ' ' || byte == 0x7f;
  });
}

/// glibc's getaddrinfo() takes a lone "*" for no name at all, which is this machine.
inline bool is_name(std::string_view name) {
  auto const length = name.size() - (name.ends_with('.') ? 1 : 0);
  return length > 0 && length <= longest_name && !has_blank_or_control(name) && name != "*";
}

inline bool is_digit(char one) { return one >= '0' && one <= '9'; }
inline bool is_number(std::string_view text) { return std::all_of(text.begin(), text.end(), is_digit); }

/// getaddrinfo() would take "+80" and "-65456" for ports, and some take 65616 for 80.
inline bool is_service(std::string_view service) {
  if (service.empty() || has_blank_or_control(service)) return false;
  std::uint64_t port = 0;
  if (is_number(service)) return read_number(service, 65535, port);
  char const first = static_cast<char>(service.front() | 0x20);
  return is_digit(service.front()) || (first >= 'a' && first <= 'z');
}

/// The error that the text alone shows; 0 if it makes sense.
inline int check(host const& who) {
  return is_name(who.name) && is_service(who.service) ? 0 : own_error(errc::invalid_host);
}

/// What look_up() says, with the errno that it has left.
inline std::error_code lookup_code(int error, int reason) {
  return error == lookup_error::in_errno ? native_code(reason) : std::error_code(error, resolve_category());
}

/// The addresses of a list of the system's.
inline std::vector<endpoint> endpoints_of(addrinfo const* found) {
  std::vector<endpoint> all;
  for (; found != nullptr; found = found->ai_next) {
    auto const& one = all.emplace_back(found->ai_addr, static_cast<address_length>(found->ai_addrlen));
    if (!is_inet(one.family())) all.pop_back();
  }
  return all;
}

/// The address that a host is the text of; nothing if it is not for the text alone to tell. Asks nobody.
inline std::optional<found_endpoints> numeric_endpoints(host const& who) {
  addrinfo* found = nullptr;
  std::string const name(who.name);
  std::string const service(who.service);
  int const error = platform::look_up(name.c_str(), service.c_str(), /*numeric*/ true, found);
  bool const is_a_name = who.name.find(':') == who.name.npos || !is_number(who.service);
  if (is_a_name && (error == lookup_error::no_name || error == lookup_error::no_service)) return std::nullopt;
  if (error != 0) return lookup_code(error, errno);
  struct freed {
    addrinfo* list;
    ~freed() { platform::free_found(list); }
  } const owned{found};
  return endpoints_of(found);
}

}  // namespace detail

inline result<host> host::parse(std::string_view text) {
  auto const invalid = make_error_code(errc::invalid_host);
  auto const colon = text.rfind(':');
  if (colon == text.npos) return invalid;
  host parsed{text.substr(0, colon), text.substr(colon + 1)};
  bool const has_brackets = parsed.name.starts_with('[') && parsed.name.ends_with(']');
  if (has_brackets) parsed.name = parsed.name.substr(1, parsed.name.size() - 2);
  if (parsed.name.find_first_of("[]") != text.npos) return invalid;
  bool const has_colon = parsed.name.find(':') != text.npos;  // "::1:443" leaves open where the address ends
  if (has_colon != has_brackets || detail::check(parsed) != 0) return invalid;
  return parsed;
}

}  // namespace v1
}  // namespace tconn
