// SPDX-License-Identifier: MIT
#pragma once

namespace tconn {
inline namespace v1 {

/// Of nothing that follows.

struct endpoint {};

}  // namespace v1
}  // namespace tconn
