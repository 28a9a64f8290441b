// SPDX-License-Identifier: MIT
// Many endpoints under one deadline: what the calling process takes for all of it in processor time and memory, and how
// late it is told. All clients in turn, in an order drawn anew in each round, each time in a process of its own; a
// client's ratio is to the ppoll() loop of the same round. A wrong answer fails the run.
//
//   half_dead  Every second endpoint is at a server whose accept queue is full, so that no SYN is answered. All the
//              others are at one listener, whose kernel answers at once.
//   live       All of them are at that listener.
//   passing    The same, and each connection is closed as it comes, at the server too: for more endpoints than there are
//              descriptors.
//   growth     50,000 that pass, and then 1,000 that pass, 50 times: what each costs, in the same round.
//   trickling  Peers of the wire lab's internet, whose answers come one after another.
#include "batch_clients.hpp"
#include "measured_child.hpp"
#include "peers/peer.hpp"
#include "quantile.hpp"
#include "rows.hpp"
#include "support/loopback.hpp"

#if defined(HAS_WIRE_LAB)
#include "wire/lab/internet.hpp"
#endif

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <algorithm>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <string>

namespace {

using namespace std::chrono_literals;
using tconn::endpoint;

struct batch_client {
  std::string name;
  peers::batch_function connect_all;
};

/// Whom a batch connects to.
struct crowd {
  std::vector<endpoint> all{};
  std::vector<bool> lives{};
  std::function<void()> clear_away{};  ///< After each client, in no time that is measured.
  std::function<void()> serve{};       ///< Again and again while a client is measured; empty where nobody has to.
  std::shared_ptr<void> owner{};
};

constexpr int usual_rounds = 5;
constexpr int growth_rounds = 11;

struct batch_stage {
  std::string name;
  std::size_t endpoints;
  batch_terms terms;
  std::function<crowd(std::size_t)> gather;
  std::vector<batch_client> clients;
  int rounds = ::rounds(usual_rounds);
  std::vector<std::string> rivals{};  ///< Clients that each other one is compared with, besides the first.
};

// ---- whom to connect to ----

struct two_servers {
  support::listener lively{*endpoint::parse("0.0.0.0:0"), 65'535};
  support::full_listener silent{*endpoint::parse("0.0.0.0:0")};

  void clear_away() const {
    while (auto const connection = lively.accept(0ms)) {
    }
  }
};

/// Each at an address of its own, of which loopback has 16 million.
endpoint on_loopback(std::size_t index, std::uint16_t port) {
  auto const number =
      std::to_string(index / 62'500) + '.' + std::to_string(index / 250 % 250) + '.' + std::to_string(1 + index % 250);
  return *endpoint::parse("127." + number + ':' + std::to_string(port));
}

crowd gather_on_loopback(std::size_t count, std::size_t every_nth_is_dead) {
  auto const servers = std::make_shared<two_servers>();
  crowd found;
  for (std::size_t index = 0; index < count; ++index) {
    bool const lives = every_nth_is_dead == 0 || index % every_nth_is_dead != 0;
    found.lives.push_back(lives);
    found.all.push_back(on_loopback(index, lives ? servers->lively.where().port() : servers->silent.where().port()));
  }
  found.clear_away = [servers] { servers->clear_away(); };
  return found;
}

crowd gather_half_dead(std::size_t count) { return gather_on_loopback(count, 2); }
crowd gather_live(std::size_t count) { return gather_on_loopback(count, 0); }

/// The server accepts and closes meanwhile, so that what has passed is gone, however many they are.
crowd gather_passing(std::size_t count) {
  auto found = gather_live(count);
  found.serve = found.clear_away;
  return found;
}

#if defined(HAS_WIRE_LAB)
/// The lab has a network namespace of its own; this is how back from there.
class way_back {
 public:
  way_back() : from_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {}
  way_back(way_back const&) = delete;
  way_back& operator=(way_back const&) = delete;
  ~way_back() {
    ::setns(from_, CLONE_NEWNET);
    ::close(from_);
  }

 private:
  int from_;
};

struct far_away {
  way_back back{};  // gone last
  wire::internet net;
  explicit far_away(std::size_t peers) : net({.peers = peers, .nearest = 1ms, .farthest = 500ms}) {}
};

crowd gather_far_away(std::size_t count) {
  auto const lab = std::make_shared<far_away>(count);
  crowd found{{}, std::vector<bool>(count, true), [] {}, {}, lab};
  for (std::size_t index = 0; index < count; ++index) found.all.push_back(lab->net.at(index));
  return found;
}
#else
crowd gather_far_away(std::size_t) { throw std::runtime_error("left out: the wire lab needs libtins and libpcap"); }
#endif

// ---- the rounds that all rows of a stage share ----

class played_stage {
 public:
  explicit played_stage(batch_stage what) : what_(std::move(what)) {}

  batch_stage const& what() const { return what_; }
  /// Why there is nothing to show, or empty.
  std::string const& missing() const { return missing_; }
  std::string const& error() const { return error_; }
  std::vector<batch_measure> const& of(std::size_t client) const { return measures_[client]; }
  std::size_t index_of(std::string const& name) const {
    auto const is_it = [&](batch_client const& one) { return one.name == name; };
    return static_cast<std::size_t>(std::find_if(what_.clients.begin(), what_.clients.end(), is_it) -
                                    what_.clients.begin());
  }

  void play_once() {
    if (std::exchange(has_been_played_, true)) return;
    rlimit allowed{};
    ::getrlimit(RLIMIT_NOFILE, &allowed);
    auto const needed = std::min(what_.terms.in_flight, what_.endpoints) + 100;
    if (needed > allowed.rlim_cur) {
      missing_ =
          "left out: needs " + std::to_string(needed) + " descriptors, may have " + std::to_string(allowed.rlim_cur);
      return;
    }
    crowd whom;
    try {
      whom = what_.gather(what_.endpoints);
    } catch (std::exception const& why) {
      missing_ = why.what();
      return;
    }
    try {
      play(whom);
    } catch (std::exception const& why) {
      error_ = why.what();
    }
  }

 private:
  void play(crowd const& whom) {
    measures_.resize(what_.clients.size());
    std::vector<std::size_t> in_turn(what_.clients.size());
    std::iota(in_turn.begin(), in_turn.end(), 0U);
    std::mt19937 random;
    for (int round = 0; round < what_.rounds; ++round) {
      std::shuffle(in_turn.begin(), in_turn.end(), random);
      for (auto const index : in_turn) {
        auto const& each = what_.clients[index];
        measures_[index].push_back(measure_in_a_child(each.connect_all, whom.all, whom.lives, what_.terms, whom.serve));
        whom.clear_away();
        if (auto const wrong = measures_[index].back().wrong)
          throw std::runtime_error(each.name + " gave " + std::to_string(wrong) + " wrong answers");
      }
    }
  }

  batch_stage what_;
  bool has_been_played_ = false;
  std::string missing_{};
  std::string error_{};
  std::vector<std::vector<batch_measure>> measures_{};
};

std::vector<double> all_of(std::vector<batch_measure> const& all, double batch_measure::*of) {
  std::vector<double> values;
  values.reserve(all.size());
  for (auto const& one : all) values.push_back(one.*of);
  return values;
}

double median(std::vector<batch_measure> const& all, double batch_measure::*of) {
  return quantile(all_of(all, of), 0.5);
}

void show(benchmark::State& state, played_stage& shared, std::size_t mine) {
  shared.play_once();
  if (!shared.missing().empty()) return leave_out(state, shared.missing().c_str());
  if (!shared.error().empty()) return state.SkipWithError(shared.error().c_str());
  auto const& played = shared.of(mine);
  std::size_t round = 0;
  for (auto _ : state) state.SetIterationTime(played[round++].wall_ms / 1e3);
  auto const cpu = median(played, &batch_measure::cpu_ms);
  state.counters["ms wall"] = median(played, &batch_measure::wall_ms);
  state.counters["ms cpu"] = cpu;
  state.counters["us cpu each"] = cpu * 1e3 / static_cast<double>(shared.what().endpoints);
  state.counters["kB peak"] = median(played, &batch_measure::peak_kb);
  state.counters["kB beyond"] = median(played, &batch_measure::beyond_kb);
  tell_ratio(state, "x ppoll", all_of(played, &batch_measure::cpu_ms), all_of(shared.of(0), &batch_measure::cpu_ms));
  for (auto const& rival : shared.what().rivals)
    tell_ratio(state, "x " + rival, all_of(played, &batch_measure::cpu_ms),
               all_of(shared.of(shared.index_of(rival)), &batch_measure::cpu_ms));
  if (auto const late = median(played, &batch_measure::late_ms); late > 0) state.counters["ms late"] = late;
}

void add(batch_stage what) {
  auto const shared = std::make_shared<played_stage>(std::move(what));
  for (std::size_t index = 0; index < shared->what().clients.size(); ++index) {
    auto const name = "batch/" + shared->what().name + '/' + shared->what().clients[index].name;
    benchmark::RegisterBenchmark(name.c_str(),
                                 [shared, index](benchmark::State& state) { show(state, *shared, index); })
        ->Iterations(shared->what().rounds)
        ->Repetitions(1)
        ->UseManualTime();
  }
}

// ---- what an endpoint costs among many, over what it costs among few ----

class played_growth {
 public:
  explicit played_growth(std::vector<batch_client> clients) : clients_(std::move(clients)) {}

  std::vector<batch_client> const& clients() const { return clients_; }
  std::string const& error() const { return error_; }
  /// Microseconds for each endpoint, round by round.
  std::vector<double> const& among_many(std::size_t client) const { return many_[client]; }
  std::vector<double> const& among_few(std::size_t client) const { return few_[client]; }

  void play_once() {
    if (std::exchange(has_been_played_, true)) return;
    try {
      play();
    } catch (std::exception const& why) {
      error_ = why.what();
    }
  }

 private:
  static constexpr std::size_t few = 1'000;
  static constexpr std::size_t many = 50'000;

  void play() {
    auto const small = gather_passing(few);
    auto const large = gather_passing(many);
    many_.resize(clients_.size());
    few_.resize(clients_.size());
    std::vector<std::size_t> in_turn(clients_.size());
    std::iota(in_turn.begin(), in_turn.end(), 0U);
    std::mt19937 random;
    for (int round = 0; round < rounds(growth_rounds); ++round) {
      std::shuffle(in_turn.begin(), in_turn.end(), random);
      for (auto const index : in_turn) {
        few_[index].push_back(cost_of_each(clients_[index], small, many / few));
        many_[index].push_back(cost_of_each(clients_[index], large, 1));
      }
    }
  }

  /// In so many batches, one after another.
  static double cost_of_each(batch_client const& whose, crowd const& whom, std::size_t batches) {
    constexpr std::size_t window = 1'000;
    double cpu_ms = 0;
    for (std::size_t count = 0; count < batches; ++count) {
      auto const measured =
          measure_in_a_child(whose.connect_all, whom.all, whom.lives, {60s, window, false}, whom.serve);
      whom.clear_away();
      if (measured.wrong != 0)
        throw std::runtime_error(whose.name + " gave " + std::to_string(measured.wrong) + " wrong answers");
      cpu_ms += measured.cpu_ms;
    }
    return cpu_ms * 1e3 / static_cast<double>(batches * whom.all.size());
  }

  std::vector<batch_client> clients_;
  bool has_been_played_ = false;
  std::string error_{};
  std::vector<std::vector<double>> many_{};
  std::vector<std::vector<double>> few_{};
};

void show_growth(benchmark::State& state, played_growth& shared, std::size_t mine) {
  shared.play_once();
  if (!shared.error().empty()) return state.SkipWithError(shared.error().c_str());
  std::size_t round = 0;
  for (auto _ : state) state.SetIterationTime(shared.among_many(mine)[round++] / 1e6);
  state.counters["us cpu each of 1000"] = quantile(shared.among_few(mine), 0.5);
  state.counters["us cpu each of 50000"] = quantile(shared.among_many(mine), 0.5);
  tell_ratio(state, "x 1000", shared.among_many(mine), shared.among_few(mine));
}

void add_growth(std::vector<batch_client> clients) {
  auto const shared = std::make_shared<played_growth>(std::move(clients));
  for (std::size_t index = 0; index < shared->clients().size(); ++index) {
    auto const name = "batch/growth/" + shared->clients()[index].name;
    benchmark::RegisterBenchmark(name.c_str(),
                                 [shared, index](benchmark::State& state) { show_growth(state, *shared, index); })
        ->Iterations(rounds(growth_rounds))
        ->Repetitions(1)
        ->UseManualTime();
  }
}

/// "asio" of "asio_run_for": with one deadline for all there is only one way.
std::string without_the_way(std::string const& name) {
  for (std::string const way : {"_run_for", "_precise"})
    if (name.ends_with(way)) return name.substr(0, name.size() - way.size());
  return name;
}

}  // namespace

void add_batch() {
  std::vector<batch_client> const those_with_a_window = {{"ppoll", batch_by_ppoll},
                                                         {"epoll", batch_by_epoll},
                                                         {"same_calls", batch_by_same_calls},
                                                         {"timed_connect_all", batch_by_timed_connect}};
  auto everybody = those_with_a_window;
  everybody.insert(everybody.begin() + 1, {"ppoll_tcp_info", batch_by_ppoll_tcp_info});
  for (auto const& one : peers::all())
    if (one.connect_all != nullptr) everybody.push_back({without_the_way(one.name), one.connect_all});

  constexpr std::size_t all = 1U << 20U;
  constexpr auto before_the_second_syn = 800ms;
  for (auto const& [count, limit] : {std::pair(1'000U, before_the_second_syn),
                                     {10'000U, before_the_second_syn},
                                     {50'000U, std::chrono::milliseconds(4s)}})
    add({std::to_string(count) + "_half_dead",
         count,
         {limit, all, true},
         gather_half_dead,
         everybody,
         rounds(11),
         {"ppoll_tcp_info"}});
  for (unsigned const count : {1'000U, 10'000U})
    add({std::to_string(count) + "_live", count, {10s, all, true}, gather_live, everybody});
  constexpr std::size_t window = 1000;
  for (unsigned const count : {1'000U, 10'000U, 50'000U})
    add({std::to_string(count) + "_passing", count, {60s, window, false}, gather_passing, those_with_a_window});
  add_growth(those_with_a_window);
  for (unsigned const count : {1'000U, 10'000U})
    add({std::to_string(count) + "_trickling", count, {10s, all, true}, gather_far_away, everybody});
}
