// SPDX-License-Identifier: MIT
#pragma once
inline int small = 0;
