// SPDX-License-Identifier: MIT
// A lookup by the operating system. getaddrinfo() can be neither cancelled nor given a deadline, so it runs in a thread of
// its own. What the thread works with belongs to no caller: a job, which the last of the two to leave frees. A lookup
// that is abandoned goes on until the system's resolver gives up, and touches nothing of its caller's.
#pragma once

#include <timed_connect/resolver.hpp>

#include <atomic>
#include <cerrno>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace tconn {
inline namespace v1 {
namespace detail {

/// One getaddrinfo() in a thread, shared by the thread and whoever waits for it.
class lookup_job {
 public:
  /// So many abandoned ones may be at work in the process; while they are, no other begins.
  static constexpr int most_abandoned = 16;
  /// How many there are. What hides its symbols from other parts of the process counts on its own.
  static std::atomic<int>& abandoned() {
    static std::atomic<int> count{0};
    return count;
  }

  /// Begins a lookup; the caller must leave() it.
  static result<lookup_job*> start(host const& who) {
    if (abandoned().load() >= most_abandoned) return errc::resolver_busy;
    auto started = std::make_unique<lookup_job>(who);
    int error = platform::open_event(started->watched_, started->signal_);
    if (error == 0) error = platform::start_thread<&run>(started.get());
    if (error != 0) return native_code(error);
    return started.release();
  }

  explicit lookup_job(host const& who) : name_(who.name), service_(who.service) {}
  lookup_job(lookup_job const&) = delete;
  lookup_job& operator=(lookup_job const&) = delete;
  ~lookup_job() {
    close_event();
    if (found_ != nullptr) platform::free_found(found_);
  }

  /// Readable once there is an answer.
  native_handle watched() const { return watched_; }

  /// What was found; nothing while it is looked for.
  std::optional<found_endpoints> answer() const {
    if (state_.load() != state::answered) return std::nullopt;
    if (error_ != 0) return lookup_code(error_, reason_);
    return endpoints_of(found_);
  }

  /// The caller goes. From here on the thread, if it is still at work, has the job for itself.
  void leave() {
    if (state_.exchange(state::abandoned) == state::looking) {
      ++abandoned();  // the thread may have counted down already
      close_event();  // it will not raise it any more
    }
    release();
  }

 private:
  enum class state : unsigned char { looking, answered, abandoned };

  static void run(void* job) { static_cast<lookup_job*>(job)->look(); }
  void look() {
    error_ = platform::look_up(name_.c_str(), service_.c_str(), /*numeric*/ false, found_);
    reason_ = errno;
    if (state_.exchange(state::answered) == state::looking)
      platform::raise_event(signal_);
    else
      --abandoned();
    release();
  }

  void release() {
    if (holders_.fetch_sub(1) == 1) delete this;
  }
  void close_event() {
    if (signal_ != watched_) platform::close(signal_);
    if (watched_ != no_handle) platform::close(watched_);
    signal_ = watched_ = no_handle;
  }

  std::string name_;
  std::string service_;
  native_handle watched_ = no_handle;
  native_handle signal_ = no_handle;
  addrinfo* found_ = nullptr;
  int error_ = 0;
  int reason_ = 0;
  std::atomic<state> state_{state::looking};
  std::atomic<int> holders_{2};
};

/// The caller's side of a job.
class system_lookup {
 public:
  explicit system_lookup(lookup_job* begun) noexcept : job_(begun) {}

  void watch(std::vector<poll_entry>& entries) const { entries.push_back(platform::readable(job_->watched())); }
  time_point wakes_at(time_point) const { return never; }
  std::optional<found_endpoints> step(std::span<poll_entry const>) { return job_->answer(); }

 private:
  struct leaving {
    void operator()(lookup_job* job) const { job->leave(); }
  };
  std::unique_ptr<lookup_job, leaving> job_;
};

}  // namespace detail
}  // namespace v1
}  // namespace tconn
