#!/bin/sh
# SPDX-License-Identifier: MIT
# Goes the ways of docs/install.md, from nothing to a connected socket, by its commands as they are written there:
#   sh tests/newcomer.sh           all of them; for a bare Debian, as root, as packages are installed
#   sh tests/newcomer.sh WAY...    some of them, which are named by their headings
# A way is a heading with commands below it: all its ```sh blocks, one after the other and behind those of "The source",
# with its ```cmake block as the CMakeLists.txt. The program that they end with must say "connected". One line a way tells what came of it. The repository that they begin with is one with this source tree alone, as its branch main.
set -eu
tree=$(cd "$(dirname "$0")/.." && pwd)
guide=$tree/docs/install.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Prints the code of one language below a heading.
code() { # HEADING LANGUAGE
  awk -v heading="## $1" -v fence="\`\`\`$2" '
    /^## / { here = $0 == heading }
    /^```$/ { inside = 0 }
    inside { print }
    here && $0 == fence { inside = 1 }' "$guide"
}

# The headings with commands, but those that are before every way.
ways() {
  awk '
    /^## / { heading = substr($0, 4) }
    /^```sh$/ && heading != "On Debian or Ubuntu" && heading != "The source" && !seen[heading]++ { print heading }' "$guide"
}

publish() {
  version=$(sed -n 's/^#define TIMED_CONNECT_VERSION "\(.*\)"/\1/p' "$tree/include/timed_connect/detail/config.hpp")
  repository="git --git-dir=$work/published/.git"
  git init --quiet "$work/published"
  $repository symbolic-ref HEAD refs/heads/main
  $repository --work-tree="$tree" add --all
  $repository -c user.name=newcomer -c user.email=newcomer@localhost commit --quiet -m "$version"
  [ -z "$(git -C "$tree" tag --list "v$version" 2>/dev/null)" ] || $repository tag "v$version"
  url=file://$work/published
  export url
}

missing() { # WAY
  tools='git cmake c++'
  case $1 in
    pkg-config) tools="$tools pkg-config" ;;
    'Debian package') tools="$tools dpkg-deb" ;;
    Conan) tools="$tools conan" ;;
    vcpkg) tools="$tools vcpkg" ;;
  esac
  for tool in $tools; do
    command -v "$tool" >/dev/null 2>&1 || printf '%s ' "$tool"
  done
}

folder_of() { echo "$1" | tr ' ' _; } # WAY

# In a subshell, as each way has a folder and an environment of its own.
go() ( # WAY
  folder=$work/$(folder_of "$1")
  mkdir "$folder"
  cd "$folder"
  { code 'The source' sh && code "$1" sh; } >commands
  code "$1" cmake >CMakeLists.txt
  CONAN_HOME=$folder/conan_home
  export CONAN_HOME
  last=connected
  [ "$1" != tconnect ] || last="tconnect $version"
  if ! sh -e commands </dev/null >log 2>&1 || [ "$(tail -n 1 log)" != "$last" ]; then
    cat log
    exit 1
  fi
  [ "$1" != tconnect ] || has_all_of_tconnect
)

has_all_of_tconnect() {
  installed=$(cd prefix && find . -type f | sort)
  wanted='./bin/tconnect
./share/bash-completion/completions/tconnect
./share/man/man1/tconnect.1
./share/zsh/site-functions/_tconnect'
  [ "$installed" = "$wanted" ] || {
    printf 'installed:\n%s\nwanted:\n%s\n' "$installed" "$wanted"
    exit 1
  }
}

if [ $# -eq 0 ]; then
  code 'On Debian or Ubuntu' sh >"$work/install"
  sh -e "$work/install" </dev/null >"$work/log" 2>&1 || {
    cat "$work/log"
    exit 1
  }
  ways >"$work/ways"
  while read -r way; do set -- "$@" "$way"; done <"$work/ways"
fi

failed=0
is_published=
for way in "$@"; do
  grep -qx "## $way" "$guide" || {
    echo "docs/install.md has no way '$way'." >&2
    exit 2
  }
  lacks=$(missing "$way")
  if [ -n "$lacks" ]; then
    echo "SKIPPED: $way, as these are not here: ${lacks% }"
    continue
  fi
  [ -n "$is_published" ] || publish
  is_published=yes
  if go "$way"; then
    echo "$way: $(tail -n 1 "$work/$(folder_of "$way")/log")"
  else
    echo "$way: FAILED"
    failed=1
  fi
done
exit $failed
