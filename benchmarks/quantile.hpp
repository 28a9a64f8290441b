// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

/// The least value that is at least as large as a share of the values, 0 to 1: 0 is the least, 0.5 the median.
inline double quantile(std::vector<double> values, double share) {
  auto const last = values.size() - 1;
  auto const at = values.begin() + static_cast<std::ptrdiff_t>(static_cast<double>(last) * share + 0.5);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}
