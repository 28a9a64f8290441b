// SPDX-License-Identifier: MIT
#pragma once
inline constexpr int on_linux = __linux__;
