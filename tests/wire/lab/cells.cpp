// SPDX-License-Identifier: MIT
#include "cells.hpp"

#include <timed_connect/timed_connect.hpp>

#include "support/loopback.hpp"

#include <poll.h>
#include <array>
#include <filesystem>
#include <thread>
#include <utility>

namespace wire {
namespace {

using namespace std::chrono_literals;

constexpr auto long_enough = 10s;
constexpr auto too_late = 500ms;  // the kernel repeats a SYN after a second at the soonest
constexpr char const* manners = "\non data: send data\non FIN-ACK: send ACK\n";

template <class Failure>
std::string told(Failure const& failure) {
  return failure.code.message() + "; " + std::string(to_string(failure.handshake)) + ", " +
         std::string(to_string(failure.aftermath)) + ", " + std::to_string(failure.syn_retransmits) + " repeated";
}

/// Which socket a descriptor is; empty if it is none, any more.
std::string socket_of(tconn::native_handle handle) {
  std::error_code none;
  return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(handle), none).string();
}

std::string script_of(window const& what, manner const& by) {
  std::string script = what.script;
  if (auto const at = script.find("LAST"); at != script.npos)
    script.replace(at, std::strlen("LAST"), by.borrowed ? "set_blocking" : "close");
  if (by.how == tconn::on_timeout::keep) script += std::string("\nbefore resume: ") + what.with.resume;
  return script + manners;
}

/// The descriptor of a cell, and what it can do in the end.
class course {
 public:
  course(lab& in, window const& what, manner const& by)
      : what_(what),
        by_(by),
        server_(in.add(script_of(what, by))),
        another_(in.add(std::string("on SYN: send SYN-ACK") + manners)),
        to_(server_.where(by.family)) {}

  report run() {
    if (by_.borrowed) mine_ = tconn::socket(::socket(by_.family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    auto see = [this](tconn::native_handle used, tconn::endpoint const&) {
      used_ = used;
      socket_ = socket_of(used);
      return std::error_code{};
    };
    tconn::connect_options const options{
        .on_timeout = by_.how, .accept_late = what_.with.accept_late, .before_connect = see};
    if (by_.borrowed)
      borrow(options);
    else
      own(options);
    bool const is_over = by_.how != tconn::on_timeout::keep || seen_.afterwards.starts_with("resumes");
    fault(is_over && !server_.unplayed().empty(), "a moment of the script has not come");
    return std::move(seen_);
  }

 private:
  void own(tconn::connect_options const& options) {
    auto const began = clock::now();
    auto result = tconn::timed_connect(to_, what_.with.limit, options, watched(server_));
    look_at_the_wire(began);
    seen_.told = result ? "connected" : told(result.error());
    if (result) {
      seen_.afterwards = carries_bytes(result->native_handle());
      fault(support::is_nonblocking(result->native_handle()), "the socket does not block");
      return;
    }
    auto& failure = result.error();
    fault(failure.pending.has_value() != (failure.aftermath == tconn::aftermath::kept), "pending and kept differ");
    if (!failure.pending) {
      seen_.afterwards = socket_of(used_) == socket_ ? "open" : "closed";
      return;
    }
    server_.before("resume");
    auto const resumed = failure.pending->wait(long_enough);
    seen_.afterwards =
        "resumes: " + (resumed ? carries_bytes(resumed->native_handle()) : resumed.error().code.message());
  }

  void borrow(tconn::connect_options const& options) {
    auto const began = clock::now();
    auto const result = tconn::timed_connect(mine_.native_handle(), to_, what_.with.limit, options, watched(server_));
    bool const is_kept = !result && result.error().aftermath == tconn::aftermath::kept;
    pollfd entry{mine_.native_handle(), 0, 0};
    bool const has_error = ::poll(&entry, 1, 0) == 1 && (entry.revents & POLLERR) != 0;
    fault(has_error && !is_kept, "an error is left behind");
    look_at_the_wire(began);
    seen_.told = result ? "connected" : told(result.error());
    fault(support::is_nonblocking(mine_.native_handle()), "the blocking mode was not given back");
    fault(!result && result.error().pending.has_value(), "a borrowed attempt is pending");
    if (result) {
      seen_.afterwards = carries_bytes(mine_.native_handle());
    } else if (is_kept) {
      server_.before("resume");
      auto const resumed = tconn::timed_connect(mine_.native_handle(), to_, long_enough);
      seen_.afterwards =
          "resumes: " + (resumed ? carries_bytes(mine_.native_handle()) : resumed.error().code.message());
    } else {
      seen_.afterwards = connect_anew();
      if (seen_.afterwards == "connects anew") return;
      tconn::native_system{}.disconnect(mine_.native_handle());
      if (connect_anew() == "connects anew") seen_.afterwards = "connects anew once disconnected";
    }
  }

  std::string connect_anew() const {
    auto const anew = tconn::timed_connect(mine_.native_handle(), another_.where(by_.family), long_enough);
    if (!anew) return anew.error().code.message();
    auto const carried = carries_bytes(mine_.native_handle());
    return carried == "carries bytes" ? "connects anew" : "connects anew, but " + carried;
  }

  void look_at_the_wire(clock::time_point began) {
    server_.after_return();
    std::this_thread::sleep_for(what_.with.afterwards);
    seen_.held_up = clock::now() > began + what_.with.limit + what_.with.afterwards + too_late;
    server_.note("deadline", began + what_.with.limit);
    seen_.shown = server_.seen();
    seen_.packets = seen_.shown.packets();
  }

  static std::string carries_bytes(tconn::native_handle handle) {
    if (::send(handle, "hello", 5, MSG_NOSIGNAL) != 5) return std::string("cannot send: ") + std::strerror(errno);
    if (!support::is_readable(handle, 5s)) return "hears nothing";
    std::array<char, 64> heard{};
    auto const count = ::recv(handle, heard.data(), heard.size(), MSG_DONTWAIT);
    return count > 0 ? "carries bytes" : count == 0 ? "hears the end" : std::string("hears ") + std::strerror(errno);
  }

  void fault(bool is_wrong, char const* text) {
    if (is_wrong) seen_.faults += std::string(text) + '\n';
  }

  window const& what_;
  manner const& by_;
  peer& server_;
  peer& another_;
  tconn::endpoint to_;
  tconn::socket mine_{};
  tconn::native_handle used_ = tconn::no_handle;
  std::string socket_{};
  report seen_{};
};

}  // namespace

expectation const& window::expected(tconn::on_timeout how) const {
  switch (how) {
    case tconn::on_timeout::close: return close;
    case tconn::on_timeout::reset: return reset;
    case tconn::on_timeout::keep: break;
  }
  return keep;
}

report play(lab& in, window const& what, manner const& by) { return course(in, what, by).run(); }

}  // namespace wire
