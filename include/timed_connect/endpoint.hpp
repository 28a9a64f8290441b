// SPDX-License-Identifier: MIT
// One socket address, held by value: IPv4, IPv6 with its scope, a Unix path or abstract name, or any other sockaddr.
// Whatever is not an address becomes an endpoint that every call refuses, before any system call.
// Text forms: RFC 3986 section 3.2.2 for brackets, RFC 4007 section 11 for the zone, unix(7) for abstract names.
#pragma once

#include <timed_connect/detail/platform.hpp>
#include <timed_connect/detail/text.hpp>
#include <timed_connect/error.hpp>
#include <timed_connect/result.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace tconn {
inline namespace v1 {

/// One socket address, copied by value; 128 bytes and a length. Never allocates but in to_string().
class endpoint {
 public:
  /// No address at all: every call refuses it.
  endpoint() noexcept = default;

  /// Copies a socket address. A null pointer, AF_UNSPEC, and a length that is not exactly the family's (for AF_UNIX:
  /// one without a name or longer than sockaddr_un) make an endpoint that is not valid().
  endpoint(sockaddr const* address, detail::address_length length) noexcept {
    auto const given = static_cast<std::size_t>(length);
    if (address == nullptr || given > sizeof bytes_) return;
    std::memcpy(&bytes_, address, given);
    size_ = accepted_size(given);
    detail::set_length(*reinterpret_cast<sockaddr*>(&bytes_), size_);
    if (size_ == 0) bytes_ = {};
  }

  /// 127.0.0.1 and a port in host order.
  static endpoint loopback_v4(std::uint16_t port) noexcept {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return {reinterpret_cast<sockaddr const*>(&address), sizeof address};
  }

  /// [::1] and a port in host order.
  static endpoint loopback_v6(std::uint16_t port) noexcept {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    address.sin6_addr.s6_addr[15] = 1;
    return {reinterpret_cast<sockaddr const*>(&address), sizeof address};
  }

  /// Reads "127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:80", "unix:/run/x.sock" or "unix:@abstract"; nothing is looked
  /// up but the interface's name.
  /// Errors: errc::invalid_endpoint for anything else: names, NULs, spaces, signs, leading zeros, ports over 65535,
  /// interfaces that do not exist, Unix names that do not fit.
  static result<endpoint> parse(std::string_view text);

  /// The text that parse() reads. Other families, which have no such text, give "family N". Allocates.
  std::string to_string() const;

  /// Whether it is an address; every call refuses one that is not.
  bool valid() const noexcept { return size_ != 0; }
  /// AF_INET, AF_INET6, AF_UNIX, ...; AF_UNSPEC if not valid.
  int family() const noexcept { return bytes_.ss_family; }
  /// In host order; 0 where the family has none.
  std::uint16_t port() const noexcept {
    if (family() == AF_INET) return ntohs(as<sockaddr_in>().sin_port);
    if (family() == AF_INET6) return ntohs(as<sockaddr_in6>().sin6_port);
    return 0;
  }
  /// The address as the system takes it; it lives as long as this endpoint.
  sockaddr const* data() const noexcept { return reinterpret_cast<sockaddr const*>(&bytes_); }
  /// The length of data() in bytes; 0 if not valid.
  detail::address_length size() const noexcept { return static_cast<detail::address_length>(size_); }

  /// The same address, port and scope; for other families the same bytes.
  friend bool operator==(endpoint const& left, endpoint const& right) noexcept {
    if (left.family() != right.family() || left.size_ != right.size_) return false;
    if (left.family() == AF_INET) {
      auto const a = left.as<sockaddr_in>();
      auto const b = right.as<sockaddr_in>();
      return a.sin_port == b.sin_port && a.sin_addr.s_addr == b.sin_addr.s_addr;
    }
    if (left.family() == AF_INET6) {
      return left.same_v6_address(right) &&
             left.as<sockaddr_in6>().sin6_scope_id == right.as<sockaddr_in6>().sin6_scope_id;
    }
    return std::memcmp(&left.bytes_, &right.bytes_, left.size_) == 0;
  }

  /// Whether a socket whose peer is `actual` is connected to what this endpoint asks for: the wildcard address stands
  /// for loopback, and a scope counts only where both name one.
  bool reaches(endpoint const& actual) const noexcept;
  /// Whether it is 0.0.0.0, also mapped into IPv6, or ::, for which the system takes an address of this host.
  bool is_wildcard() const noexcept;
  /// Whether it is in 127.0.0.0/8, also mapped into IPv6, or ::1: this host, without a network between.
  bool is_loopback() const noexcept;
  /// The same address and scope, whatever the port.
  bool has_the_address_of(endpoint const& other) const noexcept;

 private:
  template <class Address>
  Address as() const noexcept {
    Address address{};
    std::memcpy(&address, &bytes_, sizeof address);
    return address;
  }

  bool same_v6_address(endpoint const& other) const noexcept {
    auto const a = as<sockaddr_in6>();
    auto const b = other.as<sockaddr_in6>();
    return a.sin6_port == b.sin6_port && std::memcmp(&a.sin6_addr, &b.sin6_addr, sizeof a.sin6_addr) == 0;
  }

  // RFC 4291, section 2.5.5.2; the IPv4 address in host order.
  static bool is_v4_mapped(in6_addr const& address) noexcept {
    static constexpr unsigned char prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return std::memcmp(&address, prefix, sizeof prefix) == 0;
  }
  static std::uint32_t v4_of(in6_addr const& address) noexcept {
    std::uint32_t last_four = 0;
    std::memcpy(&last_four, address.s6_addr + 12, sizeof last_four);
    return ntohl(last_four);
  }

  static constexpr std::size_t path_offset = offsetof(sockaddr, sa_data);  // as in sockaddr_un
  char const* path() const noexcept { return reinterpret_cast<char const*>(&bytes_) + path_offset; }

  // The length that the family allows, or 0. A Unix path ends behind its NUL, also where SUN_LEN() has not counted that:
  // the kernel adds it, and names the peer with it.
  std::size_t accepted_size(std::size_t length) const noexcept {
    switch (family()) {
      case AF_UNSPEC: return 0;
      case AF_INET: return length == sizeof(sockaddr_in) ? length : 0;
      case AF_INET6: return length == sizeof(sockaddr_in6) ? length : 0;
      case AF_UNIX: {
        if (length <= path_offset || length > path_offset + detail::platform::path_capacity) return 0;
        if (path()[0] == '\0') return detail::platform::abstract_names ? length : 0;
        auto const used = std::string_view(path(), length - path_offset).find('\0');
        if (used != std::string_view::npos) return path_offset + used + 1;
        return length < path_offset + detail::platform::path_capacity ? length + 1 : length;
      }
      default: return length > sizeof(detail::address_family) ? length : 0;
    }
  }

  static result<endpoint> parse_unix(std::string_view name);
  static result<endpoint> parse_v4(std::string_view host, std::uint16_t port);
  static result<endpoint> parse_v6(std::string_view host, std::uint16_t port);

  sockaddr_storage bytes_{};
  std::size_t size_ = 0;
};

namespace detail {
constexpr bool is_inet(int family) { return family == AF_INET || family == AF_INET6; }
}  // namespace detail

inline result<endpoint> endpoint::parse(std::string_view text) {
  auto const invalid = make_error_code(errc::invalid_endpoint);
  if (text.substr(0, 5) == "unix:") return parse_unix(text.substr(5));
  auto const colon = text.rfind(':');
  std::uint64_t port = 0;
  if (colon == text.npos || !detail::read_number(text.substr(colon + 1), 65535, port)) return invalid;
  auto const host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return parse_v6(host.substr(1, host.size() - 2), static_cast<std::uint16_t>(port));
  }
  return parse_v4(host, static_cast<std::uint16_t>(port));
}

