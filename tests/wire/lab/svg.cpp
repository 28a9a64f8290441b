// SPDX-License-Identifier: MIT
#include "wire/lab/svg.hpp"

#include "wire/lab/rows.hpp"
#include "wire/lab/sides.hpp"
#include "wire/lab/svg_elements.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace wire {
namespace {

using namespace elements;

constexpr int page_width = 640;
constexpr int margin = 20;
constexpr int time_end = 86;
constexpr int client_line = 290;
constexpr int server_line = 480;
constexpr int text_gap = 10;  // between a vertical line and the words beside it
constexpr int slant = 12;     // how far an arrow falls on its way
constexpr int line_height = 17;
constexpr int row_gap = 23;
constexpr double label_character = 7.2;   // as wide as one of a packet's label,
constexpr double strong_character = 8.5;  // and of bold text in the widest of the common fonts

// In characters, for the widest of the common fonts.
constexpr std::size_t title_length = 68;
constexpr std::size_t told_length = 76;
constexpr std::size_t client_length = 25;
constexpr std::size_t label_length = 24;
constexpr std::size_t server_length = 19;

/// One arrow, from `y` on the side where it starts. A lost one is dashed and ends half-way with an X.
std::string arrow(row const& shown, double y) {
  bool const is_to_server = shown.sign == wire_sign::to_server;
  double const from = is_to_server ? client_line : server_line;
  double const towards = is_to_server ? 1 : -1;
  constexpr double whole = server_line - client_line;
  double const length = shown.lost ? whole * 0.62 : whole;
  double const fall = slant / whole;
  double const end = from + towards * length;
  double const end_y = y + length * fall;
  auto const at = [&](double back, double aside) {  // seen from the end of the arrow
    return point(end - towards * (back - aside * fall), end_y - back * fall - aside);
  };
  auto drawn = path(shown.lost ? "dashed" : "", "M" + point(from, y) + "L" + at(shown.lost ? 0 : 6, 0));
  if (shown.lost) {
    drawn += path("", "M" + at(5, 5) + "L" + at(-5, -5) + "M" + at(5, -5) + "L" + at(-5, 5));
    drawn += text_at(end + towards * 12, end_y + 4, is_to_server ? "" : "end", "lost");
  } else {
    drawn += path("head", "M" + at(0, 0) + "L" + at(10, 4.5) + "L" + at(10, -4.5) + "Z");
  }
  // As high above the arrow's middle as keeps the label's end off the arrow.
  auto const label = shown.label.substr(0, label_length);
  double const half = length / 2;
  double const above = 6 + fall * label_character * static_cast<double>(label.size()) / 2;
  drawn += text_at(from + towards * half, y + fall * half - above, "label middle", label);
  return group(has(label, "RST") ? "reset" : has(label, "FIN") ? "close" : "", drawn);
}

/// The words of a row, one below the other; the y of the last line.
double add_words(std::string& page, std::string const& words, std::size_t length, double x, double y,
                 std::string_view kind) {
  double last = y;
  for (auto const& line : wrapped(words, length)) {
    page += text_at(x, y, kind, line);
    last = y;
    y += line_height;
  }
  return last;
}

/// Draws a row whose first words stand at `y`; the y of the next.
double add_row(std::string& page, row const& shown, std::string const& time, double y) {
  bool const is_arrow = shown.sign == wire_sign::to_server || shown.sign == wire_sign::to_client;
  if (!time.empty()) page += text_at(time_end, y, "quiet time end", time);
  if (shown.sign == wire_sign::line) {
    double const begin = time_end + 2 * text_gap + strong_character * static_cast<double>(shown.label.size());
    page += group("deadline", text_at(time_end + text_gap, y, "strong", shown.label) +
                                  path("dashed", "M" + point(begin, y - 4) + "H" + number(page_width - margin)));
    return y + row_gap;
  }
  double end = add_words(page, shown.client, client_length, client_line - text_gap, y, "end") + row_gap;
  if (is_arrow) {
    page += arrow(shown, y - 4);
    double const server_end = add_words(page, shown.server, server_length, server_line + text_gap, y + slant, "");
    end = std::max(end, server_end + row_gap + 4);
  }
  return end;
}

/// The same for those who listen.
std::string told_in_words(picture const& drawn) {
  std::string words;
  for (auto const& one : rows(drawn)) {
    words += time_text(one.at) + ": ";
    if (!one.client.empty()) words += "client: " + one.client + (one.label.empty() ? "" : ", ");
    words += one.label;
    if (one.sign == wire_sign::to_server) words += " to the server";
    if (one.sign == wire_sign::to_client) words += " to the client";
    if (one.lost) words += ", lost";
    if (!one.server.empty()) words += "; server: " + one.server;
    words += ". ";
  }
  return words + (drawn.told.empty() ? "" : "Told: " + drawn.told + ".");
}

/// Everything below the title; the y of the end.
double add_rows(std::string& page, picture const& drawn, double y) {
  page += text_at(client_line, y, "strong middle", "client") + text_at(server_line, y, "strong middle", "server");
  double const top = y + 8;
  y += 34;
  std::string words;
  std::string last;
  for (auto const& one : rows(drawn)) {
    auto const time = time_text(one.at, last);
    if (!time.empty()) last = time;
    y = add_row(words, one, time, y);
  }
  for (int const x : {client_line, server_line}) page += path("quiet life", "M" + point(x, top) + "V" + number(y - 8));
  page += words;
  return y;
}

}  // namespace

std::string svg(picture const& drawn) {
  std::string page;
  double y = add_words(page, drawn.title, title_length, margin, 34, "title") + 20;
  if (auto const below = subtitle(drawn); !below.empty())
    y = add_words(page, below, told_length, margin, y, "quiet") + 20;
  y = add_rows(page, drawn, y + 12) + 18;
  if (!drawn.told.empty()) y = add_words(page, "told: " + drawn.told, told_length, margin, y, "strong") + line_height;
  double const height = y + 4;
  auto const title = drawn.name + "-title";
  auto const story = drawn.name + "-desc";
  return "<svg" + attribute("xmlns", "http://www.w3.org/2000/svg") + attribute("width", number(page_width)) +
         attribute("height", number(height)) +
         attribute("viewBox", "0 0 " + number(page_width) + ' ' + number(height)) + attribute("class", "wire") +
         attribute("role", "img") + attribute("aria-labelledby", title) + attribute("aria-describedby", story) + ">\n" +
         "<title" + attribute("id", title) + '>' + escaped(drawn.title) + "</title>\n" + "<desc" +
         attribute("id", story) + '>' + escaped(told_in_words(drawn)) + "</desc>\n" + std::string(svg_style) + "<rect" +
         attribute("class", "ground") + attribute("x", "0.5") + attribute("y", "0.5") +
         attribute("width", number(page_width - 1)) + attribute("height", number(height - 1)) + attribute("rx", "8") +
         "/>\n" + page + "</svg>\n";
}

}  // namespace wire
