// SPDX-License-Identifier: MIT
// The real kernel, whose calls fail or take long: strace does that to programs that know nothing of it (inject= of
// strace(1)). scenes.cpp plays what the library can do and holds it against the promises itself; tconnect, quickstart and
// resume are held against what they say, their exit status, and the descriptors that strace sees them open and close.
//
// Covered: in each scene, against servers that answer, refuse or are silent, every one of the calls that it makes
// undisturbed, to socket, connect, ppoll, getsockopt, getpeername, getsockname, fcntl, ioctl, setsockopt, bind, shutdown,
// recvfrom and epoll_*: failed with every error of support/faults.hpp in the two plainest scenes, and in the others with
// one for each way in which the library goes on. Delays stand around each call, and around the one that decides while the
// server answers. close() is delayed alone: strace would fail it by not making it, and so leave the descriptor open.
#include "support/counts.hpp"
#include "support/faults.hpp"
#include "support/loopback.hpp"
#include "support/program.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace support;

using words = std::vector<std::string>;

/// A system call, and the primitive whose errors it may have.
struct traced_call {
  char const* name;
  char const* primitive;
};
constexpr std::array<traced_call, 15> traced_calls{{{"socket", "open"},
                                                    {"connect", "start_connect"},
                                                    {"ppoll", "wait"},
                                                    {"getsockopt", "target_name"},
                                                    {"getpeername", "peer_name"},
                                                    {"getsockname", "local_name"},
                                                    {"fcntl", "blocking"},
                                                    {"ioctl", "set_blocking"},
                                                    {"setsockopt", "set_option"},
                                                    {"bind", "bind"},
                                                    {"shutdown", "shut_both"},
                                                    {"recvfrom", "discard_received"},
                                                    {"epoll_create1", "open_queue"},
                                                    {"epoll_ctl", "watch"},
                                                    {"epoll_wait", "take_ready"}}};

/// What is done to a program: to the n-th of its calls of a name.
struct injection {
  std::string call;
  int nth = 0;
  int error = 0;
};

/// Runs a program under strace, which tells of some calls on the standard error: with a fault, or without.
words traced(std::string const& calls, words const& program, std::vector<std::string> const& injected,
             bool mode_is_stuck = false) {
  words all{"/usr/bin/env"};
  if (mode_is_stuck) all.emplace_back("MODE_IS_STUCK=1");
  for (auto const* const word : {"strace", "-f", "-qq", "-e", "signal=none", "-e"}) all.emplace_back(word);
  all.push_back("trace=" + calls);
  for (auto const& one : injected) {
    all.emplace_back("-e");
    all.push_back("inject=" + one);
  }
  all.insert(all.end(), program.begin(), program.end());
  return all;
}

std::string all_names() {
  std::string names = "close,eventfd2";
  for (auto const& one : traced_calls) names += std::string(",") + one.name;
  return names;
}

/// The name of the call in a line of strace's, after what says which thread it was; "" if there is none.
std::string call_in(std::string const& line) {
  static std::regex const call(R"(^(?:\[pid +\d+\] )?(\w+)\()");
  std::smatch found;
  return std::regex_search(line, found, call) ? found[1].str() : std::string();
}

template <class Each>
void for_each_line(std::string const& text, Each const& each) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) each(line);
}

/// What a program does undisturbed: how often it makes each call. Nothing, where nobody can watch.
struct undisturbed {
  std::optional<std::vector<std::pair<traced_call, int>>> calls{};
  program::end run{};
};

undisturbed watch(words const& watched) {
  auto const run = program(traced(all_names(), watched, {})).wait();
  if (run.status == 127) return {std::nullopt, run};
  undisturbed seen{std::vector<std::pair<traced_call, int>>{}, run};
  for (auto const& one : traced_calls) {
    int count = 0;
    for_each_line(run.err, [&](std::string const& line) { count += call_in(line) == one.name ? 1 : 0; });
    if (count != 0) seen.calls->emplace_back(one, count);
  }
  if (seen.calls->empty() && run.err.find("ptrace") != std::string::npos) seen.calls.reset();
  return seen;
}

/// Every fault that a program can have; of a call that it makes itself, `own`, the first is its own affair.
std::vector<injection> all_faults(undisturbed const& seen, choice of, std::string const& own = {}) {
  std::vector<injection> all;
  for (auto const& [call, count] : *seen.calls) {
    for (int nth = call.name == own ? 2 : 1; nth <= count; ++nth) {
      for (int const error : errors_of(call.primitive, of)) all.push_back({call.name, nth, error});
    }
  }
  return all;
}

