// SPDX-License-Identifier: MIT
#include "network.hpp"

#include "chance.hpp"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <map>

namespace soak {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

// Here is 10.0.0.0/9 and fd00::/64, behind the line is 10.128.0.0/9 and fd00:0:0:1::/64: one bit apart. What the kernel
// sends to an address behind the line comes back with that bit changed in both addresses, as if it came from there; and
// as one of the two bits is set and the other is not, the checksums remain right. Without a line, here is 127.0.0.0/9.
constexpr unsigned char first_byte = 10;
constexpr unsigned char first_byte_without_line = 127;
constexpr unsigned char line_bit_v4 = 0x80;  // of the second byte
constexpr unsigned char line_bit_v6 = 1;     // of the eighth byte
constexpr std::array<unsigned char, 8> prefix_v6{0xfd, 0, 0, 0, 0, 0, 0, 0};

tconn::endpoint v4(unsigned char first, std::uint32_t host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(std::uint32_t{first} << 24 | host);
  return {reinterpret_cast<sockaddr const*>(&address), sizeof address};
}

tconn::endpoint v6(std::uint32_t host, std::uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  std::memcpy(address.sin6_addr.s6_addr, prefix_v6.data(), prefix_v6.size());
  std::uint32_t const number = htonl(host);
  std::memcpy(address.sin6_addr.s6_addr + 12, &number, sizeof number);
  return {reinterpret_cast<sockaddr const*>(&address), sizeof address};
}

/// Without a network namespace of its own, another soak may be beside this one.
std::string unix_prefix() { return "soak." + std::to_string(::getpid()) + '.'; }

template <class Address>
Address as(tconn::endpoint const& from) {
  Address address{};
  std::memcpy(&address, from.data(), from.size());
  return address;
}

/// ip route add [local] ADDRESS/LENGTH dev DEVICE
void add_route(tconn::endpoint const& to, unsigned char length, char const* device, bool is_local) {
  struct {
    nlmsghdr header;
    rtmsg body;
    rtattr device;
    int index;
    rtattr target;
    std::array<unsigned char, sizeof(in6_addr)> address;
  } asked{};
  bool const is_v4 = to.family() == AF_INET;
  std::size_t const address_length = is_v4 ? sizeof(in_addr) : sizeof(in6_addr);
  auto const total = static_cast<unsigned>(sizeof asked - sizeof asked.address + address_length);
  asked.header = {total, RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE, 1, 0};
  asked.body.rtm_family = static_cast<unsigned char>(to.family());
  asked.body.rtm_dst_len = length;
  asked.body.rtm_table = is_local ? RT_TABLE_LOCAL : RT_TABLE_MAIN;
  asked.body.rtm_protocol = RTPROT_STATIC;
  asked.body.rtm_scope = is_local ? RT_SCOPE_HOST : RT_SCOPE_LINK;
  asked.body.rtm_type = is_local ? RTN_LOCAL : RTN_UNICAST;
  asked.device = {RTA_LENGTH(sizeof asked.index), RTA_OIF};
  asked.index = static_cast<int>(::if_nametoindex(device));
  asked.target = {static_cast<unsigned short>(RTA_LENGTH(address_length)), RTA_DST};
  auto const* const bytes = reinterpret_cast<unsigned char const*>(to.data());
  std::memcpy(asked.address.data(),
              bytes + (is_v4 ? offsetof(sockaddr_in, sin_addr) : offsetof(sockaddr_in6, sin6_addr)), address_length);
  struct {
    nlmsghdr header;
    nlmsgerr body;
  } answer{};
  tconn::socket const any(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  bool const is_answered = ::send(any.native_handle(), &asked, total, 0) == static_cast<ssize_t>(total) &&
                           ::recv(any.native_handle(), &answer, sizeof answer, 0) > 0;
  errno = is_answered ? -answer.body.error : errno;
  if (!is_answered || answer.body.error != 0)
    throw wire::unavailable("no route to " + to.to_string() + ": " + std::strerror(errno));
}

}  // namespace

network::network(std::uint64_t seed) {
  try {
    device_.emplace();
    // The lab repeats nothing within 30 s. Here a busy machine must not lose what it has dropped.
    std::ofstream("/proc/sys/net/ipv4/tcp_rto_min_us") << 200'000;
    add_route(v4(first_byte, 0, 0), 9, "lo", true);
    add_route(v6(0, 0), 64, "lo", true);
    add_route(behind_the_line(v4(first_byte, 0, 0)), 9, wire::tun_device::name, false);
    add_route(behind_the_line(v6(0, 0)), 64, wire::tun_device::name, false);
    carrier_ = std::thread([this, seed] { carry(seed); });
  } catch (wire::unavailable const& why) {
    device_.reset();
    why_no_line_ = why.what();
  }
}

network::~network() {
  ending_ = true;
  if (carrier_.joinable()) carrier_.join();
}

// Without a line the network is shared with others: one address, and a port that is free.
tconn::endpoint network::place_for_a_server(int family) {
  if (!has_line()) return v4(first_byte_without_line, 1, 0);
  auto const port = next_port_++;
  return family == AF_INET ? v4(0, 0, port) : *tconn::endpoint::parse("[::]:" + std::to_string(port));
}

std::vector<tconn::endpoint> network::addresses_of(tconn::endpoint const& server) const {
  if (!has_line()) return {server};
  std::vector<tconn::endpoint> all;
  constexpr std::uint32_t addresses = 4;
  for (std::uint32_t host = 1; host <= addresses; ++host)
    all.push_back(server.family() == AF_INET ? v4(first_byte, host, server.port()) : v6(host, server.port()));
  return all;
}

tconn::endpoint network::behind_the_line(tconn::endpoint const& address) const {
  if (address.family() == AF_INET) {
    auto turned = as<sockaddr_in>(address);
    turned.sin_addr.s_addr ^= htonl(std::uint32_t{line_bit_v4} << 16);
    return {reinterpret_cast<sockaddr const*>(&turned), sizeof turned};
  }
  auto turned = as<sockaddr_in6>(address);
  turned.sin6_addr.s6_addr[7] ^= line_bit_v6;
  return {reinterpret_cast<sockaddr const*>(&turned), sizeof turned};
}

tconn::endpoint network::source(int family, identity who) const {
  if (family == AF_INET) return v4(has_line() ? first_byte : first_byte_without_line, who, 0);
  if (family == AF_INET6) return v6(who, 0);
  return *tconn::endpoint::parse("unix:@" + unix_prefix() + std::to_string(who));
}

std::error_code network::bind(tconn::native_handle handle, int family, identity who) const {
  int const on = 1;
  // Nobody has told the kernel of all these addresses one by one.
  if (family == AF_INET6) ::setsockopt(handle, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on);
  if (family != AF_UNIX) ::setsockopt(handle, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  auto const from = source(family, who);
  if (::bind(handle, from.data(), from.size()) == 0) return {};
  return {errno, std::system_category()};
}

std::optional<identity> network::identity_of(tconn::endpoint const& peer) const {
  std::uint32_t number = 0;
  if (peer.family() == AF_INET) {
    number = ntohl(as<sockaddr_in>(peer).sin_addr.s_addr) & 0x7fffff;
  } else if (peer.family() == AF_INET6) {
    auto const address = as<sockaddr_in6>(peer);
    if (std::memcmp(address.sin6_addr.s6_addr, prefix_v6.data(), prefix_v6.size() - 1) != 0) return std::nullopt;
    std::memcpy(&number, address.sin6_addr.s6_addr + 12, sizeof number);
    number = ntohl(number);
  } else {
    auto const address = as<sockaddr_un>(peer);
    auto const length = peer.size() - offsetof(sockaddr_un, sun_path);
    auto const prefix = unix_prefix();
    if (!peer.valid() || length <= prefix.size() + 1) return std::nullopt;
    std::string const name(address.sun_path + 1, length - 1);
    if (name.compare(0, prefix.size(), prefix) == 0)
      number = static_cast<std::uint32_t>(std::stoul(name.substr(prefix.size())));
  }
  return number >= ledger::filler ? std::optional<identity>(number) : std::nullopt;
}

// Each packet waits for up to 2 ms, in the order of its own flow: one address to another.
void network::carry(std::uint64_t seed) {
  chance chosen(seed);
  std::multimap<clock::time_point, wire::bytes> waiting;
  std::array<clock::time_point, 1024> last_of_flow{};
  auto const turn = [](wire::bytes& packet) {
    bool const is_v4 = packet[0] >> 4 == 4;
    std::size_t const source = is_v4 ? 12 : 8;
    std::size_t const target = is_v4 ? 16 : 24;
    std::size_t const at = is_v4 ? 1 : 7;
    auto const bit = is_v4 ? line_bit_v4 : line_bit_v6;
    packet[source + at] ^= bit;
    packet[target + at] ^= bit;
    std::size_t flow = 0;
    for (auto i = source; i < target + (target - source); ++i) flow = flow * 31 + packet[i];
    return flow % std::tuple_size_v<decltype(last_of_flow)>;
  };
  auto const is_tcp = [](wire::bytes const& packet) {
    bool const is_v4 = packet[0] >> 4 == 4;
    return packet.size() >= 40 && packet[is_v4 ? 9 : 6] == IPPROTO_TCP;
  };
  while (!ending_) {
    pollfd entry{device_->descriptor(), POLLIN, 0};
    std::chrono::nanoseconds const left = waiting.empty() ? 20ms : waiting.begin()->first - clock::now();
    timespec const limit{0, left < 0ns ? 0 : left.count()};
    ::ppoll(&entry, 1, &limit, nullptr);
    while (auto packet = device_->read()) {
      if (!is_tcp(*packet)) continue;
      auto& last = last_of_flow[turn(*packet)];
      auto const delay = chosen.one_in(4) ? 0us : chosen.between(0us, 2000us);
      last = (std::max)(last, clock::now() + delay);
      waiting.emplace(last, std::move(*packet));
    }
    for (; !waiting.empty() && waiting.begin()->first <= clock::now(); waiting.erase(waiting.begin())) {
      device_->write(waiting.begin()->second);
      ++carried_;
    }
  }
}

}  // namespace soak
