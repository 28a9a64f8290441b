// SPDX-License-Identifier: MIT
// tconnect: does the connection come about, by then, and if not, what is left behind? For people and for scripts.
#include "arguments.hpp"
#include "interrupt.hpp"
#include "line_writer.hpp"
#include "lookup.hpp"
#include "process.hpp"
#include "report.hpp"
#include "summary.hpp"

#include <timed_connect/resolve.hpp>
#include <timed_connect/timed_connect.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace {

using tconnect::arguments;
using tconnect::report;
using tconnect::result;

using clock = std::chrono::steady_clock;

enum exit_status { connected = 0, failed = 1, wrong_usage = 2, deadline_exceeded = 124 };  // and tconnect::interrupted

void complain(std::string const& text) { std::fprintf(stderr, "tconnect: %s\n", text.c_str()); }

/// Every line goes out at once. A closed pipe ends the program by SIGPIPE, as it should.
bool print(std::string const& text) {
  if (std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0) return true;
  complain("cannot write to standard output: " + std::generic_category().message(errno));
  return false;
}

report::facts facts_of(tconn::native_handle connected) {
  tconn::tcp_facts facts;
  tconn::native_system{}.tcp(connected, facts);
  return {tconn::handshake::completed, tconn::aftermath::none, facts.syn_retransmits};
}

/// What came of a target: `address` is the one that the rest is about, and invalid where it came no further than looking
/// the name up.
report tell(tconnect::target const& to, tconn::endpoint const& address, std::error_code const& code,
            report::facts const& seen, std::chrono::nanoseconds elapsed) {
  report told{to.text};
  if (!to.address && address.valid()) told.address = address.to_string();
  told.in_lookup = !to.address && !address.valid();
  told.seen = seen;
  told.elapsed = elapsed;
  bool const is_late = code == make_error_code(tconn::errc::deadline_exceeded);
  told.result = !code ? result::connected : is_late ? result::deadline_exceeded : result::failed;
  if (code) told.code = code.message();
  if (is_late && told.in_lookup) told.code = "deadline exceeded while the name was looked up";
  using tconn::handshake;
  bool const was_under_way = seen.handshake == handshake::completed || seen.handshake == handshake::in_flight;
  bool const was_refused = code == std::errc::connection_refused;
  bool const may_have_sent = address.valid() && address.family() != AF_UNIX;
  told.sent_syn = may_have_sent && (was_under_way || was_refused || seen.syn_retransmits != 0);
  return told;
}

report tell(tconnect::target const& to, tconn::connect_result const& outcome, std::chrono::nanoseconds elapsed) {
  if (outcome) {
    tconn::endpoint address;
    auto const connected = outcome->native_handle();
    if (to.address)
      address = *to.address;
    else
      tconn::native_system{}.name(connected, tconn::name_of::peer, AF_UNSPEC, address);
    return tell(to, address, {}, facts_of(connected), elapsed);
  }
  auto const& why = outcome.error();
  return tell(to, why.where, why.code, {why.handshake, why.aftermath, why.syn_retransmits}, elapsed);
}

class output {
 public:
  explicit output(arguments const& asked) : json_(asked.json) {
    for (auto const& to : asked.targets) width_ = std::max(width_, tconnect::printable(to.text).size());
  }

  std::string line(report const& told) const { return (json_ ? to_json(told) : to_text(told, width_)) + '\n'; }
  /// Of several endpoints one that failed counts most.
  void count(report const& told) {
    if (told.result == result::failed) status_ = failed;
    if (told.result == result::deadline_exceeded && status_ == connected) status_ = deadline_exceeded;
  }
  /// A line for each endpoint. Whether it could be printed.
  bool add(report const& told) {
    count(told);
    if (print(line(told))) return true;
    status_ = failed;
    return false;
  }
  int status() const { return tconnect::was_interrupted() ? tconnect::interrupted : status_; }

 private:
  bool json_;
  std::size_t width_ = 0;
  int status_ = connected;
};

// ---- one after another ----

