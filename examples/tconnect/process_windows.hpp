// SPDX-License-Identifier: MIT
// process_posix.hpp has the same names in the same order.
#pragma once

#include <io.h>
#include <cstdio>
#include <cstdlib>

namespace tconnect {

/// A socket is no descriptor of a stream here.
inline void occupy_closed_standard_streams() {}

/// There is none.
inline void raise_the_limit_of_descriptors() {}

inline bool is_terminal(std::FILE* stream) { return ::_isatty(::_fileno(stream)) != 0; }

/// A signal handler may call it.
[[noreturn]] inline void end_at_once(int status) { std::_Exit(status); }

}  // namespace tconnect
