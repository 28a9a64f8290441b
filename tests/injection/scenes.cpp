// SPDX-License-Identifier: MIT
// Plays a scene with real sockets while injection_test.cpp lets its system calls fail or take long, and holds the outcome
// against the promises: every descriptor is gone, a borrowed one is as it was, the deadline is kept, what is connected is.
// It looks by means that do not fail: /proc and send(). Prints each outcome in a line, CATEGORY NUMBER HANDSHAKE AFTERMATH;
// exit status 0 if all promises were kept, 1 if not, 2 for wrong usage. With MODE_IS_STUCK in the environment the call
// fails that gives a borrowed descriptor its mode back.
// Usage: scenes SCENE LIMIT_MS ENDPOINT...
#include <timed_connect/timed_connect.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::chrono_literals;
using tconn::aftermath;
using tconn::on_timeout;
using steady = std::chrono::steady_clock;

struct stage {
  std::vector<tconn::endpoint> to;
  std::chrono::milliseconds limit;
};

bool all_kept = true;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables): the exit status

void unless(bool holds, std::string_view otherwise) {
  if (holds) return;
  all_kept = false;
  std::cerr << "broken: " << otherwise << '\n';
}

std::set<std::string> descriptors() {
  std::set<std::string> found;
  DIR* const directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return found;
  auto const own = std::to_string(::dirfd(directory));
  while (dirent const* const entry = ::readdir(directory)) {
    if (entry->d_name != own) found.insert(entry->d_name);
  }
  ::closedir(directory);
  return found;
}

bool is_nonblocking(int descriptor) {
  std::ifstream information("/proc/self/fdinfo/" + std::to_string(descriptor));
  for (std::string word; information >> word;) {
    if (word == "flags:" && information >> word) return (std::stoul(word, nullptr, 8) & O_NONBLOCK) != 0;
  }
  return false;
}

