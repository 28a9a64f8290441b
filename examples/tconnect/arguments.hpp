// SPDX-License-Identifier: MIT
// What the command line says: the options by CLI11, and the forms of its own words, ENDPOINT and DURATION. Everything
// is read and checked before anything is sent.
#pragma once

#include <timed_connect/resolver.hpp>
#include <timed_connect/timed_connect.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tconnect {

/// Whether the endpoints are connected to one after another, as alternatives, or all at once.
enum class mode { each, any, all };

/// One ENDPOINT. A name has no address yet: it is looked up under the deadline.
struct target {
  std::string text{};  ///< As it was given.
  std::optional<tconn::endpoint> address{};
  std::string host{};
  std::string service{};
};

using duration = std::chrono::duration<double>;

struct arguments {
  std::vector<target> targets{};
  duration timeout = std::chrono::seconds{1};
  tconn::connect_options options{};
  tconnect::mode mode = tconnect::mode::each;
  bool retry = false;
  std::chrono::nanoseconds hedge_after = std::chrono::nanoseconds::max();
  std::size_t max_in_flight = 0;
  bool json = false;
};

inline bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Letters, digits, hyphens, dots and underscores, not ending in a label of digits alone: that is a mistyped address
/// (RFC 3696 section 2).
inline bool is_host_name(std::string_view host) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
  return !host.empty() && host.front() != '-' && host.front() != '.' && host.find_first_not_of(allowed) == host.npos &&
         !all_digits(host.substr(host.rfind('.') + 1));
}

