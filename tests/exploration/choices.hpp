// SPDX-License-Identifier: MIT
// Who decides what happens next. An execution asks at every fork; the answers are a path through the tree of all
// executions, and the same path gives the same execution again.
#pragma once

#include <charconv>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace exploration {

class choices {
 public:
  virtual ~choices() = default;
  /// One of so many, counted from 0; which is the quiet one, where nothing happens.
  std::size_t pick(std::size_t of) { return of == 1 ? 0 : noted(choose(of)); }
  /// The same, where none is quieter than another.
  std::size_t draw(std::size_t of) { return of == 1 ? 0 : noted(choose_evenly(of)); }
  /// What has been picked, to be played again.
  std::string const& path() const { return path_; }

 private:
  virtual std::size_t choose(std::size_t of) = 0;
  virtual std::size_t choose_evenly(std::size_t of) { return choose(of); }
  std::size_t noted(std::size_t picked) {
    path_ += std::to_string(picked) + ' ';
    return picked;
  }

 protected:
  std::string path_{};
};

/// Every path, one after another: do play(*this) while (next()).
class every_path : public choices {
 public:
  bool next() {
    path_.clear();
    at_ = 0;
    while (!forks_.empty() && forks_.back().first + 1 == forks_.back().second) forks_.pop_back();
    if (forks_.empty()) return false;
    ++forks_.back().first;
    return true;
  }

 private:
  std::size_t choose(std::size_t of) override {
    if (at_ == forks_.size()) forks_.emplace_back(0, of);
    return forks_[at_++].first;
  }

  std::vector<std::pair<std::size_t, std::size_t>> forks_{};
  std::size_t at_ = 0;
};

/// A path that a seed makes; where something happens one time in so many.
class random_path : public choices {
 public:
  random_path(unsigned seed, unsigned one_in) : random_(seed), one_in_(one_in) {}

 private:
  std::size_t choose(std::size_t of) override { return random_() % one_in_ != 0 ? 0 : choose_evenly(of); }
  std::size_t choose_evenly(std::size_t of) override { return static_cast<std::size_t>(random_() % of); }

  std::mt19937 random_;
  unsigned one_in_;
};

/// A path that was printed, or made up by a fuzzer; quiet after its end.
class given_path : public choices {
 public:
  explicit given_path(std::vector<std::size_t> picks) : picks_(std::move(picks)) {}
  /// Numbers between blanks.
  static given_path parse(std::string_view text) {
    std::vector<std::size_t> picks;
    char const* const end = text.data() + text.size();
    for (char const* at = text.data(); at != end;) {
      std::size_t pick = 0;
      auto const read = std::from_chars(at, end, pick);
      if (read.ptr != at) picks.push_back(pick);
      at = read.ptr == at ? at + 1 : read.ptr;
    }
    return given_path(std::move(picks));
  }

 private:
  std::size_t choose(std::size_t of) override { return at_ == picks_.size() ? 0 : picks_[at_++] % of; }

  std::vector<std::size_t> picks_;
  std::size_t at_ = 0;
};

}  // namespace exploration
