// SPDX-License-Identifier: MIT
// The judge: written from the promises of the README and the wire table alone, without a line of the library.
#pragma once

#include "exploration/observation.hpp"

#include <string>
#include <vector>

namespace exploration {

/// Which promises one connect has broken, in words; none if all were kept.
std::vector<std::string> objections(observation const& seen);

/// The same of a race or a batch.
std::vector<std::string> objections(observation_of_many const& seen);

}  // namespace exploration
