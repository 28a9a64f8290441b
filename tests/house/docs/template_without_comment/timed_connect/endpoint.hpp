// SPDX-License-Identifier: MIT
#pragma once

namespace tconn {
inline namespace v1 {

/// Has one.
struct endpoint {};

template <class T>
using list = T*;

}  // namespace v1
}  // namespace tconn
