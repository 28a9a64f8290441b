// SPDX-License-Identifier: MIT
// Standard output in a thread of its own: whoever reads slowly costs nobody's deadline.
#pragma once

#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace tconnect {

class line_writer {
 public:
  /// What is to happen, in the writer's thread, when a line cannot be written; those behind it are dropped.
  explicit line_writer(std::function<void()> failed) : failed_(std::move(failed)), thread_([this] { run(); }) {}
  line_writer(line_writer const&) = delete;
  line_writer& operator=(line_writer const&) = delete;
  ~line_writer() { finish(); }

  void add(std::string line) {
    std::lock_guard const held(mutex_);
    lines_.push_back(std::move(line));
    changed_.notify_one();
  }

  /// Waits until all is written; false if it could not be, which standard error has been told.
  bool finish() {
    {
      std::lock_guard const held(mutex_);
      ending_ = true;
      changed_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
    return !has_failed_;
  }

 private:
  void run() {
    std::unique_lock held(mutex_);
    for (;;) {
      changed_.wait(held, [&] { return ending_ || !lines_.empty(); });
      if (lines_.empty()) return;
      auto const lines = std::exchange(lines_, {});
      held.unlock();
      for (auto const& line : lines) write(line);
      held.lock();
    }
  }

  // Every line goes out at once.
  void write(std::string const& line) {
    if (has_failed_ || (std::fputs(line.c_str(), stdout) >= 0 && std::fflush(stdout) == 0)) return;
    has_failed_ = true;
    std::fprintf(stderr, "tconnect: cannot write to standard output: %s\n",
                 std::generic_category().message(errno).c_str());
    failed_();
  }

  std::function<void()> failed_;
  std::mutex mutex_{};
  std::condition_variable changed_{};
  std::deque<std::string> lines_{};
  bool ending_ = false;
  bool has_failed_ = false;  // the thread's own, until it has been joined
  std::thread thread_;
};

}  // namespace tconnect
