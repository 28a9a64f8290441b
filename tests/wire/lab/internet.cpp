// SPDX-License-Identifier: MIT
#include "internet.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <algorithm>
#include <cstring>

namespace wire {
namespace {

// The peers are at the ports of these hosts, from this port on.
constexpr std::size_t hosts = 250;
constexpr int first_host = 2;
constexpr std::uint16_t first_port = 1000;

std::size_t peer_at(tconn::endpoint const& where) {
  sockaddr_in name{};
  std::memcpy(&name, where.data(), sizeof name);
  auto const host = (ntohl(name.sin_addr.s_addr) & 0xffU) - first_host;
  return static_cast<std::size_t>(where.port() - first_port) * hosts + host;
}

}  // namespace

internet::internet(climate const& what) : climate_(what), visits_(what.peers), thread_([this] { run(); }) {}

internet::~internet() { end(); }

std::vector<visits> const& internet::end() {
  ending_ = true;
  if (thread_.joinable()) thread_.join();
  return visits_;
}

tconn::endpoint internet::at(std::size_t peer) const {
  return address_of(AF_INET, first_host + static_cast<int>(peer % hosts),
                    static_cast<std::uint16_t>(first_port + peer / hosts));
}

temper internet::temper_of(std::size_t peer) const {
  auto const percent = random(peer, 1) % 100;
  if (percent < climate_.dead_percent) return temper::is_dead;
  return percent < climate_.dead_percent + climate_.refusing_percent ? temper::refuses : temper::answers;
}

std::chrono::milliseconds internet::distance_of(std::size_t peer) const {
  auto const span = static_cast<std::uint64_t>((climate_.farthest - climate_.nearest).count());
  return climate_.nearest + std::chrono::milliseconds(random(peer, 2) % (span + 1));
}

bool internet::is_lost(std::size_t peer, unsigned nth_syn) const {
  return random(peer, 2 + nth_syn) % 100 < climate_.lost_percent;
}

// SplitMix64.
std::uint64_t internet::random(std::size_t peer, std::uint64_t what) const {
  std::uint64_t mixed = climate_.seed * 0x9e3779b97f4a7c15U + peer * 0xbf58476d1ce4e5b9U + what * 0x94d049bb133111ebU;
  mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
  return mixed ^ (mixed >> 31U);
}

void internet::run() {
  constexpr std::chrono::nanoseconds longest = std::chrono::milliseconds{20};  // to look whether it is to end
  for (auto before = clock::now();;) {
    bool const is_ending = ending_;
    auto const now = clock::now();
    standstill_ = std::max(standstill_, now - before - longest);
    before = now;
    for (; !answers_.empty() && answers_.top().due <= now; answers_.pop())
      device_.write(write_segment(answers_.top().what));
    auto const left = answers_.empty() ? longest : std::min(longest, answers_.top().due - now);
    pollfd entry{device_.descriptor(), POLLIN, 0};
    timespec const limit{0, static_cast<long>(left.count())};
    int const ready = ::ppoll(&entry, 1, &limit, nullptr);
    if (ready == 0 && is_ending && answers_.empty()) return;
    if (ready <= 0) continue;
    constexpr int most_at_once = 64;  // so that answers are not late when thousands of SYNs come
    for (int i = 0; i < most_at_once; ++i) {
      auto const packet = device_.read();
      if (!packet) break;
      if (auto const got = read_segment(*packet)) receive(*got, clock::now());
    }
  }
}

void internet::receive(segment const& packet, clock::time_point now) {
  if (packet.to.family() != AF_INET) return;
  auto const peer = peer_at(packet.to);
  if (peer >= visits_.size()) return;
  auto& seen = visits_[peer];
  segment reply{packet.to, packet.from};
  if (packet.flags == syn) {
    ++seen.syns;
    auto const how = temper_of(peer);
    reply.flags = how == temper::answers ? syn | ack : rst | ack;
    reply.acknowledgment = packet.next();
    if (how != temper::is_dead && !is_lost(peer, seen.syns)) held_.push_back({peer, reply});
    release_neighbours_of(peer, now);
  } else if ((packet.flags & rst) != 0) {
    ++seen.resets;
  } else if ((packet.flags & fin) != 0) {
    ++seen.fins;
    // The peer has gone meanwhile: a RST frees the socket that waits for the last ACK.
    reply.flags = rst;
    reply.sequence = packet.acknowledgment;
    answers_.push({now, reply});
  } else if (packet.length == 0) {
    ++seen.established;
  }
}

void internet::release_neighbours_of(std::size_t peer, clock::time_point now) {
  auto const group = peer / climate_.together;
  auto const first = group * climate_.together;
  auto const end = std::min(first + climate_.together, visits_.size());
  for (auto other = first; other < end; ++other)
    if (visits_[other].syns == 0) return;
  std::erase_if(held_, [&](held_answer const& one) {
    bool const is_due = one.by / climate_.together == group;
    if (is_due) answers_.push({now + distance_of(one.by), one.what});
    return is_due;
  });
}

}  // namespace wire
