// SPDX-License-Identifier: MIT
namespace native_error {
inline constexpr int already = WSAEALREADY;
inline constexpr int interrupted = WSAEINTR;
}
