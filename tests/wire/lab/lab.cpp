// SPDX-License-Identifier: MIT
#include "lab.hpp"

#include "tun_device.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

namespace wire {
namespace {

constexpr std::uint16_t port = 8765;
constexpr int first_peer = 2;  // 1 is the kernel under test
constexpr int last_peer = 254;
constexpr std::uint32_t own_first = 1000;
constexpr std::size_t said_at_once = 5;

}  // namespace

struct lab::network {
  network() : woken(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), thread([this] { run(); }) {}
  network(network const&) = delete;
  network& operator=(network const&) = delete;
  ~network() {
    {
      std::lock_guard const held(mutex);
      ends = true;
    }
    wake();
    thread.join();
  }

  /// Takes what the kernel has sent, and does what is due, until there is neither. The mutex is held.
  void settle() {
    for (;;) {
      while (auto packet = device.read()) dispatch(std::move(*packet));
      auto const next = due.begin();
      if (next == due.end() || next->first > clock::now()) return;
      auto const action = std::move(next->second);
      due.erase(next);
      action();
    }
  }

  void schedule(std::chrono::nanoseconds delay, std::function<void()> action) {
    due.emplace(clock::now() + delay, std::move(action));
    if (delay > delay.zero()) wake();
  }

  tun_device device{};
  std::mutex mutex{};
  std::vector<std::unique_ptr<peer>> peers{};

 private:
  void dispatch(bytes packet) {
    auto const got = read_segment(packet);
    if (!got) return;
    for (auto const& one : peers) {
      if (one->where(got->to.family()) == got->to) return one->take(*got, std::move(packet));
    }
  }

  void wake() const {
    std::uint64_t const one = 1;
    [[maybe_unused]] auto const written = ::write(woken.native_handle(), &one, sizeof one);
  }

  void run() {
    for (;;) {
      timespec left{3600, 0};
      {
        std::lock_guard const held(mutex);
        if (ends) return;
        settle();
        if (!due.empty()) {
          auto const span = std::max(due.begin()->first - clock::now(), clock::duration::zero());
          auto const seconds = std::chrono::floor<std::chrono::seconds>(span);
          left = {static_cast<time_t>(seconds.count()), static_cast<long>((span - seconds).count())};
        }
      }
      std::array<pollfd, 2> entries{{{device.descriptor(), POLLIN, 0}, {woken.native_handle(), POLLIN, 0}}};
      ::ppoll(entries.data(), entries.size(), &left, nullptr);
      std::uint64_t count = 0;
      [[maybe_unused]] auto const read = ::read(woken.native_handle(), &count, sizeof count);
    }
  }

