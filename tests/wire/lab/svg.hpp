// SPDX-License-Identifier: MIT
// A picture as SVG: the same rows as the ladder's, for a web page or a README. It is self-contained, brings its own
// ground and follows the reader's choice of light or dark. Colour only underlines: what is a RST, a FIN or lost is
// written as well. For those who listen, <desc> tells row by row what happens.
#pragma once

#include "wire/lab/picture.hpp"

#include <string>

namespace wire {

/// The picture as a whole SVG document, 640 wide. Its identifiers begin with the picture's name, so that several can
/// stand in one page.
std::string svg(picture const& drawn);

}  // namespace wire
