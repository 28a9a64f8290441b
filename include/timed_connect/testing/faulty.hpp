// SPDX-License-Identifier: MIT
// The fault injector: any System, whose n-th call fails. With it "fail the 1st, the 2nd, the 3rd ... call until none is
// left" visits every error path of a program that uses this library.
#pragma once

#include <timed_connect/system.hpp>
#include <timed_connect/testing/intercepted.hpp>

#include <string_view>
#include <utility>

namespace tconn {
inline namespace v1 {
namespace testing {

/// Which call fails, and how. Calls are counted from 1, over all copies of the system that share the plan.
struct fault_plan {
  int fail_at = 0;          ///< The number of the call that fails; 0: none.
  int error = 0;            ///< What it answers.
  std::string_view call{};  ///< Count only calls of this name ("wait", "start_connect", ...); empty: all that can fail.
  int calls = 0;            ///< How many have been counted.
  std::string_view hit{};   ///< The name of the call that failed; empty if none did.

  /// Counts a call of this name, and says whether it is the one that fails.
  bool fails(std::string_view name) {
    if ((!call.empty() && call != name) || ++calls != fail_at) return false;
    hit = name;
    return true;
  }
};

/// Asks a plan; close() cannot fail and is not counted.
struct fault_injector {
  fault_plan* plan;  ///< Not null.

  /// The plan's error if this call is the one that fails, else 0.
  int operator()(std::string_view call) const { return call != "close" && plan->fails(call) ? plan->error : 0; }
};

/// A System whose calls fail as the plan says, without being made; close() always closes, and now() is not counted.
template <system_calls Inner>
class faulty : public intercepted<Inner, fault_injector> {
 public:
  /// The plan must outlive every copy.
  faulty(Inner inner, fault_plan& plan) : intercepted<Inner, fault_injector>(std::move(inner), fault_injector{&plan}) {}
};

}  // namespace testing
}  // namespace v1
}  // namespace tconn
