// SPDX-License-Identifier: MIT
// An internet in a process: thousands of peers behind the lab's TUN device, each with a temper, a distance and a loss of
// its own, all of which come from a seed. What a test is told by the library can so be held against what each peer is.
#pragma once

#include "packet.hpp"
#include "tun_device.hpp"

#include <timed_connect/endpoint.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <queue>
#include <thread>
#include <vector>

namespace wire {

/// What a peer does with a SYN that reaches it.
enum class temper { answers, refuses, is_dead };

/// What there is in the internet.
struct climate {
  std::size_t peers = 1000;
  std::uint64_t seed = 1;
  unsigned dead_percent = 0;
  unsigned refusing_percent = 0;
  unsigned lost_percent = 0;  ///< Of all SYNs; the n-th SYN to a peer is lost, or not, whoever sends it.
  std::chrono::milliseconds nearest{1};
  std::chrono::milliseconds farthest{1};
  std::size_t together = 1;  ///< Of so many neighbours none answers before all have been asked.
};

/// What a peer has seen.
struct visits {
  unsigned syns = 0;         ///< Those that were lost on the way among them.
  unsigned established = 0;  ///< Handshakes that were completed by us.
  unsigned fins = 0;         ///< FINs from us.
  unsigned resets = 0;       ///< RSTs from us.
};

/// The peers answer in a thread, from the beginning to the end of this object.
class internet {
 public:
  /// The calling thread moves to a new network namespace. Throws `unavailable`.
  explicit internet(climate const& what);
  internet(internet const&) = delete;
  internet& operator=(internet const&) = delete;
  ~internet();

  std::size_t size() const { return climate_.peers; }
  tconn::endpoint at(std::size_t peer) const;
  temper temper_of(std::size_t peer) const;
  std::chrono::milliseconds distance_of(std::size_t peer) const;
  /// Whether the n-th SYN to it, counted from 1, is lost.
  bool is_lost(std::size_t peer, unsigned nth_syn) const;

  /// What all peers have seen, once they have read and answered all that was sent before; nobody is answered any more.
  std::vector<visits> const& end();
  /// After the end: for how long at most the peers did nothing though they had something to do. Where a machine stands
  /// still, nothing is to be learnt of times.
  std::chrono::nanoseconds longest_standstill() const { return standstill_; }

 private:
  using clock = std::chrono::steady_clock;
  struct answer {
    clock::time_point due;
    segment what;
    bool operator<(answer const& other) const { return due > other.due; }  // the first one is on top
  };

  void run();
  void receive(segment const& packet, clock::time_point now);
  void release_neighbours_of(std::size_t peer, clock::time_point now);
  std::uint64_t random(std::size_t peer, std::uint64_t what) const;

  climate climate_;
  tun_device device_{};
  std::priority_queue<answer> answers_{};
  struct held_answer {
    std::size_t by;
    segment what;
  };
  std::vector<held_answer> held_{};  // until the neighbours have been asked too
  std::vector<visits> visits_;
  std::chrono::nanoseconds standstill_{0};
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace wire
