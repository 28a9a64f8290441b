// SPDX-License-Identifier: MIT
struct posix_waiting {
  static int poll(int limit) { return limit; }
  static int open_event(int& watched) { return watched; }
};
