// SPDX-License-Identifier: MIT
// A successful connect and close on loopback: raw and blocking, by a hand-written poll loop, and by timed_connect().
// The server is a thread that accepts and closes. Read the ratios of one run, with --benchmark_repetitions to see the
// noise.
#include <timed_connect/connect.hpp>

#include <benchmark/benchmark.h>

#include <poll.h>
#include <sys/ioctl.h>
#include <atomic>
#include <cerrno>
#include <thread>

namespace {

using namespace std::chrono_literals;

class accepting_server {
 public:
  accepting_server() : listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    auto const any = tconn::endpoint::loopback_v4(0);
    sockaddr_in bound{};
    socklen_t length = sizeof bound;
    if (::bind(listening_, any.data(), any.size()) != 0 || ::listen(listening_, 4096) != 0) std::abort();
    ::getsockname(listening_, reinterpret_cast<sockaddr*>(&bound), &length);
    where = tconn::endpoint(reinterpret_cast<sockaddr*>(&bound), length);
    thread_ = std::thread([this] {
      for (int accepted; (accepted = ::accept(listening_, nullptr, nullptr)) >= 0;) ::close(accepted);
    });
  }
  ~accepting_server() {
    ::shutdown(listening_, SHUT_RDWR);
    thread_.join();
    ::close(listening_);
  }
  accepting_server(accepting_server const&) = delete;
  accepting_server& operator=(accepting_server const&) = delete;

  tconn::endpoint where{};

 private:
  int listening_;
  std::thread thread_{};
};

bool raw_blocking(tconn::endpoint const& to) {
  tconn::socket const client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(client.native_handle(), to.data(), to.size()) == 0;
}

bool poll_loop(tconn::endpoint const& to) {
  tconn::socket const client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  int const handle = client.native_handle();
  if (::connect(handle, to.data(), to.size()) != 0 && errno != EINPROGRESS) return false;
  pollfd entry{handle, POLLOUT, 0};
  timespec const limit{1, 0};
  if (::ppoll(&entry, 1, &limit, nullptr) != 1) return false;
  int error = 0;
  socklen_t length = sizeof error;
  int non_blocking = 0;
  return ::getsockopt(handle, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0 &&
         ::ioctl(handle, FIONBIO, &non_blocking) == 0;
}

bool ours(tconn::endpoint const& to) { return tconn::timed_connect(to, 1s).has_value(); }

void connect_and_close(benchmark::State& state, bool (*connect)(tconn::endpoint const&)) {
  accepting_server const server;
  for (auto _ : state) {
    if (!connect(server.where)) {
      state.SkipWithError("not connected");
      break;
    }
  }
}

// Each run has a server port of its own, towards which there are some 28,000 ephemeral ports; each is gone for a
// minute.
constexpr int connects = 10'000;
BENCHMARK_CAPTURE(connect_and_close, raw_blocking, raw_blocking)->Iterations(connects);
BENCHMARK_CAPTURE(connect_and_close, poll_loop, poll_loop)->Iterations(connects);
BENCHMARK_CAPTURE(connect_and_close, timed_connect, ours)->Iterations(connects);

}  // namespace
