#!/bin/sh
# SPDX-License-Identifier: MIT
# Measures everything, a quarter of an hour on a machine that does nothing else, and makes the tables of docs/performance.md and its
# pictures anew, and prints what the README is to show under "Cost". The figures themselves stay in build/performance.
# TIMED_CONNECT_ROUNDS=1 in the environment makes it quick, to see that it works. Ends with a status other than 0 if anything went wrong.
set -eu
cd "$(dirname "$0")/.."
. cmake/install_missing.sh

require python3=python3
without='Batches whose answers trickle in are left out without these packages'
want tins/tins.h=libtins-dev pcap/pcap.h=libpcap-dev pkg-config=pkg-config

figures=build/performance
mkdir -p $figures
rm -f $figures/*.json
status=0
sh benchmarks/run.sh --benchmark_out=$figures/connect.json --benchmark_out_format=json || status=$?
[ -s $figures/connect.json ] || exit $status
sh benchmarks/compile_cost.sh $figures/compile.json || status=$?
python3 benchmarks/report.py $figures docs
exit $status
