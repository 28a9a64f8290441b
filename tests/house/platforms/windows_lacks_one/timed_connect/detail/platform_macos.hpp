// SPDX-License-Identifier: MIT
struct macos_platform {
  static int open(int& opened) { return opened; }
};
