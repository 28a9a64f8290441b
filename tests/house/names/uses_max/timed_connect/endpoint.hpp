// SPDX-License-Identifier: MIT
#pragma once
inline auto f() { return std::chrono::hours::max(); }
