// SPDX-License-Identifier: MIT
#pragma once
inline int first(int const* numbers) {
  if (numbers == nullptr) return *numbers;
  return 0;
}
