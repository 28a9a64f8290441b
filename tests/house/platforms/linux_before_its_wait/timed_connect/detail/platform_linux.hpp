// SPDX-License-Identifier: MIT
struct linux_platform {
  static constexpr bool abstract_names = false;
  static int open_event(int& watched) { return watched; }
};
