// SPDX-License-Identifier: MIT
// A resolver that lives in a simulated world: its answer comes at a virtual time, by an event that is real, as a
// cancellation is.
#pragma once

#include <timed_connect/resolve.hpp>
#include <timed_connect/testing/world.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace support {

/// What is asked of it, and what it is to answer. It must outlive the call.
struct name_script {
  tconn::testing::world* net;
  std::chrono::nanoseconds after{0};                ///< How long a lookup takes.
  std::vector<tconn::endpoint> answer{};            ///< What it finds, unless it has an error.
  std::error_code error{};                          ///< What it fails with.
  std::error_code start_error{};                    ///< Why it does not even begin.
  std::chrono::nanoseconds wakes_after{INT64_MAX};  ///< It answers by its own time, and no event is raised.
  std::vector<std::string> asked{};                 ///< "name service" of each lookup that was begun.
  int steps = 0;                                    ///< How often a lookup was let go on.
  int unfinished = 0;                               ///< Lookups that were given up before their answer.
};

class scripted_lookup {
 public:
  explicit scripted_lookup(name_script& script) : script_(&script), board_(std::make_shared<board>()) {
    auto const now = script.net->elapsed();
    if (script.wakes_after.count() != INT64_MAX) wakes_at_ = script.net->now() + script.wakes_after;
    auto const answers = [shared = board_] { shared->answered.request(); };
    if (wakes_at_) return;
    if (script.after.count() <= 0)
      answers();
    else
      script.net->at(now + script.after, answers);
  }
  scripted_lookup(scripted_lookup&&) noexcept = default;
  scripted_lookup& operator=(scripted_lookup&&) noexcept = default;
  ~scripted_lookup() {
    if (board_ && !told_) ++script_->unfinished;
  }

  void watch(std::vector<tconn::poll_entry>& entries) const {
    entries.push_back(tconn::detail::platform::readable(board_->answered.native_handle()));
  }
  tconn::time_point wakes_at(tconn::time_point) const {
    return wakes_at_ ? *wakes_at_ : tconn::deadline::never().until({});
  }
  std::optional<tconn::found_endpoints> step(std::span<tconn::poll_entry const> seen) {
    ++script_->steps;
    bool const is_due = wakes_at_ && script_->net->now() >= *wakes_at_;
    if (seen.size() != 1 || (seen[0].revents == 0 && !is_due)) return std::nullopt;
    told_ = true;
    if (script_->error) return tconn::found_endpoints(script_->error);
    return tconn::found_endpoints(script_->answer);
  }

 private:
  struct board {
    tconn::cancellation answered{};
  };
  name_script* script_;
  std::shared_ptr<board> board_;
  std::optional<tconn::time_point> wakes_at_{};
  bool told_ = false;
};

class scripted_resolver {
 public:
  explicit scripted_resolver(name_script* script) : script_(script) {}
  tconn::result<scripted_lookup> start(tconn::host const& who) const {
    script_->asked.push_back(std::string(who.name) + ' ' + std::string(who.service));
    if (script_->start_error) return script_->start_error;
    return scripted_lookup(*script_);
  }

 private:
  name_script* script_;
};

static_assert(tconn::name_resolver<scripted_resolver>);

}  // namespace support
