// SPDX-License-Identifier: MIT
// What the program asks of its system, beyond what the standard library has.
#pragma once

#if defined(_WIN32)
#include "process_windows.hpp"
#else
#include "process_posix.hpp"
#endif
