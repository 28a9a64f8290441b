// SPDX-License-Identifier: MIT
#pragma once

namespace tconn {
inline namespace v1 {

/// An endpoint.
class endpoint {
  int hidden = 0;

 public:
  int size = 0;
};

}  // namespace v1
}  // namespace tconn
