// SPDX-License-Identifier: MIT
// What the tests ask of the operating system, beyond what has the same name everywhere.
#pragma once

#if defined(_WIN32)
#include "support/os_windows.hpp"
#else
#include "support/os_posix.hpp"
#endif

#include <timed_connect/detail/platform.hpp>

namespace support {

/// Linux decides by shutdown(), and tells what is left behind; elsewhere that is not known. Only Linux has abstract names.
inline constexpr bool is_linux = tconn::detail::platform::abstract_names;

}  // namespace support
