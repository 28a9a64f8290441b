// SPDX-License-Identifier: MIT
#include "packet.hpp"

#include <netinet/in.h>
#include <netinet/ip6.h>
#include <tins/icmp.h>
#include <tins/icmpv6.h>
#include <tins/ip.h>
#include <tins/ipv6.h>
#include <tins/rawpdu.h>
#include <tins/tcp.h>
#include <array>
#include <cstring>
#include <utility>

namespace wire {
namespace {

template <class Network>
using address_of = typename Network::address_type;

Tins::IPv4Address v4(tconn::endpoint const& of) {
  sockaddr_in address{};
  std::memcpy(&address, of.data(), sizeof address);
  return Tins::IPv4Address(address.sin_addr.s_addr);
}

Tins::IPv6Address v6(tconn::endpoint const& of) {
  sockaddr_in6 address{};
  std::memcpy(&address, of.data(), sizeof address);
  return {address.sin6_addr.s6_addr};
}

tconn::endpoint named(Tins::IPv4Address const& host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = static_cast<std::uint32_t>(host);
  return {reinterpret_cast<sockaddr const*>(&address), sizeof address};
}

tconn::endpoint named(Tins::IPv6Address const& host, std::uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  host.copy(static_cast<std::uint8_t*>(address.sin6_addr.s6_addr));
  return {reinterpret_cast<sockaddr const*>(&address), sizeof address};
}

std::size_t size_of(Tins::IP const& packet) { return packet.tot_len(); }
std::size_t size_of(Tins::IPv6 const& packet) { return sizeof(ip6_hdr) + packet.payload_length(); }

template <class Network>
std::optional<segment> read(std::span<std::uint8_t const> packet) {
  Network const network(packet.data(), static_cast<std::uint32_t>(packet.size()));
  if (size_of(network) > packet.size()) return std::nullopt;  // else its data would seem to be less than they are
  auto const* const tcp = network.template find_pdu<Tins::TCP>();
  if (tcp == nullptr) return std::nullopt;
  return segment{named(network.src_addr(), tcp->sport()),
                 named(network.dst_addr(), tcp->dport()),
                 tcp->flags(),
                 tcp->seq(),
                 tcp->ack_seq(),
                 tcp->inner_pdu() != nullptr ? tcp->inner_pdu()->size() : 0};
}

Tins::TCP header_of(segment const& what) {
  constexpr std::uint16_t open_window = 65535;
  constexpr std::uint16_t mss = 1220;  // fits every network that carries IPv6
  Tins::TCP tcp(what.to.port(), what.from.port());
  tcp.flags(static_cast<std::uint16_t>(what.flags));
  tcp.seq(what.sequence);
  tcp.ack_seq(what.acknowledgment);
  tcp.window(open_window);
  if ((what.flags & syn) != 0) tcp.mss(mss);
  if (what.length > 0) tcp.inner_pdu(Tins::RawPDU(std::string(what.length, said)));
  return tcp;
}

}  // namespace

std::string segment::name() const {
  constexpr std::array<std::pair<unsigned, char const*>, 6> names{
      {{syn, "SYN"}, {fin, "FIN"}, {rst, "RST"}, {psh, "PSH"}, {urg, "URG"}, {ack, "ACK"}}};
  std::string text;
  for (auto const& [bit, word] : names) {
    if ((flags & bit) == 0) continue;
    if (!text.empty()) text += '-';
    text += word;
  }
  return length > 0 ? text + '(' + std::to_string(length) + ')' : text;
}

std::uint32_t segment::next() const {
  unsigned const counted = ((flags & syn) != 0 ? 1U : 0U) + ((flags & fin) != 0 ? 1U : 0U);
  return sequence + static_cast<std::uint32_t>(length) + counted;
}

std::optional<segment> read_segment(std::span<std::uint8_t const> packet) {
  constexpr int version_bits = 4;
  if (packet.empty()) return std::nullopt;
  try {
    switch (packet.front() >> version_bits) {
      case 4: return read<Tins::IP>(packet);
      case 6: return read<Tins::IPv6>(packet);
      default: return std::nullopt;
    }
  } catch (Tins::malformed_packet const&) {
    return std::nullopt;
  }
}

bytes write_segment(segment const& what) {
  if (what.from.family() == AF_INET) return (Tins::IP(v4(what.to), v4(what.from)) / header_of(what)).serialize();
  return (Tins::IPv6(v6(what.to), v6(what.from)) / header_of(what)).serialize();
}

bytes write_unreachable(segment const& about, std::span<std::uint8_t const> packet) {
  Tins::RawPDU const quoted(packet.data(), static_cast<std::uint32_t>(packet.size()));
  if (about.from.family() == AF_INET) {
    constexpr std::uint8_t host = 1;
    Tins::ICMP message(Tins::ICMP::DEST_UNREACHABLE);
    message.code(host);
    return (Tins::IP(v4(about.from), v4(about.to)) / message / quoted).serialize();
  }
  constexpr std::uint8_t address = 3;
  Tins::ICMPv6 message(Tins::ICMPv6::DEST_UNREACHABLE);
  message.code(address);
  return (Tins::IPv6(v6(about.from), v6(about.to)) / message / quoted).serialize();
}

}  // namespace wire
