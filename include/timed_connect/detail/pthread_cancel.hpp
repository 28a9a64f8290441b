// SPDX-License-Identifier: MIT
// What keeps the library safe under pthread_cancel(). POSIX only.
#pragma once

#include <timed_connect/detail/config.hpp>

#include <pthread.h>

namespace tconn {
inline namespace v1 {
namespace detail {

/// Runs what a destructor may run: a pthread_cancel delivered inside close() of a noexcept destructor would abort the
/// program.
class pthread_cancel_disabled {
 public:
  pthread_cancel_disabled() noexcept { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  ~pthread_cancel_disabled() { ::pthread_setcancelstate(before_, &before_); }
  pthread_cancel_disabled(pthread_cancel_disabled const&) = delete;
  pthread_cancel_disabled& operator=(pthread_cancel_disabled const&) = delete;

 private:
  int before_ = 0;
};

}  // namespace detail
}  // namespace v1
}  // namespace tconn
