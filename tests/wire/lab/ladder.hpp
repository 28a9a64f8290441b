// SPDX-License-Identifier: MIT
// A picture as plain text: time, client, wire and server side by side, one row below the other, as in a textbook. It
// stands in terminals, in the README and in a failing test; so it is ASCII, and no line has more than 100 characters.
#pragma once

#include "wire/lab/picture.hpp"

#include <string>

namespace wire {

/// The picture as text. The last line ends with a newline, and no line with spaces.
std::string ladder(picture const& drawn);

}  // namespace wire
