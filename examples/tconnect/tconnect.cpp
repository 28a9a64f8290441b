// SPDX-License-Identifier: MIT
// tconnect: does the connection come about, by then, and if not, what is left behind? For people and for scripts.
#include "arguments.hpp"
#include "lookup.hpp"
#include "report.hpp"
#include "summary.hpp"

#include <timed_connect/resolve.hpp>
#include <timed_connect/timed_connect.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using tconnect::arguments;
using tconnect::report;
using tconnect::result;

using clock = std::chrono::steady_clock;

enum exit_status { connected = 0, failed = 1, wrong_usage = 2, deadline_exceeded = 124, interrupted = 130 };

/// Without this the first socket could become the standard output of somebody who has closed his: the results would be
/// sent to the server. What stands in for it cannot be written to.
void occupy_closed_standard_streams() {
  for (int stream : {0, 1, 2}) {
    if (::fcntl(stream, F_GETFD) == -1 && errno == EBADF) ::open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY);
  }
}

/// Ends at once, for what was found out is out already; the kernel closes the rest. Who has chosen to ignore
/// interrupts, as nohup(1) does for its programs, goes on ignoring them.
void end_when_interrupted() {
  if (std::signal(SIGINT, [](int) { ::_exit(interrupted); }) == SIG_IGN) std::signal(SIGINT, SIG_IGN);
}

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

  /// A line for each endpoint.
  void add(report const& told) {
    if (!print((json_ ? to_json(told) : to_text(told, width_)) + '\n')) could_not_print_ = true;
    if (told.result == result::failed) status_ = failed;
    if (told.result == result::deadline_exceeded && status_ == connected) status_ = deadline_exceeded;
  }
  bool could_not_print() const { return could_not_print_; }
  int status() const { return could_not_print_ ? failed : status_; }

 private:
  bool json_;
  std::size_t width_ = 0;
  bool could_not_print_ = false;
  int status_ = connected;
};

// ---- one after another ----

tconn::connect_result connect(tconnect::target const& to, arguments const& asked) {
  auto options = asked.options;
  tconn::host const name{to.host, to.service};
  if (!to.address && options.on_timeout == tconn::on_timeout::keep) options.on_timeout = tconn::on_timeout::close;
  if (asked.retry) {
    tconn::retry_options const retry{.each = options};
    return to.address ? tconn::timed_connect_retry(*to.address, asked.timeout, retry)
                      : tconn::timed_connect_retry(name, asked.timeout, retry);
  }
  tconn::race_options const race{.each = options, .hedge_after = asked.hedge_after};
  if (!to.address) return tconn::timed_connect(name, asked.timeout, race);
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
    out.add(tell(to, outcome, elapsed));
    if (out.could_not_print()) break;
    if (!outcome && outcome.error().pending) kept.push_back(std::move(*outcome.error().pending));
  }
  return out.status();
}

// ---- one of them ----

int connect_any(arguments const& asked) {
  auto const began = clock::now();
  auto const until = tconn::deadline::after(asked.timeout);
  auto const all = tconnect::look_up_all(asked.targets, until);
  output out(asked);
  if (all.addresses.empty()) {
    out.add(tell(asked.targets.front(), {}, all.errors.front(), {}, clock::now() - began));
    return out.status();
  }
  auto const outcome =
      tconn::timed_connect_any(all.addresses, until, {.each = asked.options, .hedge_after = asked.hedge_after});
  auto const elapsed = clock::now() - began;
  tconn::endpoint told = outcome ? tconn::endpoint{} : outcome.error().where;
  if (outcome) tconn::native_system{}.name(outcome->native_handle(), tconn::name_of::peer, AF_UNSPEC, told);
  auto const found = std::find(all.addresses.begin(), all.addresses.end(), told);
  auto const at = found == all.addresses.end() ? 0 : static_cast<std::size_t>(found - all.addresses.begin());
  out.add(tell(asked.targets[all.target_of[at]], outcome, elapsed));
  return out.status();
}

// ---- all of them ----

void raise_the_limit_of_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int connect_all(arguments const& asked) {
  raise_the_limit_of_descriptors();
  auto const began = clock::now();
  auto const until = tconn::deadline::after(asked.timeout);
  auto const all = tconnect::look_up_all(asked.targets, until);
  output out(asked);
  tconnect::summary counts(asked.targets.size());
  auto const add = [&](report const& told) {
    counts.add(told);
    out.add(told);
  };
  // A target is told when one of its addresses is connected, or when all of them have come to nothing.
  std::vector<std::size_t> left(asked.targets.size());
  for (auto const target : all.target_of) ++left[target];
  for (std::size_t target = 0; target < left.size(); ++target) {
    if (left[target] == 0) add(tell(asked.targets[target], {}, all.errors[target], {}, clock::now() - began));
  }
  tconn::cancellation cannot_print;
  auto options = asked.options;
  options.cancel = &cannot_print;
  auto note = [&](tconn::batch_event& event) {
    auto const target = all.target_of[event.index];
    bool const is_told = left[target] == 0;
    tconn::socket const connected(event.release());
    if (is_told || (event.code && --left[target] != 0)) return;
    left[target] = 0;
    auto const seen = event.failure != nullptr ? report::facts{event.failure->handshake, event.failure->aftermath,
                                                               event.failure->syn_retransmits}
                                               : facts_of(connected.native_handle());
    add(tell(asked.targets[target], event.where, event.code, seen, clock::now() - began));
    if (out.could_not_print()) cannot_print.request();
  };
  tconn::timed_connect_all(all.addresses, until,
                           {.each = options, .max_in_flight = asked.max_in_flight, .on_result = note});
  counts.end_progress();
  if (!asked.json) counts.print(clock::now() - began);
  return out.status();
}

int run(arguments const& asked) {
  switch (asked.mode) {
    case tconnect::mode::any: return connect_any(asked);
    case tconnect::mode::all: return connect_all(asked);
    case tconnect::mode::each: break;
  }
  return connect_each(asked);
}

}  // namespace

int main(int count, char** words) {
  occupy_closed_standard_streams();
  end_when_interrupted();
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
