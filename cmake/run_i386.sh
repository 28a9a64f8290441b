#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a program for i386: as it is where the kernel takes it, by qemu where not (CONFIG_IA32_EMULATION; some virtual
# machines have none). TIMED_CONNECT_NATIVE=1 in the environment makes the latter an error.
# Usage: run_i386.sh PROGRAM [ARGUMENT...]
root=/usr/i686-linux-gnu
loader=$root/lib/ld-linux.so.2
if [ -n "${TIMED_CONNECT_NATIVE-}" ] || "$loader" --version >/dev/null 2>&1; then
  exec "$loader" --library-path "$root/lib" "$@"
fi
exec qemu-i386 -L "$root" "$@"
