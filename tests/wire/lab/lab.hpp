// SPDX-License-Identifier: MIT
// A wire lab: the kernel's own TCP as the client, and peers that a script drives packet by packet. See script.hpp.
//
//   wire::lab lab;
//   auto& server = lab.add("before shut_receive: send SYN-ACK");
//   auto const result = tconn::timed_connect(server.where(), 20ms, {}, wire::watched(server));
//   EXPECT_EQ(server.seen().packets(), "> SYN, < SYN-ACK, > ACK, > FIN-ACK");
//
// No moment between two system calls depends on a clock: the thread that is about to make the call plays the script, and
// the kernel has digested each packet when write() returns. What a script delays is played by a thread of the lab.
#pragma once

#include <timed_connect/testing/intercepted.hpp>
#include <timed_connect/wait.hpp>

#include "packet.hpp"
#include "script.hpp"
#include "trace.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace wire {

class lab;

/// A host with an IPv4 and an IPv6 address, at which a script answers whoever connects.
class peer {
 public:
  peer(lab& in, int host, std::string_view script);

  tconn::endpoint where(int family = AF_INET) const;

  /// Plays what comes exactly before a call of the library, and then takes down the call.
  void before(std::string_view call);
  /// Plays what comes when the caller has its answer.
  void after_return();
  /// Puts a moment of the caller's in its place among what has happened.
  void note(std::string text, clock::time_point at);

  /// All that has happened by now.
  trace seen();
  /// The triggers "before ..." and "after ..." that have not come.
  std::string unplayed() const;

 private:
  friend class lab;

  /// One connection, from its first SYN on.
  struct flow {
    segment syn{};
    bytes packet{};
    std::uint32_t own_next = 0;
    std::uint32_t client_next = 0;
    bool has_spoken = false;
    std::map<std::string, int> counts{};
  };

  void reach(std::string const& trigger, kind what, std::string_view name);
  void take(segment const& got, bytes packet);
  void play(rule const& line, std::size_t to);
  void send(std::string const& what, std::size_t to);
  segment answer(std::string const& what, flow& to) const;
  void record(happening one);

  lab& lab_;
  int host_;
  std::vector<rule> script_;
  std::vector<flow> flows_{};
  std::map<std::string, int> reached_{};
  trace seen_{};
};

/// One network with its peers. Its thread plays what is delayed.
class lab {
 public:
  /// Throws `unavailable` where it cannot be built. The calling thread moves to the lab's network namespace for good.
  lab();
  lab(lab const&) = delete;
  lab& operator=(lab const&) = delete;
  ~lab();

  /// A new host, which stays as long as the lab. Throws std::invalid_argument for a script that makes no sense, and
  /// std::length_error when the network has no address left: it has 253.
  peer& add(std::string_view script);

 private:
  friend class peer;
  struct network;
  std::unique_ptr<network> network_;
};

/// Tells a peer of every call before it is made. A test whose lab is broken ends here, as close() must not throw.
struct announcer {
  peer* to;
  int operator()(std::string_view call) const noexcept {
    to->before(call);
    return 0;
  }
};

/// The native system, or another, with a peer that knows where the library is.
template <tconn::system_calls Inner = tconn::native_system>
class watched : public tconn::testing::intercepted<Inner, announcer> {
 public:
  explicit watched(peer& by, Inner inner = {})
      : tconn::testing::intercepted<Inner, announcer>(inner, announcer{&by}), by_(&by) {}

  int wait(tconn::poll_entry* entries, std::size_t count, tconn::time_point until) const {
    by_->before(until == tconn::detail::long_past ? "last_look" : "wait");
    return Inner::wait(entries, count, until);
  }

 private:
  peer* by_;
};

}  // namespace wire
