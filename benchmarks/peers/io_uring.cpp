// SPDX-License-Identifier: MIT
#include <liburing.h>

#include "peer.hpp"

#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>
#include <cstddef>
#include <stdexcept>
#include <utility>
#include <vector>

namespace {

using peers::outcome;

io_uring& kept_ring() {
  static io_uring ring = [] {
    io_uring made{};
    constexpr unsigned entries = 8;
    if (io_uring_queue_init(entries, &made, 0) != 0) throw std::runtime_error("io_uring is switched off");
    return made;
  }();
  return ring;
}

/// A connect and the timeout that is linked to it, one system call for both.
int connect_linked(int handle, tconn::endpoint const& to, std::chrono::microseconds limit) {
  auto& ring = kept_ring();
  __kernel_timespec time{limit.count() / 1'000'000, limit.count() % 1'000'000 * 1000};
  auto* entry = io_uring_get_sqe(&ring);
  io_uring_prep_connect(entry, handle, to.data(), to.size());
  io_uring_sqe_set_flags(entry, IOSQE_IO_LINK);
  io_uring_sqe_set_data64(entry, 1);
  entry = io_uring_get_sqe(&ring);
  io_uring_prep_link_timeout(entry, &time, 0);
  io_uring_sqe_set_data64(entry, 0);
  io_uring_submit_and_wait(&ring, 2);
  int result = -EINTR;
  for (int left = 2; left != 0; --left) {
    io_uring_cqe* done = nullptr;
    while (io_uring_wait_cqe(&ring, &done) == -EINTR) {
    }
    if (done->user_data == 1) result = done->res;
    io_uring_cqe_seen(&ring, done);
  }
  return result;
}

outcome connect(tconn::endpoint const& to, std::chrono::microseconds limit) {
  int const handle = ::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  int const result = connect_linked(handle, to, limit);
  ::close(handle);
  return result == -ECANCELED ? outcome::timed_out : peers::outcome_of(-result);
}

/// A batch, with a ring of its own: a connect for each endpoint, and at the deadline a cancellation for each that is left.
class fan {
 public:
  explicit fan(peers::batch_job& job) : job_(job), handles_(job.to.size(), -1) {
    io_uring_params params{};
    params.flags = IORING_SETUP_CQSIZE;
    params.cq_entries = 1U << 16U;
    constexpr unsigned entries = 4096;
    if (io_uring_queue_init_params(entries, &ring_, &params) != 0) throw std::runtime_error("no ring");
  }
  fan(fan const&) = delete;
  fan& operator=(fan const&) = delete;
  ~fan() {
    for (int const handle : handles_)
      if (handle >= 0) ::close(handle);
    io_uring_queue_exit(&ring_);
  }

  void run() {
    left_ = handles_.size();
    for (std::size_t index = 0; index < handles_.size(); ++index) {
      handles_[index] = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      auto* const entry = next_entry();
      io_uring_prep_connect(entry, handles_[index], job_.to[index].data(), job_.to[index].size());
      io_uring_sqe_set_data64(entry, index);
    }
    io_uring_submit(&ring_);
    while (left_ != 0 && wait()) {
    }
    for (std::size_t index = 0; left_ != 0 && index < handles_.size(); ++index) {
      if (job_.is_connected[index] || handles_[index] < 0) continue;
      auto* const entry = next_entry();
      io_uring_prep_cancel64(entry, index, 0);
      io_uring_sqe_set_data64(entry, of_a_cancellation);
    }
    while (left_ != 0) {
      io_uring_submit_and_wait(&ring_, 1);
      take();
    }
  }

 private:
  static constexpr __u64 of_a_cancellation = ~__u64{0};

  io_uring_sqe* next_entry() {
    if (io_uring_sq_space_left(&ring_) == 0) io_uring_submit(&ring_);
    return io_uring_get_sqe(&ring_);
  }
  bool wait() {
    take();
    auto const left = job_.until - peers::batch_job::clock::now();
    if (left_ == 0 || left <= left.zero()) return false;
    __kernel_timespec time{left / std::chrono::seconds(1), (left % std::chrono::seconds(1)).count()};
    io_uring_cqe* ready = nullptr;
    io_uring_wait_cqe_timeout(&ring_, &ready, &time);
    return true;
  }
  void take() {
    io_uring_cqe* ready[64];
    while (unsigned const count = io_uring_peek_batch_cqe(&ring_, ready, 64)) {
      for (unsigned i = 0; i < count; ++i) end(*ready[i]);
      io_uring_cq_advance(&ring_, count);
    }
  }
  void end(io_uring_cqe const& done) {
    if (done.user_data >= handles_.size()) return;  // a cancellation, or the timeout of a wait
    --left_;
    job_.is_connected[done.user_data] = done.res == 0;
    if (done.res != 0) ::close(std::exchange(handles_[done.user_data], -1));
  }

  peers::batch_job& job_;
  io_uring ring_{};
  std::vector<int> handles_;
  std::size_t left_ = 0;
};

void connect_all(peers::batch_job& job) {
  fan all(job);
  all.run();
  job.returned = peers::batch_job::clock::now();
}

/// Whether the kernel has it, and lets this user.
bool is_allowed() {
  io_uring tried{};
  if (io_uring_queue_init(1, &tried, 0) != 0) return false;
  io_uring_queue_exit(&tried);
  return true;
}

using namespace std::chrono_literals;
peers::entry const listed({"io_uring", "of the kernel", connect, 1us, connect_all}, is_allowed());

}  // namespace
