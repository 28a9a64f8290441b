#!/bin/sh
# SPDX-License-Identifier: MIT
# Changes the library in one small place at a time and looks whether a test notices; see mutate.py. The options are its own:
#   sh tests/mutation/run.sh --only detail/course.hpp
# Takes some hours without any; --continue goes on where a run has stopped. Exit status 1: a mutant has survived that explained.txt does not explain.
set -eu
cd "$(dirname "$0")/../.."
. cmake/install_missing.sh

require $test_needs python3=python3 clang++=clang /usr/lib/python3/dist-packages/clang/cindex.py=python3-clang-14
want strace=strace
want_servers "$PWD/build/servers"

# Debian's own Python, as only that one has Debian's packages.
exec nice -n 19 /usr/bin/python3 tests/mutation/mutate.py "$@"
