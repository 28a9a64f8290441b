// SPDX-License-Identifier: MIT
// The servers of the soak. What one sees of a connection it writes in the ledger, under the identity that is in its
// peer's address.
#pragma once

#include "chance.hpp"
#include "ledger.hpp"
#include "network.hpp"

#include <timed_connect/endpoint.hpp>
#include <timed_connect/socket.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace soak {

/// Listens in a thread of its own. A connection that it has accepted it reads to its end; to the byte `echo_wanted` it
/// answers with the same.
class server {
 public:
  static constexpr char echo_wanted = 'e';

  server(manner how, tconn::endpoint const& at, network const& net, ledger& book, std::uint64_t seed);
  server(server const&) = delete;
  server& operator=(server const&) = delete;
  ~server();

  tconn::endpoint where() const { return where_; }
  /// From now on it accepts all that comes, and stays.
  void calm_down() { is_calm_ = true; }
  /// Whether nothing is connected.
  bool is_idle() const { return open_connections_ == 0; }

 private:
  using clock = std::chrono::steady_clock;
  struct connection {
    tconn::socket socket;
    identity who;
  };

  bool open();
  void run();
  std::chrono::microseconds turn();
  void vanish();
  int fill();
  void accept_all();
  void read(connection& from);

  manner how_;
  network const& net_;
  ledger& book_;
  chance chosen_;
  tconn::endpoint where_;
  tconn::socket listener_{};
  tconn::socket filler_{};
  std::vector<connection> connections_{};
  bool is_accepting_ = true;
  std::atomic<std::size_t> open_connections_{0};
  std::atomic<bool> is_calm_{false};
  std::atomic<bool> ending_{false};
  std::thread thread_{};
};

}  // namespace soak
