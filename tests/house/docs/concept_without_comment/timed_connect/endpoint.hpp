// SPDX-License-Identifier: MIT
#pragma once

namespace tconn {
inline namespace v1 {

template <class T>
concept named = true;

}  // namespace v1
}  // namespace tconn
