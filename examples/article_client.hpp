// SPDX-License-Identifier: MIT
// "Non-blocking connect, then select" as it stands in many an article, with the faults that it usually has:
//  - writable is taken for connected, and SO_ERROR is never read: a refusal can read as "connect ok!";
//  - readable and writable, which an error is, and a server that speaks first, is nobody's case;
//  - the timeout goes into tv_usec alone, so a second or more is no valid time;
//  - a descriptor of 1024 or more writes past the end of the fd_set;
//  - O_NONBLOCK is taken back on one path only;
//  - at the timeout the socket is closed without a look: a connection that the server has accepted is thrown away
//  unseen.
// It is here to be watched, not to be used.
#pragma once

#include <timed_connect/endpoint.hpp>

#include <fcntl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>
#include <functional>
#include <string>

namespace article {

/// The places between its system calls at which a test or a demonstration can let something happen.
struct moments {
  std::function<void(int)> before_select{};
  std::function<void(int)> before_close{};
};

struct belief {
  std::string connect_said{};
  std::string then{};
};

inline belief connect_and_close(tconn::endpoint const& to, long timeout_us, moments const& between = {}) {
  belief believed;
  int const client = ::socket(to.family(), SOCK_STREAM, 0);
  ::fcntl(client, F_SETFL, ::fcntl(client, F_GETFL, 0) | O_NONBLOCK);
  int const answer = ::connect(client, to.data(), to.size());
  believed.connect_said = std::to_string(answer) + " (" + std::strerror(errno) + ")";
  if (answer != 0 && errno != EINPROGRESS) {
    believed.then = std::string("connect error: ") + std::strerror(errno);
  } else if (answer != 0) {
    if (between.before_select) between.before_select(client);
    timeval limit{0, static_cast<suseconds_t>(timeout_us)};
    fd_set readable;
    fd_set writable;
    FD_ZERO(&readable);
    FD_ZERO(&writable);
    FD_SET(client, &readable);
    FD_SET(client, &writable);
    int const ready = ::select(client + 1, &readable, &writable, nullptr, &limit);
    if (ready < 0) {
      believed.then = "select error";
    } else if (ready == 0) {
      believed.then = "connect time out";
    } else if (ready == 1 && FD_ISSET(client, &writable)) {
      believed.then = "connect ok!";
      ::fcntl(client, F_SETFL, ::fcntl(client, F_GETFL, 0) & ~O_NONBLOCK);
    } else {
      believed.then = "oh, not care now, n is " + std::to_string(ready);
    }
  }
  if (between.before_close) between.before_close(client);
  ::close(client);
  return believed;
}

}  // namespace article
