// SPDX-License-Identifier: MIT
// Everything that is played, each as one of many: what is asked of the library is drawn as well, before all else.
#pragma once

#include "exploration/choices.hpp"
#include "exploration/many.hpp"
#include "exploration/single.hpp"

#include <chrono>
#include <cstddef>
#include <iterator>

namespace exploration {

inline constexpr tconn::on_timeout policies[] = {tconn::on_timeout::close, tconn::on_timeout::reset,
                                                 tconn::on_timeout::keep};

/// One connect, in which so much may happen.
inline single any_single(choices& path, int events) {
  using namespace std::chrono_literals;
  single asked;
  asked.how = policies[path.draw(std::size(policies))];
  asked.accept_late = path.draw(2) == 0;
  asked.nonblocking = path.draw(2) == 1;
  asked.by = static_cast<single::way>(path.draw(7));
  asked.unix_socket = asked.by < single::way::pending && path.draw(4) == 3;
  asked.cancellable = path.draw(2) == 1;
  asked.simultaneous_open = path.draw(2) == 1;
  asked.descriptors_run_out = path.draw(4) == 3;
  asked.fins = path.draw(2) == 1;
  asked.bad_luck = path.draw(4) == 3;
  asked.limit = asked.unix_socket ? 3ms : path.draw(8) == 7 ? 0s : 4s;
  asked.tick = asked.unix_socket ? 1ms : 1s;
  asked.events = events;
  return asked;
}

/// A race or a batch, of up to five endpoints.
inline many any_many(choices& path, int events) {
  using namespace std::chrono_literals;
  many asked;
  asked.by = path.draw(2) == 0 ? many::way::race : many::way::batch;
  asked.how = policies[path.draw(asked.by == many::way::race ? 2 : 3)];
  asked.accept_late = path.draw(2) == 0;
  asked.nonblocking = path.draw(2) == 1;
  asked.cancellable = path.draw(2) == 1;
  asked.descriptors_run_out = path.draw(2) == 1;
  asked.fins = path.draw(2) == 1;
  asked.has_hook = path.draw(2) == 1;
  asked.endpoints = 1 + path.draw(5);
  asked.max_in_flight = path.draw(3);
  asked.stagger = path.draw(2) == 0 ? 20ms : 0ms;
  asked.hedge_after = path.draw(2) == 0 ? 0ms : 30ms;
  asked.limit = 80ms;
  asked.tick = 20ms;
  asked.events = events;
  return asked;
}

}  // namespace exploration
