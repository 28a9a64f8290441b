// SPDX-License-Identifier: MIT
// nginx that speaks TLS, with a certificate made for it by the program openssl: for localhost and 127.0.0.1, signed by
// itself.
#pragma once

#include "support/program.hpp"
#include "support/server_process.hpp"

#include <fstream>
#include <stdexcept>
#include <string>

namespace support {

class tls_server {
 public:
  static bool is_installed() { return !find_program("nginx").empty() && !find_program("openssl").empty(); }

  tls_server() : server_(start()) {
    if (!server_.comes_up(where())) throw std::runtime_error("nginx does not come up\n" + server_.log());
  }

  tconn::endpoint where() const { return port_.where(); }
  std::string certificate() const { return folder_.file("certificate.pem"); }
  void stop() { server_.stop(); }
  void resume() { server_.resume(); }

 private:
  server_process start() const {
    auto const key = folder_.file("key.pem");
    auto const made = program({find_program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
                               "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                               "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate()})
                          .wait();
    if (made.status != 0) throw std::runtime_error("openssl makes no certificate\n" + made.err);
    auto const settings = folder_.file("nginx.conf");
    std::ofstream(settings) << "daemon off; master_process off; pid nginx.pid;\n"
                            << (::geteuid() == 0 ? "user root root;\n" : "")
                            << "events {}\n"
                               "http {\n"
                               "  access_log off;\n"
                               "  client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c;\n"
                               "  uwsgi_temp_path d; scgi_temp_path e;\n"
                               "  server {\n"
                            << "    listen " << where().to_string() << " ssl;\n"
                            << "    ssl_certificate " << certificate() << "; ssl_certificate_key " << key << ";\n"
                            << "    location / { return 200 'hello'; }\n"
                               "  }\n"
                               "}\n";
    return {
        find_program("nginx"), {"nginx", "-p", folder_.file(""), "-c", settings, "-e", "stderr"}, folder_.file("log")};
  }

  temporary_folder folder_{};
  reserved_port port_{};
  server_process server_;
};

}  // namespace support
