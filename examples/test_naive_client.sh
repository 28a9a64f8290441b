#!/bin/sh
# SPDX-License-Identifier: MIT
# Lets the naive client connect to the server and looks at what it says.
# Usage: test_naive_client.sh BUILD_DIR [EMULATOR...], the folder that holds both programs, and what runs them.
set -eu
server=${1:?BUILD_DIR}/server
client=$1/naive_client
shift

output=$(mktemp -d)
server_pid=
clean_up() {
  [ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null || :
  rm -rf "$output"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM
fail() {
  echo "$1" >&2
  tail -n +1 "$output"/* >&2
  exit 1
}

# Port 0 lets the system choose a free port; the first line tells which.
"$@" "$server" 0 </dev/null >"$output/server" 2>&1 &
server_pid=$!
port=
tries=0
while [ -z "$port" ]; do
  [ "$tries" -lt 100 ] || fail "The server did not say in 10 s where it listens."
  kill -0 "$server_pid" 2>/dev/null || fail "The server has ended before it listened."
  tries=$((tries + 1))
  sleep 0.1
  port=$(sed -n '1s/^listening on \([0-9][0-9]*\)$/\1/p' "$output/server")
done

"$@" "$client" 127.0.0.1 "$port" 500000 >"$output/client" 2>&1 || fail "The client has failed."
for line in 'connect ok!' 'I am here!'; do
  grep -qF "$line" "$output/client" || fail "The client did not print '$line'."
done
