// SPDX-License-Identifier: MIT
#pragma once

namespace tconn {
inline namespace v1 {

namespace detail {
int hidden();
}  // namespace detail

inline int port() { return 0; }

}  // namespace v1
}  // namespace tconn
