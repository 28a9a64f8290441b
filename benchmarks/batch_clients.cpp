// SPDX-License-Identifier: MIT
#include "batch_clients.hpp"

#include "by_hand.hpp"

#include <timed_connect/batch.hpp>

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <algorithm>
#include <cstdint>
#include <utility>

namespace {

using peers::batch_job;
using clock = batch_job::clock;

/// Starts an attempt; the handle, or -1 if it has failed.
int start(tconn::endpoint const& to) {
  int const handle = by_hand::open(to, SOCK_NONBLOCK);
  if (handle < 0) return -1;
  if (::connect(handle, to.data(), to.size()) == 0 || errno == EINPROGRESS) return handle;
  ::close(handle);
  return -1;
}

bool is_connected(int handle) {
  int error = 0;
  socklen_t length = sizeof error;
  return ::getsockopt(handle, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
}

/// What both loops by hand have in common: the connections that are open.
class connections {
 public:
  explicit connections(batch_job& job) : job_(job) {
    if (job.keeps) open_.reserve(job.to.size());
  }
  connections(connections const&) = delete;
  connections& operator=(connections const&) = delete;
  ~connections() {
    for (int const handle : open_) ::close(handle);
  }

  /// An attempt is over.
  void settle(std::size_t index, int handle) {
    bool const succeeded = is_connected(handle);
    job_.is_connected[index] = succeeded;
    if (succeeded && job_.keeps) {
      open_.push_back(handle);
    } else {
      ::close(handle);
    }
  }

 private:
  batch_job& job_;
  std::vector<int> open_{};
};

template <class GiveUp>
void by_ppoll(batch_job& job, GiveUp give_up) {
  connections made(job);
  std::vector<pollfd> waiting;
  std::vector<std::uint32_t> indices;
  waiting.reserve(std::min(job.in_flight, job.to.size()));
  indices.reserve(waiting.capacity());
  for (std::size_t next = 0;;) {
    for (; next < job.to.size() && waiting.size() < job.in_flight; ++next) {
      int const handle = start(job.to[next]);
      if (handle < 0) continue;
      waiting.push_back({handle, POLLOUT, 0});
      indices.push_back(static_cast<std::uint32_t>(next));
    }
    auto const left = job.until - clock::now();
    if (waiting.empty() || left <= left.zero()) break;
    auto const time = by_hand::to_timespec(left);
    int ready = ::ppoll(waiting.data(), waiting.size(), &time, nullptr);
    for (std::size_t at = 0; ready > 0 && at < waiting.size();) {
      if (waiting[at].revents == 0) {
        ++at;
        continue;
      }
      --ready;
      made.settle(indices[at], waiting[at].fd);
      waiting[at] = waiting.back();
      waiting.pop_back();
      indices[at] = indices.back();
      indices.pop_back();
    }
  }
  for (auto const& dead : waiting) give_up(dead.fd);
  job.returned = clock::now();
}

}  // namespace

void batch_by_ppoll(batch_job& job) { by_ppoll(job, ::close); }

void batch_by_ppoll_tcp_info(batch_job& job) {
  std::size_t retransmits = 0;
  by_ppoll(job, [&](int handle) {
    tcp_info state{};
    socklen_t length = sizeof state;
    if (::getsockopt(handle, IPPROTO_TCP, TCP_INFO, &state, &length) == 0) retransmits += state.tcpi_retransmits;
    ::close(handle);
  });
}

void batch_by_epoll(batch_job& job) {
  connections made(job);
  int const queue = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<int> handles(job.to.size(), -1);
  std::size_t in_flight = 0;
  for (std::size_t next = 0;;) {
    for (; next < job.to.size() && in_flight < job.in_flight; ++next) {
      handles[next] = start(job.to[next]);
      if (handles[next] < 0) continue;
      epoll_event asked{EPOLLOUT | EPOLLET, {.u64 = next}};
      ::epoll_ctl(queue, EPOLL_CTL_ADD, handles[next], &asked);
      ++in_flight;
    }
    auto const left = job.until - clock::now();
    if (in_flight == 0 || left <= left.zero()) break;
    auto const time = by_hand::to_timespec(left);
    constexpr int most = 256;
    epoll_event ready[most];
    int const count = ::epoll_pwait2(queue, ready, most, &time, nullptr);
    for (int i = 0; i < count; ++i) {
      auto const index = ready[i].data.u64;
      if (handles[index] < 0) continue;
      made.settle(index, std::exchange(handles[index], -1));
      --in_flight;
    }
  }
  for (int const handle : handles)
    if (handle >= 0) ::close(handle);
  ::close(queue);
  job.returned = clock::now();
}

namespace {

class same_calls {
 public:
  explicit same_calls(batch_job& job) : job_(job), in_flight_(job.to.size(), -1) {
    if (job.keeps) open_.reserve(job.to.size());
  }
  same_calls(same_calls const&) = delete;
  same_calls& operator=(same_calls const&) = delete;
  ~same_calls() {
    for (int const handle : open_) ::close(handle);
    ::close(queue_);
  }

