// SPDX-License-Identifier: MIT
#include <Poco/Exception.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/Timespan.h>
#include <Poco/Version.h>

#include "peer.hpp"

namespace {

using peers::outcome;

outcome connect(tconn::endpoint const& to, std::chrono::microseconds limit) try {
  Poco::Net::StreamSocket socket;
  socket.connect(Poco::Net::SocketAddress(to.data(), to.size()), Poco::Timespan(limit.count()));
  socket.close();
  return outcome::connected;
} catch (Poco::TimeoutException const&) {
  return outcome::timed_out;
} catch (Poco::Net::ConnectionRefusedException const&) {
  return outcome::refused;
} catch (Poco::Exception const&) {
  return outcome::failed;
}

std::string version() {
  return std::to_string(POCO_VERSION >> 24U) + '.' + std::to_string(POCO_VERSION >> 16U & 0xffU) + '.' +
         std::to_string(POCO_VERSION >> 8U & 0xffU);
}

// Its interface takes microseconds, of which it makes whole milliseconds.
using namespace std::chrono_literals;
peers::entry const listed({"poco", version(), connect, 1us});

}  // namespace