/// While the names before it still keep the resolver busy, a name waits.
tconn::connect_result connect_to_name(tconn::host const& name, tconnect::duration timeout,
                                      tconn::race_options const& race) {
  auto const until = tconn::deadline::after(timeout);
  for (;;) {
    auto outcome = tconn::timed_connect(name, until, race);
    if (outcome || outcome.error().code != tconn::errc::resolver_busy) return outcome;
    constexpr std::chrono::milliseconds pause{20};
    std::this_thread::sleep_until(std::min(clock::now() + pause, clock::time_point(until.until(clock::now()))));
    bool const is_in_time = clock::now() < until.until(clock::now());
    if (is_in_time && !tconnect::stop().requested()) continue;
    outcome.error().code = make_error_code(is_in_time ? tconn::errc::cancelled : tconn::errc::deadline_exceeded);
    return outcome;
  }
}

tconn::connect_result connect(tconnect::target const& to, arguments const& asked) {
  auto options = asked.options;
  options.cancel = &tconnect::stop();
  tconn::host const name{to.host, to.service};
  if (!to.address && options.on_timeout == tconn::on_timeout::keep) options.on_timeout = tconn::on_timeout::close;
  if (asked.retry) {
    tconn::retry_options const retry{.each = options};
    return to.address ? tconn::timed_connect_retry(*to.address, asked.timeout, retry)
                      : tconn::timed_connect_retry(name, asked.timeout, retry);
  }
  tconn::race_options const race{.each = options, .hedge_after = asked.hedge_after};
  if (!to.address) return connect_to_name(name, asked.timeout, race);
  if (asked.hedge_after != std::chrono::nanoseconds::max())
    return tconn::timed_connect_any({*to.address}, asked.timeout, race);
  return tconn::timed_connect(*to.address, asked.timeout, options);
}

int connect_each(arguments const& asked) {
  output out(asked);
  std::vector<tconn::pending_connection> kept;
  for (auto const& to : asked.targets) {
    auto const began = clock::now();
    auto outcome = connect(to, asked);
    auto const elapsed = clock::now() - began;
    if (!out.add(tell(to, outcome, elapsed)) || tconnect::was_interrupted()) break;
    if (!outcome && outcome.error().pending) kept.push_back(std::move(*outcome.error().pending));
  }
  return out.status();
}

// ---- one of them ----

/// Numeric endpoints race in one thread, and each name, with its lookup, in another: a slow name keeps nobody waiting.
class any_of_them {
 public:
  explicit any_of_them(arguments const& asked) : asked_(asked) {}

  int run() {
    std::vector<std::thread> beside;
    std::vector<std::size_t> numeric;
    for (std::size_t at = 0; at < asked_.targets.size(); ++at) {
      if (asked_.targets[at].address)
        numeric.push_back(at);
      else
        beside.emplace_back([this, at] { connect_name(at); });
    }
    if (!numeric.empty()) connect_numeric(numeric);
    for (auto& one : beside) one.join();
    output out(asked_);
    out.add(*told_);
    return out.status();
  }

 private:
  tconn::race_options options() const {
    auto options = asked_.options;
    options.cancel = &tconnect::stop();
    return {.each = options, .hedge_after = asked_.hedge_after};
  }

  void connect_name(std::size_t at) {
    auto const& to = asked_.targets[at];
    add(at, tconn::timed_connect(tconn::host{to.host, to.service}, until_, options()));
  }

  void connect_numeric(std::vector<std::size_t> const& all) {
    std::vector<tconn::endpoint> addresses;
    addresses.reserve(all.size());
    for (auto const at : all) addresses.push_back(*asked_.targets[at].address);
    // Which socket is whose: getpeername() may tell another name, of a wildcard or of a Unix path.
    std::map<tconn::native_handle, std::size_t> target_of;
    auto note = [&](tconn::native_handle handle, tconn::endpoint const& to) {
      target_of[handle] = all[static_cast<std::size_t>(&to - addresses.data())];
      return std::error_code{};
    };
    auto asked = options();
    asked.each.before_connect = note;
    auto const outcome = tconn::timed_connect_any(addresses, until_, asked);
    auto const failed =
        outcome ? addresses.end() : std::find(addresses.begin(), addresses.end(), outcome.error().where);
    auto const at = outcome                     ? target_of.at(outcome->native_handle())
                    : failed == addresses.end() ? all.front()
                                                : all[static_cast<std::size_t>(failed - addresses.begin())];
    add(at, outcome);
  }

  // The first connection counts; without one the failure that came at the deadline, else the first.
  void add(std::size_t at, tconn::connect_result const& outcome) {
    std::lock_guard const held(mutex_);
    if (told_ && told_->result == result::connected) return;
    auto told = tell(asked_.targets[at], outcome, clock::now() - began_);
    if (told.result == result::connected) tconnect::stop().request();
    if (!told_ || told.result == result::connected || told.result == result::deadline_exceeded) told_ = std::move(told);
  }