  void play() {
    constexpr std::size_t look_after = 64;
    while (next_ < job_.to.size() || count_ != 0) {
      for (std::size_t begun = 0; begun < look_after && has_room(); ++begun, ++next_) begin(next_);
      if (next_ == job_.to.size() && count_ == 0) break;
      auto const left = has_room() ? clock::duration::zero() : job_.until - clock::now();
      if (left < left.zero()) break;
      if (wait(left)) take_ready();
    }
    give_up_the_rest();
    job_.returned = clock::now();
  }

 private:
  bool has_room() const { return next_ < job_.to.size() && count_ < job_.in_flight; }

  void begin(std::size_t index) {
    auto const& to = job_.to[index];
    int const handle = by_hand::open(to, SOCK_NONBLOCK);
    static_cast<void>(::connect(handle, to.data(), to.size()));
    if (::connect(handle, to.data(), to.size()) == 0) return finish(index, handle);
    epoll_event asked{EPOLLOUT | EPOLLONESHOT, {.u64 = index}};
    ::epoll_ctl(queue_, EPOLL_CTL_ADD, handle, &asked);
    in_flight_[index] = handle;
    ++count_;
  }

  bool wait(std::chrono::nanoseconds left) {
    pollfd entry{queue_, POLLIN, 0};
    auto const time = by_hand::to_timespec(left);
    return ::ppoll(&entry, 1, &time, nullptr) == 1;
  }

  void take_ready() {
    constexpr int most = 64;
    epoll_event ready[most];
    for (int count = most; count == most;) {
      count = ::epoll_wait(queue_, ready, most, 0);
      for (int i = 0; i < count; ++i) {
        auto const index = ready[i].data.u64;
        int const handle = std::exchange(in_flight_[index], -1);
        --count_;
        bool const has_no_error = is_connected(handle);
        by_hand::read_state(handle);
        sockaddr_in peer{};
        socklen_t length = sizeof peer;
        ::getpeername(handle, reinterpret_cast<sockaddr*>(&peer), &length);
        if (has_no_error)
          finish(index, handle);
        else
          ::close(handle);
      }
    }
  }

  // As same_calls for one connect does: whether it is connected to itself, and back to blocking.
  void finish(std::size_t index, int handle) {
    sockaddr_in own{};
    socklen_t length = sizeof own;
    ::getsockname(handle, reinterpret_cast<sockaddr*>(&own), &length);
    int non_blocking = 0;
    ::ioctl(handle, FIONBIO, &non_blocking);
    job_.is_connected[index] = true;
    if (job_.keeps)
      open_.push_back(handle);
    else
      ::close(handle);
  }

  // Looks once more, decides, and reads what was decided.
  void give_up_the_rest() {
    wait(std::chrono::nanoseconds{0});
    for (int const handle : in_flight_) {
      if (handle >= 0) by_hand::give_up(handle);
    }
    for (int const handle : in_flight_)
      if (handle >= 0) ::close(handle);
  }

  batch_job& job_;
  int queue_ = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<int> in_flight_;
  std::vector<int> open_{};
  std::size_t next_ = 0;
  std::size_t count_ = 0;
};

}  // namespace

void batch_by_same_calls(batch_job& job) { same_calls(job).play(); }

void batch_by_timed_connect(batch_job& job) {
  auto close_at_once = [](tconn::batch_event& event) {
    if (event.connected != tconn::no_handle) ::close(event.release());
  };
  tconn::batch_options options{.max_in_flight = job.in_flight};
  if (!job.keeps) options.on_result = close_at_once;
  auto const results = tconn::timed_connect_all(job.to, job.until, options);
  job.returned = clock::now();
  job.result_bytes = results.capacity() * sizeof(tconn::connect_result);
  for (std::size_t index = 0; index < results.size(); ++index) job.is_connected[index] = results[index].has_value();
}
