// SPDX-License-Identifier: MIT
// The system calls of every path, as the kernel is asked for them: none comes or goes unnoticed. Another program plays
// the paths (paths.cpp), and strace tells its calls. Reading the clock is none where the vDSO does it.
#include "support/program.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace {

/// A line of strace's as `name`, or `name:WHICH` where one call serves several purposes; "" if it is no call.
std::string call_of(std::string const& line) {
  static std::regex const call(R"(^(\w+)\()");
  static std::regex const purpose(R"(\b(AF_UNSPEC|SHUT_\w+|SO_\w+|TCP_\w+|F_\w+|FIONBIO, \[\d\]))");
  std::smatch found;
  if (!std::regex_search(line, found, call)) return {};
  std::string told = found[1];
  if (std::regex_search(line, found, purpose)) told += ':' + std::regex_replace(found.str(), std::regex(", "), "");
  return told;
}

/// What strace saw of a path.
struct trace {
  std::string calls{};               ///< One after another in a line; or "SKIPPED: ..." where nobody can watch them.
  std::vector<std::string> lines{};  ///< The same as strace tells them.
};

trace trace_of(std::string const& path) {
  auto const run = support::program({"/usr/bin/env", "strace", "-e", "trace=!clock_gettime", "-e", "signal=none",
                                     PATHS_PROGRAM, path})
                       .wait();
  if (run.status == 127) return {"SKIPPED: strace is not installed"};
  trace seen;
  int marks = 0;
  std::istringstream lines(run.err);
  for (std::string line; std::getline(lines, line);) {
    auto const call = call_of(line);
    if (call == "getppid") {
      ++marks;
    } else if (marks == 1 && !call.empty()) {
      seen.calls += (seen.calls.empty() ? "" : " ") + call;
      seen.lines.push_back(line);
    }
  }
  if (marks == 0 && run.err.find("ptrace") != std::string::npos) return {"SKIPPED: " + run.err};
  if (run.status != 0 || marks != 2) seen.calls += " and did not end as it should:\n" + run.err;
  return seen;
}

/// On a busy machine the kernel may leave a handshake on loopback to a thread of its own, and then connect() returns
/// before it is over. Then the second connect() says EALREADY, as it does where a peer is silent; or, where there is no
/// second one, the only look finds nothing.
bool has_late_answers(trace const& seen, std::size_t silent = 0) {
  auto const says = [](std::string const& line, char const* what) { return line.find(what) != std::string::npos; };
  auto const is_unanswered = [&](std::string const& line) { return says(line, "EALREADY"); };
  auto const finds_nothing = [&](std::string const& line) { return says(line, "ppoll([{") && says(line, "(Timeout)"); };
  auto const unanswered = std::count_if(seen.lines.begin(), seen.lines.end(), is_unanswered);
  bool const is_seen_by_looks = silent == 0 && std::any_of(seen.lines.begin(), seen.lines.end(), finds_nothing);
  return static_cast<std::size_t>(unanswered) > silent || is_seen_by_looks;
}

/// Or a path comes to its wait so late that no time is left for it.
bool has_no_time_to_wait(trace const& seen) {
  static std::regex const wait(R"(^ppoll\(.*\{tv_sec=(?!0, tv_nsec=0\}))");
  auto const is_wait = [](std::string const& line) { return std::regex_search(line, wait); };
  return std::none_of(seen.lines.begin(), seen.lines.end(), is_wait);
}

/// Plays a path again, a few times, where the machine was too busy for it: that says nothing of the library.
template <class TooBusy>
trace undisturbed_trace_of(std::string const& path, TooBusy&& was_too_busy) {
  auto seen = trace_of(path);
  for (int tries = 1; tries < 5 && !seen.lines.empty() && was_too_busy(seen); ++tries) seen = trace_of(path);
  return seen;
}

/// What a path needs of the machine to make the calls that it should.
enum class needs {
  nothing,
  answers_at_once,  ///< Or it waits for them.
  time_to_wait      ///< Or it comes to the deadline without a wait.
};

bool lacks(needs what, trace const& seen) {
  return (what == needs::answers_at_once && has_late_answers(seen)) ||
         (what == needs::time_to_wait && has_no_time_to_wait(seen));
}

struct path {
  char const* name;
  std::string calls;
  needs needed = needs::nothing;
};

void PrintTo(path const& which, std::ostream* out) { *out << which.name; }

