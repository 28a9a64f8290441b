// SPDX-License-Identifier: MIT
// The system calls of every path, as the kernel is asked for them: none comes or goes unnoticed. Another program plays
// the paths (paths.cpp), and strace tells its calls. Reading the clock is none where the vDSO does it.
#include "support/program.hpp"

#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <sstream>
#include <string>

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

/// The calls of a path, one after another in a line; or "SKIPPED: ..." where nobody can watch them.
std::string calls_of(std::string const& path) {
  auto const run = support::program({"/usr/bin/env", "strace", "-e", "trace=!clock_gettime", "-e", "signal=none",
                                     PATHS_PROGRAM, path})
                       .wait();
  if (run.status == 127) return "SKIPPED: strace is not installed";
  std::string calls;
  int marks = 0;
  std::istringstream lines(run.err);
  for (std::string line; std::getline(lines, line);) {
    auto const call = call_of(line);
    if (call == "getppid")
      ++marks;
    else if (marks == 1 && !call.empty())
      calls += (calls.empty() ? "" : " ") + call;
  }
  if (marks == 0 && run.err.find("ptrace") != std::string::npos) return "SKIPPED: " + run.err;
  return run.status == 0 && marks == 2 ? calls : calls + " and did not end as it should:\n" + run.err;
}

struct path {
  char const* name;
  std::string calls;
};

void PrintTo(path const& which, std::ostream* out) { *out << which.name; }

// A connect that could only be seen to be over by waiting: poll, the error, the proof of a peer, no self-connect.
std::string const look = "ppoll getsockopt:SO_ERROR getsockopt:TCP_INFO getpeername getsockname";
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

path const paths[] = {
    // Where the handshake is over at once, a second connect() that answers 0 proves it.
    {"success", "socket connect connect getsockname" + block + " close"},
    {"success_nonblocking", "socket connect connect getsockname close"},
    {"success_v6", "socket connect connect getsockname" + block + " close"},
    {"success_unix", "socket connect getpeername" + block + " close"},
    // TCP_INFO has the count of SYNs.
    {"refused", "socket connect connect getsockopt:TCP_INFO close"},
    {"exceeded_close", "socket connect connect " + given_up_in_flight + " close"},
    {"exceeded_reset", "socket connect connect " + given_up_in_flight + " close"},
    {"exceeded_keep", "socket connect connect ppoll ppoll getsockopt:TCP_INFO"},
    {"zero_exceeded", "socket connect " + given_up_at_once + " close"},
    {"late_accepted", "socket connect " + look + block + " close"},
    // What the peer has sent is thrown away, so that no RST follows the FIN.
    {"late_close", "socket connect " + look + ' ' + decision + " shutdown:SHUT_RDWR recvfrom close"},
    {"late_reset", "socket connect " + look + ' ' + decision +
                       " getsockopt:SO_PROTOCOL setsockopt:SO_INCOMING_CPU getsockopt:TCP_INFO getsockopt:TCP_INFO "
                       "connect:AF_UNSPEC getsockopt:SO_INCOMING_CPU getsockopt:SO_ERROR close"},
    {"borrowed_success_blocking", borrow + " connect " + look + block},
    {"borrowed_success_nonblocking", borrow_nonblocking + " connect " + look},
    // SO_ERROR takes away the error that the abort leaves, so that the descriptor can connect again.
    {"borrowed_exceeded_close", borrow + " connect " + given_up_in_flight + " getsockopt:SO_ERROR" + block},
    {"borrowed_exceeded_reset", borrow + " connect " + given_up_in_flight + " getsockopt:SO_ERROR" + block},
    {"borrowed_exceeded_keep", borrow + " connect ppoll ppoll getsockopt:TCP_INFO" + block},
    {"started_and_finished", "socket connect " + look + block + " close"},
    // The first TCP_INFO is that of try_finish(), which has found it in flight.
    {"started_and_abandoned", "socket connect ppoll getsockopt:TCP_INFO " + decision + " getsockopt:SO_PEERNAME close"},
    // Only the first request is written.
    {"requested", "eventfd2 write close"},
    {"requested_without_a_descriptor", "eventfd2"},
};

