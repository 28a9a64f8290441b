// SPDX-License-Identifier: MIT
// The two ways in which handshake_race shows the race: with sockets on loopback, where two kernels' halves are real and
// a server's accept() and recv() are the judges; and on the wire of a lab, packet by packet.
#pragma once

#include <string>

/// Plays all moments on loopback and prints what was told beside what the server saw. 0 if they agree everywhere; 77
/// where the system does not tell what is left behind.
int race_on_loopback();

struct wire_options {
  std::string svg_folder{};   ///< Empty: no SVG files.
  std::string pcap_folder{};  ///< Empty: no capture files.
  std::string only{};         ///< One scene's name; empty: all.
};

/// Plays scenes with real packets, prints each as a ladder and writes the files that are asked for. 0 if every scene
/// went as its title says; 77 where no lab can be had.
int race_on_the_wire(wire_options const& options);
