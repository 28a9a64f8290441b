// SPDX-License-Identifier: MIT
namespace native_error {
inline constexpr int already = EALREADY;
inline constexpr int interrupted = EINTR;
}
