// SPDX-License-Identifier: MIT
#include "disturbance.hpp"

#include "support/descriptors.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>

namespace soak {

using namespace std::chrono_literals;

void let_signals_interrupt() {
  struct sigaction action {};
  action.sa_handler = [](int) {};  // and no SA_RESTART
  ::sigaction(SIGUSR1, &action, nullptr);
}

bool interrupt_one(std::vector<pthread_t> const& threads, chance& chosen) {
  std::this_thread::sleep_for(chosen.between(0us, 400us));
  return ::pthread_kill(threads[chosen.below(threads.size())], SIGUSR1) == 0;
}

bool cancel_one(std::deque<client>& clients, chance& chosen) {
  std::this_thread::sleep_for(chosen.between(0us, 1000us));
  return clients[chosen.below(clients.size())].cancel();
}

int inherited_descriptors() { return static_cast<int>(support::open_descriptors()); }

bool start_a_child(int descriptors, troubles& wrong, chance& chosen) {
  static constexpr char const* program = "/proc/self/exe";
  static char name[] = "soak";
  static char question[] = "--inherited";
  std::array<char*, 3> const words{name, question, nullptr};
  std::this_thread::sleep_for(chosen.between(0us, 20'000us));
  auto const pause = static_cast<useconds_t>(chosen.below(3000));
  pid_t child = -1;
  if (chosen.one_in(2)) {
    if (::posix_spawn(&child, program, nullptr, nullptr, words.data(), environ) != 0) child = -1;
  } else if (child = ::fork(); child == 0) {
    ::usleep(pause);  // with a copy of every descriptor
    ::execv(program, words.data());
    ::_exit(127);
  }
  if (child < 0) return false;  // processes may run out
  int status = -1;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != descriptors)
    wrong.add("a child has other descriptors than it should have: status " + std::to_string(status));
  return true;
}

}  // namespace soak
