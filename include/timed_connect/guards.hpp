// SPDX-License-Identifier: MIT
// Ready-made hooks for connect_options::before_connect. A program that connects where others tell it to (a webhook, a
// link preview) must not be talked into its own network (server-side request forgery). Looking at the name, or at what
// it resolved to once, is not enough: it may resolve to something else a moment later (DNS rebinding). A hook sees the
// address that is really dialled, on every attempt.
#pragma once

#include <timed_connect/detail/platform.hpp>
#include <timed_connect/endpoint.hpp>
#include <timed_connect/error.hpp>
#include <timed_connect/options.hpp>

#include <concepts>
#include <cstddef>
#include <cstring>
#include <system_error>
#include <utility>

namespace tconn {
inline namespace v1 {
namespace detail {

enum class reach : bool { refused, allowed };

/// The addresses that begin with the first `bits` of `prefix`; an IPv4 address is in the first four bytes.
struct address_range {
  unsigned char prefix[16];
  unsigned bits;
  reach verdict;
};

// The first row that holds an address decides, and what no row holds is refused. The rows are IANA's, as of 2025-10-09:
//   https://www.iana.org/assignments/iana-ipv4-special-registry (RFC 6890, RFC 8190)
//   https://www.iana.org/assignments/iana-ipv6-special-registry (the same, RFC 9602, RFC 9637, RFC 9780)
//   https://www.iana.org/assignments/ipv6-address-space (RFC 4291: only 2000::/3 is assigned as global unicast)
// Refused is what is not "Globally Reachable" there, multicast, and also what does not itself say where it leads:
// - an IPv4 address inside, public or not: v4-mapped, v4-compatible, NAT64 (64:ff9b::/96, which the registry calls
//   reachable), 6to4, Teredo. Whoever has such an address can dial the IPv4 address, and have that one judged;
// - the name of a host instead of a place: ORCHIDv2 2001:20::/28 (RFC 7343) and drone identifiers 2001:30::/28
//   (RFC 9374), which the registry calls reachable too.
// What the registries list and call reachable has a row only where it lies in a range that is refused: AS112
// (192.31.196.0/24, 192.175.48.0/24, 2620:4f:8000::/48) and AMT (192.52.193.0/24) are public like their neighbours.
inline constexpr address_range v4_ranges[] = {
    {{0}, 8, reach::refused},               // "this network"; Linux takes 0.0.0.0 for itself
    {{10}, 8, reach::refused},              // private use
    {{100, 64}, 10, reach::refused},        // shared by carriers (CGNAT)
    {{127}, 8, reach::refused},             // loopback
    {{169, 254}, 16, reach::refused},       // link-local, and the metadata of most clouds
    {{172, 16}, 12, reach::refused},        // private use
    {{192, 0, 0, 9}, 32, reach::allowed},   // port control protocol anycast (RFC 7723)
    {{192, 0, 0, 10}, 32, reach::allowed},  // TURN anycast (RFC 8155)
    {{192, 0, 0}, 24, reach::refused},      // IETF protocol assignments
    {{192, 0, 2}, 24, reach::refused},      // documentation
    {{192, 88, 99}, 24, reach::refused},    // 6to4 and 6a44 relays
    {{192, 168}, 16, reach::refused},       // private use
    {{198, 18}, 15, reach::refused},        // benchmarking
    {{198, 51, 100}, 24, reach::refused},   // documentation
    {{203, 0, 113}, 24, reach::refused},    // documentation
    {{224}, 4, reach::refused},             // multicast
    {{240}, 4, reach::refused},             // reserved, and limited broadcast
    {{}, 0, reach::allowed},                // all else
};

// Outside 2000::/3, and so without a row: :: and ::1, v4-compatible ::/96, v4-mapped ::ffff:0:0/96, NAT64 64:ff9b::/96
// and 64:ff9b:1::/48, discard 100::/64, dummy 100:0:0:1::/64, SRv6 5f00::/16, unique local fc00::/7, link-local
// fe80::/10, site-local fec0::/10, multicast ff00::/8, and all that is not assigned.
inline constexpr address_range v6_ranges[] = {
    {{0x20, 0x01, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, reach::allowed},  // port control protocol anycast
    {{0x20, 0x01, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}, 128, reach::allowed},  // TURN anycast
    {{0x20, 0x01, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3}, 128, reach::allowed},  // DNS-SD anycast (RFC 9665)
    {{0x20, 0x01, 0, 3}, 32, reach::allowed},                                       // AMT (RFC 7450)
    {{0x20, 0x01, 0, 4, 0x01, 0x12}, 48, reach::allowed},                           // AS112 (RFC 7535)
    {{0x20, 0x01}, 23, reach::refused},              // IETF protocol assignments: Teredo, benchmarking, ORCHID, ...
    {{0x20, 0x01, 0x0d, 0xb8}, 32, reach::refused},  // documentation
    {{0x20, 0x02}, 16, reach::refused},              // 6to4
    {{0x3f, 0xff}, 20, reach::refused},              // documentation
    {{0x20}, 3, reach::allowed},                     // all else that is global unicast
};

constexpr bool holds(address_range const& range, unsigned char const (&address)[16]) {
  for (unsigned byte = 0; byte * 8 < range.bits; ++byte) {
    unsigned const left = range.bits - byte * 8;
    unsigned const mask = left < 8 ? 0xffU << (8 - left) : 0xffU;
    if ((address[byte] & mask) != (range.prefix[byte] & mask)) return false;
  }
  return true;
}

template <std::size_t Count>
constexpr bool allows(address_range const (&ranges)[Count], unsigned char const (&address)[16]) {
  for (auto const& range : ranges) {
    if (holds(range, address)) return range.verdict == reach::allowed;
  }
  return false;
}

}  // namespace detail

/// Hooks for connect_options::before_connect.
namespace guards {

/// Whether it is an IPv4 or IPv6 address that is globally reachable, after the special-purpose registries of IANA. Unix
/// sockets, other families and what is not valid() are not; port and scope id do not count. Addresses that carry an
/// IPv4 address inside (v4-mapped, v4-compatible, NAT64, 6to4, Teredo) are not, even if that one is public: see
/// detail::v4_ranges. Cost: no system call, no allocation.
inline bool is_public(endpoint const& to) noexcept {
  unsigned char bytes[16] = {};
  if (to.family() == AF_INET) {
    sockaddr_in address{};
    std::memcpy(&address, to.data(), sizeof address);
    std::memcpy(bytes, &address.sin_addr, sizeof address.sin_addr);
    return detail::allows(detail::v4_ranges, bytes);
  }
  if (to.family() == AF_INET6) {
    sockaddr_in6 address{};
    std::memcpy(&address, to.data(), sizeof address);
    std::memcpy(bytes, &address.sin6_addr, sizeof bytes);
    return detail::allows(detail::v6_ranges, bytes);
  }
  return false;
}

/// Refuses every endpoint that is not is_public(): connect_options{.before_connect = guards::public_addresses_only}.
/// Errors: errc::refused_by_hook, which is what the call then fails with; nothing has been sent.
inline std::error_code public_addresses_only(native_handle, endpoint const& to) noexcept {
  return is_public(to) ? std::error_code{} : make_error_code(errc::refused_by_hook);
}

/// What all_of() gives. Name it, so that it outlives the call: a connect_hook refuses a temporary one.
template <std::size_t Count>
struct hook_sequence {
  /// In the order in which they are called.
  connect_hook hooks[Count];

  /// Calls one after the other, up to the first that returns an error. Errors: that one's; what it throws passes
  /// through.
  std::error_code operator()(native_handle handle, endpoint const& to) const {
    for (auto const& hook : hooks) {
      if (!hook) continue;
      if (auto const error = hook(handle, to)) return error;
    }
    return {};
  }
};

/// The type of all_of, which is an object so that std::all_of is never found in its place.
struct composition {
  /// See all_of.
  template <class... Hooks>
  requires(sizeof...(Hooks) > 0 && (std::convertible_to<Hooks, connect_hook> && ...)) hook_sequence<sizeof...(Hooks)>
  operator()(Hooks&&... hooks) const noexcept { return {{connect_hook(std::forward<Hooks>(hooks))...}}; }
};

/// Several hooks as one, called in the order given: auto const both = guards::all_of(guards::public_addresses_only,
/// mine). It takes what a connect_hook takes and keeps it in the same way: functions and captureless lambdas by value,
/// lvalues by reference, which must outlive the call; a capturing temporary is refused at compile time. One that is
/// empty is passed over. Cost: one indirect call a hook, no allocation.
inline constexpr composition all_of{};

}  // namespace guards
}  // namespace v1
}  // namespace tconn
