// SPDX-License-Identifier: MIT
// The command line, as a shell and a script see it.
#include "support/loopback.hpp"
#include "support/network_namespace.hpp"
#include "support/nginx.hpp"
#include "support/program.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <sched.h>
#include <sys/mount.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using support::closed_port;
using support::full_listener;
using support::listener;
using support::program;
using support::temporary_path;

std::vector<std::string> command(std::vector<std::string> words) {
  words.insert(words.begin(), TCONNECT_PROGRAM);
  return words;
}

program::end tconnect(std::vector<std::string> const& words) { return program(command(words)).wait(); }

std::string text_of(tconn::endpoint const& to) { return to.to_string(); }

/// The one object that a run has printed; the test fails if it is anything else.
nlohmann::ordered_json object_of(program::end const& run) {
  EXPECT_EQ(std::count(run.out.begin(), run.out.end(), '\n'), 1) << run.out;
  auto object = nlohmann::ordered_json::parse(run.out, nullptr, false);
  EXPECT_TRUE(object.is_object()) << run.out;
  EXPECT_EQ(run.err, "");
  return object;
}

std::vector<std::string> keys_of(nlohmann::ordered_json const& object) {
  std::vector<std::string> keys;
  for (auto const& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

std::vector<std::string> const seven_keys = {"endpoint",  "result",    "code",           "elapsed_us",
                                             "handshake", "aftermath", "syn_retransmits"};

TEST(TconnectJson, tells_a_connection) {
  listener const server;
  auto const run = tconnect({"--json", text_of(server.where())});
  EXPECT_EQ(run.status, 0);
  auto object = object_of(run);
  EXPECT_EQ(keys_of(object), seven_keys);
  EXPECT_GT(object["elapsed_us"].get<int>(), 0);
  object.erase("elapsed_us");
  EXPECT_EQ(object, (nlohmann::ordered_json{{"endpoint", text_of(server.where())},
                                            {"result", "connected"},
                                            {"code", ""},
                                            {"handshake", "completed"},
                                            {"aftermath", "none"},
                                            {"syn_retransmits", 0}}));
  EXPECT_EQ(support::what_is_read(server.accept()), "EOF");
}

TEST(TconnectJson, tells_a_refusal) {
  closed_port const nobody;
  auto const run = tconnect({"--json", text_of(nobody.where())});
  EXPECT_EQ(run.status, 1);
  auto object = object_of(run);
  EXPECT_EQ(keys_of(object), seven_keys);
  object.erase("elapsed_us");
  EXPECT_EQ(object, (nlohmann::ordered_json{{"endpoint", text_of(nobody.where())},
                                            {"result", "failed"},
                                            {"code", "Connection refused"},
                                            {"handshake", "failed"},
                                            {"aftermath", "none"},
                                            {"syn_retransmits", 0}}));
}

TEST(TconnectJson, tells_a_deadline_that_came_first) {
  full_listener const server;
  auto const run = tconnect({"--json", "--timeout", "60ms", text_of(server.where())});
  EXPECT_EQ(run.status, 124);
  auto object = object_of(run);
  EXPECT_EQ(keys_of(object), seven_keys);
  EXPECT_GE(object["elapsed_us"].get<int>(), 60'000);
  object.erase("elapsed_us");
  EXPECT_EQ(object, (nlohmann::ordered_json{{"endpoint", text_of(server.where())},
                                            {"result", "deadline_exceeded"},
                                            {"code", "deadline exceeded"},
                                            {"handshake", "in_flight"},
                                            {"aftermath", "nothing_sent"},
                                            {"syn_retransmits", 0}}));
}

TEST(TconnectJson, tells_that_nothing_was_started_at_a_full_unix_socket) {
  temporary_path const path("full.sock");
  full_listener const server(path.where());
  auto const run = tconnect({"--json", "--timeout", "60ms", "unix:" + path.text()});
  EXPECT_EQ(run.status, 124);
  auto const object = object_of(run);
  EXPECT_EQ(object["endpoint"], "unix:" + path.text());
  EXPECT_EQ(object["result"], "deadline_exceeded");
  EXPECT_GE(object["elapsed_us"].get<int>(), 60'000);
  EXPECT_EQ(object["handshake"], "not_started");
  EXPECT_EQ(object["aftermath"], "none");
}

TEST(TconnectJson, counts_the_repeated_syns_of_a_failure_and_of_a_connection) {
  full_listener server;
  auto const late = tconnect({"--json", "--timeout", "1300ms", text_of(server.where())});
  EXPECT_EQ(object_of(late)["syn_retransmits"], 1);

  program patient(command({"--json", "--timeout", "20s", text_of(server.where())}));
  std::this_thread::sleep_for(200ms);  // its first SYN is lost
  server.open();
  auto const connected = patient.wait();
  EXPECT_EQ(connected.status, 0);
  EXPECT_GE(object_of(connected)["syn_retransmits"].get<int>(), 1);
}

TEST(TconnectJson, stays_well_formed_whatever_bytes_a_path_has) {
  auto const run = tconnect({"--json", "unix:/no\"where\\\n\xff"});
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(object_of(run)["endpoint"], "unix:/no\"where\\\n\xef\xbf\xbd");
}

TEST(TconnectJson, names_the_address_of_a_name_that_was_looked_up) {
  listener const server;
  auto const port = ':' + std::to_string(server.where().port());
  auto const run = tconnect({"--json", "localhost" + port});
  EXPECT_EQ(run.status, 0);
  auto const object = object_of(run);
  EXPECT_EQ(object["endpoint"], "localhost" + port);
  EXPECT_EQ(object["address"], "127.0.0.1" + port);
}

TEST(TconnectText, is_a_line_for_each_endpoint_in_their_order_with_aligned_columns) {
  listener const server;
  closed_port const nobody;
  full_listener const silent;
  auto const run = tconnect(
      {"--timeout=50ms", text_of(server.where()), "unix:/nowhere", text_of(nobody.where()), text_of(silent.where())});
  std::vector<std::string> lines;
  std::istringstream stream(run.out);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 4U) << run.out;
  EXPECT_EQ(lines[0].rfind(text_of(server.where()) + "  ", 0), 0U);
  EXPECT_EQ(lines[1].rfind("unix:/nowhere ", 0), 0U);
  auto const column = lines[0].find("connected");
  EXPECT_EQ(lines[1].find("failed"), column);
  EXPECT_EQ(lines[3].find("deadline exceeded"), column);
  for (auto const& line : lines) EXPECT_EQ(line.find(" ms  "), lines[0].find(" ms  ")) << run.out;
  EXPECT_TRUE(lines[0].ends_with(" ms  1 SYN"));
  EXPECT_TRUE(lines[1].ends_with(" ms  -       No such file or directory; nothing is left behind"));
  EXPECT_TRUE(lines[2].ends_with(" ms  1 SYN   Connection refused; nothing is left behind"));
  EXPECT_TRUE(lines[3].ends_with(" ms  1 SYN   given up in silence"));
  EXPECT_EQ(run.err, "");
}

TEST(TconnectText, shows_no_control_characters_of_a_path) {
  auto const shown = [](std::string const& path) {
    auto const out = tconnect({path}).out;
    return out.substr(0, out.find("  failed"));
  };
  EXPECT_EQ(shown("unix:/no\033[2Jwhere\n\x7f"), "unix:/no?[2Jwhere??");
  EXPECT_EQ(shown("unix:/\x9b"
                  "2J"),
            "unix:/?2J");
  EXPECT_EQ(shown("unix:/\xc2\x9b"
                  "2J"),
            "unix:/\xc2?2J");
  EXPECT_EQ(shown("unix:/\xe2\x82\xac\xc3\x9f"), "unix:/\xe2\x82\xac\xc3\x9f") << "the euro sign, and a sharp s";
}

TEST(TconnectText, tells_the_SYNs_and_what_was_left_behind) {
  listener const server;
  temporary_path const path("live.sock");
  listener const local(path.where());
  full_listener const silent;
  auto const remarks = [](std::vector<std::string> const& words) {
    auto const out = tconnect(words).out;
    return out.substr(out.find(" ms  ") + 5);
  };
  auto const late = text_of(server.where());
  EXPECT_EQ(remarks({"unix:" + path.text()}), "-\n");
  EXPECT_EQ(remarks({"--timeout=1300ms", text_of(silent.where())}), "2 SYNs  given up in silence\n");
  EXPECT_EQ(remarks({"--timeout=0us", "--refuse-late", late}), "1 SYN   the peer sees it opened and closed\n");
  EXPECT_EQ(remarks({"--timeout=0us", "--refuse-late", "--on-timeout=reset", late}),
            "1 SYN   the peer sees it opened and reset\n");
  EXPECT_EQ(remarks({"--timeout=0us", "--on-timeout=keep", text_of(silent.where())}),
            "1 SYN   the attempt goes on until tconnect ends\n");
}

TEST(TconnectText, names_the_address_that_a_name_led_to) {
  listener const server;
  auto const port = ':' + std::to_string(server.where().port());
  EXPECT_TRUE(tconnect({"localhost" + port}).out.ends_with(" 1 SYN   127.0.0.1" + port + '\n'));
}

TEST(TconnectStatus, of_several_endpoints_failed_counts_most_and_connected_least) {
  listener const server;
  closed_port const nobody;
  full_listener const silent;
  auto const good = text_of(server.where());
  auto const refused = text_of(nobody.where());
  auto const late = text_of(silent.where());
  EXPECT_EQ(tconnect({"--timeout=20ms", "--", good, good}).status, 0);
  EXPECT_EQ(tconnect({"--timeout=20ms", late, good}).status, 124);
  EXPECT_EQ(tconnect({"--timeout=20ms", good, late}).status, 124);
  EXPECT_EQ(tconnect({"--timeout=20ms", refused, late, good}).status, 1);
  EXPECT_EQ(tconnect({"--timeout=20ms", late, refused}).status, 1);
}

TEST(TconnectNginx, is_found_at_work_and_found_too_busy) {
  if (!support::nginx::is_installed()) GTEST_SKIP() << "SKIPPED: nginx is not installed (nginx).";
  support::nginx server;
  auto const at_work = tconnect({"--json", text_of(server.where())});
  EXPECT_EQ(at_work.status, 0);
  EXPECT_EQ(object_of(at_work)["result"], "connected");
  server.stop();
  auto const fillers = support::full_backlog(server.where(), 50ms);
  auto const busy = tconnect({"--json", "--timeout=50ms", text_of(server.where())});
  EXPECT_EQ(busy.status, 124);
  EXPECT_EQ(object_of(busy)["handshake"], "in_flight");
}

TEST(TconnectTimeout, is_each_endpoints_own_and_wants_a_unit) {
  full_listener const silent;
  auto const late = text_of(silent.where());
  for (std::string const limit : {"30ms", "30000us", "0.03s", "0.0005m"}) {
    auto const began = std::chrono::steady_clock::now();
    auto const run = tconnect({"--json", "--timeout", limit, late, late});
    EXPECT_GE(std::chrono::steady_clock::now() - began, 60ms) << limit;
    EXPECT_EQ(run.status, 124) << limit;
    auto const first = nlohmann::json::parse(run.out.substr(0, run.out.find('\n')));
    EXPECT_GE(first["elapsed_us"].get<int>(), 30'000) << limit;
    EXPECT_LT(first["elapsed_us"].get<int>(), 250'000) << limit;
  }
  EXPECT_EQ(tconnect({"--timeout", "0ms", late}).status, 124);
  EXPECT_EQ(tconnect({"--timeout=9s", "--timeout=0ms", "--on-timeout=keep", "--on-timeout=close", late}).status, 124);
}

TEST(TconnectTimeout, is_a_second_unless_told_otherwise) {
  full_listener const silent;
  auto const elapsed_us = object_of(tconnect({"--json", text_of(silent.where())}))["elapsed_us"].get<int>();
  EXPECT_GE(elapsed_us, 1'000'000);
  EXPECT_LT(elapsed_us, 2'000'000);
}

TEST(TconnectPolicy, decides_what_the_server_reads_of_a_late_connection) {
  listener const server;
  auto const refuse_late = [&](std::string const& policy) {
    // With no time at all only the last look can find the handshake of loopback complete.
    auto const run =
        tconnect({"--json", "--refuse-late", "--timeout=0us", "--on-timeout", policy, text_of(server.where())});
    EXPECT_EQ(run.status, 124);
    auto const object = object_of(run);
    EXPECT_EQ(object["handshake"], "completed");
    return object["aftermath"].get<std::string>() + ", " + support::what_is_read(server.accept());
  };
  EXPECT_EQ(refuse_late("close"), "peer_sees_close, EOF");
  EXPECT_EQ(refuse_late("reset"), "peer_sees_reset, ECONNRESET");
  EXPECT_EQ(refuse_late("keep"), "kept, EOF");
  tconnect({"--refuse-late", "--timeout=0us", text_of(server.where())});
  EXPECT_EQ(support::what_is_read(server.accept()), "EOF") << "the default is close";
  EXPECT_EQ(tconnect({"--timeout=0us", text_of(server.where())}).status, 0);
}

TEST(TconnectPolicy, keep_lets_an_attempt_complete_while_the_next_endpoint_is_tried) {
  full_listener server;
  full_listener const silent;
  program run(command({"--on-timeout=keep", "--timeout=1300ms", text_of(server.where()), text_of(silent.where())}));
  run.read_lines(1);
  server.open();  // the first attempt's SYN is repeated 2 s after it, when the second endpoint is being tried
  auto const kept = server.accept(3s);
  EXPECT_EQ(support::what_is_read(kept, 50ms), "silence") << "it was given up";
  EXPECT_EQ(run.wait().status, 124);
  EXPECT_EQ(support::what_is_read(kept), "EOF") << "it outlived tconnect";
}

struct mistake {
  std::vector<std::string> words;
  std::string complaint;
};

TEST(TconnectUsage, of_a_wrong_kind_is_one_clear_line_and_status_2_and_nothing_is_sent) {
  listener const server;
  auto const good = text_of(server.where());
  mistake const mistakes[] = {
      {{}, "no ENDPOINT"},
      {{"--timeout", "5", good}, "'5' is not a number with a unit (us, ms, s, m), such as 5ms or 5s"},
      {{"--timeout=", good}, "--timeout=: no value"},
      {{"--json=false", good}, "json was given a disallowed flag override"},
      {{good, "localhost:-1"}, "'localhost:-1': neither"},
      {{good, "-example:80"}, "no such option"},
      {{good, ".example:80"}, "'.example:80': neither"},
      {{"--timeout", "", good}, "'' is not a number with a unit"},
      {{"--timeout", "ms", good}, "'ms' is not a number with a unit"},
      {{"--timeout", "5h", good}, "'5h' is not a number with a unit"},
      {{"--timeout", "5 ms", good}, "'5 ms' is not a number with a unit"},
      {{"--timeout=-5ms", good}, "'-5ms' is not a number with a unit"},
      {{"--timeout", "infs", good}, "'infs' is not a number with a unit"},
      {{"--timeout", "1e3ms", good}, "'1e3ms' is not a number with a unit"},
      {{"--timeout", "nan", good}, "'nan' is not a number with a unit"},
      {{good, "--timeout"}, "--timeout"},
      {{"--on-timeout", "abort", good}, "'abort' is none of close, reset and keep"},
      {{"--frobnicate", good}, "'--frobnicate': no such option"},
      {{"-x", good}, "'-x': no such option"},
      {{good, "[::1]:80,"}, "'[::1]:80,'"},
      {{good, "example"}, "'example': no port"},
      {{good, ""}, "'': no port: wanted HOST:PORT"},
      {{good, "example:"}, "'example:': no port behind the colon"},
      {{good, ":80"}, "':80': neither an address nor a name with a port"},
      {{good, "127.0.0.1:65536"}, "'127.0.0.1:65536': port 65536 is not in 0 to 65535"},
      {{good, "127.0.0.256:80"}, "'127.0.0.256:80': neither an address nor a name with a port"},
      {{good, "127.0.0.1:-1"}, "'127.0.0.1:-1': the port of an address is a number"},
      {{good, "127.0.0.1:http"},
       "'127.0.0.1:http': the port of an address is a number, from 0 to 65535, such as 127.0.0.1:80"},
      {{good, "[::1]:http"}, "'[::1]:http': the port of an address is a number, from 0 to 65535, such as [::1]:80"},
      {{good, "http://localhost:1"}, "'http://localhost:1': a URL: wanted HOST:PORT alone"},
      {{good, "exam ple:80"}, "'exam ple:80': neither"},
      {{good, "::1:80"}, "'::1:80': an IPv6 address wants brackets"},
      {{good, "[::1]"}, "'[::1]': no port: wanted HOST:PORT, such as [::1]:80"},
      {{good, "[::g]:80"}, "'[::g]:80': not an IPv6 address"},
      {{good, "unix:"}, "'unix:': not a Unix socket"},
      {{good, "unix:" + std::string(108, 'x')}, "not a Unix socket: wanted unix:PATH, at most 107 bytes"},
      {{good, "a\nb:80"}, "'a?b:80': neither"},
      {{good, "-"}, "'-': standard input, which goes only together with --all"},
      {{good, "localhost:080"}, "'localhost:080': neither"},
      {{good, "localhost:_http"}, "'localhost:_http': neither"},
      {{good, std::string(254, 'a') + ":80"}, "aaa:80': neither"},
      {{"--hedge", "", good}, "--hedge: '' is not a number with a unit"},
      {{"--any", "--all", good}, "--any: not together with --all"},
      {{"--retry", "--any", good}, "--retry: not together with"},
      {{"--retry", "--all", good}, "--retry: not together with"},
      {{"--hedge", "5ms", "--all", good}, "--hedge: not together with"},
      {{"--hedge", "5ms", "--retry", good}, "--hedge: not together with"},
      {{"--hedge", "5", good}, "--hedge: '5' is not a number with a unit"},
      {{"--on-timeout", "keep", "--any", good}, "--on-timeout: keep does not go together"},
      {{"--on-timeout", "keep", "--retry", good}, "--on-timeout: keep does not go together"},
      {{"--max-in-flight", "5", good}, "--max-in-flight: only together with --all"},
      {{"--max-in-flight", "-5", "--all", good}, "'-5' is not a number"},
  };
  for (auto const& [words, complaint] : mistakes) {
    auto const run = tconnect(words);
    EXPECT_EQ(run.status, 2) << complaint;
    EXPECT_EQ(run.out, "") << complaint;
    EXPECT_EQ(run.err.rfind("tconnect: ", 0), 0U) << run.err;
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
    EXPECT_NE(run.err.find(complaint), std::string::npos) << run.err;
  }
  EXPECT_FALSE(server.accept(0ms));
}

TEST(TconnectHelp, goes_to_standard_output_and_teaches_options_endpoints_and_statuses) {
  auto const run = tconnect({"--help"});
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.err, "");
  for (std::string const word :
       {"Usage: tconnect", "--timeout", "--on-timeout", "--refuse-late", "--json", "--any", "--all", "--retry",
        "--hedge", "--max-in-flight", "HOST:PORT", "unix:PATH", "Exit status: 0", "124", "130", "Examples"})
    EXPECT_NE(run.out.find(word), std::string::npos) << word;
  EXPECT_EQ(tconnect({"-h"}).out, run.out);
  EXPECT_EQ(tconnect({"--version"}).out, "tconnect " TIMED_CONNECT_VERSION "\n");
}

TEST(TconnectOutput, that_cannot_be_written_is_told_and_is_a_failure) {
  listener const server;
  auto const into = [&](program::preparation prepare, std::string const& word) {
    auto const run = program(command({word}), prepare).wait();
    EXPECT_EQ(run.status, 1);
    return run.err;
  };
  auto const full = [] { ::dup2(::open("/dev/full", O_WRONLY | O_CLOEXEC), STDOUT_FILENO); };
  std::string const complaint = "tconnect: cannot write to standard output: ";
  EXPECT_EQ(into(full, text_of(server.where())), complaint + "No space left on device\n");
  EXPECT_EQ(into(full, "--help"), complaint + "No space left on device\n");
}

TEST(TconnectOutput, of_a_closed_stream_is_not_sent_to_the_server) {
  listener const server;
  auto const closed = [] { ::close(STDOUT_FILENO), ::close(STDIN_FILENO); };
  auto const run = program(command({text_of(server.where())}), closed).wait();
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(run.err, "tconnect: cannot write to standard output: Bad file descriptor\n");
  EXPECT_EQ(support::what_is_read(server.accept()), "EOF");

  auto const kept = command({"--timeout=0us", "--refuse-late", "--on-timeout=keep", text_of(server.where())});
  EXPECT_EQ(program(kept, closed).wait().status, 1);
  EXPECT_EQ(support::what_is_read(server.accept()), "EOF");

  auto const all_closed = [] { ::close(STDIN_FILENO), ::close(STDOUT_FILENO), ::close(STDERR_FILENO); };
  EXPECT_EQ(program(command({text_of(server.where())}), all_closed).wait().status, 1);
  EXPECT_EQ(support::what_is_read(server.accept()), "EOF");
}

TEST(TconnectOutput, into_a_pipe_that_nobody_reads_ends_it_in_silence) {
  listener const server;
  full_listener const silent;
  program run(command({"--timeout=100ms", text_of(silent.where()), text_of(server.where())}));
  run.stop_reading();
  auto const end = run.wait();
  EXPECT_EQ(end.status, -SIGPIPE);
  EXPECT_EQ(end.err, "");
  EXPECT_FALSE(server.accept(0ms)) << "it went on after its reader had gone";
}

TEST(TconnectOutput, into_such_a_pipe_is_told_where_SIGPIPE_is_ignored) {
  full_listener const silent;
  program run(command({"--timeout=100ms", text_of(silent.where())}), [] { std::signal(SIGPIPE, SIG_IGN); });
  run.stop_reading();
  auto const end = run.wait();
  EXPECT_EQ(end.status, 1);
  EXPECT_EQ(end.err, "tconnect: cannot write to standard output: Broken pipe\n");
}

TEST(TconnectInterrupt, waits_for_no_more_endpoints_from_standard_input) {
  program run(command({"--all", "-"}), [] {
    std::array<int, 2> ends{};  // both ends are inherited, so that there is no end of file
    if (::pipe(ends.data()) == 0) ::dup2(ends[0], STDIN_FILENO);
  });
  ASSERT_TRUE(support::eventually([&] { return run.handles(SIGINT); }));
  run.send(SIGINT);
  EXPECT_EQ(run.wait().status, 130);
}

TEST(TconnectInterrupt, stays_ignored_if_it_was_as_under_nohup) {
  listener const server;
  full_listener const silent;
  program run(command({"--timeout=200ms", text_of(server.where()), text_of(silent.where())}),
              [] { std::signal(SIGINT, SIG_IGN); });
  run.read_lines(1);
  run.send(SIGINT);
  EXPECT_EQ(run.wait().status, 124);
}

TEST(TconnectAny, tells_of_the_one_that_has_won) {
  listener const server;
  closed_port const nobody;
  full_listener const dead;
  auto const run = tconnect(
      {"--any", "--json", "--timeout=20s", text_of(dead.where()), text_of(nobody.where()), text_of(server.where())});
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(object_of(run)["endpoint"], text_of(server.where()));
  EXPECT_EQ(object_of(run)["handshake"], "completed");
}

TEST(TconnectAny, tells_of_one_line_when_all_fail) {
  closed_port const nobody;
  closed_port const nobody_either;
  auto const refused = tconnect({"--any", text_of(nobody.where()), text_of(nobody_either.where())});
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(std::count(refused.out.begin(), refused.out.end(), '\n'), 1);
  EXPECT_NE(refused.out.find("Connection refused"), std::string::npos) << refused.out;
  full_listener const dead;
  EXPECT_EQ(tconnect({"--any", "--timeout=100ms", text_of(nobody.where()), text_of(dead.where())}).status, 124);
}

TEST(TconnectHedge, is_a_second_syn_that_is_answered_when_the_first_was_not) {
  full_listener late;
  std::thread opener([&] {
    std::this_thread::sleep_for(300ms);
    late.open();
  });
  // The kernel repeats its own SYN after a second.
  auto const run = tconnect({"--hedge=600ms", "--json", "--timeout=20s", text_of(late.where())});
  opener.join();
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(object_of(run)["syn_retransmits"], 0);
}

TEST(TconnectRetry, waits_until_somebody_listens) {
  temporary_path const path("later.sock");
  program run(command({"--retry", "--timeout=30s", "unix:" + path.text()}));
  std::this_thread::sleep_for(100ms);
  listener const server(path.where());
  EXPECT_EQ(run.wait().status, 0);
}

TEST(TconnectRetry, ends_at_its_deadline_when_nobody_does) {
  closed_port const nobody;
  auto const run = tconnect({"--retry", "--json", "--timeout=200ms", text_of(nobody.where())});
  EXPECT_EQ(run.status, 124);
  EXPECT_EQ(object_of(run)["result"], "deadline_exceeded");
  EXPECT_GE(object_of(run)["elapsed_us"].get<int>(), 200'000);
}

std::vector<nlohmann::json> objects_of(std::string const& out) {
  std::vector<nlohmann::json> all;
  std::istringstream lines(out);
  for (std::string line; std::getline(lines, line);) all.push_back(nlohmann::json::parse(line));
  return all;
}

TEST(TconnectAll, tells_of_each_as_it_comes_and_a_summary_to_standard_error) {
  listener const server;
  closed_port const nobody;
  full_listener const dead;
  auto const run = tconnect({"--all", "--timeout=200ms", text_of(dead.where()), text_of(nobody.where()),
                             text_of(server.where()), "localhost:" + std::to_string(server.where().port())});
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(std::count(run.out.begin(), run.out.end(), '\n'), 4) << run.out;
  EXPECT_GT(run.out.find(text_of(dead.where())), run.out.find(text_of(server.where()))) << "the dead one comes last";
  for (char const* const told :
       {"4 endpoints in ", " 2 ", "connected\n", "Connection refused\n", "deadline exceeded\n"})
    EXPECT_NE(run.err.find(told), std::string::npos) << told << run.err;
}

TEST(TconnectAll, reads_endpoints_from_standard_input) {
  listener const server(4096);
  std::string const script = "{ echo '# the fleet'; echo; for i in $(seq 2000); do echo '  " + text_of(server.where()) +
                             " '; done; } | \"$0\" --all --json --timeout 20s --max-in-flight 100 -";
  auto const run = program({"/bin/sh", "-c", script, TCONNECT_PROGRAM}).wait();
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.err, "");
  auto const all = objects_of(run.out);
  ASSERT_EQ(all.size(), 2000U);
  for (auto const& one : all) EXPECT_EQ(one["result"], "connected");
}

TEST(TconnectAll, reads_ten_thousand_endpoints_from_a_file) {
  listener const server(4096);
  temporary_path const targets("targets");
  constexpr int count = 10'000;
  {
    std::ofstream file(targets.text());
    for (int i = 0; i < count; ++i) file << text_of(server.where()) << '\n';
  }
  std::atomic<bool> is_over = false;
  std::thread accepting([&] {
    while (!is_over) server.accept(10ms);
  });
  auto const run =
      program({"/bin/sh", "-c", "\"$0\" --all --json --timeout 60s - <" + targets.text(), TCONNECT_PROGRAM}).wait();
  is_over = true;
  accepting.join();
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(objects_of(run.out).size(), static_cast<std::size_t>(count));
}

TEST(TconnectAll, tells_what_is_wrong_with_its_input_and_where_and_sends_nothing) {
  struct {
    std::string script;
    std::string complaint;
  } const mistakes[] = {
      {R"(printf '' | "$0" --all -)", "no ENDPOINT"},
      {R"(printf '# a\n\n127.0.0.1:1\n example \n' | "$0" --all -)", "line 4: 'example': no port"},
      {R"(echo -x | "$0" --all -)", "line 1: '-x'"},
      {R"("$0" --all - </)", "-: standard input cannot be read to its end"},
  };
  for (auto const& [script, complaint] : mistakes) {
    auto const run = program({"/bin/sh", "-c", script, TCONNECT_PROGRAM}).wait();
    EXPECT_EQ(run.status, 2) << complaint;
    EXPECT_EQ(run.out, "") << complaint;
    EXPECT_EQ(run.err.rfind("tconnect: " + complaint, 0), 0U) << run.err;
  }
}

TEST(TconnectAll, goes_on_though_there_are_fewer_descriptors_than_endpoints) {
  listener const server(4096);
  std::string const script = "ulimit -n 40; for i in $(seq 500); do echo '" + text_of(server.where()) +
                             "'; done | \"$0\" --all --json --timeout 20s -";
  auto const run = program({"/bin/sh", "-c", script, TCONNECT_PROGRAM}).wait();
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(objects_of(run.out).size(), 500U);
}

TEST(TconnectAny, names_the_endpoint_that_was_given_though_its_socket_has_another_name) {
  temporary_path const path("real.sock");
  listener const server(path.where());
  temporary_path const link("link.sock");
  ASSERT_EQ(::symlink(path.text().c_str(), link.text().c_str()), 0);
  closed_port const nobody;
  auto const run = tconnect({"--any", "--json", text_of(nobody.where()), "unix:" + link.text()});
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(object_of(run)["endpoint"], "unix:" + link.text());
}

TEST(TconnectAll, is_not_held_up_by_a_slow_reader) {
  listener const server(4096);
  std::string const script = "for i in $(seq 3000); do echo '" + text_of(server.where()) +
                             "'; done | \"$0\" --all --json --timeout 2s --max-in-flight 50 - | (sleep 3; cat)";
  auto const run = program({"/bin/sh", "-c", script, TCONNECT_PROGRAM}).wait();
  auto const all = objects_of(run.out);
  ASSERT_EQ(all.size(), 3000U);
  for (auto const& one : all) {
    ASSERT_EQ(one["result"], "connected");
    ASSERT_LT(one["elapsed_us"].get<int>(), 2'500'000);
  }
}

TEST(TconnectAll, that_cannot_be_written_is_told_once_and_is_a_failure) {
  closed_port const nobody;
  std::string const script =
      "for i in $(seq 200); do echo '" + text_of(nobody.where()) + "'; done | \"$0\" --all - >/dev/full";
  auto const run = program({"/bin/sh", "-c", script, TCONNECT_PROGRAM}).wait();
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(run.err, "tconnect: cannot write to standard output: No space left on device\n");
}

TEST(TconnectAll, ends_early_when_nobody_reads_its_results) {
  listener const server;
  full_listener const dead;
  auto run = program(command({"--all", "--timeout=2s", text_of(server.where()), text_of(dead.where())}));
  run.stop_reading();
  EXPECT_EQ(run.wait().status, -SIGPIPE);
}

/// Whether somebody's SYN to this port of 127.0.0.1 is unanswered.
bool has_syn_sent_to(std::uint16_t port) {
  std::array<char, 32> sought{};
  std::snprintf(sought.data(), sought.size(), "0100007F:%04X 02 ", port);
  std::ifstream table("/proc/net/tcp");
  for (std::string line; std::getline(table, line);)
    if (line.find(sought.data()) != std::string::npos) return true;
  return false;
}

TEST(TconnectInterrupt, cancels_what_is_under_way_tells_it_and_ends_with_130) {
  listener const server;
  full_listener const silent;
  program run(command({"--timeout=20s", text_of(server.where()), text_of(silent.where()), text_of(server.where())}));
  EXPECT_EQ(run.read_lines(1).rfind(text_of(server.where()), 0), 0U);
  ASSERT_TRUE(support::eventually([&] { return has_syn_sent_to(silent.where().port()); }));
  run.send(SIGINT);
  auto const end = run.wait();
  EXPECT_EQ(end.status, 130);
  EXPECT_EQ(std::count(end.out.begin(), end.out.end(), '\n'), 2) << end.out;
  EXPECT_NE(end.out.find("cancelled; given up in silence\n"), std::string::npos) << end.out;
  EXPECT_EQ(end.err, "");
}

TEST(TconnectInterrupt, tells_what_was_under_way_at_the_same_time) {
  for (std::string const mode : {"--all", "--any"}) {
    full_listener const silent;
    auto const port = silent.where().port();
    program run(
        command({mode, "--json", "--timeout=20s", text_of(silent.where()), "localhost:" + std::to_string(port)}));
    ASSERT_TRUE(support::eventually([&] { return has_syn_sent_to(port); }));
    run.send(SIGINT);
    auto const end = run.wait();
    EXPECT_EQ(end.status, 130) << mode;
    auto const told = objects_of(end.out);
    EXPECT_EQ(told.size(), mode == "--all" ? 2U : 1U) << end.out;
    for (auto const& one : told) EXPECT_EQ(one["code"], "cancelled") << mode;
  }
}

// Names want a resolver and a list of hosts; these are in a namespace of their own, with a resolver that never answers
// or is not there at all.
class TconnectNames : public testing::Test {
 protected:
  static std::string in_a_namespace(std::string const& hosts, std::function<std::string()> const& function) {
    temporary_path const resolver("resolv.conf");
    temporary_path const known("hosts");
    std::ofstream(resolver.text()) << "nameserver 127.0.0.1\noptions timeout:30\n";
    std::ofstream(known.text()) << hosts;
    auto const put = [](temporary_path const& from, char const* to) {
      return ::mount(from.text().c_str(), to, nullptr, MS_BIND, nullptr) == 0;
    };
    auto const report = support::in_a_network_namespace([&]() -> std::string {
      if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
          !put(resolver, "/etc/resolv.conf") || !put(known, "/etc/hosts"))
        return "SKIPPED: no mount namespace";
      return function();
    });
    return report.entered ? report.text : "SKIPPED: no network namespace";
  }

  static std::string told(program::end const& run) { return std::to_string(run.status) + ' ' + run.out + run.err; }
};

TEST_F(TconnectNames, spend_the_deadline_while_they_are_looked_up) {
  auto const text = in_a_namespace("", [] {
    tconn::socket const silent_resolver(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    auto const at = tconn::endpoint::loopback_v4(53);
    if (::bind(silent_resolver.native_handle(), at.data(), at.size()) != 0) return std::string("cannot bind");
    return told(tconnect({"--json", "--timeout=150ms", "name.test:80"}));
  });
  if (text.starts_with("SKIPPED")) GTEST_SKIP() << text;
  ASSERT_TRUE(text.starts_with("124 ")) << text;
  auto const object = nlohmann::json::parse(text.substr(4));
  EXPECT_EQ(object["result"], "deadline_exceeded");
  EXPECT_EQ(object["code"], "deadline exceeded while the name was looked up");
  EXPECT_EQ(object["handshake"], "not_started");
  EXPECT_GE(object["elapsed_us"].get<int>(), 150'000);
  EXPECT_LT(object["elapsed_us"].get<int>(), 10'000'000);
}

// A name server that says nothing, and a server at 127.0.0.1.
TEST_F(TconnectNames, that_are_slow_keep_no_other_endpoint_waiting) {
  auto const text = in_a_namespace("", []() -> std::string {
    tconn::socket const silent_resolver(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    auto const at = tconn::endpoint::loopback_v4(53);
    if (::bind(silent_resolver.native_handle(), at.data(), at.size()) != 0) return "cannot bind";
    listener const server;
    auto const live = text_of(server.where());
    auto const any = tconnect({"--any", "--json", "--timeout=10s", "slow.test:80", live});
    if (any.status != 0 || object_of(any)["endpoint"] != live || object_of(any)["elapsed_us"] > 5'000'000)
      return "any: " + told(any);
    std::vector<std::string> words{"--all", "--json", "--timeout=600ms", live};
    for (int i = 0; i < 30; ++i) words.push_back("slow" + std::to_string(i) + ".test:80");
    auto const all = tconnect(words);
    if (all.status != 124) return "all: " + told(all);
    auto const objects = objects_of(all.out);
    if (objects.size() != 31 || objects[0]["endpoint"] != live || objects[0]["elapsed_us"] > 500'000)
      return "all: " + told(all);
    for (std::size_t i = 1; i < objects.size(); ++i) {
      if (objects[i]["result"] != "deadline_exceeded") return "all: " + told(all);
    }
    words.assign({"--json", "--timeout=20ms"});
    for (int i = 0; i < 20; ++i) words.push_back("slow" + std::to_string(i) + ".test:80");
    auto const each = tconnect(words);
    return each.status == 124 ? "" : "each: " + told(each);
  });
  if (text.starts_with("SKIPPED")) GTEST_SKIP() << text;
  EXPECT_EQ(text, "");
}

TEST_F(TconnectNames, that_cannot_be_looked_up_have_failed) {
  auto const text = in_a_namespace("", [] { return told(tconnect({"--json", "--timeout=20s", "name.test:80"})); });
  if (text.starts_with("SKIPPED")) GTEST_SKIP() << text;
  ASSERT_TRUE(text.starts_with("1 ")) << text;
  auto const object = nlohmann::json::parse(text.substr(2));
  EXPECT_EQ(object["result"], "failed");
  EXPECT_EQ(object["code"], "Temporary failure in name resolution");
  EXPECT_EQ(object["handshake"], "not_started");
}

TEST_F(TconnectNames, whose_first_address_is_dead_leave_time_for_the_second) {
  auto const text = in_a_namespace("127.0.0.1 twice.test\n127.0.0.2 twice.test\n", [] {
    std::string all;
    for (auto const& [live, dead] : {std::pair{"127.0.0.1:80", "127.0.0.2:80"}, {"127.0.0.2:80", "127.0.0.1:80"}}) {
      listener const server(*tconn::endpoint::parse(live));
      full_listener const silent(*tconn::endpoint::parse(dead));
      auto const run = tconnect({"--json", "--timeout=1s", "twice.test:80"});
      if (object_of(run)["address"] != live) all += "connected to the wrong one; ";
      auto const elapsed_us = object_of(run)["elapsed_us"].get<int>();
      all += elapsed_us < 250'000     ? "at once; "
             : elapsed_us < 1'000'000 ? "a quarter of a second later; "
                                      : "too late; ";
    }
    return all;
  });
  if (text.starts_with("SKIPPED")) GTEST_SKIP() << text;
  // The resolver's order is its own affair, but it is the same twice.
  EXPECT_TRUE(text == "a quarter of a second later; at once; " || text == "at once; a quarter of a second later; ")
      << text;
}

TEST_F(TconnectNames, of_which_one_address_refuses_are_tried_on_while_there_is_time) {
  auto const text = in_a_namespace("127.0.0.1 twice.test\n127.0.0.2 twice.test\n", [] {
    std::string all;
    for (auto const& [dead, refusing] : {std::pair{"127.0.0.1:80", "127.0.0.2:80"}, {"127.0.0.2:80", "127.0.0.1:80"}}) {
      full_listener const silent(*tconn::endpoint::parse(dead));
      auto const run = tconnect({"--json", "--timeout=400ms", "twice.test:80"});
      auto const object = object_of(run);
      if (object["address"] != dead) all += "not the one that might have answered: " + std::string(refusing) + "; ";
      all += object["elapsed_us"].get<int>() >= 400'000 ? std::to_string(run.status) + "; " : "early; ";
    }
    return all;
  });
  if (text.starts_with("SKIPPED")) GTEST_SKIP() << text;
  EXPECT_EQ(text, "124; 124; ");
}

}  // namespace
