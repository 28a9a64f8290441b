// SPDX-License-Identifier: MIT
// The smallest client of Asio: connects to an address and a port within a second.
#include <asio.hpp>

#include <cstdlib>

int main(int count, char** arguments) {
  if (count != 3) return 2;
  asio::error_code result;
  auto const address = asio::ip::make_address(arguments[1], result);
  if (result) return 2;
  asio::io_context context;
  asio::ip::tcp::socket socket(context);
  socket.async_connect({address, static_cast<asio::ip::port_type>(std::atoi(arguments[2]))},
                       [&](asio::error_code const& error) { result = error; });
  context.run_for(std::chrono::seconds(1));
  if (!context.stopped()) return 124;
  return result ? 1 : 0;
}
