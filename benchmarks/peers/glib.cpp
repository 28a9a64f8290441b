// SPDX-License-Identifier: MIT
#include <gio/gio.h>

#include "peer.hpp"

namespace {

using peers::outcome;

outcome connect(tconn::endpoint const& to, std::chrono::microseconds limit) {
  auto* const socket = g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, nullptr);
  if (socket == nullptr) return outcome::failed;
  g_socket_set_timeout(socket, static_cast<unsigned>(limit / std::chrono::seconds(1)));
  auto address = peers::ipv4(to);
  auto* const remote = g_socket_address_new_from_native(&address, sizeof address);
  GError* error = nullptr;
  auto result = outcome::connected;
  if (g_socket_connect(socket, remote, nullptr, &error) == 0) {
    bool const is_late = g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) != 0;
    bool const is_refused = g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED) != 0;
    result = is_late ? outcome::timed_out : is_refused ? outcome::refused : outcome::failed;
    g_error_free(error);
  }
  g_object_unref(remote);
  g_object_unref(socket);
  return result;
}

std::string version() {
  return std::to_string(glib_major_version) + '.' + std::to_string(glib_minor_version) + '.' +
         std::to_string(glib_micro_version);
}

using namespace std::chrono_literals;
peers::entry const listed({"glib", version(), connect, 1s});

}  // namespace
