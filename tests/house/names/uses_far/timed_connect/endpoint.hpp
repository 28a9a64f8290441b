// SPDX-License-Identifier: MIT
#pragma once
inline int const far{};
