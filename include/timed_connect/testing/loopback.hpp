// SPDX-License-Identifier: MIT
// Servers that misbehave on purpose, for the tests of anything that connects: real sockets on this host, for code that
// uses this library, another, or connect() itself, in any test framework. What the simulated world (world.hpp) cannot
// tell, the kernel tells here; the price is real time.
//
//   black_hole server;                                     // what every timeout is tested against
//   auto r = fetch_banner(server.where(), 100ms);          // the code under test; here it is not this library's
//
//   listening_server   accepts on demand, and tells what it reads: bytes, EOF, ECONNRESET, silence
//   refusing_port      ECONNREFUSED, and nobody else can take the port
//   black_hole         hears no SYN; Unix: EAGAIN; open() makes room
//   full_backlog       makes a black hole of any server that accepts nothing for now
//   late_server        silent for a given time, then answers
//   resetting_server   accepts, then ECONNRESET
//   unix_name          a path for any of them
//
// Each takes an endpoint: loopback_v4(0), loopback_v6(0) or unix_name().where(). Only constructors throw:
// std::system_error, where the server cannot be made. A program that includes this links the thread library, too.
#pragma once

#include <timed_connect/testing/black_hole.hpp>
#include <timed_connect/testing/late_server.hpp>
#include <timed_connect/testing/listening_server.hpp>
#include <timed_connect/testing/resetting_server.hpp>
