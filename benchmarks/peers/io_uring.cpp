// SPDX-License-Identifier: MIT
#include <liburing.h>

#include "peer.hpp"

#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>
#include <stdexcept>

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
  return result == 0 ? outcome::connected : result == -ECANCELED ? outcome::timed_out : outcome::failed;
}

/// Whether the kernel has it, and lets this user.
bool is_allowed() {
  io_uring tried{};
  if (io_uring_queue_init(1, &tried, 0) != 0) return false;
  io_uring_queue_exit(&tried);
  return true;
}

using namespace std::chrono_literals;
peers::entry const listed({"io_uring", "of the kernel", connect, 1us}, is_allowed());

}  // namespace
