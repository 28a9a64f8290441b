// SPDX-License-Identifier: MIT
struct windows_waiting {
  static int poll(int limit) { return limit; }
  static int select_group(int count) { return count; }
  static int open_event(int& watched) { return watched; }
};