std::string text_of(injection const& one) {
  return one.call + ":error=" + std::to_string(one.error) + ":when=" + std::to_string(one.nth);
}

/// Plays with each fault, some at the same time, as most of what they do is wait. Gives how many faults have come: what a
/// program does depends on the time too, and so may leave out the last of its calls.
template <class Check, class Meanwhile>
std::size_t play_with_each(std::vector<injection> const& all, words const& played, std::string const& calls,
                           Check const& check, Meanwhile const& meanwhile) {
  constexpr std::size_t at_the_same_time = 4;
  std::size_t hits = 0;
  std::vector<std::unique_ptr<program>> running;
  for (std::size_t i = 0; i < all.size() && !testing::Test::HasFailure(); i += at_the_same_time) {
    auto const end = (std::min)(i + at_the_same_time, all.size());
    running.clear();
    for (std::size_t n = i; n < end; ++n) {
      bool const restores = all[n].call == "ioctl" && all[n].nth > 1;
      auto const& shown = calls.empty() ? all[n].call : calls;
      running.push_back(std::make_unique<program>(traced(shown, played, {text_of(all[n])}, restores)));
    }
    for (std::size_t n = i; n < end; ++n) {
      auto const run = running[n - i]->wait();
      hits += run.err.find("(INJECTED)") != std::string::npos ? 1U : 0U;
      check(all[n], run);
    }
    meanwhile();
  }
  EXPECT_GE(3 * hits, all.size()) << "most faults did not come: " << hits << " of " << all.size();
  return hits;
}

void tell_hits(std::size_t hits, std::string const& what) {
  tell_count(std::to_string(hits) + " faults of the kernel: " + what);
}

// ---- the servers ----

/// One that answers, and accepts what has come when it is told to; one that is silent; nobody; and the same by Unix
/// sockets.
class servers {
 public:
  /// "answers silent" is their addresses.
  words where(std::string const& kinds) const {
    words found;
    std::istringstream all(kinds);
    for (std::string kind; all >> kind;) found.push_back(one(kind).to_string());
    return found;
  }
  void accept_all() const {
    while (answers_.accept(0ms) || unix_answers_.accept(0ms)) {
    }
  }

 private:
  tconn::endpoint one(std::string const& kind) const {
    if (kind == "answers") return answers_.where();
    if (kind == "silent") return silent_.where();
    if (kind == "unix") return unix_answers_.where();
    if (kind == "full") return unix_full_.where();
    return nobody_.where();
  }

  temporary_path answering_path_{"answers"};
  temporary_path full_path_{"full"};
  listener answers_{};
  full_listener silent_{};
  closed_port nobody_{};
  listener unix_answers_{answering_path_.where()};
  full_listener unix_full_{full_path_.where()};
};

// ---- the library ----

struct scene {
  char const* name;
  char const* to;
  int limit_ms = 30;
  choice errors = choice::distinct;
};

void PrintTo(scene const& which, std::ostream* out) { *out << which.name << " to " << which.to; }

/// Whether a line that the program printed tells of an error that somebody has given.
bool has_source(std::string const& line, injection const& one, std::string const& undisturbed_lines) {
  if (undisturbed_lines.find(line) != std::string::npos || line == "connected") return true;
  std::istringstream words_of(line);
  std::string category;
  int number = 0;
  words_of >> category >> number;
  if (category == "timed_connect") {
    bool const lacks_option = one.error == ENOPROTOOPT || one.error == EPROTONOSUPPORT;
    auto const code = static_cast<tconn::errc>(number);
    return code == tconn::errc::deadline_exceeded || (code == tconn::errc::invalid_option && lacks_option);
  }
  bool const is_worlds = number == ENOTCONN || number == ECONNREFUSED;  // nothing was started; and it was, to nobody
  return category == "system" && number != EINTR && (number == one.error || is_worlds);
}

class Injected : public testing::TestWithParam<scene> {
 protected:
  servers all{};
};

