// SPDX-License-Identifier: MIT
// The packets of the lab, written and read back, over IPv4 and IPv6. What the kernel would find in them, the checksums
// above all, is worked out here anew, from RFC 791, 8200, 9293, 792 and 4443.
#include "wire/lab/packet.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>

namespace {

using wire::bytes;
using wire::segment;

constexpr std::size_t v4_header = 20;
constexpr std::size_t v6_header = 40;
constexpr std::size_t icmp_header = 8;
constexpr std::uint8_t icmp_v4 = 1;
constexpr std::uint8_t tcp = 6;
constexpr std::uint8_t udp = 17;
constexpr std::uint8_t icmp_v6 = 58;

using octets = std::span<std::uint8_t const>;

bool is_v4(octets packet) { return packet.front() >> 4 == 4; }
octets behind_ip(octets packet) { return packet.subspan(is_v4(packet) ? v4_header : v6_header); }
octets addresses(octets packet) { return is_v4(packet) ? packet.subspan(12, 8) : packet.subspan(8, 32); }
std::uint8_t protocol(octets packet) { return packet[is_v4(packet) ? 9 : 6]; }

/// The sum of RFC 1071, before its folding: 16 bits each, the last filled up with a zero.
std::uint64_t sum(octets of) {
  std::uint64_t total = 0;
  for (std::size_t at = 0; at < of.size(); ++at) total += at % 2 == 0 ? std::uint64_t{of[at]} << 8 : of[at];
  return total;
}

/// What was summed up together with its checksum is all ones.
bool is_right(std::uint64_t total) {
  while (total >> 16 != 0) total = (total & 0xffff) + (total >> 16);
  return total == 0xffff;
}

std::uint64_t sum_with_pseudo_header(octets packet) {
  return sum(addresses(packet)) + protocol(packet) + behind_ip(packet).size() + sum(behind_ip(packet));
}

class Packet : public testing::TestWithParam<int> {
 protected:
  static bool over_v4() { return GetParam() == AF_INET; }

  static segment made(unsigned flags, std::size_t length = 0) {
    auto const* const from = over_v4() ? "192.0.2.7:4321" : "[2001:db8::7]:4321";
    auto const* const to = over_v4() ? "192.0.2.1:50000" : "[2001:db8::1]:50000";
    return {*tconn::endpoint::parse(from), *tconn::endpoint::parse(to), flags, 0xfffffff0, 0x89abcdef, length};
  }
};

INSTANTIATE_TEST_SUITE_P(over, Packet, testing::Values(AF_INET, AF_INET6),
                         [](auto const& which) { return which.param == AF_INET ? "IPv4" : "IPv6"; });

TEST_P(Packet, is_read_as_it_was_written_whatever_its_flags) {
  for (unsigned flags = 0; flags < 64; ++flags) {
    for (std::size_t const length : {0U, 1U, 5U, 1000U}) {
      auto const written = made(flags, length);
      auto const read = wire::read_segment(wire::write_segment(written));
      ASSERT_TRUE(read) << written.name();
      EXPECT_EQ(read->from.to_string(), written.from.to_string());
      EXPECT_EQ(read->to.to_string(), written.to.to_string());
      EXPECT_EQ(read->flags, flags);
      EXPECT_EQ(read->sequence, written.sequence);
      EXPECT_EQ(read->acknowledgment, written.acknowledgment);
      EXPECT_EQ(read->length, length);
    }
  }
}

TEST_P(Packet, has_the_numbers_of_the_segment_where_TCP_looks_for_them) {
  auto const packet = wire::write_segment(made(wire::syn | wire::ack));
  auto const header = behind_ip(packet);
  ASSERT_EQ(protocol(packet), tcp);
  bytes const expected{0x10, 0xe1, 0xc3, 0x50, 0xff, 0xff, 0xff, 0xf0, 0x89, 0xab, 0xcd, 0xef};
  EXPECT_EQ(bytes(header.begin(), header.begin() + 12), expected);
  EXPECT_EQ(header[13], 0x12);
}

TEST_P(Packet, carries_as_much_of_what_is_said_as_it_should) {
  auto const packet = wire::write_segment(made(wire::psh | wire::ack, 5));
  auto const data = std::span(packet).last(5);
  EXPECT_EQ(std::string(data.begin(), data.end()), std::string(5, wire::said));
}

TEST_P(Packet, has_the_right_checksums) {
  for (unsigned const flags : {wire::syn + 0U, wire::syn | wire::ack, wire::rst + 0U, wire::psh | wire::ack}) {
    for (std::size_t const length : {0U, 4U, 5U}) {
      auto const packet = wire::write_segment(made(flags, length));
      EXPECT_TRUE(is_right(sum_with_pseudo_header(packet))) << made(flags, length).name();
      if (over_v4()) {
        EXPECT_TRUE(is_right(sum(std::span(packet).first(v4_header))));
      }
    }
  }
}

TEST_P(Packet, that_is_cut_off_anywhere_is_no_segment) {
  auto const whole = wire::write_segment(made(wire::syn | wire::ack, 5));
  ASSERT_TRUE(wire::read_segment(whole));
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(wire::read_segment(std::span(whole).first(length))) << length << " bytes of " << whole.size();
}

TEST_P(Packet, of_UDP_is_no_segment) {
  auto packet = wire::write_segment(made(wire::syn));
  packet[over_v4() ? 9 : 6] = udp;
  EXPECT_FALSE(wire::read_segment(packet));
}

TEST_P(Packet, about_another_packet_is_no_segment) {
  auto const lost = made(wire::syn);
  EXPECT_FALSE(wire::read_segment(wire::write_unreachable(lost, wire::write_segment(lost))));
}

TEST_P(Packet, of_random_bytes_disturbs_nobody) {
  std::mt19937 random(1);  // NOLINT(cert-msc32-c,cert-msc51-cpp): each run is to see the same bytes
  std::uniform_int_distribution<unsigned> any_byte(0, 255);
  std::uniform_int_distribution<std::size_t> any_length(0, 120);
  for (int tries = 0; tries < 5000; ++tries) {
    bytes packet(any_length(random));
    std::generate(packet.begin(), packet.end(), [&] { return static_cast<std::uint8_t>(any_byte(random)); });
    // Half of them get past the first look.
    if (!packet.empty() && tries % 2 == 0) packet[0] = over_v4() ? 0x45 : 0x60;
    EXPECT_NO_THROW(wire::read_segment(packet)) << "string " << tries;
  }
}

TEST_P(Packet, with_a_random_byte_in_it_disturbs_nobody) {
  std::mt19937 random(2);  // NOLINT(cert-msc32-c,cert-msc51-cpp): each run is to see the same bytes
  std::uniform_int_distribution<unsigned> any_byte(0, 255);
  auto const good = wire::write_segment(made(wire::syn, 5));
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int tries = 0; tries < 50; ++tries) {
      auto bad = good;
      bad[at] = static_cast<std::uint8_t>(any_byte(random));
      EXPECT_NO_THROW(wire::read_segment(bad)) << int{bad[at]} << " at " << at;
    }
  }
}

