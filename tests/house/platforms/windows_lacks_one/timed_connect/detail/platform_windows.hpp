// SPDX-License-Identifier: MIT
struct windows_platform {
  static constexpr bool abstract_names = false;
  static int open(int& opened) { return opened; }
  static char const* lookup_message(int) { return nullptr; }
};
