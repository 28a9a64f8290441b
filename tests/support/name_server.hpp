// SPDX-License-Identifier: MIT
// Name servers on loopback: dnsmasq, which knows a hosts file and asks nobody; one that answers late; one that is silent.
// And a process whose own resolver asks them.
#pragma once

#include "support/network_namespace.hpp"
#include "support/server_process.hpp"
#include "support/threads.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace support {

/// How many descriptors it has open, less the one that counts them.
inline auto descriptor_count() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator()) - 1;
}

/// A UDP socket at a port of 127.0.0.1. Of itself it answers nobody.
class udp_socket {
 public:
  explicit udp_socket(std::uint16_t port = 0) : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    auto const own = tconn::endpoint::loopback_v4(port);
    if (::bind(socket_.native_handle(), own.data(), own.size()) != 0)
      throw std::system_error(errno, std::generic_category(), "bind");
  }
  int descriptor() const { return socket_.native_handle(); }
  tconn::endpoint where() const { return local_name(descriptor()); }

 private:
  tconn::socket socket_;
};

/// dnsmasq at a port of 127.0.0.1, over UDP and TCP. It has the addresses that the hosts file gives to names that end with
/// ".test", and knows no others of that ending.
class name_server {
 public:
  static bool is_installed() { return !find_program("dnsmasq").empty(); }

  name_server(std::uint16_t port, std::string_view hosts) : server_(start(port, hosts)) {
    if (!server_.comes_up(tconn::endpoint::loopback_v4(port)))
      throw std::runtime_error("dnsmasq does not come up\n" + server_.log());
  }

 private:
  server_process start(std::uint16_t port, std::string_view hosts) const {
    std::ofstream(folder_.file("hosts")) << hosts;
    // In the foreground, and with the rights of the test: in a namespace of its own it can have no others.
    return {find_program("dnsmasq"),
            {"dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces",
             "--listen-address=127.0.0.1", "--local=/test/", "--port=" + std::to_string(port),
             "--addn-hosts=" + folder_.file("hosts")},
            folder_.file("log")};
  }

  temporary_folder folder_{};
  server_process server_;
};

/// Answers what another name server answers, but later.
class slow_name_server {
 public:
  slow_name_server(std::uint16_t port, std::uint16_t fast_port, std::chrono::milliseconds delay)
      : listening_(port), fast_(tconn::endpoint::loopback_v4(fast_port)), delay_(delay) {
    relay_ = std::thread([this] { run(); });
  }
  slow_name_server(slow_name_server const&) = delete;
  slow_name_server& operator=(slow_name_server const&) = delete;
  ~slow_name_server() {
    stopped_ = true;
    relay_.join();
  }
  tconn::endpoint where() const { return listening_.where(); }

 private:
  struct question {
    steady::time_point due;
    sockaddr_in from;
    std::string bytes;
  };

  void run() {
    std::deque<question> waiting;
    while (!stopped_) {
      if (is_readable(listening_.descriptor(), 1ms)) {
        question asked{steady::now() + delay_, {}, std::string(1500, '\0')};
        socklen_t length = sizeof asked.from;
        auto const count = ::recvfrom(listening_.descriptor(), asked.bytes.data(), asked.bytes.size(), 0,
                                      reinterpret_cast<sockaddr*>(&asked.from), &length);
        asked.bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
        waiting.push_back(std::move(asked));
      }
      for (; !waiting.empty() && waiting.front().due <= steady::now(); waiting.pop_front()) answer(waiting.front());
    }
  }

  void answer(question const& asked) const {
    udp_socket const own;
    ::connect(own.descriptor(), fast_.data(), fast_.size());
    ::send(own.descriptor(), asked.bytes.data(), asked.bytes.size(), 0);
    std::string bytes(1500, '\0');
    if (!is_readable(own.descriptor(), 1s)) return;
    auto const count = ::recv(own.descriptor(), bytes.data(), bytes.size(), 0);
    if (count > 0)
      ::sendto(listening_.descriptor(), bytes.data(), static_cast<std::size_t>(count), 0,
               reinterpret_cast<sockaddr const*>(&asked.from), sizeof asked.from);
  }

  udp_socket listening_;
  tconn::endpoint fast_;
  std::chrono::milliseconds delay_;
  std::atomic<bool> stopped_{false};
  std::thread relay_{};
};

/// What a function that runs in another process has found wrong, a line each.
class findings {
 public:
  void expect(bool good, std::string const& otherwise) {
    if (!good) text_ += otherwise + '\n';
  }
  std::string const& text() const { return text_; }

 private:
  std::string text_{};
};

/// Gives this process a /etc/resolv.conf and /etc/nsswitch.conf of its own: it asks 127.0.0.1, port 53, once, and
/// waits so long for an answer.
inline bool replace_the_resolver(temporary_folder const& folder, std::chrono::seconds patience) {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", "none", MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  auto const replace = [&](std::string const& name, std::string const& text) {
    std::ofstream(folder.file(name)) << text;
    return ::mount(folder.file(name).c_str(), ("/etc/" + name).c_str(), "none", MS_BIND, nullptr) == 0;
  };
  return replace("resolv.conf",
                 "nameserver 127.0.0.1\noptions attempts:1 timeout:" + std::to_string(patience.count()) + "\n") &&
         replace("nsswitch.conf", "hosts: files dns\nservices: files\n");
}

/// Runs a function, which takes findings, in a process with a network and a resolver of its own.
template <class Function>
namespace_report with_its_own_resolver(std::chrono::seconds patience, Function&& function) {
  static constexpr char not_replaced[] = "the resolver's files cannot be replaced";
  temporary_folder const folder;
  auto report = in_a_network_namespace([&]() -> std::string {
    if (!replace_the_resolver(folder, patience)) return not_replaced;
    findings found;
    try {
      function(found);
    } catch (std::exception const& error) {
      found.expect(false, error.what());
    }
    return found.text();
  });
  if (report.text == not_replaced) return {false, {}};
  return report;
}

}  // namespace support
