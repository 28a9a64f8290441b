// SPDX-License-Identifier: MIT
// What becomes of a thread that pthread_cancel() ends.
#pragma once

#include <pthread.h>
#include <unistd.h>
#include <atomic>
#include <cstddef>  // for _LIBCPP_VERSION

namespace support {

/// Whether it ends at all. glibc unwinds it by GCC's library, and that crashes in programs that have LLVM's unwinder too,
/// as those with Debian's libc++ do.
#if defined(_LIBCPP_VERSION) && defined(__GLIBC__)
inline constexpr bool a_cancelled_thread_ends = false;
#else
inline constexpr bool a_cancelled_thread_ends = true;
#endif

/// Why a test is skipped that cancels a thread.
inline constexpr char const* two_unwinders = "pthread_cancel() crashes where LLVM's unwinder is linked beside GCC's";

namespace detail {

struct note_of_an_end {
  std::atomic<bool>& made;
  ~note_of_an_end() { made = true; }
};

inline void* wait_with_a_destructor(void* argument) {
  note_of_an_end const note{*static_cast<std::atomic<bool>*>(argument)};
  ::pause();
  return nullptr;
}

}  // namespace detail

/// Whether it runs its destructors, as with glibc. musl runs nobody's.
inline bool a_cancelled_thread_destroys() {
  std::atomic<bool> is_destroyed{false};
  pthread_t thread{};
  if (!a_cancelled_thread_ends ||
      ::pthread_create(&thread, nullptr, detail::wait_with_a_destructor, &is_destroyed) != 0)
    return false;
  ::pthread_cancel(thread);
  ::pthread_join(thread, nullptr);
  return is_destroyed;
}

}  // namespace support