// After a wait: the error, the state that is the judge of it, the proof of a peer, no self-connect.
std::string const judgement = "getsockopt:SO_ERROR getsockopt:TCP_INFO getpeername getsockname";
// A connect that could only be seen to be over by waiting.
std::string const look = "ppoll " + judgement;
// The count of SYNs, which the abort resets; the decision; what it has met.
std::string const decision = "getsockopt:TCP_INFO shutdown:SHUT_RD getsockopt:TCP_INFO";
// The wait, the last look, the decision; and that it was our abort which has closed the socket, and not a RST.
std::string const given_up_in_flight = "ppoll ppoll " + decision + " getsockopt:SO_PEERNAME";
std::string const given_up_at_once = "ppoll " + decision + " getsockopt:SO_PEERNAME";
// Is it a stream socket of the family, in which mode, and with a history?
std::string const borrow_nonblocking = "getsockopt:SO_DOMAIN getsockopt:SO_TYPE fcntl:F_GETFL getsockopt:SO_PEERNAME";
std::string const borrow =
    "getsockopt:SO_DOMAIN getsockopt:SO_TYPE fcntl:F_GETFL ioctl:FIONBIO[1] getsockopt:SO_PEERNAME";
std::string const block = " ioctl:FIONBIO[0]";
std::string const connected_at_once = "connect connect getsockname" + block + " close";
std::string const at_once = "socket " + connected_at_once;
std::string const refused_at_once = "socket connect connect getsockopt:TCP_INFO close";

// What finds a connection that the second connect() has not proved.
std::string awaited(std::string const& waits) {
  return "socket connect connect " + waits + ' ' + judgement + block + " close";
}

path const paths[] = {
    // Where the handshake is over at once, a second connect() that answers 0 proves it.
    {"success", at_once, needs::answers_at_once},
    {"success_nonblocking", "socket connect connect getsockname close", needs::answers_at_once},
    {"success_v6", at_once, needs::answers_at_once},
    {"success_unix", "socket connect getpeername" + block + " close"},
    {"success_no_delay", "socket setsockopt:TCP_NODELAY " + connected_at_once, needs::answers_at_once},
    {"success_keep_alive", "socket setsockopt:SO_KEEPALIVE " + connected_at_once, needs::answers_at_once},
    // The hook may have made the socket blocking.
    {"success_hook", "socket ioctl:FIONBIO[1] " + connected_at_once, needs::answers_at_once},
    // TCP_INFO has the count of SYNs.
    {"refused", refused_at_once, needs::answers_at_once},
    // listen() is the path's own; the pause follows it.
    {"tried_again", refused_at_once + " listen ppoll " + at_once, needs::answers_at_once},
    {"awaited", awaited("ppoll")},
    {"awaited_selecting", awaited("pselect6")},
    {"awaited_with_a_cancellation", awaited("ppoll")},
    // The state is the judge of the error, and then there is the count of SYNs.
    {"awaited_refusal",
     "socket connect connect ppoll getsockopt:SO_ERROR getsockopt:TCP_INFO getsockopt:TCP_INFO close"},
    // There is no last look.
    {"cancelled", "socket connect connect " + given_up_at_once + " close"},
    {"exceeded_close", "socket connect connect " + given_up_in_flight + " close", needs::time_to_wait},
    {"exceeded_reset", "socket connect connect " + given_up_in_flight + " close", needs::time_to_wait},
    {"exceeded_keep", "socket connect connect ppoll ppoll getsockopt:TCP_INFO", needs::time_to_wait},
    {"zero_exceeded", "socket connect " + given_up_at_once + " close"},
    {"late_accepted", "socket connect " + look + block + " close", needs::answers_at_once},
    // What the peer has sent is thrown away, so that no RST follows the FIN.
    {"late_close", "socket connect " + look + ' ' + decision + " shutdown:SHUT_RDWR recvfrom close",
     needs::answers_at_once},
    {"late_reset",
     "socket connect " + look + ' ' + decision +
         " getsockopt:SO_PROTOCOL setsockopt:SO_INCOMING_CPU getsockopt:TCP_INFO getsockopt:TCP_INFO "
         "connect:AF_UNSPEC getsockopt:SO_INCOMING_CPU getsockopt:SO_ERROR close",
     needs::answers_at_once},
    {"borrowed_success_blocking", borrow + " connect " + look + block},
    {"borrowed_success_nonblocking", borrow_nonblocking + " connect " + look},
    // Whatever mode the hook has left, it comes back in its own.
    {"borrowed_success_hook", borrow + " connect " + look + " ioctl:FIONBIO[1]"},
    {"awaited_borrowed", borrow + " connect " + look + block},
    // SO_ERROR takes away the error that the abort leaves, so that the descriptor can connect again.
    {"borrowed_exceeded_close", borrow + " connect " + given_up_in_flight + " getsockopt:SO_ERROR" + block,
     needs::time_to_wait},
    {"borrowed_exceeded_reset", borrow + " connect " + given_up_in_flight + " getsockopt:SO_ERROR" + block,
     needs::time_to_wait},
    {"borrowed_exceeded_keep", borrow + " connect ppoll ppoll getsockopt:TCP_INFO" + block, needs::time_to_wait},
    {"started_and_finished", "socket connect " + look + block + " close", needs::answers_at_once},
    // The first TCP_INFO is that of try_finish(), which has found it in flight.
    {"started_and_abandoned", "socket connect ppoll getsockopt:TCP_INFO " + decision + " getsockopt:SO_PEERNAME close"},
    // Only the first request is written.
    {"requested", "eventfd2 write close"},
    {"requested_without_a_descriptor", "eventfd2"},
};

