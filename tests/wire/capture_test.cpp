// SPDX-License-Identifier: MIT
// The capture files, read back by libpcap as tcpdump and Wireshark do.
#include "wire/lab/capture.hpp"

#include <gtest/gtest.h>

#include <pcap/pcap.h>
#include <unistd.h>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;
using wire::kind;
using packet = std::vector<std::uint8_t>;

struct captured {
  int link_type = -1;
  std::vector<packet> packets{};
  std::vector<microseconds> times{};
};

captured read_back(std::string const& path) {
  captured read;
  char error[PCAP_ERRBUF_SIZE] = "";
  pcap_t* const file = ::pcap_open_offline(path.c_str(), error);
  if (file == nullptr) throw std::runtime_error(error);
  read.link_type = ::pcap_datalink(file);
  pcap_pkthdr* header = nullptr;
  unsigned char const* bytes = nullptr;
  while (::pcap_next_ex(file, &header, &bytes) == 1) {
    read.packets.emplace_back(bytes, bytes + header->caplen);
    read.times.push_back(std::chrono::seconds(header->ts.tv_sec) + microseconds(header->ts.tv_usec));
  }
  ::pcap_close(file);
  return read;
}

/// A file that is gone at the end of the test.
class temporary_file {
 public:
  temporary_file() {
    int const file = ::mkstemp(path_.data());
    if (file < 0) throw std::runtime_error("mkstemp");
    ::close(file);
  }
  temporary_file(temporary_file const&) = delete;
  temporary_file& operator=(temporary_file const&) = delete;
  ~temporary_file() { std::remove(path_.c_str()); }
  std::string const& path() const { return path_; }

 private:
  std::string path_ = testing::TempDir() + "capture_XXXXXX";
};

packet ipv4(std::uint8_t flags) {
  return {0x45, 0,    0, 40, 0, 1, 0x40, 0, 64, 6, 0, 0, 192,  0,     2,    1,    192, 0, 2, 2,
          0x9c, 0x40, 0, 80, 0, 0, 0,    1, 0,  0, 0, 0, 0x50, flags, 0xff, 0xff, 0,   0, 0, 0};
}

packet ipv6(std::uint8_t flags) {
  packet made{0x60, 0, 0, 0, 0, 20, 6, 64};
  made.resize(40);
  made[8] = made[24] = 0xfd;
  made[23] = 1;
  made[39] = 2;
  auto const inner = ipv4(flags);
  made.insert(made.end(), inner.begin() + 20, inner.end());
  return made;
}

constexpr std::uint8_t syn = 0x02;
constexpr std::uint8_t rst = 0x04;
constexpr std::uint8_t syn_ack = 0x12;

wire::trace seen(wire::clock::time_point start) {
  wire::trace made;
  made.happenings = {{kind::call, start, "start_connect"},
                     {kind::from_client, start + 10us, "SYN", /*lost*/ true, ipv4(syn)},
                     {kind::from_client, start + 1s, "SYN", false, ipv6(syn)},
                     {kind::from_peer, start + 1s + 5us, "SYN-ACK", /*lost*/ true, ipv6(syn_ack)},
                     {kind::moment, start + 2s, "deadline"},
                     {kind::from_peer, start + 3s, "SYN-ACK", false, ipv4(syn_ack)},
                     {kind::from_client, start + 3s + 1us, "RST", false, ipv4(rst)}};
  return made;
}

TEST(Capture, holds_what_a_sniffer_at_the_client_sees_byte_by_byte_and_in_order) {
  temporary_file const file;
  wire::write_capture(file.path(), seen(wire::clock::now()));
  EXPECT_EQ(read_back(file.path()).packets, (std::vector<packet>{ipv4(syn), ipv6(syn), ipv4(syn_ack), ipv4(rst)}));
}

TEST(Capture, says_that_the_packets_begin_with_their_ip_header) {
  temporary_file const file;
  wire::write_capture(file.path(), seen(wire::clock::now()));
  EXPECT_EQ(read_back(file.path()).link_type, DLT_RAW);
}

TEST(Capture, tells_the_time_of_day_and_keeps_the_distances) {
  temporary_file const file;
  auto const before = std::chrono::system_clock::now().time_since_epoch();
  wire::write_capture(file.path(), seen(wire::clock::now() - 60s));
  auto const times = read_back(file.path()).times;
  ASSERT_EQ(times.size(), 4U);
  EXPECT_NEAR(std::chrono::duration<double>(times[0] - before).count(), -60, 5);
  EXPECT_NEAR(static_cast<double>((times[1] - times[0]).count()), 999'990, 1);
  EXPECT_NEAR(static_cast<double>((times[3] - times[1]).count()), 2'000'001, 1);
}

/// What write_capture() throws.
std::string complaint_about(std::string const& path) {
  try {
    wire::write_capture(path, seen(wire::clock::now()));
  } catch (std::runtime_error const& thrown) {
    return thrown.what();
  }
  return "";
}

TEST(Capture, names_the_path_that_cannot_be_opened) {
  EXPECT_NE(complaint_about("/nowhere/at/all.pcap").find("/nowhere/at/all.pcap"), std::string::npos);
}

TEST(Capture, does_not_keep_silent_about_a_full_disk) {
  EXPECT_NE(complaint_about("/dev/full").find("/dev/full"), std::string::npos);
}

}  // namespace