inline result<endpoint> endpoint::parse_v4(std::string_view host, std::uint16_t port) {
  endpoint parsed = loopback_v4(port);
  auto address = parsed.as<sockaddr_in>();
  if (!detail::read_address(AF_INET, host, address.sin_addr)) return make_error_code(errc::invalid_endpoint);
  std::memcpy(&parsed.bytes_, &address, sizeof address);
  return parsed;
}

inline result<endpoint> endpoint::parse_v6(std::string_view host, std::uint16_t port) {
  auto const invalid = make_error_code(errc::invalid_endpoint);
  endpoint parsed = loopback_v6(port);
  auto address = parsed.as<sockaddr_in6>();
  auto const percent = host.find('%');
  if (!detail::read_address(AF_INET6, host.substr(0, percent), address.sin6_addr)) return invalid;
  if (percent != host.npos) {
    address.sin6_scope_id = detail::interface_index(host.substr(percent + 1));
    if (address.sin6_scope_id == 0) return invalid;
  }
  std::memcpy(&parsed.bytes_, &address, sizeof address);
  return parsed;
}

inline result<endpoint> endpoint::parse_unix(std::string_view name) {
  bool const abstract = !name.empty() && name.front() == '@';
  bool const fits = name.size() > (abstract ? 1U : 0U) && name.size() < detail::platform::path_capacity;
  if (!fits || name.find('\0') != name.npos || (abstract && !detail::platform::abstract_names)) {
    return make_error_code(errc::invalid_endpoint);
  }
  endpoint parsed;
  parsed.bytes_.ss_family = AF_UNIX;
  char* const path = reinterpret_cast<char*>(&parsed.bytes_) + path_offset;
  std::memcpy(path, name.data(), name.size());
  if (abstract) path[0] = '\0';
  parsed.size_ = path_offset + name.size() + (abstract ? 0 : 1);
  detail::set_length(*reinterpret_cast<sockaddr*>(&parsed.bytes_), parsed.size_);
  return parsed;
}

