// SPDX-License-Identifier: MIT
// tconnect: does the connection come about, by then, and if not, what is left behind? For people and for scripts.
#include "arguments.hpp"
#include "lookup.hpp"
#include "report.hpp"

#include <timed_connect/timed_connect.hpp>

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <exception>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using tconnect::arguments;
using tconnect::report;
using tconnect::result;

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

/// What came of one address.
report tell(tconnect::target const& to, tconn::endpoint const& address, tconn::connect_result const& outcome) {
  report told{to.text};
  if (!to.address) told.address = address.to_string();
  if (outcome) {
    tconn::tcp_facts facts;
    tconn::native_system{}.tcp(outcome->native_handle(), facts);
    told.result = result::connected;
    told.handshake = tconn::handshake::completed;
    told.syn_retransmits = facts.syn_retransmits;
  } else {
    auto const& failure = outcome.error();
    bool const is_late = failure.code == make_error_code(tconn::errc::deadline_exceeded);
    told.result = is_late ? result::deadline_exceeded : result::failed;
    told.code = failure.code.message();
    told.handshake = failure.handshake;
    told.aftermath = failure.aftermath;
    told.syn_retransmits = failure.syn_retransmits;
  }
  using tconn::handshake;
  bool const was_under_way = told.handshake == handshake::completed || told.handshake == handshake::in_flight;
  bool const was_refused = !outcome && outcome.error().code == std::errc::connection_refused;
  told.sent_syn = address.family() != AF_UNIX && (was_under_way || was_refused || told.syn_retransmits != 0);
  return told;
}

/// An address of a name, which gets one share of the time, and a second one if others had to be tried first.
struct candidate {
  tconn::endpoint address{};
  bool had_a_share = false;
};

/// One endpoint under one deadline, which the look-up of a name spends too. The addresses of a name are tried in turn,
/// each for its share of what is left, so that a dead one leaves time for the others; when those have failed it goes on.
report connect(tconnect::target const& to, arguments const& asked, std::vector<tconn::pending_connection>& kept) {
  using clock = std::chrono::steady_clock;
  tconn::time_point const began = clock::now();
  tconn::time_point const until = tconn::deadline(asked.timeout).until(began);
  report told{to.text};
  std::deque<candidate> left;
  if (to.address) {
    left.push_back({*to.address});
  } else {
    auto const looked_up = tconnect::look_up(to.host, to.service, until);
    told.in_lookup = true;
    if (!looked_up.finished) told.result = result::deadline_exceeded;
    told.code = looked_up.finished ? looked_up.error : "deadline exceeded while the name was looked up";
    told.elapsed = clock::now() - began;
    for (auto const& address : looked_up.addresses) left.push_back({address});
  }
  while (!left.empty() && told.result != result::connected) {
    auto const [address, had_a_share] = left.front();
    left.pop_front();
    auto const now = clock::now();
    auto const share = (until - now) / static_cast<std::int64_t>(left.size() + 1);
    bool const is_last = left.empty();
    auto options = asked.options;
    if (!is_last && options.on_timeout == tconn::on_timeout::keep) options.on_timeout = tconn::on_timeout::close;
    auto outcome = tconn::timed_connect(address, is_last ? until : now + share, options);
    auto const elapsed = clock::now() - began;
    told = tell(to, address, outcome);
    told.elapsed = elapsed;
    if (!outcome && outcome.error().pending) kept.push_back(std::move(*outcome.error().pending));
    if (!is_last && !had_a_share && told.result == result::deadline_exceeded) left.push_back({address, true});
  }
  return told;
}

int run(arguments const& asked) {
  std::size_t width = 0;
  for (auto const& to : asked.targets) width = std::max(width, tconnect::printable(to.text).size());
  int status = connected;
  std::vector<tconn::pending_connection> kept;
  for (auto const& to : asked.targets) {
    auto const told = connect(to, asked, kept);
    if (!print((asked.json ? to_json(told) : to_text(told, width)) + '\n')) return failed;
    if (told.result == result::failed) status = failed;
    if (told.result == result::deadline_exceeded && status == connected) status = deadline_exceeded;
  }
  return status;
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
