// SPDX-License-Identifier: MIT
// What the tests ask of Windows. os_posix.hpp has the same names in the same order.
#pragma once

#include <timed_connect/socket.hpp>

#include <afunix.h>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

namespace support {

/// Of the last call that failed.
inline int last_error() { return ::WSAGetLastError(); }

/// What a call answers to a handle that is none.
inline constexpr int no_such_handle = WSAENOTSOCK;

/// What send() and recv() take as a length.
using byte_count = int;

/// For send(): no signal where the peer is gone.
inline constexpr int no_signal = 0;

/// How long a connect on loopback may take to be seen as complete once it was answered.
inline constexpr std::chrono::milliseconds connect_grace{300};

/// The tests' own sockets do not wait for the library to start Winsock up.
inline void start_winsock() {
  static WSADATA unused;
  static int const started = ::WSAStartup(0x0202, &unused);
  static_cast<void>(started);
}

/// Not inherited.
inline tconn::native_handle open_socket(int family, int type = SOCK_STREAM) {
  start_winsock();
  return ::WSASocketW(family, type, 0, nullptr, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
}

/// Windows has them since 10 1803, wine 8 has not.
inline bool has_unix_sockets() {
  auto const opened = open_socket(AF_UNIX);
  if (opened == tconn::no_handle) return false;
  ::closesocket(opened);
  return true;
}

inline void close_handle(tconn::native_handle handle) { ::closesocket(handle); }

/// Whether a program that is started has it too.
inline bool is_inherited(tconn::native_handle handle) {
  DWORD flags = HANDLE_FLAG_INHERIT;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): a socket is a handle
  ::GetHandleInformation(reinterpret_cast<HANDLE>(handle), &flags);
  return (flags & HANDLE_FLAG_INHERIT) != 0;
}

/// Winsock does not tell. A connected socket that has nothing to read tells by how it answers recv(): one that blocks
/// waits for as long as it was given, and says WSAETIMEDOUT.
inline bool is_nonblocking(tconn::native_handle handle) {
  DWORD before = 0;
  int length = sizeof before;
  ::getsockopt(handle, SOL_SOCKET, SO_RCVTIMEO, reinterpret_cast<char*>(&before), &length);
  DWORD const soon = 20;  // milliseconds
  ::setsockopt(handle, SOL_SOCKET, SO_RCVTIMEO, reinterpret_cast<char const*>(&soon), sizeof soon);
  char byte = 0;
  bool const waited = ::recv(handle, &byte, 1, MSG_PEEK) >= 0 || ::WSAGetLastError() != WSAEWOULDBLOCK;
  ::setsockopt(handle, SOL_SOCKET, SO_RCVTIMEO, reinterpret_cast<char const*>(&before), sizeof before);
  return !waited;
}

/// The sockets that this process has open. Handles are multiples of four, and a process of the tests has few.
inline std::set<std::string> open_handles() {
  start_winsock();
  std::set<std::string> found;
  for (std::uintptr_t handle = 4; handle < 0x1000; handle += 4) {
    int type = 0;
    int length = sizeof type;
    if (::getsockopt(handle, SOL_SOCKET, SO_TYPE, reinterpret_cast<char*>(&type), &length) == 0)
      found.insert(std::to_string(handle) + " -> socket");
  }
  return found;
}

/// How many threads this process has is not counted: the system starts some of its own.
inline std::ptrdiff_t thread_count() { return 0; }

/// Windows has no such limit.
class no_more_descriptors {
 public:
  static constexpr bool is_possible = false;
};

/// The name of the loopback interface in the text of a link-local address, which is its number.
inline std::string loopback_interface() { return "1"; }

}  // namespace support
