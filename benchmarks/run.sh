#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds and runs the benchmarks, some minutes; all arguments are given to the program, such as --benchmark_filter=success.
# TIMED_CONNECT_ROUNDS=5 in the environment makes it quick, and coarse. With `internet` as the argument it is the other
# program, of docs/many.md, which takes three minutes. Ends with a status other than 0 if anything went wrong.
set -eu
cd "$(dirname "$0")/.."
. cmake/install_missing.sh

require cmake=cmake ninja=ninja-build g++=g++ benchmark/benchmark.h=libbenchmark-dev
without='Peers that need these packages are left out'
program=connect_benchmark
if [ "${1-}" = internet ]; then
  program=internet
  shift
  require tins/tins.h=libtins-dev pcap/pcap.h=libpcap-dev pkg-config=pkg-config liburing.h=liburing-dev
else
  want $peer_needs
fi

echo 'building the benchmarks' >&2
log=$(mktemp)
if ! { cmake --preset bench && cmake --build --preset bench --target "$program"; } >"$log" 2>&1; then
  cat "$log" >&2
  rm -f "$log"
  exit 1
fi
rm -f "$log"
exec "build/bench/benchmarks/$program" "$@"
