// SPDX-License-Identifier: MIT
#pragma once
#include <sys/small.h>
// The min of all, which is small; "near" is far.
inline constexpr char const* text = "unix: //max \"ERROR\" linux";
inline constexpr int minimum = 1, far_away = 2, is_unix = 3; // major
inline constexpr auto longest = (std::chrono::hours::max)() /* the max */;
