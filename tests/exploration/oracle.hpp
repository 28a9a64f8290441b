// SPDX-License-Identifier: MIT
// The judge: written from the promises of the README and the wire table alone, without a line of the library.
#pragma once

#include "exploration/observation.hpp"

#include <string>
#include <vector>

namespace exploration {

/// Which promises one connect has broken, in words; none if all were kept.
std::vector<std::string> objections(observation const& seen);

}  // namespace exploration
