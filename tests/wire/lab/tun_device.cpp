// SPDX-License-Identifier: MIT
#include "tun_device.hpp"

#include "support/network_namespace.hpp"

#include <arpa/inet.h>
#include <linux/if_tun.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>

namespace wire {
namespace {

[[noreturn]] void give_up(std::string const& what) { throw unavailable(what + ": " + std::strerror(errno)); }

/// A machine without udev may lack the file, though its kernel has the driver.
tconn::socket open_tun() {
  int opened = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (opened < 0 && errno == ENOENT) {
    char folder[] = "/tmp/timed_connect.XXXXXX";
    if (::mkdtemp(folder) == nullptr) give_up("mkdtemp");
    auto const node = std::string(folder) + "/tun";
    constexpr unsigned misc = 10;
    constexpr unsigned tun = 200;
    if (::mknod(node.c_str(), S_IFCHR | S_IRUSR | S_IWUSR, makedev(misc, tun)) == 0)
      opened = ::open(node.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
    int const error = errno;
    ::unlink(node.c_str());
    ::rmdir(folder);
    errno = error;
  }
  if (opened < 0) give_up("/dev/net/tun cannot be opened");
  return tconn::socket(opened);
}

bool set(std::string const& sysctl, std::string const& value) {
  std::ofstream file("/proc/sys/net/" + sysctl);
  file << value << std::flush;
  return file.good();
}

ifreq request() {
  ifreq asked{};
  std::strcpy(asked.ifr_name, tun_device::name);
  return asked;
}

void must(int answer, char const* what) {
  if (answer < 0) give_up(what);
}

void configure_v4(int any) {
  auto const own = address_of(AF_INET, 1, 0);
  ifreq asked = request();
  std::memcpy(&asked.ifr_addr, own.data(), sizeof(sockaddr_in));
  must(::ioctl(any, SIOCSIFADDR, &asked), "SIOCSIFADDR");
  sockaddr_in mask{};
  mask.sin_family = AF_INET;
  mask.sin_addr.s_addr = ::inet_addr("255.255.255.0");
  asked = request();
  std::memcpy(&asked.ifr_netmask, &mask, sizeof mask);
  must(::ioctl(any, SIOCSIFNETMASK, &asked), "SIOCSIFNETMASK");
}

/// struct in6_ifreq of <linux/ipv6.h>, which quarrels with <netinet/in.h>.
struct v6_request {
  in6_addr address;
  std::uint32_t prefix_length;
  int interface_index;
};

void configure_v6() {
  set("ipv6/conf/all/disable_ipv6", "0");
  set(std::string("ipv6/conf/") + tun_device::name + "/disable_ipv6", "0");
  sockaddr_in6 own{};
  std::memcpy(&own, address_of(AF_INET6, 1, 0).data(), sizeof own);
  tconn::socket const any(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!any) give_up("no IPv6");
  constexpr std::uint32_t prefix_length = 64;
  v6_request const asked{own.sin6_addr, prefix_length, static_cast<int>(::if_nametoindex(tun_device::name))};
  must(::ioctl(any.native_handle(), SIOCSIFADDR, &asked), "SIOCSIFADDR for IPv6");
  // The kernel uses the address some time after it has taken it; until then it would send from ::1.
  for (int tries = 0; ::bind(any.native_handle(), reinterpret_cast<sockaddr*>(&own), sizeof own) != 0; ++tries) {
    constexpr int most_tries = 5000;
    if (tries == most_tries) give_up("the IPv6 address stays tentative");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

/// Takes the device's queue away (tc qdisc replace dev lab0 root noqueue). With one, what a thread sends while another
/// does is sent by the other, and may not be there yet when the system call returns.
void remove_queue() {
  struct {
    nlmsghdr header;
    tcmsg body;
    rtattr kind;
    char name[sizeof "noqueue"];
  } asked{};
  asked.header = {sizeof asked, RTM_NEWQDISC, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, 1, 0};
  asked.body.tcm_ifindex = static_cast<int>(::if_nametoindex(tun_device::name));
  asked.body.tcm_parent = TC_H_ROOT;
  asked.kind = {RTA_LENGTH(sizeof asked.name), TCA_KIND};
  std::memcpy(asked.name, "noqueue", sizeof asked.name);
  struct {
    nlmsghdr header;
    nlmsgerr body;
  } told{};
  tconn::socket const any(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  must(static_cast<int>(::send(any.native_handle(), &asked, sizeof asked, 0)), "RTM_NEWQDISC");
  must(static_cast<int>(::recv(any.native_handle(), &told, sizeof told, 0)), "RTM_NEWQDISC");
  errno = -told.body.error;
  if (told.header.nlmsg_type != NLMSG_ERROR || errno != 0) give_up("the device keeps its queue");
}

}  // namespace

tconn::endpoint address_of(int family, int host, std::uint16_t port) {
  auto const number = std::to_string(port);
  auto const text = family == AF_INET ? "192.0.2." + std::to_string(host) + ':' + number
                                      : "[2001:db8::" + std::to_string(host) + "]:" + number;
  return *tconn::endpoint::parse(text);
}

tun_device::tun_device() {
  if (!support::enter_network_namespace()) give_up("a network namespace of its own is not allowed");
  device_ = open_tun();
  ifreq asked = request();
  asked.ifr_flags = IFF_TUN | IFF_NO_PI;
  must(::ioctl(device_.native_handle(), TUNSETIFF, &asked), "TUNSETIFF");
  tconn::socket const any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  configure_v4(any.native_handle());
  asked = request();
  asked.ifr_qlen = 1 << 16;  // packets that nobody has read yet: those of thousands of peers
  must(::ioctl(any.native_handle(), SIOCSIFTXQLEN, &asked), "SIOCSIFTXQLEN");
  asked = request();
  asked.ifr_flags = IFF_UP | IFF_RUNNING;
  must(::ioctl(any.native_handle(), SIOCSIFFLAGS, &asked), "SIOCSIFFLAGS");
  configure_v6();
  remove_queue();
  // SYNs are repeated after 1, 3, 7 s on every kernel; since 6.5 the first four would be a second apart.
  set("ipv4/tcp_syn_linear_timeouts", "0");
  // A FIN that a busy machine acknowledges late is not to be sent twice. Kernels before 6.11 do not have this.
  set("ipv4/tcp_rto_min_us", "30000000");
}

std::optional<bytes> tun_device::read() const {
  constexpr std::size_t mtu = 1500;  // of a TUN device that has not been told another
  bytes packet(mtu);
  auto const count = ::read(descriptor(), packet.data(), packet.size());
  if (count <= 0) return std::nullopt;
  packet.resize(static_cast<std::size_t>(count));
  return packet;
}

void tun_device::write(bytes const& packet) const {
  if (::write(descriptor(), packet.data(), packet.size()) != static_cast<ssize_t>(packet.size()))
    throw std::system_error(errno, std::generic_category(), "the lab's packet");
}

}  // namespace wire
