// SPDX-License-Identifier: MIT
// A trace's packets as a capture file, for tcpdump and Wireshark: whoever doubts a picture can look for themselves. It
// is what a sniffer on the client's machine would have seen, so what the client sent is in it even if it was lost
// later, and what was lost on its way to the client is not. Link type DLT_RAW: packets begin with their IP header, and
// IPv4 and IPv6 can stand side by side.
#pragma once

#include "wire/lab/trace.hpp"

#include <string>

namespace wire {

/// Writes the packets in the trace's order; calls and moments leave nothing in the file. The steady clock's times become
/// times of day. Errors: std::runtime_error that names the path.
void write_capture(std::string const& path, trace const& seen);

}  // namespace wire
