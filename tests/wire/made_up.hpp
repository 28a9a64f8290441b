// SPDX-License-Identifier: MIT
// Traces and pictures written by hand, for the tests of what is made of them.
#pragma once

#include "wire/lab/picture.hpp"

#include <chrono>
#include <initializer_list>
#include <string>

namespace made_up {

/// One happening, so long after the start.
struct step {
  wire::kind what;
  std::chrono::microseconds at;
  char const* text;
  bool lost = false;
};

/// The steps as a trace.
inline wire::trace trace_of(std::initializer_list<step> steps) {
  wire::trace made;
  for (auto const& one : steps)
    made.happenings.push_back(
        {one.what, wire::clock::time_point(std::chrono::hours(1) + one.at), one.text, one.lost, {}});
  return made;
}

/// A picture of them, in which nothing else matters.
inline wire::picture picture_of(std::initializer_list<step> steps,
                                std::chrono::nanoseconds limit = std::chrono::milliseconds(100)) {
  return {"made-up", "Made up", trace_of(steps), limit, "in_flight, nothing_sent", "close"};
}

/// What the lab sees in the most interesting moment of all.
inline wire::picture gap_close() {
  using namespace std::chrono_literals;
  auto made = picture_of({{wire::kind::call, 0us, "open"},
                          {wire::kind::call, 20us, "start_connect"},
                          {wire::kind::call, 30us, "start_connect"},
                          {wire::kind::from_client, 50us, "SYN"},
                          {wire::kind::call, 100'100us, "last_look"},
                          {wire::kind::from_peer, 100'200us, "SYN-ACK"},
                          {wire::kind::from_client, 100'220us, "ACK"},
                          {wire::kind::call, 100'500us, "shut_receive"},
                          {wire::kind::call, 100'510us, "tcp"},
                          {wire::kind::call, 100'520us, "shut_both"},
                          {wire::kind::from_client, 100'540us, "FIN-ACK"},
                          {wire::kind::call, 100'700us, "close"},
                          {wire::kind::moment, 100'720us, "return"}});
  made.name = "gap-close";
  made.title = "The SYN-ACK comes between the last look and giving up";
  made.told = "completed, peer_sees_close";
  return made;
}

/// Everything that a picture can show, and more than fits into a line.
inline wire::picture crowded() {
  using namespace std::chrono_literals;
  auto made =
      picture_of({{wire::kind::call, 0us, "start_connect"},
                  {wire::kind::from_client, 10us, "SYN", true},
                  {wire::kind::moment, 100ms, "deadline"},
                  {wire::kind::moment, 101ms, "a moment of which there is a great deal to be told, & <more>"},
                  {wire::kind::from_client, 1s, "SYN"},
                  {wire::kind::from_peer, 1001ms, "SYN-ACK", true},
                  {wire::kind::from_peer, 2001ms, "SYN-ACK"},
                  {wire::kind::from_client, 2002ms, "PSH-ACK(1448)"},
                  {wire::kind::from_peer, 2003ms, "a label that is far too long for the arrow on which it stands"},
                  {wire::kind::call, 130s, "close"},
                  {wire::kind::from_client, 130s, "RST-ACK"}});
  made.title = std::string(60, 'x') + ' ' + std::string(60, 'y') + ' ' + std::string(150, 'z');
  made.told = made.title;
  return made;
}

}  // namespace made_up
