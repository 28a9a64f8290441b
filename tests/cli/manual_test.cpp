// SPDX-License-Identifier: MIT
// The manual page and the completions of the shells know the options that the program has, and no others.
#include "support/program.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace {

using support::program;

std::string const folder = TCONNECT_FOLDER;

std::string content_of(std::string const& name) {
  std::ifstream file(folder + '/' + name);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

/// What the pattern's one group matches, wherever it does.
std::set<std::string> all_in(std::string const& text, char const* pattern) {
  std::regex const sought(pattern);
  std::set<std::string> found;
  for (std::sregex_iterator each(text.begin(), text.end(), sought), end; each != end; ++each) found.insert((*each)[1]);
  return found;
}

std::set<std::string> options() {
  auto const help = program({TCONNECT_PROGRAM, "--help"}).wait();
  return all_in(help.out, R"(\n  (?:-h,)?(--[a-z-]+))");
}

/// What bash offers for these words, the last of which is being typed.
std::set<std::string> offered(std::string const& words) {
  auto const script = "source '" + folder + "/tconnect.bash'; COMP_WORDS=(" + words +
                      R"sh(); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _tconnect; printf '%s\n' "${COMPREPLY[@]}")sh";
  auto const run = program({"/bin/bash", "-c", script}).wait();
  EXPECT_EQ(run.err, "");
  return all_in(run.out, "([^\n]+)\n");
}

TEST(TconnectManual, has_every_option_and_no_other) {
  auto const known = options();
  EXPECT_EQ(known.size(), 11U);
  std::set<std::string> told;
  for (auto const& option : all_in(content_of("tconnect.1"), R"(\n\.It Fl (?:h , Fl )?(-[a-z-]+))"))
    told.insert('-' + option);
  EXPECT_EQ(told, known);
}

TEST(TconnectManual, is_well_formed) {
  auto const run = program({"/usr/bin/env", "groff", "-mandoc", "-ww", "-z", "-Tutf8", folder + "/tconnect.1"}).wait();
  if (run.status == 127) GTEST_SKIP() << "SKIPPED: groff is not installed (groff-base).";
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.err, "");
}

TEST(TconnectCompletion, of_bash_offers_every_option_and_no_other) { EXPECT_EQ(offered("tconnect --"), options()); }

TEST(TconnectCompletion, of_bash_offers_what_an_option_takes) {
  EXPECT_EQ(offered("tconnect --on-timeout r"), (std::set<std::string>{"reset"}));
  EXPECT_EQ(offered("tconnect --on-timeout = k"), (std::set<std::string>{"keep"}));
  EXPECT_EQ(offered("tconnect --timeout = 2"), (std::set<std::string>{"250ms"}));
  EXPECT_EQ(offered("tconnect --max-in-flight 1"), (std::set<std::string>{}));
}

TEST(TconnectCompletion, of_bash_offers_paths_of_unix_sockets) {
  EXPECT_EQ(offered("tconnect un"), (std::set<std::string>{"unix:"}));
  EXPECT_EQ(offered("tconnect unix : '" + folder + "/tconnect.b'"), (std::set<std::string>{folder + "/tconnect.bash"}));
}

TEST(TconnectCompletion, of_zsh_has_every_option_and_no_other) {
  EXPECT_EQ(all_in(content_of("_tconnect"), R"((--[a-z-]+)[\[}])"), options());
}

}  // namespace
