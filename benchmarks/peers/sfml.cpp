// SPDX-License-Identifier: MIT
#include <SFML/Config.hpp>
#include <SFML/Network/IpAddress.hpp>
#include <SFML/Network/TcpSocket.hpp>
#include <SFML/System/Time.hpp>

#include "peer.hpp"

namespace {

using peers::outcome;

outcome connect(tconn::endpoint const& to, std::chrono::microseconds limit) {
  sf::TcpSocket socket;
  sf::IpAddress const address(ntohl(peers::ipv4(to).sin_addr.s_addr));
  auto const status = socket.connect(address, to.port(), sf::microseconds(limit.count()));
  socket.disconnect();
  return status == sf::Socket::Done           ? outcome::connected
         : status == sf::Socket::NotReady     ? outcome::timed_out
         : status == sf::Socket::Disconnected ? outcome::refused
                                              : outcome::failed;
}

std::string version() {
  return std::to_string(SFML_VERSION_MAJOR) + '.' + std::to_string(SFML_VERSION_MINOR) + '.' +
         std::to_string(SFML_VERSION_PATCH);
}

using namespace std::chrono_literals;
peers::entry const listed({"sfml", version(), connect, 1us});

}  // namespace
