// SPDX-License-Identifier: MIT
// How one endpoint went, as a line for a person or as JSON for a program.
#pragma once

#include <timed_connect/timed_connect.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

namespace tconnect {

enum class result { connected, failed, deadline_exceeded };

struct report {
  std::string endpoint{};  ///< As it was given.
  std::string address{};   ///< The one that was tried last, where a name was looked up.
  tconnect::result result = tconnect::result::failed;
  std::string code{};  ///< The error; empty when connected.
  std::chrono::nanoseconds elapsed{0};
  /// What the system told of the attempt.
  struct facts {
    tconn::handshake handshake = tconn::handshake::not_started;
    tconn::aftermath aftermath = tconn::aftermath::none;
    unsigned syn_retransmits = 0;
  } seen{};
  bool sent_syn = false;   ///< Whether a SYN was sent for certain.
  bool in_lookup = false;  ///< Whether it came no further than looking the name up.
};

inline std::string to_json(report const& told) {
  static constexpr char const* results[] = {"connected", "failed", "deadline_exceeded"};
  nlohmann::ordered_json object{
      {"endpoint", told.endpoint},
      {"result", results[static_cast<std::size_t>(told.result)]},
      {"code", told.code},
      {"elapsed_us", std::chrono::duration_cast<std::chrono::microseconds>(told.elapsed).count()},
      {"handshake", to_string(told.seen.handshake)},
      {"aftermath", to_string(told.seen.aftermath)},
      {"syn_retransmits", told.seen.syn_retransmits},
  };
  if (!told.address.empty()) object["address"] = told.address;
  // A path may hold any bytes; JSON is UTF-8.
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Without what a terminal would obey: a path may hold any bytes. C1 controls are the bytes 0x80 to 0x9f where they do
/// not belong to a longer UTF-8 sequence, and U+0080 to U+009F in UTF-8.
inline std::string printable(std::string text) {
  unsigned char before = 0;
  for (char& c : text) {
    auto const byte = static_cast<unsigned char>(c);
    bool const continues = (before >= 0x80 && before <= 0xbf) || (before >= 0xc3 && before <= 0xf4);
    if (byte < ' ' || byte == 0x7f || (byte >= 0x80 && byte <= 0x9f && !continues)) c = '?';
    before = byte;
  }
  return text;
}

constexpr std::string_view explain(tconn::aftermath left) {
  switch (left) {
    case tconn::aftermath::none: return "nothing is left behind";
    case tconn::aftermath::nothing_sent: return "given up in silence";
    case tconn::aftermath::peer_sees_close: return "the peer sees it opened and closed";
    case tconn::aftermath::peer_sees_reset: return "the peer sees it opened and reset";
    case tconn::aftermath::kept: return "the attempt goes on until tconnect ends";
    case tconn::aftermath::unknown: break;
  }
  return "what the peer sees is unknown";
}

/// Endpoint, result, time, SYNs, and then what there is to say, in columns; the first is `width` wide.
inline std::string to_text(report const& told, std::size_t width) {
  static constexpr char const* results[] = {"connected", "failed", "deadline exceeded"};
  auto const pad = [](std::string text, std::size_t to) {
    return text.append(to > text.size() ? to - text.size() : 0, ' ');
  };
  char time[32];
  std::snprintf(time, sizeof time, "%12.3f ms  ", std::chrono::duration<double, std::milli>(told.elapsed).count());
  std::string syns = "-";
  if (told.sent_syn)
    syns = told.seen.syn_retransmits == 0 ? "1 SYN" : std::to_string(told.seen.syn_retransmits + 1) + " SYNs";

  std::string remarks = told.address;
  auto const remark = [&](std::string_view text) { remarks.append(remarks.empty() ? "" : "; ").append(text); };
  if (told.result == result::failed || told.in_lookup) remark(told.code);
  if (told.result != result::connected) remark(explain(told.seen.aftermath));
  if (!remarks.empty()) syns = pad(syns, 8);
  return pad(printable(told.endpoint), width) + "  " + pad(results[static_cast<std::size_t>(told.result)], 17) + time +
         syns + remarks;
}

}  // namespace tconnect
