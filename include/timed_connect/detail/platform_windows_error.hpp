// SPDX-License-Identifier: MIT
// The errors of Winsock 2, and its header. As everywhere, <winsock2.h> or a header of this library comes before a
// <windows.h> that is not lean. What that one is to leave out is up to the program.
#pragma once

#include <timed_connect/detail/config.hpp>

#include <cstddef>
#include <string>
#include <system_error>

#pragma push_macro("NOMINMAX")
#undef NOMINMAX
#define NOMINMAX
#ifndef _WINSOCK2API_
#undef _WINSOCKAPI_  // MinGW's <winsock2.h> copes with an earlier <winsock.h>, but warns of it
#endif
#include <winsock2.h>
#include <ws2tcpip.h>
#pragma pop_macro("NOMINMAX")

namespace tconn {
inline namespace v1 {

/// The native errors that the logic names. Everything else passes through it unread.
namespace native_error {
inline constexpr int already = WSAEALREADY;
inline constexpr int address_not_available = WSAEADDRNOTAVAIL;
inline constexpr int bad_handle = WSAEBADF;
inline constexpr int connection_aborted = WSAECONNABORTED;
inline constexpr int connection_reset = WSAECONNRESET;
inline constexpr int host_unreachable = WSAEHOSTUNREACH;
inline constexpr int in_progress = WSAEINPROGRESS;  // Windows says WSAEWOULDBLOCK, see connect()
inline constexpr int interrupted = WSAEINTR;
inline constexpr int is_connected = WSAEISCONN;
inline constexpr int network_down = WSAENETDOWN;
inline constexpr int network_unreachable = WSAENETUNREACH;
inline constexpr int no_buffer_space = WSAENOBUFS;
inline constexpr int no_such_path = ERROR_FILE_NOT_FOUND;
inline constexpr int not_connected = WSAENOTCONN;
inline constexpr int not_enough_memory = WSA_NOT_ENOUGH_MEMORY;
inline constexpr int not_supported = WSAEOPNOTSUPP;
inline constexpr int protocol_not_supported = WSAEPROTONOSUPPORT;
inline constexpr int refused = WSAECONNREFUSED;
inline constexpr int shut_down = WSAESHUTDOWN;
inline constexpr int timed_out = WSAETIMEDOUT;
inline constexpr int too_many_open = WSAEMFILE;
inline constexpr int too_many_open_in_all = WSAEPROCLIM;
inline constexpr int try_again = WSAEWOULDBLOCK;
inline constexpr int unknown_option = WSAENOPROTOOPT;
inline constexpr int wrong_family = WSAEAFNOSUPPORT;
inline constexpr int wrong_type = WSAEPROTOTYPE;
}  // namespace native_error

namespace detail {

/// Winsock's numbers compare equal to their std::errc. Microsoft's library does that for its std::system_category();
/// those of MinGW and of LLVM do not.
class winsock_category final : public std::error_category {
 public:
  char const* name() const noexcept override { return "winsock"; }

  std::string message(int code) const override {
    char text[256];
    DWORD const language = 0;  // the user's
    std::size_t length = ::FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, nullptr,
                                          static_cast<DWORD>(code), language, text, sizeof text, nullptr);
    while (length != 0 && (text[length - 1] == '\n' || text[length - 1] == '\r' || text[length - 1] == '.')) --length;
    if (length != 0) return std::string(text, length);
    return "error " + std::to_string(code);
  }

  std::error_condition default_error_condition(int code) const noexcept override {
    switch (code) {
      case WSAEINTR: return std::errc::interrupted;
      case WSAEBADF: return std::errc::bad_file_descriptor;
      case WSAEACCES: return std::errc::permission_denied;
      case WSAEFAULT: return std::errc::bad_address;
      case WSAEINVAL: return std::errc::invalid_argument;
      case WSAEMFILE: return std::errc::too_many_files_open;
      case WSAEPROCLIM: return std::errc::too_many_files_open_in_system;
      case WSAEWOULDBLOCK: return std::errc::resource_unavailable_try_again;
      case WSAEINPROGRESS: return std::errc::operation_in_progress;
      case WSAEALREADY: return std::errc::connection_already_in_progress;
      case WSAENOTSOCK: return std::errc::not_a_socket;
      case WSAEDESTADDRREQ: return std::errc::destination_address_required;
      case WSAEMSGSIZE: return std::errc::message_size;
      case WSAEPROTOTYPE: return std::errc::wrong_protocol_type;
      case WSAENOPROTOOPT: return std::errc::no_protocol_option;
      case WSAEPROTONOSUPPORT: return std::errc::protocol_not_supported;
      case WSAEOPNOTSUPP: return std::errc::operation_not_supported;
      case WSAEAFNOSUPPORT: return std::errc::address_family_not_supported;
      case WSAEADDRINUSE: return std::errc::address_in_use;
      case WSAEADDRNOTAVAIL: return std::errc::address_not_available;
      case WSAENETDOWN: return std::errc::network_down;
      case WSAENETUNREACH: return std::errc::network_unreachable;
      case WSAENETRESET: return std::errc::network_reset;
      case WSAECONNABORTED: return std::errc::connection_aborted;
      case WSAECONNRESET: return std::errc::connection_reset;
      case WSAENOBUFS: return std::errc::no_buffer_space;
      case WSAEISCONN: return std::errc::already_connected;
      case WSAENOTCONN: return std::errc::not_connected;
      case WSAETIMEDOUT: return std::errc::timed_out;
      case WSAECONNREFUSED: return std::errc::connection_refused;
      case WSAELOOP: return std::errc::too_many_symbolic_link_levels;
      case WSAENAMETOOLONG: return std::errc::filename_too_long;
      case WSAEHOSTUNREACH: return std::errc::host_unreachable;
      case WSAENOTEMPTY: return std::errc::directory_not_empty;
      case WSA_NOT_ENOUGH_MEMORY: return std::errc::not_enough_memory;
      case ERROR_FILE_NOT_FOUND: return std::errc::no_such_file_or_directory;
      default: return {code, *this};
    }
  }
};

}  // namespace detail

/// The category of native errors, in which they reach the caller.
inline std::error_category const& native_category() noexcept {
  static detail::winsock_category const category;
  return category;
}

}  // namespace v1
}  // namespace tconn
