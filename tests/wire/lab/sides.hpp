// SPDX-License-Identifier: MIT
// The two ends of a connection as far as the packets tell: enough of TCP's states (RFC 9293) to say in a picture what
// the server's program sees, and what the client's last look finds. The packets are known by their flags alone,
// "SYN-ACK" or "PSH-ACK(5)", as they stand in a trace.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace wire {

/// Whether a packet bears a flag, "RST".
inline bool has(std::string_view flags, std::string_view flag) { return flags.find(flag) != std::string_view::npos; }
/// Whether it is the answer to a SYN.
inline bool is_syn_ack(std::string_view flags) { return has(flags, "SYN") && has(flags, "ACK"); }

/// The server's side of the connection.
class server_side {
 public:
  /// A packet of its own.
  void send(std::string_view flags) {
    if (is_syn_ack(flags) && at_ != stage::open) at_ = stage::answered;
    if (has(flags, "RST")) at_ = stage::over;
  }

  /// What the program there sees, by a packet that has arrived.
  std::string receive(std::string_view flags) {
    if (has(flags, "RST")) {
      auto const was = std::exchange(at_, stage::over);
      return was == stage::answered ? "never accepted" : was == stage::open ? "recv(): ECONNRESET" : "";
    }
    if (flags == "SYN" && (at_ == stage::open || at_ == stage::over)) *this = {};  // the next connection
    std::string seen;
    if (at_ == stage::answered && has(flags, "ACK")) {  // any packet with an ACK does, if the first was lost
      at_ = stage::open;
      seen = "accept() succeeds";
    }
    if (at_ != stage::open) return seen;
    auto const data = flags.find('(');
    if (data != std::string_view::npos)
      add(seen, "recv(): " + std::string(flags.substr(data + 1, flags.find(')') - data - 1)));
    if (has(flags, "FIN") && !std::exchange(is_at_end_, true)) add(seen, "recv(): 0");
    return seen;
  }

 private:
  enum class stage : unsigned char { listening, answered, open, over };

  static void add(std::string& seen, std::string const& more) { seen += (seen.empty() ? "" : ", ") + more; }

  stage at_ = stage::listening;
  bool is_at_end_ = false;
};

/// What the client has to expect of its last look, by the packets that have reached it.
class client_side {
 public:
  /// The attempt has been given up or closed; what comes next is another one.
  void end() { has_sent_syn_ = is_connected_ = is_refused_ = false; }
  /// A packet of its own; true if it is a SYN or a FIN that the kernel repeats.
  bool send(std::string_view flags) {
    if (has(flags, "RST")) is_connected_ = false;
    if (has(flags, "FIN")) return std::exchange(has_sent_fin_, true);  // repeated even after close()
    if (flags != "SYN") return false;
    is_refused_ = has_sent_fin_ = false;
    return std::exchange(has_sent_syn_, true);
  }
  /// A packet that has arrived.
  void receive(std::string_view flags) {
    if (has(flags, "RST")) {
      end();
      is_refused_ = true;
    }
    is_connected_ = is_connected_ || is_syn_ack(flags);
  }
  /// What the last look finds.
  std::string last_look() const {
    return is_connected_ ? "last look: connected" : is_refused_ ? "last look: reset" : "last look: nothing";
  }

 private:
  bool has_sent_syn_ = false;
  bool has_sent_fin_ = false;
  bool is_connected_ = false;
  bool is_refused_ = false;
};

}  // namespace wire
