#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds and runs the tests; ends with what large tests have counted, and the summary and the exit status of ctest.
set -eu
cd "$(dirname "$0")/.."
. cmake/install_missing.sh

require $test_needs
want git=git doxygen=doxygen strace=strace tmux=tmux zsh=zsh groff=groff-base cppcheck=cppcheck patch=patch python3=python3 x86_64-w64-mingw32-g++=g++-mingw-w64-x86-64-posix
want_servers "$PWD/build/servers"

# Older ones do not understand the presets, nor do they say so.
cmake --version | awk 'NR == 1 { split($3, v, "."); exit !(v[1] > 3 || v[1] == 3 && v[2] >= 25) }' || {
  echo 'Please install CMake 3.25 or later.' >&2
  exit 2
}

cmake --preset gcc
cmake --build --preset gcc

# What tests have counted stands just above ctest's summary, see tests/support/counts.hpp.
TIMED_CONNECT_COUNTS=$PWD/build/gcc/counts.txt
export TIMED_CONNECT_COUNTS
: >"$TIMED_CONNECT_COUNTS"
status=$PWD/build/gcc/status.txt
rm -f "$status"
{ code=0; ctest --preset gcc 2>&1 || code=$?; echo $code >"$status"; } | while IFS= read -r line; do
  case $line in
    [0-9]*'% tests passed, '*) sort "$TIMED_CONNECT_COUNTS" ;;
  esac
  printf '%s\n' "$line"
done
exit "$(cat "$status")"