TEST_P(Injected, faults_of_the_kernel_break_no_promise) {
  auto const& [name, to, limit_ms, errors] = GetParam();
  words played{SCENES_PROGRAM, name, std::to_string(limit_ms)};
  for (auto const& one : all.where(to)) played.push_back(one);
  auto const seen = watch(played);
  if (!seen.calls) GTEST_SKIP() << "strace is not here, or may not watch: " << seen.run.err;
  ASSERT_EQ(seen.run.status, 0) << seen.run.out << seen.run.err;
  bool const is_borrowed = std::string_view(name).starts_with("borrowed");
  auto const hits = play_with_each(
      all_faults(seen, errors, is_borrowed ? "socket" : ""), played, {},
      [&](injection const& one, program::end const& run) {
        auto const what = [&] { return text_of(one) + '\n' + run.out + run.err; };
        EXPECT_EQ(run.status, 0) << what();
        for_each_line(run.out, [&](std::string const& line) {
          EXPECT_TRUE(has_source(line, one, seen.run.out)) << "nobody has said: " << line << '\n' << what();
        });
      },
      [&] { all.accept_all(); });
  tell_hits(hits, std::string(name) + " to " + to);
}

INSTANTIATE_TEST_SUITE_P(of, Injected,
                         testing::Values(scene{"close", "answers", 1000, choice::all},
                                         scene{"close", "silent", 30, choice::all}, scene{"close", "nobody", 1000},
                                         scene{"reset", "silent"}, scene{"keep", "silent"},
                                         scene{"close_late", "answers", 0}, scene{"reset_late", "answers", 0},
                                         scene{"options", "answers", 1000}, scene{"resumed", "silent"},
                                         scene{"borrowed_close", "answers", 1000}, scene{"borrowed_close", "silent"},
                                         scene{"borrowed_reset", "silent"}, scene{"borrowed_keep", "silent"},
                                         scene{"pending", "answers", 1000}, scene{"pending", "silent"},
                                         scene{"close", "unix", 1000}, scene{"close", "full", 5},
                                         scene{"any", "nobody silent answers", 1000}, scene{"any", "silent nobody"},
                                         scene{"all", "nobody silent answers unix"}, scene{"retry", "nobody", 20}),
                         [](auto const& of) {
                           auto name = std::string(of.param.name) + "_to_" + of.param.to;
                           std::replace(name.begin(), name.end(), ' ', '_');
                           return name;
                         });

// ---- delays ----

/// The number of the close() that closes the first socket: a program closes more than that, when it is loaded for one.
int close_of_first_socket(std::string const& trace) {
  static std::regex const opened(R"(socket\(.* = (\d+)$)");
  int closes = 0;
  std::string closing;
  for_each_line(trace, [&](std::string const& line) {
    std::smatch found;
    bool const is_done = !closing.empty() && closing.back() == '.';
    if (closing.empty() && std::regex_search(line, found, opened)) closing = "close(" + found[1].str() + ")";
    if (is_done || call_in(line) != "close") return;
    ++closes;
    if (!closing.empty() && line.find(closing) != std::string::npos) closing += '.';
  });
  return closes;
}

TEST(InjectedDelay, around_any_call_breaks_no_promise) {
  servers const all;
  std::size_t hits = 0;
  for (auto const* const name : {"close", "reset", "borrowed_close", "pending"}) {
    for (auto const* const to : {"answers", "silent"}) {
      words const played{SCENES_PROGRAM, name, "50", all.where(to)[0]};
      auto const seen = watch(played);
      if (!seen.calls) GTEST_SKIP() << "strace is not here, or may not watch: " << seen.run.err;
      std::vector<std::pair<std::string, int>> calls{{"close", close_of_first_socket(seen.run.err)}};
      for (auto const& [call, count] : *seen.calls) {
        for (int nth = 1; nth <= count; ++nth) calls.emplace_back(call.name, nth);
      }
      std::vector<std::unique_ptr<program>> running;
      for (auto const& [call, nth] : calls) {
        for (auto const* const where : {":delay_enter=70000:when=", ":delay_exit=70000:when="})
          running.push_back(std::make_unique<program>(traced(call, played, {call + where + std::to_string(nth)})));
      }
      for (auto& one : running) {
        auto const run = one->wait();
        EXPECT_EQ(run.status, 0) << name << ' ' << run.out << run.err;
        hits += run.err.find("(DELAYED)") != std::string::npos ? 1U : 0U;
      }
      all.accept_all();
    }
  }
  EXPECT_GT(hits, 50U);
  tell_count(std::to_string(hits) + " delays of the kernel");
}

