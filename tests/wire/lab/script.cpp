// SPDX-License-Identifier: MIT
#include "script.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace wire {
namespace {

using words = std::vector<std::string>;

std::optional<int> number(std::string_view text) {
  int value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::optional<std::chrono::nanoseconds> duration(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::chrono::nanoseconds>, 3> units{
      {{"us", std::chrono::microseconds(1)}, {"ms", std::chrono::milliseconds(1)}, {"s", std::chrono::seconds(1)}}};
  for (auto const& [name, unit] : units) {
    if (!text.ends_with(name)) continue;
    if (auto const count = number(text.substr(0, text.size() - name.size()))) return *count * unit;
  }
  return std::nullopt;
}

template <std::size_t N>
bool is_among(std::array<std::string_view, N> const& all, std::string_view word) {
  return std::find(all.begin(), all.end(), word) != all.end();
}

bool can_be_sent(std::string_view packet) {
  return is_among<7>({"SYN", "SYN-ACK", "ACK", "FIN-ACK", "RST", "data", "unreachable"}, packet);
}

/// A call has a moment before it, and the return, which is none, one after it.
bool is_moment(std::string_view side, std::string_view name) {
  return name == "return" ? side == "after" : side == "before";
}

bool can_come(std::string_view packet) {
  return is_among<8>({"SYN", "SYN-ACK", "ACK", "FIN-ACK", "RST", "RST-ACK", "data", "packet"}, packet);
}

words split(std::string text) {
  std::replace(text.begin(), text.end(), ',', ' ');
  std::istringstream in(text);
  words found;
  for (std::string word; in >> word;) found.push_back(word);
  return found;
}

/// "on SYN 2". Packets are meant one and all, but calls are many of a name, and the first is meant.
bool read_trigger(words const& text, rule& into) {
  if (text.size() < 2 || text.size() > 3) return false;
  bool const is_packet = text[0] == "on";
  if (is_packet ? !can_come(text[1]) : !is_moment(text[0], text[1])) return false;
  into.trigger = text[0] + ' ' + text[1];
  into.which = is_packet ? 0 : 1;
  if (text.size() == 2) return true;
  auto const which = number(text[2]);
  into.which = which.value_or(0);
  return into.which > 0;
}

/// "after 130ms send SYN-ACK, data" or "lose".
bool read_action(words const& text, rule& into) {
  auto word = text.begin();
  auto const left = [&] { return text.end() - word; };
  if (left() == 1 && *word == "lose") {
    into.loses = true;
    return into.trigger.starts_with("on ");
  }
  if (left() >= 2 && *word == "after") {
    auto const delay = duration(word[1]);
    if (!delay) return false;
    into.delay = *delay;
    word += 2;
  }
  if (left() < 2 || *word != "send") return false;
  into.sends.assign(word + 1, text.end());
  return std::all_of(into.sends.begin(), into.sends.end(), can_be_sent);
}

}  // namespace

std::vector<rule> read_script(std::string_view text) {
  std::vector<rule> rules;
  std::istringstream in{std::string(text)};
  for (std::string line; std::getline(in, line);) {
    std::string const plain = line.substr(0, line.find('#'));
    if (split(plain).empty()) continue;
    auto const colon = plain.find(':');
    rule read;
    bool const is_rule = colon != plain.npos && read_trigger(split(plain.substr(0, colon)), read) &&
                         read_action(split(plain.substr(colon + 1)), read);
    if (!is_rule) throw std::invalid_argument("no line of a script: " + line);
    rules.push_back(std::move(read));
  }
  return rules;
}

}  // namespace wire