TEST_P(Packet, unreachable_comes_from_the_addressee_and_quotes_all_of_the_packet) {
  auto const lost = made(wire::syn);
  auto const quoted = wire::write_segment(lost);
  auto const packet = wire::write_unreachable(lost, quoted);
  ASSERT_EQ(protocol(packet), over_v4() ? icmp_v4 : icmp_v6);
  auto const from_and_to = addresses(packet);
  auto const half = static_cast<std::ptrdiff_t>(from_and_to.size() / 2);
  bytes turned(addresses(quoted).begin(), addresses(quoted).end());
  std::rotate(turned.begin(), turned.begin() + half, turned.end());
  EXPECT_EQ(bytes(from_and_to.begin(), from_and_to.end()), turned);
  auto const quotation = behind_ip(packet).subspan(icmp_header);
  ASSERT_GE(quotation.size(), quoted.size());
  EXPECT_EQ(bytes(quotation.begin(), quotation.begin() + static_cast<std::ptrdiff_t>(quoted.size())), quoted);
}

TEST_P(Packet, unreachable_says_that_the_host_is_and_has_the_right_checksums) {
  auto const lost = made(wire::syn);
  auto const packet = wire::write_unreachable(lost, wire::write_segment(lost));
  auto const message = behind_ip(packet);
  EXPECT_EQ(message[0], over_v4() ? 3 : 1);
  EXPECT_EQ(message[1], over_v4() ? 1 : 3);
  EXPECT_TRUE(is_right(over_v4() ? sum(message) : sum_with_pseudo_header(packet)));
  if (over_v4()) {
    EXPECT_TRUE(is_right(sum(std::span(packet).first(v4_header))));
  }
}

TEST(Segment, is_named_by_its_flags_and_how_much_it_carries) {
  auto const name = [](unsigned flags, std::size_t length = 0) { return segment{{}, {}, flags, 0, 0, length}.name(); };
  EXPECT_EQ(name(wire::syn), "SYN");
  EXPECT_EQ(name(wire::ack), "ACK");
  EXPECT_EQ(name(wire::rst), "RST");
  EXPECT_EQ(name(wire::syn | wire::ack), "SYN-ACK");
  EXPECT_EQ(name(wire::fin | wire::ack), "FIN-ACK");
  EXPECT_EQ(name(wire::rst | wire::ack), "RST-ACK");
  EXPECT_EQ(name(wire::psh | wire::ack, 5), "PSH-ACK(5)");
  EXPECT_EQ(name(wire::syn, 1000), "SYN(1000)");
  EXPECT_EQ(name(63), "SYN-FIN-RST-PSH-URG-ACK");
  EXPECT_EQ(name(0), "");
}

TEST(Segment, is_followed_by_a_number_that_counts_its_SYN_its_FIN_and_its_data) {
  auto const next = [](unsigned flags, std::size_t length, std::uint32_t sequence = 100) {
    return segment{{}, {}, flags, sequence, 0, length}.next();
  };
  EXPECT_EQ(next(wire::ack, 0), 100U);
  EXPECT_EQ(next(wire::rst, 0), 100U);
  EXPECT_EQ(next(wire::syn, 0), 101U);
  EXPECT_EQ(next(wire::syn | wire::ack, 0), 101U);
  EXPECT_EQ(next(wire::fin | wire::ack, 0), 101U);
  EXPECT_EQ(next(wire::psh | wire::ack, 5), 105U);
  EXPECT_EQ(next(wire::fin | wire::ack, 5), 106U);
  EXPECT_EQ(next(wire::syn | wire::fin, 5), 107U);
}

TEST(Segment, is_followed_by_a_number_that_begins_anew_at_the_end_of_all_numbers) {
  EXPECT_EQ((segment{{}, {}, wire::syn, 0xffffffff, 0, 0}.next()), 0U);
  EXPECT_EQ((segment{{}, {}, wire::ack, 0xfffffffe, 0, 5}.next()), 3U);
}

}  // namespace