// A server that is silent at first answers the SYN of the third second, which comes while a call is held up.
TEST(InjectedDelay, around_the_decision_tells_what_the_server_sees) {
  struct moment {
    char const* name;
    char const* scene;
    std::string held;
    std::string told;
    std::string read;
    full_listener server{};
    std::unique_ptr<program> running{};
  };
  std::string const enter = ":delay_enter=3500000:when=";
  std::string const exit = ":delay_exit=3500000:when=";
  std::array<moment, 8> moments{{
      {"before the last look", "close", "ppoll" + enter + '2', "connected", "1 bytes"},
      {"before the decision", "close", "shutdown" + enter + '1', "timed_connect 1 completed peer_sees_close", "EOF"},
      {"before the decision", "reset", "shutdown" + enter + '1', "timed_connect 1 completed peer_sees_reset",
       "ECONNRESET"},
      {"after the decision", "close", "shutdown" + exit + '1', "timed_connect 1 in_flight nothing_sent",
       "no connection"},
      {"after the decision", "reset", "shutdown" + exit + '1', "timed_connect 1 in_flight nothing_sent",
       "no connection"},
      {"before the borrowed decision", "borrowed_close", "shutdown" + enter + '1',
       "timed_connect 1 completed peer_sees_close", "EOF"},
      {"after the borrowed decision", "borrowed_reset", "shutdown" + exit + '1',
       "timed_connect 1 in_flight nothing_sent", "no connection"},
      {"before close()", "close", {}, "timed_connect 1 in_flight nothing_sent", "no connection"},
  }};
  words const first{SCENES_PROGRAM, "close", "100", moments[0].server.where().to_string()};
  auto const seen = watch(first);
  if (!seen.calls) GTEST_SKIP() << "strace is not here, or may not watch: " << seen.run.err;
  moments.back().held = "close" + enter + std::to_string(close_of_first_socket(seen.run.err));
  for (auto& one : moments) {
    words const played{SCENES_PROGRAM, one.scene, "100", one.server.where().to_string()};
    one.running = std::make_unique<program>(traced(one.held.substr(0, one.held.find(':')), played, {one.held}));
  }
  std::this_thread::sleep_for(1500ms);  // all have given up by now, or are about to, on a busy machine too
  for (auto& one : moments) one.server.open();
  for (auto& one : moments) {
    SCOPED_TRACE(one.name);
    auto const run = one.running->wait();
    EXPECT_EQ(run.status, 0) << run.err;
    EXPECT_EQ(run.out, one.told + '\n') << run.err;
    EXPECT_EQ(what_is_read(one.server.accept(100ms)), one.read);
  }
}

// ---- the examples ----

/// What is wrong with the descriptors of a trace: a socket or queue that nobody has closed, or that was closed twice.
std::string unbalanced(std::string const& trace) {
  static std::regex const call(R"((socket|epoll_create1|eventfd2|close)\((\d*).* = (-?\d+))");
  std::set<std::string> open;
  std::string wrong;
  for_each_line(trace, [&](std::string const& line) {
    std::smatch found;
    if (!std::regex_search(line, found, call)) return;
    bool const has_failed = found[3].str().front() == '-';
    if (found[1] == "close") {
      if (has_failed) wrong += "closed twice: " + line + '\n';
      open.erase(found[2]);
    } else if (!has_failed) {
      open.insert(found[3]);
    }
  });
  for (auto const& one : open) wrong += "left open: " + one + '\n';
  return wrong;
}

#if defined(TCONNECT_PROGRAM) && defined(QUICKSTART_PROGRAM) && defined(RESUME_PROGRAM)

/// The values of a field in the lines of JSON.
std::vector<std::string> fields(std::string const& json, std::string const& name) {
  std::regex const field('"' + name + R"(":"?([^",}]*))");
  std::vector<std::string> found;
  for (std::sregex_iterator one(json.begin(), json.end(), field), end; one != end; ++one)
    found.push_back((*one)[1].str());
  return found;
}

struct command {
  char const* name;
  words options;
  char const* to;
};

void PrintTo(command const& which, std::ostream* out) { *out << which.name; }

class InjectedTconnect : public testing::TestWithParam<command> {
 protected:
  servers all{};
};

