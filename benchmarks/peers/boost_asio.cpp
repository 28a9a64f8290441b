// SPDX-License-Identifier: MIT
#include <utility>  // Boost 1.74 does without it

#include <boost/asio.hpp>
#include <boost/version.hpp>

#include "asio_clients.hpp"

namespace {

struct boosted {
  using io_context = boost::asio::io_context;
  using steady_timer = boost::asio::steady_timer;
  using tcp = boost::asio::ip::tcp;
  using error_code = boost::system::error_code;
  static constexpr auto aborted = boost::asio::error::operation_aborted;
};

std::string version() {
  return std::to_string(BOOST_VERSION / 100000) + '.' + std::to_string(BOOST_VERSION / 100 % 1000) + '.' +
         std::to_string(BOOST_VERSION % 100);
}

using namespace std::chrono_literals;
peers::entry const run_for({"boost_asio_run_for", version(), peers::connect_by_run_for<boosted>, 1us,
                            peers::asio_connect_all<boosted>});
peers::entry const timer({"boost_asio_timer", version(), peers::connect_by_timer<boosted>, 1us});

}  // namespace
