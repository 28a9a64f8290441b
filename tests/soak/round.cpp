// SPDX-License-Identifier: MIT
#include "round.hpp"

#include "disturbance.hpp"
#include "server.hpp"

#include "support/loopback.hpp"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <deque>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace soak {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

/// The servers, and where they are reached.
class servers {
 public:
  servers(network& net, ledger& book, chance& chosen) : net_(net), book_(book), chosen_(chosen) {
    constexpr std::pair<manner, char const*> manners[] = {{manner::live, "live"},
                                                          {manner::slow, "slow"},
                                                          {manner::full, "full"},
                                                          {manner::vanishing, "vanishing"},
                                                          {manner::refusing, "refusing"}};
    for (auto const& [how, name] : manners) {
      add_inet(how, AF_INET, std::string(name) + " IPv4");
      if (net.has_line()) add_inet(how, AF_INET6, std::string(name) + " IPv6");
      add_unix(how, std::string(name) + " Unix");
    }
    places_.push_back({absent_.where(), manner::refusing, "absent Unix"});
  }

  std::vector<place> const& places() const { return places_; }

  void calm_down() {
    for (auto& one : all_) one.calm_down();
  }
  bool are_idle() const {
    return std::all_of(all_.begin(), all_.end(), [](server const& one) { return one.is_idle(); });
  }

 private:
  server const& add(manner how, tconn::endpoint const& at) {
    return all_.emplace_back(how, at, net_, book_, chosen_.below(1'000'000));
  }
  // A handshake on the line takes so long that a full queue would often drop its last ACK.
  void add_inet(manner how, int family, std::string const& name) {
    for (auto const& at : net_.addresses_of(add(how, net_.place_for_a_server(family)).where())) {
      places_.push_back({at, how, name});
      if (net_.has_line() && how != manner::full)
        places_.push_back({net_.behind_the_line(at), how, name + " on the line"});
    }
  }
  // Names in the file system, but for a server that has to come back to its own.
  void add_unix(manner how, std::string const& name) {
    bool const is_abstract = how == manner::vanishing || how == manner::full;
    auto const at = is_abstract ? *tconn::endpoint::parse("unix:@" + name + '.' + std::to_string(::getpid()))
                                : paths_.emplace_back("server.sock").where();
    places_.push_back({add(how, at).where(), how, name});
  }

  network& net_;
  ledger& book_;
  chance& chosen_;
  support::temporary_path absent_{"absent.sock"};
  std::deque<support::temporary_path> paths_{};
  std::deque<server> all_{};
  std::vector<place> places_{};
};

}  // namespace

void play(network& net, ledger& book, settings const& wanted, std::chrono::nanoseconds time, chance& chosen,
          troubles& wrong, outcome& all) {
  book.clear();
  servers there(net, book, chosen);
  std::atomic<bool> over{false};
  scene const everything{net, book, there.places(), wrong, over};
  std::deque<client> clients;
  std::vector<std::thread> threads;
  std::vector<pthread_t> handles;
  auto const began = clock::now();
  for (unsigned i = 0; i < wanted.threads; ++i) {
    auto& one = clients.emplace_back(everything, chosen.below(1'000'000));
    handles.push_back(threads.emplace_back([&one] { one.run(); }).native_handle());
  }
  {
    std::deque<chance> own;
    for (int i = 0; i < 3; ++i) own.emplace_back(chosen.below(1'000'000));
    disturbance storm([&] { return interrupt_one(handles, own[0]); });
    disturbance canceller([&] { return cancel_one(clients, own[1]); });
    disturbance children([&] { return start_a_child(wanted.inherited, wrong, own[2]); });
    while (clock::now() < began + time && !book.is_full()) std::this_thread::sleep_for(10ms);
    all.children += children.end();
    all.cancellations += canceller.end();
    all.signals += storm.end();
  }
  over = true;
  for (auto& one : threads) one.join();
  all.took += clock::now() - began;
  // What is still on its way arrives; what has met a full queue may be repeated by the kernel after seconds.
  there.calm_down();
  account sum;
  auto const is_settled = [&] {
    constexpr finding may_change[] = {finding::never_accepted, finding::not_as_left, finding::half_open,
                                      finding::never_ended};
    sum = book.settle(there.places());
    return there.are_idle() && std::all_of(std::begin(may_change), std::end(may_change),
                                           [&](finding what) { return sum.count(what) == 0; });
  };
  auto const end = clock::now() + 10s;
  do std::this_thread::sleep_for(100ms);
  while (!is_settled() && clock::now() < end);
  all.sum += sum;
}

}  // namespace soak
