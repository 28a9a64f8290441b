// SPDX-License-Identifier: MIT
// The race on the wire: the kernel's TCP against a peer that a script drives. Each scene plays one moment and knows
// which packets it must show. Moments between two calls are exact; only the pauses before late answers take time.
#include <timed_connect/timed_connect.hpp>

#include "article_client.hpp"
#include "race.hpp"
#include "wire/lab/capture.hpp"
#include "wire/lab/lab.hpp"
#include "wire/lab/ladder.hpp"
#include "wire/lab/svg.hpp"
#include "wire/lab/tun_device.hpp"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

using namespace std::chrono_literals;
using tconn::on_timeout;

constexpr auto limit = 100ms;
constexpr long article_limit_us = 1;

enum class client { ours, article };

struct scene {
  char const* name = "";
  char const* title = "";
  client by = client::ours;
  on_timeout how = on_timeout::close;
  char const* script = "";
  char const* packets = "";
  char const* told = "";
  bool accept_late = true;
};

constexpr char const* handshake = "> SYN, < SYN-ACK, > ACK";
constexpr char const* handshake_close = "> SYN, < SYN-ACK, > ACK, > FIN-ACK, < ACK";
constexpr char const* handshake_reset = "> SYN, < SYN-ACK, > ACK, > RST-ACK";
constexpr char const* too_late = "> SYN, < SYN-ACK, > RST";

constexpr scene scenes[] = {
    {"article", "The article's client: the SYN-ACK comes after its close()", client::article, on_timeout::close,
     "after return: after 1ms send SYN-ACK", too_late, "\"connect time out\""},
    {"article-gap", "The article's client: the SYN-ACK comes between select() and close()", client::article,
     on_timeout::close, "before close: send SYN-ACK", handshake_close, "\"connect time out\""},
    {"silence", "No answer", client::ours, on_timeout::close, "", "> SYN", "in_flight, nothing_sent"},
    {"last-look", "The SYN-ACK comes between the wait and the last look", client::ours, on_timeout::close,
     "before last_look: send SYN-ACK", handshake, "connected"},
    {"last-look-refused", "The same, with accept_late = false", client::ours, on_timeout::close,
     "before last_look: send SYN-ACK", handshake_close, "completed, peer_sees_close", false},
    {"gap-close", "The SYN-ACK comes between the last look and giving up", client::ours, on_timeout::close,
     "before shut_receive: send SYN-ACK", handshake_close, "completed, peer_sees_close"},
    {"gap-reset", "The SYN-ACK comes between the last look and giving up", client::ours, on_timeout::reset,
     "before shut_receive: send SYN-ACK", handshake_reset, "completed, peer_sees_reset"},
    {"gap-speaks", "The same, and the server speaks first", client::ours, on_timeout::close,
     "before shut_receive: send SYN-ACK, data", "> SYN, < SYN-ACK, > ACK, < PSH-ACK(5), > ACK, > FIN-ACK, < ACK",
     "completed, peer_sees_close"},
    {"decided", "The SYN-ACK comes between giving up and close()", client::ours, on_timeout::close,
     "before close: send SYN-ACK", too_late, "in_flight, nothing_sent"},
    {"late-reset", "The SYN-ACK comes after the attempt was given up", client::ours, on_timeout::reset,
     "after return: after 30ms send SYN-ACK", too_late, "in_flight, nothing_sent"},
    {"keep", "The SYN-ACK comes after the deadline, and the attempt was kept", client::ours, on_timeout::keep,
     "after return: after 30ms send SYN-ACK", handshake, "in_flight, kept; then wait(): connected"},
    {"keep-lost", "The first SYN is lost, and the attempt was kept", client::ours, on_timeout::keep,
     "on SYN 1: lose\non SYN 2: send SYN-ACK", "> SYN lost, > SYN, < SYN-ACK, > ACK",
     "in_flight, kept; then wait(): connected"},
};

std::string play_article(wire::peer& server) {
  article::moments const between{[&](int) { server.before("select"); }, [&](int) { server.before("close"); }};
  server.before("start_connect");
  auto const believed = article::connect_and_close(server.where(), article_limit_us, between);
  server.after_return();
  return '"' + believed.then + '"';
}

/// What is told at once, and of a kept attempt also what becomes of it. A connection is given to `connected`, so that
/// its end is no part of the scene.
std::string play_ours(scene const& what, wire::peer& server, tconn::socket& connected) {
  auto const began = wire::clock::now();
  auto result = tconn::timed_connect(server.where(), limit, {.on_timeout = what.how, .accept_late = what.accept_late},
                                     wire::watched(server));
  server.after_return();
  server.note("call", began);
  server.note("deadline", began + limit);
  if (result) {
    connected = std::move(*result);
    return "connected";
  }
  auto& failure = result.error();
  auto told = std::string(to_string(failure.handshake)) + ", " + std::string(to_string(failure.aftermath));
  if (!failure.pending) return told;
  auto later = failure.pending->wait(5s);
  server.note("pending: wait() connects", wire::clock::now());
  told += "; then wait(): " + (later ? "connected" : later.error().code.message());
  if (later) connected = std::move(*later);
  return told;
}

wire::picture play(scene const& what) {
  wire::lab lab;
  auto& server = lab.add(std::string(what.script) + "\non FIN-ACK: send ACK");
  tconn::socket connected;
  wire::picture drawn{what.name, what.title};
  if (what.by == client::article) {
    drawn.limit = std::chrono::microseconds(article_limit_us);
    drawn.told = play_article(server);
  } else {
    drawn.limit = limit;
    drawn.policy = to_string(what.how);
    drawn.told = play_ours(what, server, connected);
  }
  for (int tries = 0; tries < 500 && server.seen().packets() != what.packets; ++tries)
    std::this_thread::sleep_for(10ms);
  drawn.shown = server.seen();
  return drawn;
}

void write_svg(std::string const& folder, wire::picture const& drawn) {
  auto const path = folder + '/' + drawn.name + ".svg";
  std::ofstream file(path);
  file << wire::svg(drawn) << std::flush;
  if (!file) throw std::runtime_error("cannot write " + path);
}

}  // namespace

int race_on_the_wire(wire_options const& options) try {
  for (auto const* const folder : {&options.svg_folder, &options.pcap_folder}) {
    if (!folder->empty()) std::filesystem::create_directories(*folder);
  }
  int played = 0;
  int wrong = 0;
  for (auto const& what : scenes) {
    if (!options.only.empty() && options.only != what.name) continue;
    auto const drawn = play(what);
    std::printf("%s[%s]\n%s\n", played++ > 0 ? "\n" : "", what.name, wire::ladder(drawn).c_str());
    if (drawn.shown.packets() != what.packets || drawn.told != what.told) {
      ++wrong;
      std::printf("NOT AS IT SHOULD BE: %s; told %s\n", what.packets, what.told);
    }
    if (!options.svg_folder.empty()) write_svg(options.svg_folder, drawn);
    if (!options.pcap_folder.empty())
      wire::write_capture(options.pcap_folder + '/' + drawn.name + ".pcap", drawn.shown);
  }
  if (played == 0) throw std::invalid_argument("there is no scene " + options.only);
  std::printf("\n%d scenes, %d not as they should be\n", played, wrong);
  return wrong == 0 ? 0 : 1;
} catch (wire::unavailable const& why) {
  std::fprintf(stderr, "SKIPPED: there is no wire lab: %s\n", why.what());
  return 77;
}
