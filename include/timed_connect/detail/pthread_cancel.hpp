// SPDX-License-Identifier: MIT
// What keeps the library safe under pthread_cancel(). POSIX only.
#pragma once

#include <pthread.h>

namespace tconn {
inline namespace v1 {
namespace detail {

/// Runs what a destructor may run: a pthread_cancel delivered inside close() of a noexcept destructor would abort the
/// program.
class cancellation_held_back {
 public:
  cancellation_held_back() noexcept { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  ~cancellation_held_back() { ::pthread_setcancelstate(before_, &before_); }
  cancellation_held_back(cancellation_held_back const&) = delete;
  cancellation_held_back& operator=(cancellation_held_back const&) = delete;

 private:
  int before_ = 0;
};

}  // namespace detail
}  // namespace v1
}  // namespace tconn