inline std::string endpoint::to_string() const {
  if (!valid()) return "no endpoint";
  char text[64] = "";
  if (family() == AF_INET) {
    auto const address = as<sockaddr_in>();
    return std::string(::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text)) + ':' + std::to_string(port());
  }
  if (family() == AF_INET6) {
    auto const address = as<sockaddr_in6>();
    std::string host = ::inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof text);
    if (address.sin6_scope_id != 0) {
      char const* const zone = detail::platform::interface_by_index(static_cast<unsigned>(address.sin6_scope_id), text);
      host += '%' + (zone != nullptr ? std::string(zone) : std::to_string(address.sin6_scope_id));
    }
    return '[' + host + "]:" + std::to_string(port());
  }
  if (family() == AF_UNIX) {
    std::string name(path(), size_ - path_offset);
    if (name.front() == '\0') {
      name.front() = '@';
    } else {
      if (name.back() == '\0') name.pop_back();
      if (name.front() == '@') name.insert(0, "./");  // a path, not an abstract name
    }
    return "unix:" + name;
  }
  return "family " + std::to_string(family());
}

inline bool endpoint::reaches(endpoint const& actual) const noexcept {
  if (family() != actual.family()) return false;
  if (is_wildcard() && port() == actual.port() && actual.is_loopback()) return true;
  if (family() != AF_INET6) return *this == actual;
  auto const asked = as<sockaddr_in6>();
  auto const scope = actual.as<sockaddr_in6>().sin6_scope_id;
  return same_v6_address(actual) && (asked.sin6_scope_id == scope || asked.sin6_scope_id == 0 || scope == 0);
}

inline bool endpoint::has_the_address_of(endpoint const& other) const noexcept {
  auto same_port = *this;
  if (family() == AF_INET || family() == AF_INET6) {
    auto const port = htons(other.port());
    std::memcpy(reinterpret_cast<char*>(&same_port.bytes_) + offsetof(sockaddr_in, sin_port), &port, sizeof port);
  }
  return same_port == other;
}

inline bool endpoint::is_wildcard() const noexcept {
  if (family() == AF_INET) return as<sockaddr_in>().sin_addr.s_addr == 0;
  if (family() != AF_INET6) return false;
  auto const address = as<sockaddr_in6>().sin6_addr;
  static constexpr unsigned char any[16] = {};
  return std::memcmp(&address, any, sizeof any) == 0 || (is_v4_mapped(address) && v4_of(address) == 0);
}

inline bool endpoint::is_loopback() const noexcept {
  constexpr std::uint32_t first_byte = 24;
  if (family() == AF_INET) return ntohl(as<sockaddr_in>().sin_addr.s_addr) >> first_byte == 127;
  if (family() != AF_INET6) return false;
  auto const address = as<sockaddr_in6>().sin6_addr;
  auto const v6_loopback = loopback_v6(0).as<sockaddr_in6>().sin6_addr;
  return std::memcmp(&address, &v6_loopback, sizeof address) == 0 ||
         (is_v4_mapped(address) && v4_of(address) >> first_byte == 127);
}

}  // namespace v1
}  // namespace tconn
