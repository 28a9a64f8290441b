// SPDX-License-Identifier: MIT
#include "peer.hpp"

#include <cstdint>

extern "C" int connect_by_rust_std(std::uint32_t host, std::uint16_t port, std::uint64_t limit_us);

namespace {

using peers::outcome;

outcome connect(tconn::endpoint const& to, std::chrono::microseconds limit) {
  auto const host = ntohl(peers::ipv4(to).sin_addr.s_addr);
  switch (connect_by_rust_std(host, to.port(), static_cast<std::uint64_t>(limit.count()))) {
    case 0: return outcome::connected;
    case 1: return outcome::timed_out;
    case 2: return outcome::refused;
    default: return outcome::failed;
  }
}

using namespace std::chrono_literals;
peers::entry const listed({"rust_std", RUST_VERSION, connect, 1us});

}  // namespace
