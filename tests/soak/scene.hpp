// SPDX-License-Identifier: MIT
// What clients share, and what they have for a call: its attempts, and what may cancel it.
#pragma once

#include "ledger.hpp"
#include "network.hpp"

#include <timed_connect/timed_connect.hpp>

#include <atomic>
#include <cstddef>
#include <mutex>
#include <span>
#include <string>
#include <system_error>
#include <vector>

namespace soak {

/// What clients have seen that must not be, beside what the ledger shows.
class troubles {
 public:
  void add(std::string const& what);
  std::size_t count() const;
  /// The first few.
  std::vector<std::string> first() const;

 private:
  mutable std::mutex mutex_{};
  std::size_t count_ = 0;
  std::vector<std::string> first_{};
};

/// What all clients share.
struct scene {
  network const& net;
  ledger& book;
  std::span<place const> places;
  soak::troubles& troubles;
  std::atomic<bool>& over;
};

/// One attempt of a call.
struct attempt {
  identity who;
  std::size_t place;
};

/// The attempts of one call, in the order in which they begin: the hook that binds each socket to an identity.
class attempts {
 public:
  attempts(scene const& all, action by) : all_(all), by_(by) {}

  std::error_code operator()(tconn::native_handle handle, tconn::endpoint const& to);
  std::vector<attempt> const& list() const { return made_; }
  /// The only attempt at an endpoint that is in the call once; null if there was none.
  attempt const* at(tconn::endpoint const& to) const;

 private:
  scene const& all_;
  action by_;
  std::vector<attempt> made_{};
};

/// The cancellation that a client's call can be cancelled by; another thread may request it at any time.
class cancel_slot {
 public:
  void put(tconn::cancellation* on_offer) {
    std::scoped_lock const held(mutex_);
    on_offer_ = on_offer;
  }
  /// Whether there was anything to cancel.
  bool request() {
    std::scoped_lock const held(mutex_);
    if (on_offer_ != nullptr) on_offer_->request();
    return on_offer_ != nullptr;
  }

 private:
  std::mutex mutex_{};
  tconn::cancellation* on_offer_ = nullptr;
};

}  // namespace soak
