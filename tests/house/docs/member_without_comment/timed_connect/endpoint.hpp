// SPDX-License-Identifier: MIT
#pragma once

namespace tconn {
inline namespace v1 {

/// An endpoint.
struct endpoint {
  int port = 0;  ///< In host order.
  int size{};
};

}  // namespace v1
}  // namespace tconn
