# SPDX-License-Identifier: MIT
# Sourced by the scripts that set up a bare Debian or Ubuntu. Each argument names a thing and the
# package that brings it, THING=PACKAGE; a thing is a command, or with a slash in it a header, which
# the compiler is asked for. Nothing is installed, and no network needed, when nothing is missing.

is_there() {
  case $1 in
    */*) echo "#include <$1>" | g++ -x c++ -E - >/dev/null 2>&1 ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
  esac
}

# Prints the packages of those arguments whose thing is missing.
missing_packages() {
  for pair in "$@"; do
    is_there "${pair%%=*}" || printf '%s ' "${pair#*=}"
  done
}

# Installs the packages if this user may; its caller looks at what came of it.
install_packages() {
  command -v apt-get >/dev/null 2>&1 || return 0
  as_root=
  if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || return 0
    as_root='sudo -n'
  fi
  echo "installing $*" >&2
  log=$(mktemp)
  { # Unquoted, as it may be empty or two words.
    $as_root apt-get update &&
      $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "$@"
  } </dev/null >"$log" 2>&1 || tail -n 5 "$log" >&2
  rm -f "$log"
}

# Without these nothing can be done.
require() {
  packages=$(missing_packages "$@")
  [ -z "$packages" ] || install_packages $packages
  packages=$(missing_packages "$@")
  [ -z "$packages" ] || {
    echo "Please install: ${packages% }" >&2
    exit 2
  }
}

# Without these some tests are skipped.
want() {
  packages=$(missing_packages "$@")
  [ -z "$packages" ] || install_packages $packages
  packages=$(missing_packages "$@")
  [ -z "$packages" ] || echo "Tests that need these packages are skipped: ${packages% }" >&2
}
