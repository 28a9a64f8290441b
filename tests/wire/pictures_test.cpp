// SPDX-License-Identifier: MIT
// What text and SVG make of hand-made traces.
#include "wire/lab/ladder.hpp"
#include "wire/lab/rows.hpp"
#include "wire/lab/svg.hpp"

#include "wire/made_up.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::chrono_literals;
using made_up::crowded;
using made_up::gap_close;
using made_up::picture_of;
using wire::kind;

/// The first tag that does not fit; empty if the document is sound.
std::string fault_in(std::string_view document) {
  std::vector<std::string> open;
  for (auto at = document.find('<'); at != std::string_view::npos; at = document.find('<', at)) {
    auto const end = document.find('>', at);
    std::string tag(document.substr(at + 1, end - at - 1));
    std::string const name = tag.substr(0, tag.find(' '));
    bool const is_last = !tag.empty() && tag.front() == '/';
    if (end == std::string_view::npos || tag.find('<') != std::string::npos) return tag;
    if (is_last && (open.empty() || "/" + open.back() != name)) return tag;
    if (is_last)
      open.pop_back();
    else if (tag.back() != '/')
      open.push_back(name);
    at = end;
  }
  return open.empty() ? "" : open.back();
}

TEST(Ladder, shows_time_client_wire_and_server_side_by_side) {
  EXPECT_EQ(wire::ladder(gap_close()), R"(The SYN-ACK comes between the last look and giving up
policy close, deadline 100 ms

                                   client                                server
    0.0 ms                  connect() |-- SYN ----------------------------->|
  100.0 ms  deadline  - - - - - - - - | - - - - - - - - - - - - - - - - - - | - - - - - - - - - - -
  100.1 ms         last look: nothing |                                     |
  100.2 ms                            |<------------------------- SYN-ACK --|
                                      |-- ACK ----------------------------->| accept() succeeds
  100.5 ms  gives up: SHUT_RD decides |                                     |
                            SHUT_RDWR |-- FIN-ACK ------------------------->| recv(): 0
  100.7 ms                    close() |                                     |
                              returns |                                     |

told: completed, peer_sees_close
)");
}

TEST(Ladder, ends_a_lost_packet_half_way) {
  auto const text = wire::ladder(crowded());
  EXPECT_NE(text.find(" |-- SYN -----------X lost             |\n"), std::string::npos) << text;
  EXPECT_NE(text.find(" |             lost X------- SYN-ACK --|\n"), std::string::npos) << text;
}

TEST(Ladder, cuts_a_label_rather_than_its_arrow) {
  auto const text = wire::ladder(crowded());
  EXPECT_NE(text.find(" |<- a label that is far too long fo --|\n"), std::string::npos) << text;
}

TEST(Ladder, is_nowhere_wider_than_100_columns) {
  std::istringstream text(wire::ladder(crowded()));
  for (std::string line; std::getline(text, line);) {
    EXPECT_LE(line.size(), 100U) << line;
    EXPECT_FALSE(line.ends_with(' ')) << line;
  }
}

TEST(Svg, is_well_formed_whatever_the_text_is) {
  auto drawn = crowded();
  drawn.name = "\"a\" & <b>";
  drawn.told = "</svg> ]]> \x01";
  for (auto const& one : {drawn, gap_close(), picture_of({{kind::from_client, 0us, "SYN"}}), picture_of({})})
    EXPECT_EQ(fault_in(wire::svg(one)), "") << wire::svg(one);
  EXPECT_NE(wire::svg(drawn).find("id=\"&quot;a&quot; &amp; &lt;b&gt;-title\""), std::string::npos);
  EXPECT_NE(wire::svg(drawn).find("told: &lt;/svg&gt; ]]&gt;"), std::string::npos);
  EXPECT_EQ(wire::svg(drawn).find('\x01'), std::string::npos);
}

TEST(Svg, bears_every_label_and_every_word) {
  auto const drawn = gap_close();
  auto const page = wire::svg(drawn);
  for (auto const& one : wire::rows(drawn)) {
    for (auto const& words : {one.client, one.label, one.server})
      EXPECT_TRUE(words.empty() || page.find('>' + words + "</text>") != std::string::npos) << words;
  }
  EXPECT_NE(page.find(">told: completed, peer_sees_close</text>"), std::string::npos);
  EXPECT_NE(page.find(">policy close, deadline 100 ms</text>"), std::string::npos);
}

TEST(Svg, tells_the_story_in_words_for_those_who_listen) {
  auto const page = wire::svg(gap_close());
  EXPECT_NE(page.find("role=\"img\""), std::string::npos);
  EXPECT_NE(page.find("100.5 ms: client: SHUT_RDWR, FIN-ACK to the server; server: recv(): 0."), std::string::npos);
  EXPECT_NE(wire::svg(crowded()).find("SYN-ACK to the client, lost."), std::string::npos);
}

TEST(Svg, has_colours_of_its_own_for_dark_pages) {
  EXPECT_NE(wire::svg(gap_close()).find("@media (prefers-color-scheme:dark){"), std::string::npos);
}

TEST(Svg, marks_a_lost_packet_by_more_than_a_colour) {
  auto const page = wire::svg(picture_of({{kind::from_client, 0us, "SYN", true}}, 9s));
  EXPECT_NE(page.find("class=\"dashed\""), std::string::npos);
  EXPECT_NE(page.find(">lost</text>"), std::string::npos);
  EXPECT_EQ(page.find("class=\"head\""), std::string::npos);
}

}  // namespace
