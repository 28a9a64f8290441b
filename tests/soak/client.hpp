// SPDX-License-Identifier: MIT
// A client of the soak: it connects in every way that the library knows, chosen at random, and writes in the ledger
// what it is told of each attempt.
#pragma once

#include "chance.hpp"
#include "ledger.hpp"
#include "scene.hpp"

#include <timed_connect/timed_connect.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace soak {

/// One thread's.
class client {
 public:
  client(scene const& all, std::uint64_t seed) : all_(all), chosen_(seed) {}
  client(client const&) = delete;
  client& operator=(client const&) = delete;

  /// Until the scene is over.
  void run();
  /// From any thread.
  bool cancel() { return slot_.request(); }

 private:
  using clock = std::chrono::steady_clock;

  /// A cancellation, on offer for as long as this lives; or none.
  class maybe_cancelled {
   public:
    explicit maybe_cancelled(client& whose);
    maybe_cancelled(maybe_cancelled const&) = delete;
    maybe_cancelled& operator=(maybe_cancelled const&) = delete;
    ~maybe_cancelled() { slot_.put(nullptr); }
    tconn::cancellation const* get() const { return made_ ? &*made_ : nullptr; }

   private:
    cancel_slot& slot_;
    std::optional<tconn::cancellation> made_{};
  };

  /// A deadline, and what it is held against.
  struct time_limit {
    tconn::deadline until;
    clock::time_point end;
  };

  void connect_owned();
  void connect_borrowed();
  void start();
  void race();
  void batch();
  void retry();

  place const& some_place();
  std::vector<tconn::endpoint> some_endpoints(std::size_t count);
  tconn::on_timeout some_policy();
  tconn::on_timeout some_end();
  std::chrono::microseconds some_time();
  time_limit some_limit();
  tconn::connect_options some_options(maybe_cancelled const& cancel);
  template <class Call>
  auto by_some_strategy(Call&& call);

  void hold_to(time_limit const& limit, std::error_code const& code);
  void conclude(attempts const& made, tconn::connect_result& result, bool nonblocking);
  void settle(attempt const& one, tconn::connect_result& result, bool nonblocking);
  void conclude(attempt const& one, tconn::connect_result& result, bool nonblocking);
  void go_on(attempt const& one, tconn::pending_connection pending, bool nonblocking);
  void use(attempt const& one, tconn::socket connected);
  bool is_echoed(attempt const& one, tconn::socket const& connected);
  void tell(attempt const& one, std::error_code const& code, tconn::handshake state, tconn::aftermath left);
  void tell_all(attempts const& made, std::vector<tconn::attempt_failure> const& failures);
  void tell_others(attempts const& made, identity winner, told what);
  identity identity_of(tconn::socket const& connected);
  void wrong(attempt const& one, std::string const& what);

  scene const& all_;
  chance chosen_;
  cancel_slot slot_{};
};

/// One of the waiting strategies. The one that never sleeps sees the most of what other processors are just doing.
template <class Call>
auto client::by_some_strategy(Call&& call) {
  switch (chosen_.below(8)) {
    case 0:
    case 1: return call(tconn::spinning{});
    case 2:
    case 3: return call(tconn::selecting{});
    default: return call(tconn::polling{});
  }
}

}  // namespace soak
