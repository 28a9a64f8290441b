// SPDX-License-Identifier: MIT
struct linux_platform {
  static int open_event(int& watched) { return watched; }
  static constexpr bool abstract_names = true;
  static int set_option() { return 0; }
  static int kind(int handle, int& family) {
    return family = handle;
  }
};
