// SPDX-License-Identifier: MIT
// The handshake race on loopback, with real sockets and no privilege: for every policy, what timed_connect() told, what
// the server's accept() and recv() really saw, and whether the two agree; beside it the same moments with the article's
// client.
//
// How a moment is made exact: a listener whose accept queue is full leaves the SYN unanswered. Once there is a place,
// the kernel's next SYN, a second after the first, completes the handshake. A System decorator makes the place, and
// waits for the handshake, exactly between two of timed_connect()'s own calls.
#include <timed_connect/timed_connect.hpp>

#include "article_client.hpp"
#include "race.hpp"
#include "support/completes_before.hpp"
#include "support/loopback.hpp"

#include <unistd.h>
#include <cstdio>
#include <functional>
#include <future>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using support::full_listener;
using tconn::aftermath;
using tconn::on_timeout;

constexpr auto limit = 100ms;
constexpr auto longer_than_the_kernels_pause = 1500ms;  // the SYN is repeated a second after the first

enum class moment { silence, speaks_in_time, before_last_look, in_the_gap, after_the_deadline };

struct row {
  std::string moment{};
  std::string policy{};
  std::string told{};
  std::string seen{};
  bool agree = false;
};

std::string seen_by(tconn::socket const& accepted) {
  return accepted ? "accepts, reads " + support::what_is_read(accepted, 500ms) : "accepts nothing";
}

/// What the server must see if what was told is true.
std::string due(aftermath left) {
  switch (left) {
    case aftermath::peer_sees_close: return "accepts, reads EOF";
    case aftermath::peer_sees_reset: return "accepts, reads ECONNRESET";
    case aftermath::nothing_sent: return "accepts nothing";
    default: return "?";
  }
}

/// A connection is real if bytes go both ways.
std::string both_ways(tconn::socket const& client, tconn::socket const& accepted) {
  if (!accepted) return "accepts nothing";
  bool const sent = ::send(client.native_handle(), "x", 1, support::no_signal) == 1 &&
                    ::send(accepted.native_handle(), "y", 1, support::no_signal) == 1;
  bool const arrived =
      sent && support::what_is_read(accepted, 500ms) == "1 bytes" && support::what_is_read(client, 500ms) == "1 bytes";
  return arrived ? "accepts, bytes go both ways" : "accepts, but no bytes go both ways";
}

char const* name_of(moment when) {
  switch (when) {
    case moment::silence: return "silence";
    case moment::speaks_in_time: return "in time, the server speaks first";
    case moment::before_last_look: return "before the last look";
    case moment::in_the_gap: return "between last look and giving up";
    case moment::after_the_deadline: return "after the deadline";
  }
  return "";
}

row play(moment when, on_timeout how) {
  full_listener server;
  bool const is_between_calls = when == moment::before_last_look || when == moment::in_the_gap;
  auto const call = when == moment::before_last_look ? support::race_call::last_look : support::race_call::count;
  support::completes_before const sys(call, is_between_calls ? &server : nullptr);
  auto result = tconn::timed_connect(server.where(), limit, {.on_timeout = how}, sys);
  row shown{name_of(when), std::string(to_string(how))};
  if (result) {
    shown.told = "connected (found by the last look)";
    shown.seen = both_ways(*result, server.accept());
    shown.agree = when == moment::before_last_look && shown.seen == "accepts, bytes go both ways";
    return shown;
  }
  auto& failure = result.error();
  shown.told = std::string(to_string(failure.handshake)) + ", " + std::string(to_string(failure.aftermath));
  bool const told_in_gap = failure.handshake == tconn::handshake::completed;
  bool const as_played = failure.code == tconn::errc::deadline_exceeded && told_in_gap == (when == moment::in_the_gap);
  if (when == moment::silence) {  // the queue stays full for longer than the kernel's pause
    std::this_thread::sleep_for(longer_than_the_kernels_pause);
    if (failure.pending) {
      failure.aftermath = failure.pending->abandon(on_timeout::close);
      shown.told += "; abandoned: " + std::string(to_string(failure.aftermath));
    }
  }
  if (when != moment::in_the_gap) server.open();
  if (failure.pending && *failure.pending) {
    auto const finished = failure.pending->wait(5s);
    if (finished) shown.told += "; later connected";
    shown.seen = finished ? both_ways(*finished, server.accept()) : seen_by(server.accept(0ms));
    shown.agree = as_played && shown.seen == "accepts, bytes go both ways";
    return shown;
  }
  shown.seen = seen_by(server.accept(longer_than_the_kernels_pause));
  shown.agree = as_played && shown.seen == due(failure.aftermath);
  return shown;
}

row play_speaking(on_timeout how) {
  support::listener const server;
  auto accepted = std::async(std::launch::async, [&] {
    auto connection = server.accept();
    ::send(connection.native_handle(), "hello", 5, support::no_signal);
    return connection;
  });
  auto const result = tconn::timed_connect(server.where(), 2s, {.on_timeout = how});
  row shown{name_of(moment::speaks_in_time), std::string(to_string(how)),
            result ? "connected" : result.error().message()};
  auto const connection = accepted.get();
  bool const greeted = result && support::what_is_read(*result, 500ms) == "5 bytes";
  shown.seen = greeted ? both_ways(*result, connection) : seen_by(connection);
  shown.agree = shown.seen == "accepts, bytes go both ways";
  return shown;
}