class SystemCalls : public testing::TestWithParam<path> {};

TEST_P(SystemCalls, are_those_that_the_path_needs) {
  // On a busy machine the kernel may leave a handshake on loopback to a thread of its own, and then connect() returns
  // before it is over; so a path may be played again.
  auto calls = calls_of(GetParam().name);
  for (int tries = 1; tries < 5 && calls != GetParam().calls; ++tries) calls = calls_of(GetParam().name);
  if (calls.starts_with("SKIPPED")) GTEST_SKIP() << calls;
  EXPECT_EQ(calls, GetParam().calls);
}

INSTANTIATE_TEST_SUITE_P(of, SystemCalls, testing::ValuesIn(paths), [](auto const& of) { return of.param.name; });

// How often it tries depends on the time that a try takes, but it cannot be more often than the pauses allow: 100 ms
// are 3.1 ms of growing pauses and then 2 ms each. A try that the deadline overtakes is followed by the last look.
TEST(SystemCallsOfAFullUnixBacklog, are_a_try_after_each_pause_and_at_most_54_in_100_ms) {
  auto const calls = calls_of("unix_backlog");
  if (calls.starts_with("SKIPPED")) GTEST_SKIP() << calls;
  std::smatch found;
  ASSERT_TRUE(std::regex_match(calls, found, std::regex("socket ((?:connect ppoll )+)connect (?:connect )?close")))
      << calls;
  auto const pauses = static_cast<std::size_t>(found.length(1)) / std::string("connect ppoll ").size();
  EXPECT_LE(pauses, 54U);
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

/// What each one that is connected at once, and each one that is given up in flight, asks of the system.
std::map<std::string, std::size_t> counts_for(std::size_t connected, std::size_t given_up) {
  std::map<std::string, std::size_t> counts;
  for (auto const& [call, count] : counts_of("socket connect connect getsockname" + block + " close"))
    counts[call] += count * connected;
  for (auto const& [call, count] : counts_of("socket connect connect " + decision + " getsockopt:SO_PEERNAME close"))
    counts[call] += count * given_up;
  return counts;
}

struct several {
  char const* name;
  std::size_t connected;
  std::size_t given_up;
  std::map<std::string, std::size_t> beside;  ///< What is asked for all of them together.
};

void PrintTo(several const& which, std::ostream* out) { *out << which.name; }

several const severals[] = {
    // The second one is connected before anything is waited for.
    {"race", 1, 1, {}},
    // One wait and one last look for all.
    {"batch_of_20", 10, 10, {{"ppoll", 2}}},
    // From 64 on each that is in flight is given to a queue, which is waited for and looked at.
    {"batch_of_64", 32, 32, {{"epoll_create1", 1}, {"epoll_ctl", 32}, {"ppoll", 2}, {"close", 1}}},
};

class SystemCallsOfSeveral : public testing::TestWithParam<several> {};

TEST_P(SystemCallsOfSeveral, are_those_of_each_and_the_waits_for_all) {
  auto const& [name, connected, given_up, beside] = GetParam();
  auto expected = counts_for(connected, given_up);
  for (auto const& [call, count] : beside) expected[call] += count;
  auto calls = calls_of(name);
  for (int tries = 1; tries < 5 && counts_of(calls) != expected; ++tries) calls = calls_of(name);
  if (calls.starts_with("SKIPPED")) GTEST_SKIP() << calls;
  EXPECT_EQ(counts_of(calls), expected) << calls;
}

INSTANTIATE_TEST_SUITE_P(of, SystemCallsOfSeveral, testing::ValuesIn(severals),
                         [](auto const& of) { return of.param.name; });

}  // namespace
