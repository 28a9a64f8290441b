// SPDX-License-Identifier: MIT
#include "wire/lab/ladder.hpp"

#include "wire/lab/rows.hpp"

#include <algorithm>
#include <cstddef>

namespace wire {
namespace {

constexpr std::size_t page_width = 100;
constexpr std::size_t time_width = 10;
constexpr std::size_t client_width = 26;
constexpr std::size_t wire_width = 37;
constexpr std::size_t server_width = 22;
constexpr std::size_t client_line = time_width + 1 + client_width + 1;  // the column of the client's vertical line
constexpr std::size_t server_line = client_line + 1 + wire_width;
constexpr std::size_t row_width = server_line + 2 + server_width;
static_assert(row_width <= page_width);

std::string right(std::string const& text, std::size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

std::string centred(std::string const& text, std::size_t column) { return right("", column - text.size() / 2) + text; }

/// The whole of a string that is too long for the wire would push the server's line aside.
std::string padded(std::string text, char with) {
  text.resize(wire_width, with);
  return text;
}

std::string mirrored(std::string text) {
  std::reverse(text.begin(), text.end());
  return text;
}

/// What stands between the two vertical lines. An arrow to the client is one to the server, with its letters turned
/// round, seen in the mirror.
std::string between(row const& shown) {
  bool const is_to_client = shown.sign == wire_sign::to_client;
  if (shown.sign != wire_sign::to_server && !is_to_client) return padded({}, ' ');
  auto const label = shown.label.substr(0, wire_width - 6);
  std::string arrow = "-- " + (is_to_client ? mirrored(label) : label) + " ";
  if (shown.lost) {
    if (arrow.size() < wire_width / 2) arrow.resize(wire_width / 2, '-');
    arrow = padded(arrow + (is_to_client ? "X tsol" : "X lost"), ' ');
  } else {
    arrow = padded(arrow, '-');
    arrow.back() = is_to_client ? '<' : '>';
  }
  return is_to_client ? mirrored(arrow) : arrow;
}

/// "deadline - - | - -" from behind the time to the end of the server's column, through both vertical lines.
std::string line_across(std::string const& time, std::string const& label) {
  std::string text = right(time, time_width) + "  " + label + " ";
  while (text.size() < row_width) text += text.size() % 2 == client_line % 2 ? '-' : ' ';
  text[client_line] = text[server_line] = '|';
  return text;
}

void add_line(std::string& page, std::string const& line) {
  auto const last = line.find_last_not_of(' ');
  page += line.substr(0, last == std::string::npos ? 0 : last + 1) + '\n';
}

void add_row(std::string& page, row const& shown, std::string const& time) {
  if (shown.sign == wire_sign::line) return add_line(page, line_across(time, shown.label));
  auto const client = wrapped(shown.client, client_width);
  auto const server = wrapped(shown.server, server_width);
  for (std::size_t i = 0; i < std::max({client.size(), server.size(), std::size_t{1}}); ++i) {
    add_line(page, right(i == 0 ? time : "", time_width) + ' ' +
                       right(i < client.size() ? client[i] : "", client_width) + " |" +
                       (i == 0 ? between(shown) : padded({}, ' ')) + "| " + (i < server.size() ? server[i] : ""));
  }
}

}  // namespace

std::string ladder(picture const& drawn) {
  std::string page;
  for (auto const& line : wrapped(drawn.title, page_width)) add_line(page, line);
  if (auto const below = subtitle(drawn); !below.empty()) add_line(page, below);
  auto const heads = centred("client", client_line);
  add_line(page, "");
  add_line(page, heads + centred("server", server_line - heads.size()));
  std::string last;
  for (auto const& one : rows(drawn)) {
    auto const time = time_text(one.at, last);
    if (!time.empty()) last = time;
    add_row(page, one, time);
  }
  if (!drawn.told.empty()) {
    add_line(page, "");
    for (auto const& line : wrapped("told: " + drawn.told, page_width)) add_line(page, line);
  }
  return page;
}

}  // namespace wire
