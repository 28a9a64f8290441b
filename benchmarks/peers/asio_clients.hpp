// SPDX-License-Identifier: MIT
// Asio is there twice, alone and as a part of Boost; this is the same for both. `Asio` has the names.
#pragma once

#include "peer.hpp"

#include <cstddef>
#include <cstring>
#include <vector>

namespace peers {

template <class Asio>
typename Asio::tcp::endpoint asio_endpoint(endpoint const& to) {
  typename Asio::tcp::endpoint copy;
  copy.resize(to.size());
  std::memcpy(copy.data(), to.data(), to.size());
  return copy;
}

template <class Asio>
typename Asio::io_context& asio_context() {
  static typename Asio::io_context context(1);
  return context;
}

template <class Asio>
outcome asio_outcome(typename Asio::error_code const& error) {
  return error == Asio::aborted ? outcome::timed_out : outcome_of(error.value());
}

/// The loop is run for as long as the limit says; what is left then is closed. So does Asio's own example.
template <class Asio>
outcome connect_by_run_for(endpoint const& to, microseconds limit) {
  auto& context = asio_context<Asio>();
  typename Asio::tcp::socket socket(context);
  typename Asio::error_code result;
  socket.async_connect(asio_endpoint<Asio>(to), [&](typename Asio::error_code const& error) { result = error; });
  context.restart();
  context.run_for(limit);
  if (!context.stopped()) {
    socket.close();
    context.run();
  }
  return asio_outcome<Asio>(result);
}

/// A timer runs beside the attempt, for programs whose loop has more to do.
template <class Asio>
outcome connect_by_timer(endpoint const& to, microseconds limit) {
  auto& context = asio_context<Asio>();
  static typename Asio::steady_timer timer(context);
  typename Asio::tcp::socket socket(context);
  typename Asio::error_code result;
  timer.expires_after(limit);
  timer.async_wait([&](typename Asio::error_code const& error) {
    if (!error) socket.close();
  });
  socket.async_connect(asio_endpoint<Asio>(to), [&](typename Asio::error_code const& error) {
    result = error;
    timer.cancel();
  });
  context.restart();
  context.run();
  return asio_outcome<Asio>(result);
}

template <class Asio>
void asio_connect_all(batch_job& job) {
  auto& context = asio_context<Asio>();
  std::vector<typename Asio::tcp::socket> sockets;
  std::vector<bool> is_told(job.to.size());
  sockets.reserve(job.to.size());
  for (std::size_t index = 0; index < job.to.size(); ++index) {
    sockets.emplace_back(context).async_connect(asio_endpoint<Asio>(job.to[index]),
                                                [&, index](typename Asio::error_code const& error) {
                                                  is_told[index] = true;
                                                  job.is_connected[index] = !error;
                                                });
  }
  context.restart();
  context.run_until(job.until);
  for (std::size_t index = 0; index < job.to.size(); ++index)
    if (!is_told[index]) sockets[index].close();
  context.run();
  job.returned = batch_job::clock::now();
}

}  // namespace peers
