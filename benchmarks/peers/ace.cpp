// SPDX-License-Identifier: MIT
#include <ace/INET_Addr.h>
#include <ace/SOCK_Connector.h>
#include <ace/SOCK_Stream.h>
#include <ace/Time_Value.h>
#include <ace/Version.h>

#include "peer.hpp"

#include <cerrno>

namespace {

using peers::outcome;

outcome connect(tconn::endpoint const& to, std::chrono::microseconds limit) {
  auto const address = peers::ipv4(to);
  ACE_INET_Addr const remote(&address, sizeof address);
  ACE_Time_Value const time(limit.count() / 1'000'000, static_cast<suseconds_t>(limit.count() % 1'000'000));
  ACE_SOCK_Stream stream;
  if (ACE_SOCK_Connector().connect(stream, remote, &time) == 0) {
    stream.close();
    return outcome::connected;
  }
  return errno == ETIME || errno == EWOULDBLOCK ? outcome::timed_out : peers::outcome_of(errno);
}

// Its interface takes microseconds, of which it makes whole milliseconds.
using namespace std::chrono_literals;
peers::entry const listed({"ace", ACE_VERSION, connect, 1us});

}  // namespace
