// SPDX-License-Identifier: MIT
// nginx on a port of its own. It is one process, so that SIGSTOP stops all of it.
#pragma once

#include "support/server_process.hpp"

#include <fstream>
#include <stdexcept>
#include <string>

namespace support {

/// It answers every request with one text.
class nginx_process {
 public:
  tconn::endpoint where() const { return port_.where(); }
  void stop() { server_.stop(); }
  void resume() { server_.resume(); }

 protected:
  /// How it listens, as nginx has it behind the address, and its text. `lines` makes in the folder what it wants, and
  /// gives the other lines of the server.
  template <class Lines>
  nginx_process(Lines&& lines, std::string const& listen, std::string const& text)
      : server_(start(lines(folder_), listen, text)) {
    if (!server_.comes_up(where())) throw std::runtime_error("nginx does not come up\n" + server_.log());
  }
  std::string file(std::string const& name) const { return folder_.file(name); }

 private:
  server_process start(std::string const& lines, std::string const& listen, std::string const& text) const {
    auto const settings = folder_.file("nginx.conf");
    std::ofstream(settings) << "daemon off; master_process off; pid nginx.pid;\n"
                            << (::geteuid() == 0 ? "user root root;\n" : "")
                            << "events {}\n"
                               "http {\n"
                               "  access_log off;\n"
                               "  client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c;\n"
                               "  uwsgi_temp_path d; scgi_temp_path e;\n"
                               "  server {\n"
                            << "    listen " << where().to_string() << ' ' << listen << ";\n"
                            << lines << "    location / { return 200 '" << text << "'; }\n"
                            << "  }\n"
                               "}\n";
    return {
        find_program("nginx"), {"nginx", "-p", folder_.file(""), "-c", settings, "-e", "stderr"}, folder_.file("log")};
  }

  temporary_folder folder_{};
  reserved_port port_{};
  server_process server_;
};

/// Its accept queue is short.
class nginx : public nginx_process {
 public:
  static bool is_installed() { return !find_program("nginx").empty(); }

  nginx()
      : nginx_process([](temporary_folder const&) { return std::string(); }, "backlog=1", "connection $connection!") {}
};

/// Asks for a page, which tells how many connections the server had accepted before this one; -1 if there is no answer.
inline int connections_before(tconn::socket const& client) {
  auto const answer = ask(client, "GET / HTTP/1.0\r\n\r\n", "!");
  auto const number = answer.find("\r\n\r\nconnection ");
  bool const is_good = answer.starts_with("HTTP/1.1 200 OK\r\n") && number != answer.npos;
  return is_good ? std::stoi(answer.substr(number + 15)) - 1 : -1;
}

}  // namespace support
