# SPDX-License-Identifier: MIT
# Sourced by the scripts that set up a bare Debian or Ubuntu. Each argument names a thing and the
# package that brings it, THING=PACKAGE; a thing is a command, a file with its whole path, or a
# header, which the compiler is asked for. Nothing is installed, and no network needed, when nothing is missing.

# What the examples take, what the adapters and the tests take, and the peers that the benchmarks are compared with.
example_needs='cmake=cmake ninja=ninja-build g++=g++ CLI/CLI.hpp=libcli11-dev nlohmann/json.hpp=nlohmann-json3-dev
  tins/tins.h=libtins-dev pcap/pcap.h=libpcap-dev pkg-config=pkg-config'
adapter_needs='asio/version.hpp=libasio-dev boost/asio/version.hpp=libboost-dev uv.h=libuv1-dev event2/event.h=libevent-dev
  curl/curl.h=libcurl4-openssl-dev openssl/ssl.h=libssl-dev openssl=openssl'
test_needs="$example_needs gtest/gtest.h=libgtest-dev ares.h=libc-ares-dev $adapter_needs"
peer_needs='asio/version.hpp=libasio-dev boost/version.hpp=libboost-dev Poco/Net/Net.h=libpoco-dev
  event2/event.h=libevent-dev uv.h=libuv1-dev curl/curl.h=libcurl4-openssl-dev ace/Version.h=libace-dev
  SFML/Config.hpp=libsfml-dev /usr/include/glib-2.0/glib.h=libglib2.0-dev liburing.h=liburing-dev
  pkg-config=pkg-config rustc=rustc'

is_there() {
  case $1 in
    /*) [ -e "$1" ] ;;
    *.h | *.hpp) echo "#include <$1>" | g++ -x c++ -E - >/dev/null 2>&1 ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
  esac
}

# Prints the packages of those arguments whose thing is missing.
missing_packages() {
  for pair in "$@"; do
    is_there "${pair%%=*}" || printf '%s ' "${pair#*=}"
  done
}

# Sets $as_root to what makes a command run as root, or fails.
may_become_root() {
  as_root=
  [ "$(id -u)" -eq 0 ] || { sudo -n true 2>/dev/null && as_root='sudo -n'; }
}

# Installs the packages if this user may; its caller looks at what came of it.
install_packages() {
  command -v apt-get >/dev/null 2>&1 && may_become_root || return 0
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

# What is done without them.
without='Tests that need these packages are skipped'

# Without these something is left out.
want() {
  packages=$(missing_packages "$@")
  [ -z "$packages" ] || install_packages $packages
  packages=$(missing_packages "$@")
  [ -z "$packages" ] || echo "$without: ${packages% }" >&2
}

# Unpacks a package without installing it; its caller looks at what came of it. The list of packages
# is renewed where an old one does not lead to it any more.
unpack_package() { # PACKAGE FOLDER
  command -v apt-get >/dev/null 2>&1 || return 0
  echo "unpacking $1 in $2" >&2
  log=$(mktemp)
  mkdir -p "$2"
  (
    cd "$2" &&
      { apt-get download "$1" ||
        { may_become_root && $as_root apt-get update && apt-get download "$1"; }; } &&
      dpkg-deb -x "$1"_*.deb . && rm "$1"_*.deb
  ) </dev/null >"$log" 2>&1 || tail -n 5 "$log" >&2
  rm -f "$log"
}

# The servers that tests start themselves, and the names of services. Installing them must not start one on this machine: three
# come in packages without a service. nginx does not, and is unpacked in the folder that is given;
# the libraries that it needs are everywhere, or come with cmake.
want_servers() {
  PATH=$PATH:/usr/sbin:/sbin:$1/usr/sbin
  want redis-check-rdb=redis-tools dropbear=dropbear-bin dnsmasq=dnsmasq-base /etc/services=netbase
  is_there nginx || unpack_package nginx "$1"
  is_there nginx || echo 'Tests that need this package are skipped: nginx' >&2
}
