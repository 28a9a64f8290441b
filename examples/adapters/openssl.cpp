// SPDX-License-Identifier: MIT
// TCP and TLS under one deadline. Without arguments the server is this program's own: it accepts, and says nothing.
// Usage: openssl [HOST ENDPOINT], such as openssl example.org 192.0.2.1:443
#include <timed_connect/adapters/openssl.hpp>
#include <timed_connect/testing/loopback.hpp>

#include <openssl/ssl.h>
#include <cstdio>

int main(int count, char** arguments) {  // NOLINT(bugprone-exception-escape): without a server the example ends
  using namespace std::chrono_literals;
  tconn::testing::listening_server const silent;
  bool const is_real = count > 2;
  auto const to = is_real ? tconn::endpoint::parse(arguments[2]) : silent.where();
  if (!to) return std::puts(to.error().message().c_str()), 2;

  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_default_verify_paths(context);
  auto const client = tconn::adapters::timed_tls_connect(context, is_real ? arguments[1] : "localhost", *to, 250ms,
                                                         {.on_timeout = tconn::on_timeout::reset});
  std::printf("%s\n", client ? SSL_get_version(client->ssl()) : client.error().message().c_str());
  SSL_CTX_free(context);
  bool const is_late = !client && client.error().code == tconn::errc::deadline_exceeded;
  return (is_real ? client.has_value() : is_late) ? 0 : 1;
}
