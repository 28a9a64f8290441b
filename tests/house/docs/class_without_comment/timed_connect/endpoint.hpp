// SPDX-License-Identifier: MIT
#pragma once

namespace tconn {
inline namespace v1 {

class endpoint {
  int port = 0;
};

}  // namespace v1
}  // namespace tconn
