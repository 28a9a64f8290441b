// SPDX-License-Identifier: MIT
// The manual page and the completions of the shells know the options that the program has and which of them do not go
// together, and no others.
#include "support/loopback.hpp"
#include "support/program.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

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

/// An option, and another with which it does not go; --keep stands for `--on-timeout keep`.
using pairs = std::set<std::pair<std::string, std::string>>;

/// Those that the program refuses. --max-in-flight is told by a rule of its own: only with --all.
pairs refused_pairs() {
  support::listener const server(64);
  std::vector<std::vector<std::string>> const all = {
      {"--any"},         {"--all"},  {"--retry"},         {"--hedge", "1ms"}, {"--keep", "--on-timeout", "keep"},
      {"--refuse-late"}, {"--json"}, {"--timeout", "0ms"}};
  pairs found;
  for (auto const& one : all) {
    for (auto const& other : all) {
      std::vector<std::string> words = {TCONNECT_PROGRAM, server.where().to_string()};
      for (auto const& option : {one, other})
        words.insert(words.end(), option.begin() + (option[0] == "--keep" ? 1 : 0), option.end());
      if (program(words).wait().status == 2) found.emplace(one[0], other[0]);
    }
  }
  return found;
}

/// Those of a text in which `option` tells of an option what `others` finds, a list of options.
pairs told_pairs(std::string const& text, std::string const& option, std::string const& others) {
  std::regex const sought("(?:" + option + ")|(?:" + others + ")");
  pairs told;
  std::string at;
  for (std::sregex_iterator each(text.begin(), text.end(), sought), end; each != end; ++each) {
    if ((*each)[1].matched) {
      at = (*each)[1];
      if (at.front() == '-' && at[1] != '-') at.insert(0, 1, '-');
      continue;
    }
    for (auto const& other : all_in((*each)[2], "(-[a-z][a-z-]*)"))
      told.emplace(at == "--on-timeout" ? "--keep" : at, '-' + other);
  }
  return told;
}

TEST(TconnectManual, tells_which_options_do_not_go_together_as_the_help_does) {
  auto refused = refused_pairs();
  EXPECT_EQ(refused.size(), 18U);
  std::erase_if(refused, [](auto const& pair) { return pair.second == "--keep"; });  // told by --on-timeout alone
  EXPECT_EQ(told_pairs(content_of("tconnect.1"), R"(\n\.It Fl (-[a-z-]+))", R"(not go with\n\.Fl ([^\n]*))"), refused);
  auto const help = program({TCONNECT_PROGRAM, "--help"}).wait();
  EXPECT_EQ(told_pairs(help.out, R"(\n  (--[a-z-]+))", R"(not with ([^\n]*))"), refused);
}

/// Each form of the manual's SYNOPSIS, as its options; and --keep, if it has that.
std::vector<std::set<std::string>> forms() {
  auto const page = content_of("tconnect.1");
  auto const begin = page.find(".Sh SYNOPSIS\n");
  auto rest = page.substr(begin, page.find(".Sh DESCRIPTION") - begin);
  std::vector<std::set<std::string>> found;
  for (auto at = rest.rfind(".Nm\n"); at != rest.npos; at = rest.rfind(".Nm\n")) {
    auto const form = rest.substr(at);
    found.emplace_back();
    for (auto const& option : all_in(form, "Fl (-[a-z-]+)")) found.back().insert('-' + option);
    if (form.find("| keep") != form.npos) found.back().insert("--keep");
    rest.resize(at);
  }
  return found;
}

TEST(TconnectManual, has_a_synopsis_for_all_that_goes_together) {
  auto known = options();
  known.insert("--keep");
  for (auto const& alone : {"--help", "--version", "--max-in-flight"}) known.erase(alone);
  auto const refused = refused_pairs();
  auto const all = forms();
  for (auto const& one : known) {
    for (auto const& other : known) {
      if (one >= other) continue;
      bool const is_shown = std::any_of(all.begin(), all.end(),
                                        [&](auto const& form) { return form.contains(one) && form.contains(other); });
      EXPECT_EQ(is_shown, !refused.contains({one, other})) << one << " and " << other;
    }
  }
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
  EXPECT_EQ(all_in(content_of("_tconnect"), R"((--[a-z-]+)=?[\[}])"), options());
}

TEST(TconnectCompletion, of_zsh_offers_nothing_that_does_not_go_together) {
  auto refused = refused_pairs();
  std::erase_if(refused, [](auto const& pair) { return pair.first == "--keep" || pair.second == "--keep"; });
  std::regex const sought(R"('\(([^)*]*)\)(--[a-z-]+))");
  auto const text = content_of("_tconnect");
  pairs told;
  for (std::sregex_iterator each(text.begin(), text.end(), sought), end; each != end; ++each) {
    for (auto const& other : all_in((*each)[1], "(--[a-z-]+)")) told.emplace((*each)[2], other);
  }
  EXPECT_EQ(told, refused);
}

/// What zsh makes of a line when the tabulator is pressed at its end.
std::string completed_by_zsh(std::string const& line) {
  std::string const script = R"sh(
zmodload zsh/zpty || exit
zpty shell "TERM=dumb zsh -f -i"
zpty -w shell "PS1= ; fpath=($1 \$fpath); autoload -U compinit; compinit -u -D; setopt no_list_beep"
zpty -w shell "show() { print -r -- \"[[\$BUFFER]\"']'; BUFFER= }; zle -N show; bindkey '^X' show; print rea''dy"
zpty -r shell out '*ready*'
zpty -w -n shell "$2"$'\t\x18'
zpty -r shell out '*\[\[*\]\]*'
print -r -- "${${out##*\[\[}%%\]\]*}"
zpty -d shell
)sh";
  auto run = program({"/usr/bin/env", "timeout", "20", "zsh", "-f", "-c", script, "zsh", folder, line}).wait();
  EXPECT_EQ(run.err, "");
  return run.out.substr(0, run.out.find('\n'));
}

TEST(TconnectCompletion, of_zsh_offers_what_an_option_takes_and_paths_of_unix_sockets) {
  if (program({"/usr/bin/env", "zsh", "-c", "zmodload zsh/zpty"}).wait().status != 0)
    GTEST_SKIP() << "SKIPPED: zsh is not installed (zsh).";
  EXPECT_EQ(completed_by_zsh("tconnect --on-timeout=r"), "tconnect --on-timeout=reset ");
  EXPECT_EQ(completed_by_zsh("tconnect --on-timeout r"), "tconnect --on-timeout reset ");
  EXPECT_EQ(completed_by_zsh("tconnect --timeout=2"), "tconnect --timeout=250ms ");
  EXPECT_EQ(completed_by_zsh("tconnect uni"), "tconnect unix:");
  EXPECT_EQ(completed_by_zsh("tconnect unix:" + folder + "/tconnect.b"), "tconnect unix:" + folder + "/tconnect.bash ");
}

}  // namespace