/// A decimal number with a unit. Throws CLI::ValidationError.
inline duration read_duration(std::string const& option, std::string const& text) {
  static constexpr struct {
    std::string_view name;
    double seconds;
  } units[] = {{"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"m", 60}};

  // Not std::from_chars(), which clang's library has for no floating point yet.
  auto const length = std::min(text.find_first_not_of("0123456789."), text.size());
  auto const number = text.substr(0, length);
  auto const unit = text.substr(length);
  double const count = std::strtod(number.c_str(), nullptr);
  bool const is_number = !number.empty() && number.front() != '.' && std::isfinite(count) &&
                         std::count(number.begin(), number.end(), '.') <= 1;
  for (auto const& known : units) {
    if (is_number && unit == known.name) return duration(count * known.seconds);
  }
  std::string const example = is_number && unit.empty() ? text + "ms or " + text + "s" : "250ms or 1.5s";
  throw CLI::ValidationError(option, "'" + text + "' is not a number with a unit (us, ms, s, m), such as " + example);
}

/// In nanoseconds; a year at most.
inline std::chrono::nanoseconds whole(duration span) {
  return std::chrono::ceil<std::chrono::nanoseconds>(std::min<duration>(span, std::chrono::hours{24 * 365}));
}

/// Throws CLI::ValidationError.
inline tconn::on_timeout read_policy(std::string const& text) {
  using tconn::on_timeout;
  for (auto const how : {on_timeout::close, on_timeout::reset, on_timeout::keep}) {
    if (text == to_string(how)) return how;
  }
  throw CLI::ValidationError("--on-timeout", "'" + text + "' is none of close, reset and keep");
}

/// A numeric endpoint, or host:port. Throws CLI::ValidationError.
inline target read_target(std::string const& text) {
  if (auto const address = tconn::endpoint::parse(text)) return {text, *address, {}, {}};
  auto const refuse = [&](std::string const& why) { return CLI::ValidationError("'" + text + "'", why); };
  if (text == "-") throw refuse("standard input, which goes only together with --all");
  if (text.starts_with('-')) throw refuse("no such option");
  if (text.starts_with("unix:")) throw refuse("not a Unix socket: wanted unix:PATH, at most 107 bytes, or unix:@NAME");
  if (text.find("://") != text.npos) throw refuse("a URL: wanted HOST:PORT alone, such as example.org:80");
  auto const colon = text.rfind(':');
  if (colon == text.npos || text.ends_with(']')) throw refuse("no port: wanted HOST:PORT, such as " + text + ":80");
  auto const host = text.substr(0, colon);
  auto const service = text.substr(colon + 1);
  if (service.empty()) throw refuse("no port behind the colon");
  std::uint16_t port = 0;
  auto const end = service.data() + service.size();
  if (all_digits(service) && std::from_chars(service.data(), end, port).ec != std::errc())
    throw refuse("port " + service + " is not in 0 to 65535");
  if (tconn::endpoint::parse(host + ":80"))
    throw refuse("the port of an address is a number, from 0 to 65535, such as " + host + ":80");
  if (host.starts_with('[')) throw refuse("not an IPv6 address, or an interface that does not exist");
  if (host.find(':') != host.npos) throw refuse("an IPv6 address wants brackets: [2001:db8::1]:80");
  if (!is_host_name(host) || !is_host_name(service + 'x') || !tconn::host::parse(text))
    throw refuse("neither an address nor a name with a port");
  return {text, std::nullopt, host, service};
}

/// From standard input, one a line; blanks around it, empty lines, and lines that begin with # do not count. Throws
/// CLI::ValidationError, which tells the line.
inline void read_targets(std::vector<target>& targets) {
  std::size_t number = 0;
  for (std::string line; std::getline(std::cin, line);) {
    ++number;
    auto const first = line.find_first_not_of(" \t\r");
    if (first == line.npos || line[first] == '#') continue;
    try {
      targets.push_back(read_target(line.substr(first, line.find_last_not_of(" \t\r") + 1 - first)));
    } catch (CLI::ValidationError const& wrong) {
      throw CLI::ValidationError("line " + std::to_string(number), wrong.what());
    }
  }
  // The stream takes an error for the end; what is beneath it knows better.
  if (std::ferror(stdin) != 0) throw CLI::ValidationError("-", "standard input cannot be read to its end");
}

/// Throws CLI::ValidationError.
inline std::size_t read_count(std::string const& option, std::string const& text) {
  std::size_t count = 0;
  auto const end = text.data() + text.size();
  if (!all_digits(text) || std::from_chars(text.data(), end, count).ec != std::errc())
    throw CLI::ValidationError(option, "'" + text + "' is not a number");
  return count;
}

/// Throws CLI::ValidationError.
inline void refuse_what_does_not_go_together(arguments const& read, bool any_and_all, bool hedges) {
  if (any_and_all) throw CLI::ValidationError("--any", "not together with --all");
  if (read.retry && read.mode != mode::each) throw CLI::ValidationError("--retry", "not together with --any and --all");
  if (hedges && (read.retry || read.mode == mode::all))
    throw CLI::ValidationError("--hedge", "not together with --retry and --all");
  bool const keeps = read.options.on_timeout == tconn::on_timeout::keep;
  if (keeps && (read.retry || hedges || read.mode != mode::each))
    throw CLI::ValidationError("--on-timeout", "keep does not go together with --any, --all, --retry and --hedge");
  if (read.max_in_flight != 0 && read.mode != mode::all)
    throw CLI::ValidationError("--max-in-flight", "only together with --all");
}

/// The page that --help shows: CLI11 knows the options, the rest is for the reader.
struct help_page : CLI::Formatter {
  std::string make_help(CLI::App const* app, std::string /*name*/, CLI::AppFormatMode mode) const override {
    return R"(Usage: tconnect [OPTION]... ENDPOINT...
Connects to each ENDPOINT in turn, says how that went, and closes the connection again.
With --any to whichever answers first, with --all to all of them at the same time; with --retry until somebody listens.

ENDPOINT is one of
  HOST:PORT         a name, whose addresses race, 250 ms apart (RFC 8305); PORT may be a service
  192.0.2.1:80      an IPv4 address
  [2001:db8::1]:80  an IPv6 address, with its interface if it is link-local: [fe80::1%eth0]:80
  unix:PATH         a Unix socket, or unix:@NAME for one with an abstract name
  -                 with --all: one a line from standard input, without empty lines and those that begin with #
)" + make_groups(app, mode) +
           R"(
At the deadline an attempt that is still in flight is given up, in silence. But the handshake may be over just then,
and the server can accept the connection:
  close  lets the server read end of file (FIN)
  reset  lets the server read ECONNRESET (RST)
  keep   gives nothing up: the kernel repeats the SYN until tconnect ends; addresses of a name are closed

A line of output tells the endpoint, the result, the time, the SYNs that are known to have been sent, and of a failure
the reason and what was left behind. With --json it is an object:
  endpoint         as it was given
  result           connected, failed or deadline_exceeded
  code             the error; empty when connected
  elapsed_us       microseconds, the look-up of a name included
  handshake        not_started, in_flight, completed, failed or unknown
  aftermath        none, nothing_sent, peer_sees_close, peer_sees_reset, kept or unknown
  syn_retransmits  how often the SYN was repeated
  address          the address that was tried last, which the rest is about, only if a name was looked up

Exit status: 0 connected, 1 failed, 2 wrong usage, 124 deadline exceeded, 130 interrupted.
Of several endpoints, one that failed counts most, then one that exceeded its deadline. With --any one line tells of the
endpoint that has won, or of one that has not; with --all the lines come as the results do, and without --json a summary
goes to standard error. Names are looked up first, all at the same time; numeric endpoints do not wait for them.
Ctrl-C cancels what is under way and tells what was left behind; a second one ends at once.

Examples:
  tconnect --timeout 250ms 127.0.0.1:8080
  tconnect --retry --timeout 30s db:5432 && exec ./server
  tconnect --any --hedge 100ms a.example:443 b.example:443
  tconnect --all --json - <fleet | jq -r 'select(.result != "connected") | .endpoint'
  tconnect --json unix:/run/redis.sock [::1]:6379 | jq -r 'select(.result != "connected") | .endpoint'
)";
  }
};

