// SPDX-License-Identifier: MIT
// For code of the documents that plays with packets.
#pragma once

#include "wire/lab/lab.hpp"
#include "wire/lab/tun_device.hpp"

#include <cstdio>
#include <cstdlib>

namespace docs {

/// Ends the program where there can be no lab, with the status that ctest takes for "skipped".
inline void require_lab() {
  try {
    wire::lab const probe;
  } catch (wire::unavailable const& why) {
    std::printf("SKIPPED: there is no wire lab: %s\n", why.what());
    std::exit(77);
  }
}

}  // namespace docs
