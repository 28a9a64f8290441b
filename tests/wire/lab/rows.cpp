// SPDX-License-Identifier: MIT
#include "wire/lab/rows.hpp"

#include "wire/lab/sides.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>
#include <utility>

namespace wire {
namespace {

using std::chrono::nanoseconds;

/// The words for a call; empty for one that changes nothing that a reader could see.
std::string words_for(std::string_view call) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> words{{
      {"start_connect", "connect()"},
      {"select", "select()"},
      {"shut_receive", "gives up: SHUT_RD decides"},
      {"shut_both", "SHUT_RDWR"},
      {"disconnect", "connect(AF_UNSPEC)"},
      {"reset_on_close", "SO_LINGER {1, 0}"},
      {"close", "close()"},
  }};
  auto const* const found =
      std::find_if(words.begin(), words.end(), [&](auto const& one) { return one.first == call; });
  return found == words.end() ? std::string{} : std::string(found->second);
}

/// Whether a call sends such a packet by itself.
bool sends(std::string_view call, std::string_view flags) {
  if (call == "start_connect") return flags == "SYN";
  return (call == "shut_both" && has(flags, "FIN")) || (call == "disconnect" && has(flags, "RST")) ||
         (call == "close" && (has(flags, "FIN") || has(flags, "RST")));
}

clock::time_point start_of(trace const& shown) {
  auto const& all = shown.happenings;
  auto const first = std::find_if(all.begin(), all.end(), [](happening const& one) {
    return one.text == "call" || (one.what == kind::call && one.text == "start_connect");
  });
  return first != all.end() ? first->at : all.empty() ? clock::time_point{} : all.front().at;
}

/// Goes through a trace from the top to the bottom, and knows both sides.
class writer {
 public:
  explicit writer(picture const& drawn) : start_(start_of(drawn.shown)), limit_(drawn.limit) {
    auto const& all = drawn.shown.happenings;
    if (limit_ == nanoseconds::max() || std::any_of(all.begin(), all.end(), is_deadline)) limit_.reset();
  }

  void write(happening const& one) {
    if (one.what == kind::from_client || one.what == kind::from_peer) return write_packet(one);
    if (is_deadline(one)) return add({one.at - start_, wire_sign::line, {}, one.text});
    if (one.what == kind::call) return write_call(one);
    pass_deadline(one.at - start_, /*is_last_look*/ false);
    bool const is_call = one.text == "call";
    add({one.at - start_, wire_sign::none, is_call ? "timed_connect()" : one.text == "return" ? "returns" : one.text});
    if (one.text == "return") limit_.reset();  // a deadline after that concerns nobody
  }

  std::vector<row> take() { return std::move(written_); }

 private:
  static bool is_deadline(happening const& one) { return one.what == kind::moment && one.text == "deadline"; }

  void write_call(happening const& one) {
    // The library's second connect(), directly after the first, only asks whether the handshake is complete.
    if (one.text == "start_connect" && last_call_ == "start_connect") return;
    auto words = one.text == "last_look" ? client_.last_look() : words_for(one.text);
    if (words.empty()) return;
    if (one.text == "shut_receive" || one.text == "disconnect" || one.text == "close") client_.end();
    pass_deadline(one.at - start_, /*is_last_look*/ one.text == "last_look");
    add({one.at - start_, wire_sign::none, std::move(words)});
    last_call_ = one.text;
    may_send_ = true;
  }

  void write_packet(happening const& one) {
    bool const is_ours = one.what == kind::from_client;
    row next{one.at - start_, is_ours ? wire_sign::to_server : wire_sign::to_client, {}, one.text, one.lost};
    bool const is_repeated = is_ours && client_.send(one.text);  // by the kernel, whatever call came last
    if (is_repeated) next.label += " (repeated)";
    if (is_ours && !one.lost) next.server = server_.receive(one.text);
    if (!is_ours) server_.send(one.text);
    if (!is_ours && !one.lost) client_.receive(one.text);
    if (is_ours && !is_repeated && may_send_ && sends(last_call_, one.text)) {
      next.at = written_.back().at;
      next.client = written_.back().client;
      written_.pop_back();
    }
    pass_deadline(next.at, /*is_last_look*/ false);
    add(std::move(next));
  }

  /// Without a moment of its own the deadline stands before the first row that is later, and before the last look: the
  /// library counts from its own first step, a little before connect().
  void pass_deadline(nanoseconds at, bool is_last_look) {
    if (!limit_ || written_.empty() || (at <= *limit_ && !is_last_look)) return;
    add({std::min(at, *limit_), wire_sign::line, {}, "deadline"});
    limit_.reset();
  }

  void add(row next) {
    if (next.sign == wire_sign::none || next.sign == wire_sign::line) last_call_.clear();
    may_send_ = false;
    written_.push_back(std::move(next));
  }

  clock::time_point start_;
  std::optional<nanoseconds> limit_;
  server_side server_;
  client_side client_;
  std::string last_call_;  ///< The last call that has a row, if neither a moment nor the deadline came after it.
  bool may_send_ = false;  ///< The last row is a call's, so that the next packet may be its own.
  std::vector<row> written_;
};

}  // namespace

std::vector<row> rows(picture const& drawn) {
  writer out(drawn);
  for (auto const& one : drawn.shown.happenings) out.write(one);
  return out.take();
}

std::string time_text(nanoseconds at, std::string_view before) {
  bool const is_long = at >= std::chrono::seconds(100);  // the kernel's last SYN comes later than that
  auto const tenths = std::llround(static_cast<double>(at.count()) / (is_long ? 1e8 : 1e5));  // an integer has no -0.0
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f %s", static_cast<double>(tenths) / 10, is_long ? "s" : "ms");
  return before == text.data() ? std::string{} : text.data();
}

std::string subtitle(picture const& drawn) {
  std::string text = drawn.policy.empty() ? "" : "policy " + drawn.policy;
  if (drawn.limit == nanoseconds::max()) return text;
  if (!text.empty()) text += ", ";
  auto const count = drawn.limit.count();
  return text + "deadline " +
         (count % 1'000'000 == 0 ? std::to_string(count / 1'000'000) + " ms" : std::to_string(count / 1000) + " us");
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  while (text.size() > width) {
    auto const space = text.rfind(' ', width);
    bool const is_cut = space == std::string_view::npos || space == 0;
    lines.emplace_back(text.substr(0, is_cut ? width : space));
    text.remove_prefix(is_cut ? width : space + 1);
  }
  if (!text.empty()) lines.emplace_back(text);
  return lines;
}

}  // namespace wire
