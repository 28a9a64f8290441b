// SPDX-License-Identifier: MIT
#include "measured_child.hpp"

#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>

namespace {

using peers::batch_job;

/// VmRSS or VmHWM, in kB.
double memory(std::string const& what) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    double figure = 0;
    if (word == what + ':' && status >> figure) return figure;
  }
  throw std::runtime_error("/proc/self/status does not tell " + what);
}

double cpu_ms() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  auto const ms = [](timeval const& time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
  };
  return ms(used.ru_utime) + ms(used.ru_stime);
}

/// For a quiet measure; and as long as pages are counted on one CPU, the kernel's sum is wrong by less (128 kB).
void stay_on_this_cpu() {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<unsigned>(::sched_getcpu()), &one);
  ::sched_setaffinity(0, sizeof one, &one);
}

/// All that is used while something is measured is used once before.
void warm_up(peers::batch_function client, std::span<tconn::endpoint const> to, std::vector<bool> const& lives) {
  constexpr std::size_t enough = 100;
  std::vector<tconn::endpoint> some;
  for (std::size_t index = 0; index < to.size() && some.size() < enough; ++index)
    if (lives[index]) some.push_back(to[index]);
  batch_job job{some, batch_job::clock::now() + std::chrono::seconds(10), enough, true};
  client(job);
  cpu_ms();
  memory("VmHWM");
}

batch_measure measure(peers::batch_function client, std::span<tconn::endpoint const> to, std::vector<bool> const& lives,
                      batch_terms const& terms) {
  stay_on_this_cpu();
  warm_up(client, to, lives);
  batch_job job{to, {}, terms.in_flight, terms.keeps};
  ::malloc_trim(0);                               // so that what is used next is seen to be
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak begins anew, as the kernel's proc(5) says
  double const memory_before = memory("VmRSS");
  double const cpu_before = cpu_ms();
  auto const began = batch_job::clock::now();
  job.until = began + terms.limit;
  client(job);
  batch_measure result{};
  result.cpu_ms = cpu_ms() - cpu_before;
  result.peak_kb = memory("VmHWM") - memory_before;
  result.beyond_kb = result.peak_kb - static_cast<double>(job.result_bytes) / 1024;
  result.wall_ms = std::chrono::duration<double, std::milli>(job.returned - began).count();
  result.late_ms = std::chrono::duration<double, std::milli>(job.returned - job.until).count();
  for (std::size_t index = 0; index < to.size(); ++index)
    if (job.is_connected[index] != lives[index]) ++result.wrong;
  return result;
}

}  // namespace

batch_measure measure_in_a_child(peers::batch_function client, std::span<tconn::endpoint const> to,
                                 std::vector<bool> const& lives, batch_terms const& terms,
                                 std::function<void()> const& serve) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  auto const child = ::fork();
  if (child == 0) {
    int status = 1;
    try {
      auto const result = measure(client, to, lives, terms);
      status = ::write(ends[1], &result, sizeof result) == sizeof result ? 0 : 1;
    } catch (std::exception const&) {
      status = 2;
    }
    ::_exit(status);
  }
  ::close(ends[1]);
  for (pollfd entry{ends[0], POLLIN, 0}; serve && ::poll(&entry, 1, 1) == 0;) serve();
  batch_measure result{};
  auto const count = ::read(ends[0], &result, sizeof result);
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  if (count != sizeof result) throw std::runtime_error("the process that was measured has failed");
  return result;
}