  arguments const& asked_;
  clock::time_point began_ = clock::now();
  tconn::deadline until_ = tconn::deadline::after(asked_.timeout);
  std::mutex mutex_{};
  std::optional<report> told_{};
};

// ---- all of them ----

/// Numeric endpoints are a batch that begins at once; names are looked up beside it, and are a batch of their own.
class all_of_them {
 public:
  explicit all_of_them(arguments const& asked)
      : asked_(asked), out_(asked), counts_(asked.targets.size()), writer_([] { tconnect::stop().request(); }) {}

  int run() {
    std::vector<std::size_t> names;
    tconnect::looked_up numeric;
    for (std::size_t at = 0; at < asked_.targets.size(); ++at) {
      if (asked_.targets[at].address)
        numeric.add(at, {*asked_.targets[at].address});
      else
        names.push_back(at);
    }
    std::thread beside;
    if (!names.empty()) beside = std::thread([&] { connect(tconnect::look_up_all(asked_.targets, names, until_)); });
    connect(numeric);
    if (beside.joinable()) beside.join();
    counts_.end_progress();
    if (!writer_.finish()) return failed;
    if (!asked_.json) counts_.print(clock::now() - began_);
    return out_.status();
  }

 private:
  // A target is told when one of its addresses is connected, or when all of them have come to nothing.
  void connect(tconnect::looked_up const& all) {
    std::unique_lock one_batch_at_a_time(batches_, std::defer_lock);
    if (asked_.max_in_flight != 0) one_batch_at_a_time.lock();
    for (auto const& [target, error] : all.errors)
      add(tell(asked_.targets[target], {}, error, {}, clock::now() - began_));
    std::map<std::size_t, std::size_t> left;
    for (auto const target : all.target_of) ++left[target];
    auto options = asked_.options;
    options.cancel = &tconnect::stop();
    auto const before = clock::now() - began_;
    auto note = [&](tconn::batch_event& event) {
      auto const target = all.target_of[event.index];
      auto& still = left[target];
      tconn::socket const connected(event.release());
      if (still == 0 || (event.code && --still != 0)) return;
      still = 0;
      auto const seen = event.failure != nullptr ? report::facts{event.failure->handshake, event.failure->aftermath,
                                                                 event.failure->syn_retransmits}
                                                 : facts_of(connected.native_handle());
      add(tell(asked_.targets[target], event.where, event.code, seen, before + event.elapsed));
    };
    tconn::timed_connect_all(all.addresses, until_,
                             {.each = options, .max_in_flight = asked_.max_in_flight, .on_result = note});
  }

  void add(report const& told) {
    std::lock_guard const held(mutex_);
    out_.count(told);
    counts_.add(told);
    writer_.add(out_.line(told));
  }

  arguments const& asked_;
  clock::time_point began_ = clock::now();
  tconn::deadline until_ = tconn::deadline::after(asked_.timeout);
  std::mutex batches_{};
  std::mutex mutex_{};
  output out_;
  tconnect::summary counts_;
  tconnect::line_writer writer_;
};

int connect_all(arguments const& asked) {
  tconnect::raise_the_limit_of_descriptors();
  return all_of_them(asked).run();
}

int run(arguments const& asked) {
  tconnect::cancel_when_interrupted();
  switch (asked.mode) {
    case tconnect::mode::any: return any_of_them(asked).run();
    case tconnect::mode::all: return connect_all(asked);
    case tconnect::mode::each: break;
  }
  return connect_each(asked);
}

}  // namespace

int main(int count, char** words) {
  tconnect::occupy_closed_standard_streams();
  tconnect::end_when_interrupted();
  try {
    CLI::App app("", "tconnect");
    try {
      return run(tconnect::read(app, count, words));
    } catch (CLI::CallForHelp const&) {
      return print(app.help()) ? connected : failed;
    } catch (CLI::CallForVersion const& version) {
      return print(version.what() + std::string("\n")) ? connected : failed;
    } catch (CLI::ParseError const& error) {
      complain(tconnect::printable(error.what()) + " (see tconnect --help)");
      return wrong_usage;
    }
  } catch (std::exception const& error) {
    complain(error.what());
    return failed;
  }
}
