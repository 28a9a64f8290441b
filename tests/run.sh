#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds and runs the tests; ends with the summary and the exit status of ctest.
set -eu
cd "$(dirname "$0")/.."
. cmake/install_missing.sh

require $test_needs
want strace=strace x86_64-w64-mingw32-g++=g++-mingw-w64-x86-64-posix
want_servers "$PWD/build/servers"

# Older ones do not understand the presets, nor do they say so.
cmake --version | awk 'NR == 1 { split($3, v, "."); exit !(v[1] > 3 || v[1] == 3 && v[2] >= 25) }' || {
  echo 'Please install CMake 3.25 or later.' >&2
  exit 2
}

cmake --preset gcc
cmake --build --preset gcc
exec ctest --preset gcc
