// SPDX-License-Identifier: MIT
#pragma once

namespace tconn {
inline namespace v1 {

// No comment of the documentation.
struct endpoint {};

}  // namespace v1
}  // namespace tconn
