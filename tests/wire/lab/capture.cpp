// SPDX-License-Identifier: MIT
// libpcap writes the file: libtins' PacketWriter has no name for DLT_RAW.
#include "wire/lab/capture.hpp"

#include <pcap/pcap.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <stdexcept>

namespace wire {
namespace {

using capture = std::unique_ptr<pcap_t, decltype([](pcap_t* one) { ::pcap_close(one); })>;
using dumper = std::unique_ptr<pcap_dumper_t, decltype([](pcap_dumper_t* one) { ::pcap_dump_close(one); })>;

constexpr int longest_packet = 262'144;  // tcpdump's own limit

bool is_in_capture(happening const& one) {
  return one.what == kind::from_client || (one.what == kind::from_peer && !one.lost);
}

timeval as_timeval(std::chrono::system_clock::duration since_epoch) {
  auto const seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  auto const rest = std::chrono::floor<std::chrono::microseconds>(since_epoch - seconds);
  timeval time{};
  time.tv_sec = static_cast<decltype(time.tv_sec)>(seconds.count());
  time.tv_usec = static_cast<decltype(time.tv_usec)>(rest.count());
  return time;
}

}  // namespace

void write_capture(std::string const& path, trace const& seen) {
  capture const format(::pcap_open_dead(DLT_RAW, longest_packet));
  if (!format) throw std::runtime_error(path + ": no memory for a capture");
  dumper const file(::pcap_dump_open(format.get(), path.c_str()));
  if (!file) throw std::runtime_error(path + ": " + ::pcap_geterr(format.get()));
  // Read once, so that the distances between the packets stay what they were.
  auto const steady_now = clock::now();
  auto const day_now = std::chrono::system_clock::now().time_since_epoch();
  for (auto const& one : seen.happenings) {
    if (!is_in_capture(one)) continue;
    pcap_pkthdr header{};
    header.ts = as_timeval(day_now - (steady_now - one.at));
    header.len = header.caplen = static_cast<bpf_u_int32>(one.bytes.size());
    ::pcap_dump(reinterpret_cast<unsigned char*>(file.get()), &header, one.bytes.data());
  }
  // pcap_dump() tells nothing of a full disk.
  if (::pcap_dump_flush(file.get()) != 0 || std::ferror(::pcap_dump_file(file.get())) != 0)
    throw std::runtime_error(path + ": cannot be written");
}

}  // namespace wire
