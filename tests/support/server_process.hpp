// SPDX-License-Identifier: MIT
// Programs that are servers: each one a child process in the foreground that ends with the object, its files in a
// folder that goes with it, at a port that is nobody else's.
#pragma once

#include "support/loopback.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

namespace support {

/// The path of a program, empty if it is not installed.
inline std::string find_program(std::string const& name) {
  char const* const path = std::getenv("PATH");
  std::istringstream folders((path != nullptr ? path : "") + std::string(":" SERVER_FOLDERS));
  for (std::string folder; std::getline(folders, folder, ':');) {
    auto const program = folder + '/' + name;
    if (::access(program.c_str(), X_OK) == 0) return program;
  }
  return {};
}

/// A folder that goes with all its contents.
class temporary_folder {
 public:
  temporary_folder() {
    char pattern[] = "/tmp/timed_connect.XXXXXX";
    if (::mkdtemp(pattern) == nullptr) throw std::system_error(errno, std::generic_category(), pattern);
    path_ = pattern;
  }
  temporary_folder(temporary_folder const&) = delete;
  temporary_folder& operator=(temporary_folder const&) = delete;
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(std::string const& name) const { return path_ + '/' + name; }

 private:
  std::string path_{};
};

/// A port of 127.0.0.1 for a server that is about to come. It is bound and does not listen, which keeps all others from
/// being given it; a server that sets SO_REUSEADDR, as all do, can listen there beside it.
class reserved_port {
 public:
  reserved_port() : holder_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    int const yes = 1;
    auto const any = tconn::endpoint::loopback_v4(0);
    ::setsockopt(holder_.native_handle(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (::bind(holder_.native_handle(), any.data(), any.size()) != 0)
      throw std::system_error(errno, std::generic_category());
  }
  tconn::endpoint where() const { return local_name(holder_.native_handle()); }

 private:
  tconn::socket holder_;
};

class server_process {
 public:
  /// The arguments begin with the name under which the program is to run. What it prints goes to the log.
  server_process(std::string const& program, std::vector<std::string> arguments, std::string log)
      : log_(std::move(log)) {
    std::vector<char*> pointers;
    for (auto& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    auto const parent = ::getpid();
    process_ = ::fork();
    if (process_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (process_ > 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    int const output = ::open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ::dup2(::open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::execv(program.c_str(), pointers.data());
    ::_exit(127);
  }
  server_process(server_process const&) = delete;
  server_process& operator=(server_process const&) = delete;
  ~server_process() {
    if (!is_running()) return;
    ::kill(process_, SIGKILL);  // ends a stopped process as well
    ::waitpid(process_, nullptr, 0);
  }

  bool is_running() {
    if (process_ > 0 && ::waitpid(process_, nullptr, WNOHANG) != 0) process_ = 0;
    return process_ > 0;
  }

  /// Whether it is there for clients, after some time at most.
  bool comes_up(tconn::endpoint const& at) {
    auto const answers = [&] {
      tconn::socket const client(::socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
      return ::connect(client.native_handle(), at.data(), at.size()) == 0;
    };
    return eventually([&] { return !is_running() || answers(); }, 10s) && is_running();
  }

  /// From here on it does nothing, and its kernel goes on.
  void stop() {
    if (!is_running()) return;
    ::kill(process_, SIGSTOP);
    ::waitpid(process_, nullptr, WUNTRACED);
  }
  void resume() {
    if (is_running()) ::kill(process_, SIGCONT);
  }

  std::string log() const {
    std::ostringstream text;
    text << std::ifstream(log_).rdbuf();
    return text.str();
  }

 private:
  std::string log_;
  pid_t process_ = 0;
};

/// Sends a request, and gives the answer up to an end that is waited for; less if that does not come.
inline std::string ask(tconn::socket const& connection, std::string const& request, std::string const& end) {
  int const descriptor = connection.native_handle();
  ::send(descriptor, request.data(), request.size(), MSG_NOSIGNAL);
  std::string answer;
  char bytes[4096];
  while (answer.find(end) == std::string::npos && is_readable(descriptor, 5s)) {
    auto const count = ::recv(descriptor, bytes, sizeof bytes, 0);
    if (count <= 0) break;
    answer.append(bytes, static_cast<std::size_t>(count));
  }
  return answer;
}

}  // namespace support
