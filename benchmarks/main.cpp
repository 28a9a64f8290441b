// SPDX-License-Identifier: MIT
// Runs the benchmarks in a network namespace of its own, in which a closed connection keeps no port, and prints a line
// for each with its counters. The exit status is 0 only if every connect went as it should. --benchmark_out=FILE with
// --benchmark_out_format=json writes the same for programs.
#include "peers/peer.hpp"
#include "rows.hpp"
#include "support/network_namespace.hpp"

#include <benchmark/benchmark.h>

#include <sys/resource.h>
#include <sys/utsname.h>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

namespace {

class table : public benchmark::BenchmarkReporter {
 public:
  bool has_failed = false;

  bool ReportContext(Context const& context) override {
    std::printf("%d CPUs of %.0f MHz", context.cpu_info.num_cpus, context.cpu_info.cycles_per_second / 1e6);
    if (!context.cpu_info.load_avg.empty()) std::printf(", load average %.2f", context.cpu_info.load_avg.front());
    std::puts("");
    return true;
  }

  void ReportRuns(std::vector<Run> const& runs) override {
    for (auto const& run : runs) {
      auto const& name = run.run_name.function_name;
      if (run.error_occurred) {
        has_failed = true;
        std::printf("%-42s FAILED: %s\n", name.c_str(), run.error_message.c_str());
      } else {
        if (!run.report_label.empty()) {
          std::printf("%-42s %s\n", name.c_str(), run.report_label.c_str());
          continue;
        }
        print_head(run);
        std::printf("%-42s", name.c_str());
        for (auto const& [of, counter] : run.counters) std::printf(" %*.*f", width(of), decimals(of), counter.value);
        std::puts("");
      }
      std::fflush(stdout);
    }
  }

 private:
  // Rows of the same kind stand below one head.
  void print_head(Run const& run) {
    std::string head(42, ' ');
    for (auto const& [name, counter] : run.counters)
      head += std::string(1 + static_cast<std::size_t>(width(name)) - name.size(), ' ') + name;
    if (head != head_) std::printf("\n%s\n", head.c_str());
    head_ = head;
  }

  static int width(std::string const& counter) { return std::max(13, static_cast<int>(counter.size())); }

  static int decimals(std::string const& counter) {
    return counter.starts_with("x ") ? 3 : counter.starts_with("us") || counter.starts_with("ms ") ? 1 : 0;
  }

  std::string head_{};
};

bool set(std::string const& name, std::string const& value) {
  std::ofstream(name) << value;
  std::string now;
  std::ifstream(name) >> now;
  return now == value;
}

bool prepare_the_network() {
  return support::enter_network_namespace() && set("/proc/sys/net/ipv4/tcp_max_tw_buckets", "0") &&
         set("/proc/sys/net/core/somaxconn", "65535");
}

std::string model_of_processor() {
  std::ifstream about("/proc/cpuinfo");
  for (std::string line; std::getline(about, line);)
    if (auto const colon = line.find(": "); line.starts_with("model name") && colon != line.npos)
      return line.substr(colon + 2);
  return {};
}

/// What a reader of the results wants to know of the machine and of the peers.
void add_context() {
  utsname kernel{};
  ::uname(&kernel);
  benchmark::AddCustomContext("kernel", std::string(kernel.sysname) + ' ' + kernel.release);
  benchmark::AddCustomContext("processor", model_of_processor());
  benchmark::AddCustomContext("compiler", "g++ " __VERSION__);
  if (char const* const asked = std::getenv("TIMED_CONNECT_ROUNDS")) benchmark::AddCustomContext("rounds", asked);
  for (auto const& one : peers::all()) benchmark::AddCustomContext("peer " + one.name, one.version);
}

/// As many as this user may have; the largest batches want more than most systems allow at first.
void allow_descriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  rlimit const more{60'000, 60'000};
  if (limit.rlim_max < more.rlim_max && ::setrlimit(RLIMIT_NOFILE, &more) == 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int count, char** arguments) try {
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  if (!prepare_the_network()) {
    std::fputs("No network namespace could be set up: be root, or allow unprivileged user namespaces.\n", stderr);
    return 2;
  }
  allow_descriptors();
  add_context();
  add_success();
  add_lateness();
  add_batch();
  add_other();
  table rows;
  auto const ran = benchmark::RunSpecifiedBenchmarks(&rows);
  return ran == 0 || rows.has_failed ? 1 : 0;
} catch (std::exception const& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
