#!/bin/sh
# SPDX-License-Identifier: MIT
# What including the library costs, with each standard header that it includes, and how large the smallest client is, beside
# the peers: prints tables, and writes them as JSON where a file is given. `sh benchmarks/compile_cost.sh [FILE]`, some minutes.
set -eu
cd "$(dirname "$0")/.."
. cmake/install_missing.sh

require g++=g++ gcc=gcc python3=python3
without='Peers that need these packages are left out'
want $peer_needs
exec python3 benchmarks/compile_cost.py "$@"