/// The same moments with the article's client, which looks at nothing after select() and tells nothing of what is left.
row play_article(moment when) {
  full_listener server;
  article::moments between;
  std::function<void(int)> const complete = [&](int client) {
    server.open();
    support::eventually([&] { return support::state_of(client) == tconn::tcp_state::established; });
  };
  if (when == moment::before_last_look || when == moment::in_the_gap) between.before_close = complete;
  auto const believed = article::connect_and_close(server.where(), 100'000, between);
  if (when == moment::silence) std::this_thread::sleep_for(longer_than_the_kernels_pause);
  if (when == moment::silence || when == moment::after_the_deadline) server.open();
  return {name_of(when), "article", '"' + believed.then + '"', seen_by(server.accept(longer_than_the_kernels_pause)),
          true};
}

row play_article_speaking() {
  support::listener const server;
  tconn::socket accepted;
  article::moments const between{[&](int client) {
                                   accepted = server.accept();
                                   ::send(accepted.native_handle(), "y", 1, support::no_signal);
                                   support::is_readable(client, 2s);
                                 },
                                 {}};
  auto const believed = article::connect_and_close(server.where(), 500'000, between);
  return {name_of(moment::speaks_in_time), "article", '"' + believed.then + '"', seen_by(accepted), true};
}

row play_article_refused() {
  support::closed_port const nobody;
  auto const believed = article::connect_and_close(nobody.where(), 500'000);
  return {"refused", "article", '"' + believed.then + '"', "there is no server", true};
}

row play_refused() {
  support::closed_port const nobody;
  auto const result = tconn::timed_connect(nobody.where(), 500ms);
  bool const refused = !result && result.error().code == std::errc::connection_refused;
  return {
      "refused", "any",
      result ? "connected" : result.error().code.message() + ", " + std::string(to_string(result.error().handshake)),
      "there is no server", refused};
}

/// Colour only where a person looks.
std::string coloured(char const* colour, std::string const& text) {
  return ::isatty(STDOUT_FILENO) == 1 ? std::string("\033[") + colour + 'm' + text + "\033[0m" : text;
}

void print(row const& shown, bool compare) {
  std::string const verdict = !compare ? "" : shown.agree ? coloured("32", "yes") : coloured("31;1", "NO");
  std::printf("  %-33s %-8s %-42s %-31s %s\n", shown.moment.c_str(), shown.policy.c_str(), shown.told.c_str(),
              shown.seen.c_str(), verdict.c_str());
}

}  // namespace

int race_on_loopback() {
  if (!support::tells_what_is_left()) {
    std::puts("SKIPPED: this system, or its emulator, does not tell what giving up leaves behind. Linux does.");
    constexpr int skipped = 77;
    return skipped;
  }
  using cells = std::vector<std::future<row>>;
  cells ours;
  cells articles;
  auto const add = [](cells& to, auto&& play_one) { to.push_back(std::async(std::launch::async, play_one)); };
  auto const began = support::steady::now();
  for (auto const when : {moment::silence, moment::after_the_deadline, moment::in_the_gap, moment::before_last_look}) {
    for (auto const how : {on_timeout::close, on_timeout::reset, on_timeout::keep})
      add(ours, [=] { return play(when, how); });
    add(articles, [=] { return play_article(when); });
  }
  for (auto const how : {on_timeout::close, on_timeout::reset, on_timeout::keep})
    add(ours, [=] { return play_speaking(how); });
  add(ours, play_refused);
  add(articles, play_article_speaking);
  add(articles, play_article_refused);

  // The moments are played at the same time; most wait for the kernel's next SYN.
  std::fprintf(stderr, "playing %zu moments of the handshake race ", ours.size() + articles.size());
  for (auto* const group : {&ours, &articles}) {
    for (auto& cell : *group) {
      while (cell.wait_for(250ms) != std::future_status::ready) std::fputc('.', stderr);
    }
  }
  std::fprintf(stderr, " done in %.1f s\n", std::chrono::duration<double>(support::steady::now() - began).count());

  int disagreements = 0;
  std::printf("\n%s\n",
              coloured("1", "timed_connect(), deadline 100 ms: is what it tells what the server sees?").c_str());
  print({"the SYN-ACK comes", "policy", "timed_connect told (handshake, aftermath)", "the server", {}}, false);
  for (auto& cell : ours) {
    row const shown = cell.get();
    disagreements += shown.agree ? 0 : 1;
    print(shown, true);
  }
  std::printf("\n%s\n", coloured("1", "The article's client in the same moments: what it believed").c_str());
  print({"the SYN-ACK comes", "client", "it believed", "the server", {}}, false);
  for (auto& cell : articles) print(cell.get(), false);
  std::printf("\n%s\n", disagreements == 0
                            ? coloured("32", "Told and seen agree in every moment.").c_str()
                            : coloured("31;1", std::to_string(disagreements) + " moments disagree.").c_str());
  return disagreements == 0 ? 0 : 1;
}
