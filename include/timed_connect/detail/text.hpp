// SPDX-License-Identifier: MIT
// What stands in the text of an endpoint: numbers, numeric addresses, interfaces. Strict: nothing but the usual form.
#pragma once

#include <timed_connect/detail/platform.hpp>

#include <cstdint>
#include <string_view>

namespace tconn {
inline namespace v1 {
namespace detail {

/// Digits alone, without leading zeros, up to `most`; false for anything else.
inline bool read_number(std::string_view text, std::uint64_t most, std::uint64_t& number) {
  if (text.empty() || text.size() > 10 || (text.size() > 1 && text.front() == '0')) return false;
  number = 0;
  for (char const digit : text) {
    if (digit < '0' || digit > '9') return false;
    number = number * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  return number <= most;
}

/// A copy that ends with a NUL, for the system's functions; not good if it does not fit or has a NUL of its own.
struct terminated {
  explicit terminated(std::string_view text)
      : good(!text.empty() && text.size() < sizeof characters && text.find('\0') == text.npos) {
    if (good) text.copy(characters, text.size());
  }
  char characters[64] = {};
  bool good;
};

/// A numeric address of a family, as inet_pton() reads it.
template <class Bytes>
bool read_address(int family, std::string_view text, Bytes& address) {
  terminated const copy(text);
  return copy.good && ::inet_pton(family, copy.characters, &address) == 1;
}

/// The index of an interface by its name, or by its number if there is one of that number; 0 if there is none. No name
/// has a colon: Linux would look up what stands before it (dev_ioctl.c, for labels such as "eth0:1").
inline std::uint32_t interface_index(std::string_view zone) {
  terminated const copy(zone);
  if (!copy.good || zone.find(':') != zone.npos) return 0;
  if (unsigned const index = platform::interface_by_name(copy.characters)) return index;
  std::uint64_t number = 0;
  char name[64];
  bool const exists = read_number(zone, UINT32_MAX, number) &&
                      platform::interface_by_index(static_cast<unsigned>(number), name) != nullptr;
  return exists ? static_cast<std::uint32_t>(number) : 0;
}

}  // namespace detail
}  // namespace v1
}  // namespace tconn
