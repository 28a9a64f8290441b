#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds and runs the benchmarks, about a minute; all arguments are given to the program, such as
# --benchmark_filter=success. Ends with a status other than 0 if anything went wrong.
set -eu
cd "$(dirname "$0")/.."
. cmake/install_missing.sh

require cmake=cmake ninja=ninja-build g++=g++ benchmark/benchmark.h=libbenchmark-dev

echo 'building the benchmarks' >&2
log=$(mktemp)
if ! { cmake --preset bench && cmake --build --preset bench; } >"$log" 2>&1; then
  cat "$log" >&2
  rm -f "$log"
  exit 1
fi
rm -f "$log"
exec build/bench/benchmarks/connect_benchmark "$@"