/// Reads the command line. Throws CLI::ParseError: --help, --version, and everything that is wrong, in one line.
inline arguments read(CLI::App& app, int count, char const* const* words) {
  std::string timeout = "1s";
  std::string on_timeout = "close";
  std::string hedge;
  std::string max_in_flight = "0";
  bool refuse_late = false;
  bool any = false;
  bool all = false;
  arguments read;

  app.formatter(std::make_shared<help_page>());
  app.set_version_flag("--version", "tconnect " TIMED_CONNECT_VERSION, "Show the version and end");
  app.set_help_flag("-h,--help", "Show this and end");
  app.add_option("--timeout", timeout,
                 "The deadline of each endpoint: 100us, 250ms, 1.5s, 1m; 0ms tries an address without waiting")
      ->type_name("DURATION")
      ->take_last()
      ->capture_default_str();
  app.add_option("--on-timeout", on_timeout,
                 "What happens to the attempt at the deadline; keep not with --any, --all, --retry, --hedge")
      ->type_name("close|reset|keep")
      ->take_last()
      ->capture_default_str();
  app.add_flag("--refuse-late", refuse_late, "A handshake that only the last look finds complete does not count")
      ->disable_flag_override();
  app.add_flag("--any", any, "Connect to one of them, whichever answers first; not with --all, --retry")
      ->disable_flag_override();
  app.add_flag("--all", all, "Connect to all at the same time, under one deadline; not with --any, --retry, --hedge")
      ->disable_flag_override();
  app.add_flag("--retry", read.retry,
               "Wait for a server: try again while there is hope; not with --any, --all, --hedge")
      ->disable_flag_override();
  app.add_option("--hedge", hedge, "When nothing has answered for so long, send another SYN; not with --all, --retry")
      ->type_name("DURATION")
      ->take_last();
  app.add_option("--max-in-flight", max_in_flight,
                 "With --all: how many may be under way; 0: as many as there are descriptors")
      ->type_name("NUMBER")
      ->take_last()
      ->capture_default_str();
  app.add_flag("--json", read.json, "One JSON object a line")->disable_flag_override();
  for (std::string_view const word : std::span(words, static_cast<std::size_t>(count))) {
    // CLI11 would take the next word for the value.
    if (word.starts_with("--") && word.ends_with('=')) throw CLI::ValidationError(std::string(word), "no value");
  }
  app.allow_extras();  // the endpoints: as values of an option the brackets of "[::1]" would be those of a list
  app.parse(count, words);

  read.timeout = read_duration("--timeout", timeout);
  read.options.accept_late = !refuse_late;
  read.options.on_timeout = read_policy(on_timeout);
  read.mode = all ? mode::all : any ? mode::any : mode::each;
  bool const hedges = app.count("--hedge") != 0;
  if (hedges) read.hedge_after = whole(read_duration("--hedge", hedge));
  read.max_in_flight = read_count("--max-in-flight", max_in_flight);
  refuse_what_does_not_go_together(read, any && all, hedges);
  for (auto const& text : app.remaining()) {
    if (text == "-" && all)
      read_targets(read.targets);
    else if (text != "--")
      read.targets.push_back(read_target(text));
  }
  if (read.targets.empty()) throw CLI::ValidationError("no ENDPOINT", "what shall be connected to?");
  return read;
}

}  // namespace tconnect
