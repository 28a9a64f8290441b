// SPDX-License-Identifier: MIT
// Packets as the peers of the lab read and write them: TCP segments over IPv4 and IPv6, and the ICMP message with which
// a router says that a host cannot be reached. RFC 9293, RFC 792, RFC 4443. The bytes are libtins' business.
#pragma once

#include <timed_connect/endpoint.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace wire {

using bytes = std::vector<std::uint8_t>;

/// The control bits of a TCP header.
enum flag : unsigned { fin = 1, syn = 2, rst = 4, psh = 8, ack = 16, urg = 32 };

/// A TCP segment, with what surrounds it.
struct segment {
  tconn::endpoint from{};
  tconn::endpoint to{};
  unsigned flags = 0;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgment = 0;
  std::size_t length = 0;  ///< Bytes of data.

  /// "SYN", "SYN-ACK", "FIN-ACK", "PSH-ACK(5)": the flags in this order, and how much data if there is any.
  std::string name() const;
  /// The sequence number behind it: SYN and FIN count as one byte each.
  std::uint32_t next() const;
};

/// A segment of data carries this, over and over.
inline constexpr char said = 'x';

/// The TCP segment in an IP packet, if it is one.
std::optional<segment> read_segment(std::span<std::uint8_t const> packet);

/// The packet of a segment. Its window is open, and a SYN offers an MSS and nothing else.
bytes write_segment(segment const& what);

/// "Host unreachable" (IPv4) or "address unreachable" (IPv6) about a packet, in the name of its addressee.
bytes write_unreachable(segment const& about, std::span<std::uint8_t const> packet);

}  // namespace wire
