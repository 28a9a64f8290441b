// SPDX-License-Identifier: MIT
// The version, in its one place: CMake reads it from here. Nothing in this library is configured by macros.
#pragma once

#define TIMED_CONNECT_VERSION "1.0.0-rc1"
