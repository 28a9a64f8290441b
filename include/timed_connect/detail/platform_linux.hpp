// SPDX-License-Identifier: MIT
// What Linux adds to POSIX: how far the handshake is (TCP_INFO), whom a socket is on its way to (SO_PEERNAME), a reset
// without a close (connect() to AF_UNSPEC), Multipath TCP, and a few options. See tcp(7), socket(7), ip(7).
// The numbers stand here because <netinet/tcp.h> and <linux/tcp.h> cannot both be included; they are the kernel's ABI.
#pragma once

#include <timed_connect/detail/platform_posix.hpp>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <cstring>

namespace tconn {
inline namespace v1 {
namespace detail {

struct linux_platform : posix_platform {
  static int open_queue(native_handle& queue) {
    queue = ::epoll_create1(EPOLL_CLOEXEC);
    return answer(queue);
  }
  /// EPOLLONESHOT: reported once, so that a socket that was handed over is never reported again.
  static int watch(native_handle queue, native_handle handle, std::uint32_t token) {
    epoll_event wanted{};
    wanted.events = EPOLLOUT | EPOLLONESHOT;
    wanted.data.u32 = token;
    int const error = answer(::epoll_ctl(queue, EPOLL_CTL_ADD, handle, &wanted));
    return error == EEXIST ? answer(::epoll_ctl(queue, EPOLL_CTL_MOD, handle, &wanted)) : error;
  }
  static int take_ready(native_handle queue, std::uint32_t* tokens, std::size_t& count) {
    constexpr std::size_t most_at_once = 64;
    epoll_event ready[most_at_once];
    int const taken = ::epoll_wait(queue, ready, static_cast<int>(count < most_at_once ? count : most_at_once), 0);
    count = taken < 0 ? 0 : static_cast<std::size_t>(taken);
    for (std::size_t i = 0; i < count; ++i) tokens[i] = ready[i].data.u32;
    return answer(taken);
  }

  static int open_event(native_handle& watched, native_handle& raised) {
    watched = raised = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return answer(watched);
  }

  // cppcheck-suppress duplInheritedMember; this is how a system differs from POSIX
  static constexpr bool abstract_names = true;

  static int open(native_handle& opened, int family, bool multipath) {
    constexpr int mptcp = 262;  // IPPROTO_MPTCP
    return open_protocol(opened, family, multipath ? mptcp : 0);
  }

  static int set_option(native_handle handle, socket_option option, int value) {
    switch (option) {
      case socket_option::user_timeout_ms: return set_int(handle, IPPROTO_TCP, 18 /* TCP_USER_TIMEOUT */, value);
      case socket_option::syn_count: return set_int(handle, IPPROTO_TCP, 7 /* TCP_SYNCNT */, value);
      case socket_option::mark: return set_int(handle, SOL_SOCKET, SO_MARK, value);
      default: return posix_platform::set_option(handle, option, value);
    }
  }

  /// A local address without a port takes its port at connect(), where it need only differ per peer; without
  /// IP_BIND_ADDRESS_NO_PORT (24, since 4.2) bind() would use up one of the few ephemeral ports for every peer.
  static int bind(native_handle handle, sockaddr const* address, address_length length, bool any_port) {
    if (any_port) set_int(handle, IPPROTO_IP, 24, 1);
    return posix_platform::bind(handle, address, length, any_port);
  }

  static int bind_to_interface(native_handle handle, char const* name, std::size_t length) {
    return answer(::setsockopt(handle, SOL_SOCKET, SO_BINDTODEVICE, name, static_cast<address_length>(length)));
  }

  /// af_inet.c: a second connect() answers EALREADY in SYN_SENT and SYN_RECV, the error once it failed, and 0 exactly
  /// when the handshake is complete. Other families answer EISCONN or start anew.
  static constexpr bool second_connect_proves(int family) { return family == AF_INET || family == AF_INET6; }

  /// SO_PEERNAME refuses a buffer that is longer than the name, so the caller's length must be the family's.
  static int name(native_handle handle, name_of which, sockaddr* address, address_length& length) {
    if (which != name_of::target) return posix_platform::name(handle, which, address, length);
    return answer(::getsockopt(handle, SOL_SOCKET, 28 /* SO_PEERNAME */, address, &length));
  }

  /// RST now if the connection is established, silence if it is not. SO_LINGER would leave the RST to the last close(),
  /// which a descriptor copied by fork() or dup() holds back; connect(AF_UNSPEC) runs the same kernel function at once.
  static int disconnect(native_handle handle) {
    pthread_cancel_disabled const held;
    sockaddr nobody{};
    nobody.sa_family = AF_UNSPEC;
    return answer(::connect(handle, &nobody, sizeof nobody));
  }

  /// MSG_TRUNC lets TCP skip what it holds without copying it, see tcp(7); a Unix socket wants a buffer and says
  /// EFAULT.
  static int discard_received(native_handle handle) {
    constexpr std::size_t most_at_once = 1 << 20;
    pthread_cancel_disabled const held;
    // cppcheck-suppress nullPointer; no buffer is touched
    auto const count = ::recv(handle, nullptr, most_at_once, MSG_DONTWAIT | MSG_TRUNC);
    if (count >= 0) return count > 0 ? 0 : native_error::try_again;
    return errno == EFAULT ? posix_platform::discard_received(handle) : errno;
  }

  /// An ICMP error about an IPv4 SYN is not only SO_ERROR: without being asked to, the kernel queues it as well
  /// (tcp_ipv4.c, tcp_v4_err), and poll() says POLLERR, whatever the socket does next, until it is read. See recvmsg(2).
  static int discard_report(native_handle handle) {
    char nothing = 0;
    pthread_cancel_disabled const held;
    return answer(static_cast<int>(::recv(handle, &nothing, 0, MSG_ERRQUEUE | MSG_DONTWAIT)));
  }

  /// The kernel notes at each segment of the peer's, before it looks into it, on which processor that came (tcp_ipv4.c,
  /// tcp_v4_rcv). -1, with which a socket begins, is none: SO_INCOMING_CPU, see socket(7); it can be set since 4.4. Only
  /// TCP itself does so: the outer socket of Multipath TCP sees no segments.
  static int mark_arrivals(native_handle handle) {
    int protocol = 0;
    if (int const error = get_int(handle, SOL_SOCKET, 38 /* SO_PROTOCOL */, protocol)) return error;
    if (protocol != IPPROTO_TCP) return native_error::not_supported;
    return set_int(handle, SOL_SOCKET, 49 /* SO_INCOMING_CPU */, -1);
  }
  static int has_arrived(native_handle handle, bool& arrived) {
    int processor = -1;
    address_length length = sizeof processor;
    int const error = answer(::getsockopt(handle, SOL_SOCKET, 49, &processor, &length));
    arrived = processor != -1;
    return error;
  }

  static int tcp(native_handle handle, tcp_facts& facts) {
    unsigned char info[tcp_info_read]{};
    address_length length = sizeof info;
    if (::getsockopt(handle, IPPROTO_TCP, 11 /* TCP_INFO */, info, &length) < 0) return errno;
    facts = read_tcp_info(info, length);
    return 0;
  }

  /// A socket filter that lets nothing through, or all (qemu-user has no SO_DETACH_FILTER): to a listener every SYN is then
  /// lost, as if on the way. The structs are those of <linux/filter.h>, and the one instruction is BPF_RET | BPF_K. See
  /// socket(7).
  static int set_deaf(native_handle handle, bool deaf) {
    struct instruction {
      unsigned short code = 6;
      unsigned char unused[2] = {};
      unsigned length_kept = 0;
    } keep;
    if (!deaf) keep.length_kept = 0xffffffff;
    struct {
      unsigned short count = 1;
      instruction* first = nullptr;
    } program;
    program.first = &keep;
    return answer(::setsockopt(handle, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
  }

  /// Several sockets of one user may be bound to one address.
  static int share_port(native_handle handle) { return set_int(handle, SOL_SOCKET, SO_REUSEPORT, 1); }

  /// struct tcp_info up to and including tcpi_bytes_acked (since 4.1), which counts a SYN as one; tcpi_state is its first
  /// byte.
  static constexpr std::size_t tcp_info_read = 128;
  static constexpr std::size_t total_retrans_at = 100;
  static constexpr std::size_t bytes_acked_at = 120;

  /// An emulated kernel may fill less than was asked for (qemu-user 7.2: 4 bytes). Only what came is used.
  static tcp_facts read_tcp_info(unsigned char const* info, std::size_t length) {
    tcp_facts facts;
    if (length > 0) facts.state = state_of(info[0]);
    if (std::uint32_t count = 0; length >= total_retrans_at + sizeof count) {
      std::memcpy(&count, info + total_retrans_at, sizeof count);
      facts.syn_retransmits = count;
    }
    if (std::uint64_t acknowledged = 0; length >= bytes_acked_at + sizeof acknowledged) {
      std::memcpy(&acknowledged, info + bytes_acked_at, sizeof acknowledged);
      facts.syn_acknowledged = acknowledged != 0;
    }
    return facts;
  }

  /// include/net/tcp_states.h. CLOSE_WAIT (8), which the peer has ended, is `established` here: we can still send.
  static constexpr tcp_state state_of(unsigned char kernel_state) {
    switch (kernel_state) {
      case 2: return tcp_state::syn_sent;
      case 3: return tcp_state::syn_received;
      case 7: return tcp_state::closed;
      case 1:
      case 8: return tcp_state::established;
      default: return kernel_state >= 4 && kernel_state <= 11 ? tcp_state::ended : tcp_state::unknown;
    }
  }
};

}  // namespace detail
}  // namespace v1
}  // namespace tconn
