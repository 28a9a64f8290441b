// SPDX-License-Identifier: MIT
// The handshake race, played and shown. Usage: handshake_race [--wire [--svg DIR] [--pcap DIR] [--only SCENE]]
// Exit status: 0 if told and seen agree everywhere, 1 if not or if a file cannot be written, 2 wrong usage, 77 if
// there is no wire lab here.
#include "race.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <stdexcept>

int main(int count, char** arguments) try {
  CLI::App options("Plays the handshake race on loopback, or with real packets in a network of its own.");
  bool on_the_wire = false;
  wire_options wire;
  auto* const is_wire =
      options.add_flag("--wire", on_the_wire, "draw it packet by packet, in a network namespace of its own");
  options.add_option("--svg", wire.svg_folder, "write the pictures to this folder, too")
      ->needs(is_wire)
      ->type_name("DIR");
  options.add_option("--pcap", wire.pcap_folder, "write capture files for Wireshark and tcpdump")
      ->needs(is_wire)
      ->type_name("DIR");
  options.add_option("--only", wire.only, "one scene")->needs(is_wire)->type_name("SCENE");
  try {
    options.parse(count, arguments);
  } catch (CLI::ParseError const& why) {
    return options.exit(why) == 0 ? 0 : 2;
  }
  return on_the_wire ? race_on_the_wire(wire) : race_on_loopback();
} catch (std::invalid_argument const& wrong) {
  std::fprintf(stderr, "handshake_race: %s\n", wrong.what());
  return 2;
} catch (std::exception const& broken) {
  std::fprintf(stderr, "\nhandshake_race: %s\n", broken.what());
  return 1;
}
