// SPDX-License-Identifier: MIT
// nginx that speaks TLS, with a certificate made for it by the program openssl: for localhost and 127.0.0.1, signed by
// itself.
#pragma once

#include "support/nginx.hpp"
#include "support/program.hpp"

#include <stdexcept>
#include <string>

namespace support {

class tls_server : public nginx_process {
 public:
  static bool is_installed() { return nginx::is_installed() && !find_program("openssl").empty(); }

  tls_server() : nginx_process(make_certificate, "ssl", "hello") {}

  std::string certificate() const { return file(certificate_name); }

 private:
  static constexpr char const* certificate_name = "certificate.pem";

  static std::string make_certificate(temporary_folder const& in) {
    auto const key = in.file("key.pem");
    auto const certificate = in.file(certificate_name);
    auto const made = program({find_program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
                               "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                               "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate})
                          .wait();
    if (made.status != 0) throw std::runtime_error("openssl makes no certificate\n" + made.err);
    return "    ssl_certificate " + certificate + "; ssl_certificate_key " + key + ";\n";
  }
};

}  // namespace support
