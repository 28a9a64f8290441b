// SPDX-License-Identifier: MIT
// The command line in a terminal, as a person sees it: tmux is the terminal.
#include "support/loopback.hpp"
#include "support/program.hpp"

#include <gtest/gtest.h>

#include <unistd.h>
#include <chrono>
#include <fstream>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using support::eventually;
using support::full_listener;
using support::listener;
using support::program;
using support::temporary_path;

/// A terminal of 100 columns and 30 lines, in which a shell runs the script, and then waits.
class terminal {
 public:
  explicit terminal(std::string const& script) {
    // An interrupt is for the program alone; the shell goes on.
    is_there_ = run({"-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30",
                     "trap : INT; t=" TCONNECT_PROGRAM "; " + script + "; echo status $?; exec sleep 100"})
                    .status == 0;
  }
  terminal(terminal const&) = delete;
  terminal& operator=(terminal const&) = delete;
  ~terminal() {  // NOLINT(bugprone-exception-escape): a tmux that cannot be started ends the tests
    run({"kill-server"});
  }

  bool is_there() const { return is_there_; }
  std::string screen() const { return run({"capture-pane", "-p"}).out; }
  bool shows(std::string const& text) const {
    return eventually([&] { return screen().find(text) != std::string::npos; }, 30s);
  }
  void press(std::string const& key) const { run({"send-keys", key}); }

 private:
  program::end run(std::vector<std::string> words) const {
    std::vector<std::string> const tmux{"/usr/bin/env", "tmux", "-L", server_};
    words.insert(words.begin(), tmux.begin(), tmux.end());
    return program(words).wait();
  }

  static inline int count_ = 0;
  std::string server_ = "timed_connect." + std::to_string(::getpid()) + '.' + std::to_string(++count_);
  bool is_there_;
};

constexpr char const* no_tmux = "SKIPPED: tmux is not installed, or has no terminal (tmux).";

TEST(TconnectTerminal, shows_how_far_it_is_and_leaves_nothing_of_that) {
  listener const server(4096);
  full_listener const silent;
  temporary_path const targets("targets");
  {
    std::ofstream file(targets.text());
    for (int count = 0; count < 300; ++count) file << server.where().to_string() << '\n';
    file << silent.where().to_string() << '\n';
  }
  terminal const seen("$t --all --timeout 3s - <" + targets.text() + " >/dev/null");
  if (!seen.is_there()) GTEST_SKIP() << no_tmux;
  EXPECT_TRUE(seen.shows(" of 301")) << seen.screen();
  EXPECT_TRUE(seen.shows("status 124")) << seen.screen();
  auto const left = seen.screen();
  EXPECT_EQ(left.find(" of 301"), std::string::npos) << left;
  EXPECT_EQ(left.find("301 endpoints in "), 0U) << left;
}

TEST(TconnectTerminal, shows_no_progress_where_it_shows_the_lines) {
  listener const server;
  full_listener const silent;
  terminal const seen("$t --all --timeout 1s " + server.where().to_string() + ' ' + silent.where().to_string());
  if (!seen.is_there()) GTEST_SKIP() << no_tmux;
  EXPECT_TRUE(seen.shows("connected")) << seen.screen();
  EXPECT_TRUE(seen.shows("status 124")) << seen.screen();
  EXPECT_EQ(seen.screen().find(" of 2"), std::string::npos) << seen.screen();
}

TEST(TconnectTerminal, tells_at_ctrl_c_what_was_left_behind) {
  listener const server;
  full_listener const silent;
  terminal const seen("$t --timeout 60s " + server.where().to_string() + ' ' + silent.where().to_string());
  if (!seen.is_there()) GTEST_SKIP() << no_tmux;
  ASSERT_TRUE(seen.shows("connected")) << seen.screen();
  seen.press("C-c");
  EXPECT_TRUE(seen.shows("status 130")) << seen.screen();
  EXPECT_NE(seen.screen().find("cancelled"), std::string::npos) << seen.screen();
}

}  // namespace
