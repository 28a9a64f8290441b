// SPDX-License-Identifier: MIT
// nginx on a port of its own. It is one process, so that SIGSTOP stops all of it, and its accept queue is short.
#pragma once

#include "support/server_process.hpp"

#include <fstream>
#include <stdexcept>
#include <string>

namespace support {

class nginx {
 public:
  static bool is_installed() { return !find_program("nginx").empty(); }

  nginx() : server_(start()) {
    if (!server_.comes_up(where())) throw std::runtime_error("nginx does not come up\n" + server_.log());
  }

  tconn::endpoint where() const { return port_.where(); }
  void stop() { server_.stop(); }
  void resume() { server_.resume(); }

 private:
  server_process start() const {
    auto const settings = folder_.file("nginx.conf");
    std::ofstream(settings) << "daemon off; master_process off; pid nginx.pid;\n"
                            << (::geteuid() == 0 ? "user root root;\n" : "")
                            << "events {}\n"
                               "http {\n"
                               "  access_log off;\n"
                               "  client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c;\n"
                               "  uwsgi_temp_path d; scgi_temp_path e;\n"
                               "  server {\n"
                            << "    listen " << where().to_string() << " backlog=1;\n"
                            << "    location / { return 200 'connection $connection!'; }\n"
                               "  }\n"
                               "}\n";
    return {
        find_program("nginx"), {"nginx", "-p", folder_.file(""), "-c", settings, "-e", "stderr"}, folder_.file("log")};
  }

  temporary_folder folder_{};
  reserved_port port_{};
  server_process server_;
};

/// Asks for a page, which tells how many connections the server had accepted before this one; -1 if there is no answer.
inline int connections_before(tconn::socket const& client) {
  auto const answer = ask(client, "GET / HTTP/1.0\r\n\r\n", "!");
  auto const number = answer.find("\r\n\r\nconnection ");
  bool const is_good = answer.starts_with("HTTP/1.1 200 OK\r\n") && number != answer.npos;
  return is_good ? std::stoi(answer.substr(number + 15)) - 1 : -1;
}

}  // namespace support
