// SPDX-License-Identifier: MIT
// Sanitizers, valgrind and emulators make a program slow; tests that are large on purpose are smaller there.
#pragma once

#include "support/os.hpp"

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <string_view>

namespace support {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool is_sanitized = true;
#elif defined(__has_feature)
constexpr bool is_sanitized =
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer);
#else
constexpr bool is_sanitized = false;
#endif

inline bool is_under_valgrind() {
  char const* const preloaded = std::getenv("LD_PRELOAD");
  return preloaded != nullptr && std::string_view(preloaded).find("vgpreload") != std::string_view::npos;
}

/// Slow machinery gets a tenth of the endpoints.
inline std::size_t scaled(std::size_t size) {
  return is_under_valgrind() ? size / 40 : is_sanitized ? size / 10 : size;
}

/// And more time for what has to be done before a deadline.
inline std::chrono::nanoseconds unhurried(std::chrono::nanoseconds time) {
  int const emulator = tells_what_is_left() ? 1 : 10;
  return time * (is_under_valgrind() ? 20 : is_sanitized ? 4 : emulator);
}

/// What nothing but computes is slow without optimising too.
#if defined(__OPTIMIZE__)
constexpr bool is_optimised = !is_sanitized;
#else
constexpr bool is_optimised = false;
#endif

}  // namespace support