class SystemCalls : public testing::TestWithParam<path> {};

TEST_P(SystemCalls, are_those_that_the_path_needs) {
  auto const& which = GetParam();
  auto const was_too_busy = [&](trace const& seen) { return lacks(which.needed, seen); };
  auto const calls = undisturbed_trace_of(which.name, was_too_busy).calls;
  if (calls.starts_with("SKIPPED")) GTEST_SKIP() << calls;
  EXPECT_EQ(calls, which.calls);
}

INSTANTIATE_TEST_SUITE_P(of, SystemCalls, testing::ValuesIn(paths), [](auto const& of) { return of.param.name; });

// How often it tries depends on the time that a try takes, but it cannot be more often than the pauses allow: 100 ms
// are 3.1 ms of growing pauses and then 2 ms each. A try that the deadline overtakes is followed by the last look.
TEST(SystemCallsOfAFullUnixBacklog, are_a_try_after_each_pause_and_at_most_54_in_100_ms) {
  auto const calls = trace_of("unix_backlog").calls;
  if (calls.starts_with("SKIPPED")) GTEST_SKIP() << calls;
  std::smatch found;
  ASSERT_TRUE(std::regex_match(calls, found, std::regex("socket ((?:connect ppoll )+)connect (?:connect )?close")))
      << calls;
  auto const pauses = static_cast<std::size_t>(found.length(1)) / std::string("connect ppoll ").size();
  EXPECT_LE(pauses, 54U);
}

// How often it looks depends on the time that a look takes.
TEST(SystemCallsOfSpinning, are_those_of_a_wait_but_for_the_number_of_its_looks) {
  auto const calls = trace_of("awaited_spinning").calls;
  if (calls.starts_with("SKIPPED")) GTEST_SKIP() << calls;
  EXPECT_EQ(std::regex_replace(calls, std::regex("(ppoll )+"), "ppoll "), awaited("ppoll"));
}

/// How often each call is made, without those that get memory.
std::map<std::string, std::size_t> counts_of(std::string const& calls) {
  std::map<std::string, std::size_t> counts;
  std::istringstream words(calls);
  for (std::string word; words >> word;) {
    if (word != "brk" && word != "mmap" && word != "munmap" && word != "mremap") ++counts[word];
  }
  return counts;
}

struct several {
  char const* name;
  std::size_t connected;                      ///< At once.
  std::size_t late;                           ///< Connected after a wait.
  std::size_t given_up;                       ///< In flight.
  std::map<std::string, std::size_t> beside;  ///< What is asked for all of them together.
};

/// What each one, and all of them together, ask of the system.
std::map<std::string, std::size_t> counts_for(several const& which) {
  auto counts = which.beside;
  auto const add = [&](std::size_t times, std::string const& calls) {
    if (times == 0) return;
    for (auto const& [call, count] : counts_of(calls)) counts[call] += count * times;
  };
  add(which.connected, at_once);
  add(which.late, "socket connect connect " + judgement + block + " close");
  add(which.given_up, "socket connect connect " + decision + " getsockopt:SO_PEERNAME close");
  return counts;
}

void PrintTo(several const& which, std::ostream* out) { *out << which.name; }

several const severals[] = {
    // The second one is connected before anything is waited for.
    {"race", 1, 0, 1, {}},
    // The second one begins after a pause.
    {"paced_race", 1, 0, 1, {{"ppoll", 1}}},
    // One wait and one last look for all.
    {"batch_of_20", 10, 0, 10, {{"ppoll", 2}}},
    // From 64 on each that is in flight is given to a queue, which is waited for and looked at.
    {"batch_of_64", 32, 0, 32, {{"epoll_create1", 1}, {"epoll_ctl", 32}, {"ppoll", 2}, {"close", 1}}},
    // What the queue has is taken in groups of 64, and fewer are the last of them.
    {"awaited_batch_of_64",
     32,
     32,
     0,
     {{"epoll_create1", 1}, {"epoll_ctl", 32}, {"ppoll", 1}, {"epoll_wait", 1}, {"close", 1}}},
};

class SystemCallsOfSeveral : public testing::TestWithParam<several> {};

TEST_P(SystemCallsOfSeveral, are_those_of_each_and_the_waits_for_all) {
  auto const& which = GetParam();
  auto const was_too_busy = [&](trace const& seen) {
    bool const waits = which.beside.contains("ppoll");
    return has_late_answers(seen, which.late + which.given_up) || (waits && has_no_time_to_wait(seen));
  };
  auto const calls = undisturbed_trace_of(which.name, was_too_busy).calls;
  if (calls.starts_with("SKIPPED")) GTEST_SKIP() << calls;
  EXPECT_EQ(counts_of(calls), counts_for(which)) << calls;
}

INSTANTIATE_TEST_SUITE_P(of, SystemCallsOfSeveral, testing::ValuesIn(severals),
                         [](auto const& of) { return of.param.name; });

}  // namespace
