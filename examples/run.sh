#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the examples and runs the handshake race, which is given all arguments.
set -eu
cd "$(dirname "$0")/.."
. cmake/install_missing.sh

require $example_needs

echo 'building the examples' >&2
log=$(mktemp)
if ! { cmake -S . -B build/examples -G Ninja -D CMAKE_CXX_COMPILER=g++ \
    -D CMAKE_BUILD_TYPE=RelWithDebInfo -D TIMED_CONNECT_BUILD_TESTS=OFF &&
  cmake --build build/examples --target examples/all; } >"$log" 2>&1; then
  cat "$log" >&2
  rm -f "$log"
  exit 1
fi
rm -f "$log"
exec build/examples/examples/handshake_race "$@"
