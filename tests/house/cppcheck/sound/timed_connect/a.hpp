// SPDX-License-Identifier: MIT
#pragma once
inline int first(int const* numbers) { return numbers == nullptr ? 0 : *numbers; }
