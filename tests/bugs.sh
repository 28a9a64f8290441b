#!/bin/sh
# SPDX-License-Identifier: MIT
# Puts one bug after the other into a copy of the headers, and looks whether the exploration fails:
#   sh tests/bugs.sh [NAME]...
# prints for each how many tests fail, the first one of them, and what the oracle says. Exit status 1: a bug is not noticed.
#   sh tests/bugs.sh --dry-run
# only looks whether the bugs can still be put where they belong.
set -eu
cd "$(dirname "$0")/.."
. cmake/install_missing.sh

all=$(cd tests/bugs && ls | sed 's/\.patch$//')
if [ "${1-}" = --dry-run ]; then
  command -v patch >/dev/null || {
    echo 'SKIPPED: patch is not installed (patch).'
    exit 0
  }
  for bug in $all; do
    patch --quiet --dry-run --fuzz=0 -p1 <"tests/bugs/$bug.patch"
  done
  exit 0
fi

require g++=g++ patch=patch gtest/gtest.h=libgtest-dev

work=$PWD/build/bugs
rm -rf "$work"
mkdir -p "$work"
compile() { # INCLUDE FOLDER NAME...
  include=$1 folder=$2
  shift 2
  for name; do
    g++ -std=gnu++20 -O1 -w -I "$include" -I tests -c "tests/exploration/$name.cpp" -o "$folder/$name.o"
  done
}
# What does not hold the library's logic is compiled once.
compile include "$work" director oracle single_test many_test

[ $# -gt 0 ] || set -- $all
status=0
for bug; do
  rm -rf "$work/with"
  mkdir -p "$work/with"
  cp -r include "$work/with"
  patch --quiet -d "$work/with" -p1 <"tests/bugs/$bug.patch"
  compile "$work/with/include" "$work/with" single many
  g++ "$work"/*.o "$work"/with/*.o -lgtest -lgtest_main -pthread -o "$work/with/exploration"
  # One event fewer than in the tests is enough. What waits for ever is ended.
  TIMED_CONNECT_MORE_EVENTS=-1 timeout 300 "$work/with/exploration" >"$work/$bug.txt" 2>&1 || true
  failed=$(sed -n 's/^\[  FAILED  \] \(.*\) (.*ms)$/\1/p' "$work/$bug.txt")
  printf '%s\n' "$bug"
  if [ -z "$failed" ]; then
    echo '    NOT NOTICED'
    status=1
    continue
  fi
  printf '    %s tests fail, %s first\n' "$(printf '%s\n' "$failed" | wc -l)" "$(printf '%s\n' "$failed" | head -n 1)"
  sed -n 's/^  promise /    /p' "$work/$bug.txt" | sort -u
done
exit $status
