// SPDX-License-Identifier: MIT
#pragma once

namespace tconn {
inline namespace v1 {

/// A family.
enum class family { four, six };

}  // namespace v1
}  // namespace tconn