void check_connected(int descriptor, bool nonblocking) {
  unless(::send(descriptor, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1, "told as connected, and is not");
  unless(is_nonblocking(descriptor) == nonblocking, "connected, in the wrong mode");
}

/// What holds of any failure, and what it says.
void tell(std::error_code const& code, tconn::handshake handshake, aftermath left) {
  std::cout << code.category().name() << ' ' << code.value() << ' ' << to_string(handshake) << ' ' << to_string(left)
            << '\n';
  unless(static_cast<bool>(code), "a failure without a reason");
}

template <class Result>
void check(Result const& result, stage const& on, steady::time_point began) {
  auto const took = steady::now() - began;
  unless(took < on.limit + 5s, "the deadline was not kept");  // a call may be delayed by 3.5 s
  if (result) {
    std::cout << "connected\n";
    return;
  }
  auto const& failure = result.error();
  tell(failure.code, failure.handshake, failure.aftermath);
  if (failure.code == tconn::errc::deadline_exceeded) unless(took >= on.limit && failure.elapsed >= on.limit, "early");
}

void owned(stage const& on, tconn::connect_options const& options) {
  auto const began = steady::now();
  auto const result = tconn::timed_connect(on.to[0], on.limit, options);
  check(result, on, began);
  if (result)
    check_connected(result->native_handle(), options.nonblocking);
  else
    unless(result.error().pending.has_value() == (result.error().aftermath == aftermath::kept), "kept, or not?");
}

void resumed(stage const& on) {
  auto result = tconn::timed_connect(on.to[0], on.limit / 2, {.on_timeout = on_timeout::keep});
  if (result || !result.error().pending) return check(result, {on.to, on.limit / 2}, steady::now() - on.limit / 2);
  auto const began = steady::now();
  auto const finished = result.error().pending->wait(on.limit, on_timeout::reset);
  check(finished, on, began);
  if (finished) check_connected(finished->native_handle(), false);
}

void borrowed(stage const& on, int flags, on_timeout how) {
  tconn::socket const mine(::socket(on.to[0].family(), SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  auto const before = descriptors();
  auto const began = steady::now();
  auto const result = tconn::timed_connect(mine.native_handle(), on.to[0], on.limit, {.on_timeout = how});
  check(result, on, began);
  if (result) check_connected(mine.native_handle(), flags != 0);
  unless(descriptors() == before, "the borrowed descriptor was closed, or another is left");
  // Its mode cannot be given back if the call fails that gives it back.
  bool const is_stuck = std::getenv("MODE_IS_STUCK") != nullptr;  // NOLINT(concurrency-mt-unsafe): the only thread
  unless(is_nonblocking(mine.native_handle()) == (flags != 0) || is_stuck,
         "the borrowed descriptor's mode has changed");
}

void pending(stage const& on) {
  auto started = tconn::start_connect(on.to[0]);
  if (!started) return check(started, on, steady::now());
  for (int tries = 0; tries < 3; ++tries) {
    if (auto const finished = started->try_finish()) return check(*finished, on, steady::now() - on.limit);
    ::poll(nullptr, 0, 2);
  }
  auto const began = steady::now();
  auto const result = started->wait(on.limit, on_timeout::close);
  check(result, on, began);
  if (result) check_connected(result->native_handle(), false);
}

void any(stage const& on) {
  auto const began = steady::now();
  auto const result = tconn::timed_connect_any(on.to, on.limit, {.stagger = 10ms, .hedge_after = 6ms});
  check(result, on, began);
  if (result) check_connected(result->native_handle(), false);
}

void all(stage const& on) {
  // From 64 endpoints on there is a queue. Those that are none cost no call.
  std::vector<tconn::endpoint> many(64);
  many.insert(many.end(), on.to.begin(), on.to.end());
  auto const began = steady::now();
  auto const results = tconn::timed_connect_all(many, on.limit, {.each = {.on_timeout = on_timeout::reset}});
  unless(results.size() == many.size(), "not as many results as endpoints");
  for (std::size_t i = 64; i < results.size(); ++i) {
    check(results[i], on, began);
    if (results[i]) check_connected(results[i]->native_handle(), false);
  }
}

void retry(stage const& on) {
  auto const began = steady::now();
  auto const result =
      tconn::timed_connect_retry(on.to[0], on.limit, {.first_pause = 5ms, .longest_pause = 10ms, .seed = 1});
  check(result, on, began);
  if (result) check_connected(result->native_handle(), false);
}

struct scene {
  std::string_view name;
  void (*play)(stage const&);
};

constexpr scene scenes[] = {
    {"close", [](stage const& on) { owned(on, {.on_timeout = on_timeout::close}); }},
    {"reset", [](stage const& on) { owned(on, {.on_timeout = on_timeout::reset}); }},
    {"keep", [](stage const& on) { owned(on, {.on_timeout = on_timeout::keep}); }},
    {"close_late", [](stage const& on) { owned(on, {.on_timeout = on_timeout::close, .accept_late = false}); }},
    {"reset_late", [](stage const& on) { owned(on, {.on_timeout = on_timeout::reset, .accept_late = false}); }},
    {"options",
     [](stage const& on) {
       owned(on, {.nonblocking = true, .local = tconn::endpoint::loopback_v4(0), .no_delay = true, .syn_count = 3});
     }},
    {"resumed", resumed},
    {"borrowed_close", [](stage const& on) { borrowed(on, 0, on_timeout::close); }},
    {"borrowed_reset", [](stage const& on) { borrowed(on, SOCK_NONBLOCK, on_timeout::reset); }},
    {"borrowed_keep", [](stage const& on) { borrowed(on, 0, on_timeout::keep); }},
    {"pending", pending},
    {"any", any},
    {"all", all},
    {"retry", retry},
};

}  // namespace

int main(int count, char** arguments) try {
  if (count < 4) return 2;
  stage on{{}, std::chrono::milliseconds(std::stoi(arguments[2]))};
  for (int i = 3; i < count; ++i) on.to.push_back(tconn::endpoint::parse(arguments[i]).value());
  for (auto const& [name, play] : scenes) {
    if (name != arguments[1]) continue;
    auto const before = descriptors();
    play(on);
    unless(descriptors() == before, "a descriptor is left");
    return all_kept ? 0 : 1;
  }
  return 2;
} catch (std::exception const& error) {
  std::cerr << "broken: " << error.what() << '\n';
  return 1;
}
