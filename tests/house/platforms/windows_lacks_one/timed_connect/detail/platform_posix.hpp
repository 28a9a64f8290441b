// SPDX-License-Identifier: MIT
struct posix_platform {
  static constexpr bool abstract_names = false;
  static int open(int& opened) { return opened; }
  static int kind(int handle, int& family) {
    return family = handle;
  }
  static char const* lookup_message(int) { return nullptr; }
  static int get_int(int) { return 0; }
};