TEST_P(InjectedTconnect, tells_every_fault_of_the_kernel_and_ends_in_time) {
  auto const& [name, options, to] = GetParam();
  words played{TCONNECT_PROGRAM, "--json", "--timeout", "40ms"};
  played.insert(played.end(), options.begin(), options.end());
  for (auto const& one : all.where(to)) played.push_back(one);
  auto const seen = watch(played);
  if (!seen.calls) GTEST_SKIP() << "strace is not here, or may not watch: " << seen.run.err;
  auto const hits = play_with_each(
      all_faults(seen, choice::distinct), played, all_names(),
      [&](injection const& one, program::end const& run) {
        SCOPED_TRACE(text_of(one) + '\n' + run.out + run.err);
        EXPECT_EQ(unbalanced(run.err), "");
        auto const results = fields(run.out, "result");
        EXPECT_EQ(results.size(), fields(seen.run.out, "result").size());
        auto const is_among = [&](char const* result) {
          return std::find(results.begin(), results.end(), result) != results.end();
        };
        EXPECT_EQ(run.status, is_among("failed") ? 1 : is_among("deadline_exceeded") ? 124 : 0);
        auto const codes = fields(run.out, "code");
        auto const times = fields(run.out, "elapsed_us");
        for (std::size_t i = 0; i < results.size(); ++i) {
          EXPECT_EQ(codes[i].empty(), results[i] == "connected");
          EXPECT_NE(codes[i], std::generic_category().message(EINTR));
          EXPECT_LT(std::stol(times[i]), 2'000'000);
          EXPECT_TRUE(results[i] != "deadline_exceeded" || std::stol(times[i]) >= 40'000);
        }
      },
      [&] { all.accept_all(); });
  tell_hits(hits, std::string("tconnect, ") + name);
}

INSTANTIATE_TEST_SUITE_P(of, InjectedTconnect,
                         testing::Values(command{"one", {}, "answers"}, command{"each", {}, "nobody silent unix full"},
                                         command{"any", {"--any"}, "nobody silent answers"},
                                         command{"hedged", {"--hedge", "10ms"}, "silent"},
                                         command{"all", {"--all"}, "nobody silent answers unix"},
                                         command{"retry", {"--retry"}, "nobody"}),
                         [](auto const& of) { return of.param.name; });

TEST(InjectedQuickstart, tells_every_fault_of_the_kernel_in_one_line_and_leaves_nothing_open) {
  servers const all;
  words const played{QUICKSTART_PROGRAM, all.where("answers")[0]};
  auto const seen = watch(played);
  if (!seen.calls) GTEST_SKIP() << "strace is not here, or may not watch: " << seen.run.err;
  auto const hits = play_with_each(
      all_faults(seen, choice::all), played, all_names(),
      [&](injection const& one, program::end const& run) {
        SCOPED_TRACE(text_of(one) + '\n' + run.out + run.err);
        EXPECT_EQ(run.status, 0);
        EXPECT_EQ(unbalanced(run.err), "");
        EXPECT_TRUE(std::regex_match(run.out, std::regex("connected\n|127.0.0.1:\\d+: .+ after .+, handshake .+\n")));
        EXPECT_EQ(run.out.find(std::generic_category().message(EINTR)), std::string::npos);
      },
      [&] { all.accept_all(); });
  tell_hits(hits, "quickstart");
}

// Its own server makes calls of the same names first; what is the library's begins with the third connect().
TEST(InjectedResume, goes_on_after_signals_and_tells_any_other_fault) {
  words const played{RESUME_PROGRAM};
  auto const seen = watch(played);
  if (!seen.calls) GTEST_SKIP() << "strace is not here, or may not watch: " << seen.run.err;
  std::vector<injection> faults;
  for (int nth = 1; nth <= 3; ++nth) {
    for (int const error : errors_of("wait", choice::distinct)) faults.push_back({"ppoll", nth, error});
  }
  for (int const error : errors_of("start_connect", choice::distinct)) faults.push_back({"connect", 3, error});
  for (int const error : errors_of("peer_name", choice::distinct)) faults.push_back({"getpeername", 1, error});
  for (int const error : errors_of("set_blocking", choice::distinct)) faults.push_back({"ioctl", 1, error});
  auto const hits = play_with_each(
      faults, played, all_names(),
      [&](injection const& one, program::end const& run) {
        SCOPED_TRACE(text_of(one) + '\n' + run.out + run.err);
        EXPECT_TRUE(run.status == 0 || (run.status == 1 && one.error != EINTR)) << run.status;
        EXPECT_EQ(unbalanced(run.err), "");
      },
      [] {});
  tell_hits(hits, "resume");
}

#endif

}  // namespace
