// SPDX-License-Identifier: MIT
// The addresses of a name, by a deadline. getaddrinfo() cannot be interrupted, so it runs in a thread that owns all it
// needs: at the deadline that thread is left to itself and whatever it finds is thrown away.
#pragma once

#include <timed_connect/timed_connect.hpp>

#include <netdb.h>
#include <sys/socket.h>
#include <cerrno>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace tconnect {

/// What a look-up has found by the deadline: addresses in the resolver's order (RFC 6724), or why there are none.
struct found {
  bool finished = false;
  std::string error{};
  std::vector<tconn::endpoint> addresses{};
};

inline found ask_resolver(std::string const& host, std::string const& service) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  found answer{/*finished*/ true};
  if (int const error = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &list)) {
    answer.error = error == EAI_SYSTEM ? std::generic_category().message(errno) : ::gai_strerror(error);
    return answer;
  }
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> const owned(list, ::freeaddrinfo);
  for (; list != nullptr; list = list->ai_next) answer.addresses.emplace_back(list->ai_addr, list->ai_addrlen);
  return answer;
}

inline found look_up(std::string const& host, std::string const& service, tconn::time_point until) {
  struct shared {
    std::mutex mutex{};
    std::condition_variable done{};
    found answer{};
  };
  auto const board = std::make_shared<shared>();
  try {
    std::thread([board, host, service] {
      auto answer = ask_resolver(host, service);
      std::lock_guard const lock(board->mutex);
      board->answer = std::move(answer);
      board->done.notify_one();
    }).detach();
  } catch (std::system_error const& error) {
    return {/*finished*/ true, std::string("no thread for the look-up: ") + error.what(), {}};
  }
  std::unique_lock lock(board->mutex);
  auto const is_finished = [&] { return board->answer.finished; };
  board->done.wait_until(lock, until, is_finished);
  return board->answer;
}

}  // namespace tconnect
