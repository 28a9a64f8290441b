// SPDX-License-Identifier: MIT
// Runs a program and takes what it says: its standard output, its standard error, and how it ended.
#pragma once

#include <timed_connect/socket.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace support {

/// A program that runs, or has ended. It is killed when this goes and it has not.
class program {
 public:
  /// What a program has left.
  struct end {
    int status = -1;  ///< The exit status; -N if signal N has ended it.
    std::string out{};
    std::string err{};
  };

  /// Runs in the child, between fork() and exec(): redirects, signals, namespaces.
  using preparation = void (*)();

  explicit program(
      std::vector<std::string> const& words, preparation prepare = [] {}) {
    std::vector<char*> arguments;
    for (auto const& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    std::array<int, 2> out{};
    std::array<int, 2> err{};
    if (::pipe2(out.data(), O_CLOEXEC) != 0 || ::pipe2(err.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(out[1], STDOUT_FILENO);
      ::dup2(err[1], STDERR_FILENO);
      prepare();
      ::execv(arguments[0], arguments.data());
      ::_exit(127);
    }
    ::close(out[1]);
    ::close(err[1]);
    out_.descriptor = tconn::socket(out[0]);
    err_.descriptor = tconn::socket(err[0]);
  }
  program(program const&) = delete;
  program& operator=(program const&) = delete;
  ~program() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }

  void send(int signal) const { ::kill(child_, signal); }

  /// Whether it has a handler for the signal by now (Linux).
  bool handles(int signal) const {
    std::ifstream status("/proc/" + std::to_string(child_) + "/status");
    for (std::string line; std::getline(status, line);) {
      constexpr std::string_view caught = "SigCgt:";
      if (line.starts_with(caught))
        return (std::stoull(line.substr(caught.size()), nullptr, 16) >> (signal - 1) & 1) != 0;
    }
    return false;
  }

  /// Reads until the standard output holds so many lines, or ends.
  std::string const& read_lines(std::size_t count) {
    auto const lines = [&] { return std::count(out_.text.begin(), out_.text.end(), '\n'); };
    while (out_.descriptor && static_cast<std::size_t>(lines()) < count) read_some();
    return out_.text;
  }

  /// Closes our end of its standard output, as a reader does that has had enough.
  void stop_reading() { out_.descriptor.close(); }

  /// Waits until it has ended.
  end wait() {
    while (out_.descriptor || err_.descriptor) read_some();
    int status = 0;
    ::waitpid(child_, &status, 0);
    child_ = -1;
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), out_.text, err_.text};
  }

 private:
  struct stream {
    tconn::socket descriptor{};
    std::string text{};
  };

  void read_some() {
    std::array<pollfd, 2> entries{
        {{out_.descriptor.native_handle(), POLLIN, 0}, {err_.descriptor.native_handle(), POLLIN, 0}}};
    constexpr int limit_ms = 30'000;
    if (::poll(entries.data(), entries.size(), limit_ms) <= 0) throw std::runtime_error("the program says nothing");
    if (entries[0].revents != 0) read(out_);
    if (entries[1].revents != 0) read(err_);
  }

  static void read(stream& from) {
    std::array<char, 4096> bytes{};
    auto const count = ::read(from.descriptor.native_handle(), bytes.data(), bytes.size());
    if (count > 0)
      from.text.append(bytes.data(), static_cast<std::size_t>(count));
    else
      from.descriptor.close();
  }

  pid_t child_ = -1;
  stream out_{};
  stream err_{};
};

}  // namespace support
