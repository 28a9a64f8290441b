// SPDX-License-Identifier: MIT
#include <asio.hpp>

#include "asio_clients.hpp"

namespace {

struct standalone {
  using io_context = asio::io_context;
  using steady_timer = asio::steady_timer;
  using tcp = asio::ip::tcp;
  using error_code = asio::error_code;
  static constexpr auto aborted = asio::error::operation_aborted;
};

std::string version() {
  return std::to_string(ASIO_VERSION / 100000) + '.' + std::to_string(ASIO_VERSION / 100 % 1000) + '.' +
         std::to_string(ASIO_VERSION % 100);
}

using namespace std::chrono_literals;
peers::entry const run_for({"asio_run_for", version(), peers::connect_by_run_for<standalone>, 1us,
                            peers::asio_connect_all<standalone>});
peers::entry const timer({"asio_timer", version(), peers::connect_by_timer<standalone>, 1us});

}  // namespace
