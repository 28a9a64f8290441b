// SPDX-License-Identifier: MIT
namespace native_error {
inline constexpr int interrupted = WSAEALREADY;
inline constexpr int already = WSAEINTR;
}
