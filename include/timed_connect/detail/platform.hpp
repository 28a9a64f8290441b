// SPDX-License-Identifier: MIT
// Picks the platform: the one place in the library that asks which operating system this is.
#pragma once

#include <timed_connect/detail/config.hpp>

#if defined(_WIN32)
#include <timed_connect/detail/platform_windows.hpp>
#elif defined(__linux__)
#include <timed_connect/detail/platform_linux.hpp>
#elif defined(__APPLE__)
#include <timed_connect/detail/platform_macos.hpp>
#else
#include <timed_connect/detail/platform_posix.hpp>
#endif

namespace tconn {
inline namespace v1 {
namespace detail {

#if defined(_WIN32)
using platform = windows_platform;
#elif defined(__linux__)
using platform = linux_platform;
#elif defined(__APPLE__)
using platform = macos_platform;
#else
using platform = posix_platform;
#endif

}  // namespace detail
}  // namespace v1
}  // namespace tconn
