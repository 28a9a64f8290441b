// SPDX-License-Identifier: MIT
#pragma once

#include "support/os.hpp"

#include <cstddef>

namespace support {

/// How many descriptors this process has open.
inline std::size_t open_descriptors() { return open_handles().size(); }

}  // namespace support