  std::multimap<clock::time_point, std::function<void()>> due{};  // equal moments keep their order
  bool ends = false;
  tconn::socket woken;
  std::thread thread;  // the last: it uses all the others
};

lab::lab() : network_(std::make_unique<network>()) {}
lab::~lab() = default;

peer& lab::add(std::string_view script) {
  std::lock_guard const held(network_->mutex);
  int const host = first_peer + static_cast<int>(network_->peers.size());
  if (host > last_peer) throw std::length_error("the lab has no address for another peer");
  return *network_->peers.emplace_back(std::make_unique<peer>(*this, host, script));
}

peer::peer(lab& in, int host, std::string_view script) : lab_(in), host_(host), script_(read_script(script)) {}

tconn::endpoint peer::where(int family) const { return address_of(family, host_, port); }

void peer::before(std::string_view call) { reach("before " + std::string(call), kind::call, call); }

void peer::after_return() { reach("after return", kind::moment, "return"); }

void peer::reach(std::string const& trigger, kind what, std::string_view name) {
  std::lock_guard const held(lab_.network_->mutex);
  lab_.network_->settle();
  int const count = ++reached_[trigger];
  for (auto const& line : script_) {
    if (line.trigger == trigger && line.which == count && !flows_.empty()) play(line, flows_.size() - 1);
  }
  lab_.network_->settle();
  record({what, clock::now(), std::string(name)});
}

void peer::note(std::string text, clock::time_point at) {
  std::lock_guard const held(lab_.network_->mutex);
  lab_.network_->settle();
  auto& all = seen_.happenings;
  auto const place = std::find_if(all.begin(), all.end(), [&](happening const& one) { return one.at > at; });
  all.insert(place, {kind::moment, at, std::move(text)});
}

trace peer::seen() {
  std::lock_guard const held(lab_.network_->mutex);
  lab_.network_->settle();
  return seen_;
}

std::string peer::unplayed() const {
  std::lock_guard const held(lab_.network_->mutex);
  std::string missing;
  for (auto const& line : script_) {
    auto const found = reached_.find(line.trigger);
    bool const has_come = line.trigger.starts_with("on ") || (found != reached_.end() && found->second >= line.which);
    if (!has_come) missing += line.trigger + ' ' + std::to_string(line.which) + '\n';
  }
  return missing;
}

void peer::record(happening one) { seen_.happenings.push_back(std::move(one)); }

void peer::take(segment const& got, bytes packet) {
  auto const is_of = [&](flow const& one) { return one.syn.from == got.from; };
  auto found = std::find_if(flows_.rbegin(), flows_.rend(), is_of);
  bool const is_first =
      (got.flags & (syn | ack)) == syn && (found == flows_.rend() || found->syn.sequence != got.sequence);
  if (is_first) {
    flows_.push_back({got, packet, own_first, got.next()});
    found = flows_.rbegin();
    seen_.client = got.from;
    seen_.peer = got.to;
  }
  if (found == flows_.rend()) return;  // of a connection that is older than this lab
  flow& of = *found;
  auto const index = static_cast<std::size_t>(std::distance(flows_.begin(), found.base())) - 1;
  std::vector<rule const*> lines;
  bool is_lost = false;
  std::vector<std::string> names{got.name(), "packet"};
  if (got.length > 0) names.emplace_back("data");
  for (auto const& name : names) {
    int const count = ++of.counts[name];
    for (auto const& line : script_) {
      if (line.trigger != "on " + name || (line.which != 0 && line.which != count)) continue;
      is_lost = is_lost || line.loses;
      lines.push_back(&line);
    }
  }
  record({kind::from_client, clock::now(), got.name(), is_lost, std::move(packet)});
  if (is_lost) return;
  if (static_cast<std::int32_t>(got.next() - of.client_next) > 0) of.client_next = got.next();
  for (auto const* const line : lines) play(*line, index);
}

void peer::play(rule const& line, std::size_t to) {
  for (auto const& what : line.sends) lab_.network_->schedule(line.delay, [this, what, to] { send(what, to); });
}

void peer::send(std::string const& what, std::size_t to) {
  flow& of = flows_[to];
  if (what == "unreachable") {
    auto packet = write_unreachable(of.syn, of.packet);
    record({kind::from_peer, clock::now(), what, false, packet});
    return lab_.network_->device.write(packet);
  }
  segment const answered = answer(what, of);
  auto packet = write_segment(answered);
  record({kind::from_peer, clock::now(), answered.name(), false, packet});
  lab_.network_->device.write(packet);
}

segment peer::answer(std::string const& what, flow& to) const {
  segment made{to.syn.to, to.syn.from, ack, to.own_next, to.client_next};
  if (what == "SYN" || what == "SYN-ACK") {
    made.sequence = own_first;
    made.flags = what == "SYN" ? syn : syn | ack;
    if (what == "SYN") made.acknowledgment = 0;
    to.has_spoken = true;
  } else if (what == "RST" && !to.has_spoken) {  // RFC 9293, 3.10.7.1: no connection, and no ACK to go by
    made.sequence = 0;
    made.flags = rst | ack;
  } else if (what == "RST") {
    made.flags = rst;
    made.acknowledgment = 0;
  } else if (what == "FIN-ACK") {
    made.flags = fin | ack;
  } else if (what == "data") {
    made.flags = psh | ack;
    made.length = said_at_once;
  }
  if ((made.flags & rst) == 0) to.own_next = std::max(to.own_next, made.next());
  return made;
}

}  // namespace wire
