// SPDX-License-Identifier: MIT
// Threads that connect, time out, keep, resume, cancel, race and batch at random against servers that are live, slow,
// full, refusing and vanishing, under a storm of signals, beside forked children. At the end nothing must be lost: no
// descriptor, thread or memory, and no connection that a server has accepted and nobody was told of.
// Exit status: 0 if all is as promised, 1 if not, 2 wrong usage.
#include "disturbance.hpp"
#include "round.hpp"

#include "support/counts.hpp"
#include "support/descriptors.hpp"
#include "support/slow_machinery.hpp"
#include "support/threads.hpp"

#include <CLI/CLI.hpp>

#include <malloc.h>
#include <unistd.h>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iterator>
#include <random>
#include <string>
#include <string_view>

namespace {

using namespace std::chrono_literals;
using namespace soak;

/// What the process must not have more of than before.
struct possessions {
  std::size_t descriptors = support::open_descriptors();
  std::size_t threads = static_cast<std::size_t>(support::settled_thread_count());
  std::size_t bytes = heap_in_use();

  static std::size_t heap_in_use() {
    auto const heap = ::mallinfo2();
    return heap.uordblks + heap.hblkhd;
  }
};

void print_line(std::string_view what, std::size_t count) {
  std::printf("%-52.*s %8zu\n", static_cast<int>(what.size()), what.data(), count);
}

/// Whether it is as it must be: none, or no more than may be.
bool promise(std::string_view what, std::size_t count, std::size_t most = 0) {
  print_line(what, count);
  if (count > most) std::printf("  FAILED, no more than %zu may be\n", most);
  return count <= most;
}

void print_table(outcome const& all) {
  auto const seconds = std::chrono::duration<double>(all.took).count();
  std::printf("%zu attempts in %.0f s, %.0f a second, %zu accepted; %zu signals, %zu cancellations, %zu children\n\n",
              all.sum.attempts, seconds, static_cast<double>(all.sum.attempts) / seconds, all.sum.accepted, all.signals,
              all.cancellations, all.children);
  std::printf("%-18s", "told");
  for (std::size_t by = 0; by < action_count; ++by) std::printf("%14s", to_string(static_cast<action>(by)).data());
  std::printf("%14s\n", "accepted");
  for (std::size_t what = 0; what < told_count; ++what) {
    std::printf("%-18s", to_string(static_cast<told>(what)).data());
    for (auto const& by : all.sum.told) std::printf("%14zu", by[what]);
    std::printf("%14zu\n", all.sum.accepted_of[what]);
  }
  std::printf("\n");
}

std::size_t growth(std::size_t from, std::size_t to) { return to > from ? to - from : 0; }

/// Prints all that there is to say, and whether it is as promised.
bool report(outcome const& all, network const& net, ledger const& book, troubles const& wrong) {
  print_table(all);
  print_line("packets that the line has carried", net.carried());
  bool good = true;
  for (std::size_t what = 1; what < finding_count; ++what) {
    auto const found = static_cast<finding>(what);
    if (is_fault(found))
      good = promise(to_string(found), all.sum.count(found)) && good;
    else
      print_line(to_string(found), all.sum.count(found));
  }
  good = promise("told a second time", book.told_again()) && good;
  constexpr std::size_t few = 5;
  // Only packets that come while an attempt is given up make it uncertain what that has left behind.
  good = promise("told unknown", all.sum.count(told::unknown), few + all.sum.attempts / 1000) && good;
  if (net.has_line()) good = promise("accepted, and no attempt's", book.strangers()) && good;
  good = promise("other troubles", wrong.count()) && good;
  constexpr told each[] = {told::silence, told::peer_sees_close, told::peer_sees_reset, told::let_go};
  bool const has_happened =
      all.signals != 0 && all.cancellations != 0 && all.children != 0 &&
      std::all_of(std::begin(each), std::end(each), [&](told what) { return all.sum.count(what) != 0; });
  if (!has_happened) std::printf("  FAILED, there was nothing to bear\n");
  support::tell_count(std::to_string(all.sum.attempts) + " attempts at random, " + std::to_string(all.sum.accepted) +
                      " accepted, " + std::to_string(all.sum.count(finding::accepted_untold)) +
                      " of them with nobody told (soak)");
  for (auto const& fault : all.sum.faults) std::printf("  %s\n", fault.c_str());
  for (auto const& trouble : wrong.first()) std::printf("  %s\n", trouble.c_str());
  return good && has_happened;
}

/// The first round warms up; its memory is what the others are held against.
bool run(settings const& wanted, std::chrono::nanoseconds time, std::uint64_t seed) {
  constexpr std::size_t most_attempts = 3'000'000;
  constexpr std::size_t most_growth = 16'384;  // some bytes a thread, and none an attempt
  constexpr std::chrono::nanoseconds longest_round = 30s;
  network net(seed);
  std::printf("%u threads; seed %llu; %s\n", wanted.threads, static_cast<unsigned long long>(seed),
              net.has_line() ? "a line, IPv6, IPv4, Unix" : net.why_no_line().c_str());
  ledger book(most_attempts);
  chance chosen(seed);
  troubles wrong;
  outcome all;
  possessions const before;
  auto const warm_up = std::min<std::chrono::nanoseconds>(time / 4, 5s);
  play(net, book, wanted, warm_up, chosen, wrong, all);
  auto const warm = possessions::heap_in_use();
  for (auto left = time - warm_up; left > 0ns; left -= longest_round)
    play(net, book, wanted, std::min(left, longest_round), chosen, wrong, all);
  possessions const after;
  bool good = report(all, net, book, wrong);
  good = promise("descriptors left open", growth(before.descriptors, after.descriptors)) && good;
  good = promise("threads left", growth(before.threads, after.threads)) && good;
  if (!support::is_sanitized)  // else that is the sanitizer's business
    good = promise("bytes of memory more than after the warm-up", growth(warm, after.bytes), most_growth) && good;
  return good;
}

}  // namespace

int main(int count, char** arguments) try {
  if (count == 2 && std::string_view(arguments[1]) == "--inherited") return inherited_descriptors();
  CLI::App options("Connects at random, for a while, and counts what was lost.");
  unsigned seconds = 10;
  std::uint64_t seed = std::random_device{}();
  settings wanted{support::is_sanitized ? 3U : 6U, inherited_descriptors()};
  options.add_option("--seconds", seconds, "for how long (10)")->check(CLI::Range(1, 86'400));
  options.add_option("--threads", wanted.threads, "how many clients (6, with a sanitizer 3)")->check(CLI::Range(1, 64));
  options.add_option("--seed", seed, "what all choices come from (another one each time)");
  try {
    options.parse(count, arguments);
  } catch (CLI::ParseError const& why) {
    return options.exit(why) == 0 ? 0 : 2;
  }
  let_signals_interrupt();
  // Ends what hangs. A round waits up to 10 s for what is on its way, and a sanitizer takes its time.
  ::alarm(2 * seconds + (support::is_sanitized ? 300 : 60));
  return run(wanted, std::chrono::seconds(seconds), seed) ? 0 : 1;
} catch (std::exception const& broken) {
  std::fprintf(stderr, "soak: %s\n", broken.what());
  return 1;
}
