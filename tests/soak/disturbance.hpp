// SPDX-License-Identifier: MIT
// What goes on beside the clients: signals that interrupt them, cancellations, and children.
#pragma once

#include "client.hpp"

#include <pthread.h>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

namespace soak {

/// Does something again and again, in a thread, from its beginning to its end. What it does tells whether it was done.
class disturbance {
 public:
  explicit disturbance(std::function<bool()> what)
      : what_(std::move(what)), thread_([this] {
          while (!ending_) count_ += what_() ? 1U : 0U;
        }) {}
  disturbance(disturbance const&) = delete;
  disturbance& operator=(disturbance const&) = delete;
  ~disturbance() { end(); }

  /// How often it was done.
  std::size_t end() {
    ending_ = true;
    if (thread_.joinable()) thread_.join();
    return count_;
  }

 private:
  std::function<bool()> what_;
  std::size_t count_ = 0;
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

/// Lets SIGUSR1 interrupt system calls, for the whole process.
void let_signals_interrupt();

/// Interrupts one of the threads after a pause.
bool interrupt_one(std::vector<pthread_t> const& threads, chance& chosen);

/// Cancels the call of one of the clients after a pause.
bool cancel_one(std::deque<client>& clients, chance& chosen);

/// How many descriptors this program was started with. It is what a child is asked by `--inherited`, before it does
/// anything else.
int inherited_descriptors();

/// Starts a child after a pause, by fork() or posix_spawn(), and waits until it has ended. It must have no more
/// descriptors than this program was started with.
bool start_a_child(int descriptors, troubles& wrong, chance& chosen);

}  // namespace soak
