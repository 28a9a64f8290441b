#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the soak and runs it for so many seconds: sh tests/soak.sh [SECONDS [OPTION]...], 180 unless told otherwise; the
# options are those of `soak --help`. Ends with status 0 if nothing was lost.
set -eu
cd "$(dirname "$0")/.."
. cmake/install_missing.sh

require $test_needs

seconds=${1-180}
[ $# -eq 0 ] || shift

echo 'building the soak' >&2
log=$(mktemp)
if ! { cmake --preset gcc && cmake --build --preset gcc --target soak; } >"$log" 2>&1; then
  cat "$log" >&2
  rm -f "$log"
  exit 1
fi
rm -f "$log"
exec build/gcc/tests/soak --seconds "$seconds" "$@"
