#!/bin/sh
# SPDX-License-Identifier: MIT
# Fuzzes each target for so many seconds, 60 unless told, or one of them: sh tests/fuzz.sh [SECONDS [NAME]]. It begins
# with the corpus of tests/fuzz/corpus; new inputs go to build/fuzz/corpus, and what breaks something to
# build/fuzz/broken, from where `build/fuzz/tests/fuzz/fuzz_NAME FILE` plays it again. What is worth keeping, by
#   build/fuzz/tests/fuzz/fuzz_NAME -merge=1 tests/fuzz/corpus/NAME build/fuzz/corpus/NAME
set -eu
cd "$(dirname "$0")/.."
. cmake/install_missing.sh

runtime=/usr/lib/llvm-14/lib/clang/14.0.6/lib/linux
require $test_needs clang++=clang $runtime/libclang_rt.asan-x86_64.a=libclang-rt-14-dev \
  $runtime/libclang_rt.fuzzer-x86_64.a=libclang-rt-14-dev

seconds=${1:-60}
names=${2:-$(ls tests/fuzz/corpus)}

cmake --preset fuzz
cmake --build --preset fuzz

# 128 bytes are more moves, and more text, than anything looks at; a script has more choices.
for name in $names; do
  case $name in script | endpoint) longest=256 ;; *) longest=128 ;; esac
  mkdir -p build/fuzz/corpus/$name build/fuzz/broken
  printf '\n=== %s ===\n' "$name"
  "build/fuzz/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -max_len=$longest -timeout=60 -print_final_stats=1 \
    -verbosity=0 -artifact_prefix="build/fuzz/broken/$name-" "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name"
done
