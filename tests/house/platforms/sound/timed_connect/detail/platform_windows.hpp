// SPDX-License-Identifier: MIT
struct windows_platform {
  static constexpr bool abstract_names = false;
  static int open(int& opened) { return opened; }
  static int kind(int handle, int& family) {
    return family = handle;
  }
  static std::string lookup_message(int) { return {}; }
};
