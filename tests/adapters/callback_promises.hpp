// SPDX-License-Identifier: MIT
// What every loop that calls back must keep, beyond what every event loop must. A `Loop` has get() for the library's own
// loop, and the type that drives a connect in it as `operation`.
#pragma once

#include "adapters/event_loop_promises.hpp"

#include <list>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

namespace promises {

/// The part of such a loop for the tests that is the same for all.
template <class Operation>
class operations {
 public:
  template <class Loop, class... Arguments>
  void begin(Loop* loop, Arguments&&... arguments) {
    all_.emplace_back(loop, std::forward<Arguments>(arguments)...);
  }
  void cancel_all() {
    for (auto& one : all_) one.cancel();
  }
  void clear() { all_.clear(); }

 private:
  std::list<Operation> all_{};
};

template <class Loop>
class CallbackLoop : public testing::Test {};
TYPED_TEST_SUITE_P(CallbackLoop);

TYPED_TEST_P(CallbackLoop, may_destroy_the_operation_in_its_callback) {
  closed_port const nobody;
  TypeParam loop;
  int calls = 0;
  std::optional<typename TypeParam::operation> one;
  one.emplace(loop.get(), nobody.where(), 5s, connect_options{},
              [&, moved = std::make_unique<int>(1)](connect_result const&) {
                one.reset();
                calls += *moved;
              });
  loop.run();
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(one);
}

TYPED_TEST_P(CallbackLoop, is_never_early_where_the_loop_has_not_looked_at_its_clock_for_long) {
  full_listener const server;
  for (int round = 0; round < 5; ++round) {
    TypeParam loop;
    std::optional<typename TypeParam::operation> late;
    outcome told;
    steady::time_point began;
    // In a callback the loop's time is that of its beginning.
    loop.call([&] {
      std::this_thread::sleep_for(15ms);
      began = steady::now();
      late.emplace(loop.get(), server.where(), 20ms, connect_options{}, told.takes());
    });
    loop.run();
    ASSERT_EQ(told.calls(), 1);
    EXPECT_EQ(told->error().code, errc::deadline_exceeded);
    EXPECT_GE(told.at() - began, 20ms);
    EXPECT_LT(told.at() - began, 15s);
  }
}

TYPED_TEST_P(CallbackLoop, can_be_cancelled_when_it_is_over_to_no_effect) {
  listener const server;
  TypeParam loop;
  outcome told;
  typename TypeParam::operation one(loop.get(), server.where(), 5s, connect_options{}, told.takes());
  one.cancel();
  loop.run();
  one.cancel();
  loop.run();
  ASSERT_EQ(told.calls(), 1);
  EXPECT_TRUE(*told) << support::told(*told);
  auto other = std::move(one);
  one.cancel();
  other.cancel();
  loop.run();
  EXPECT_EQ(told.calls(), 1);
}

TYPED_TEST_P(CallbackLoop, ends_the_program_where_its_callback_throws) {
  closed_port const nobody;
  auto const throws_through_the_loop = [&] {
    TypeParam loop;
    typename TypeParam::operation const one(loop.get(), nobody.where(), 5s, connect_options{},
                                            [](connect_result const&) { throw 1; });
    loop.run();
  };
  EXPECT_DEATH(throws_through_the_loop(), "");
}

REGISTER_TYPED_TEST_SUITE_P(CallbackLoop, may_destroy_the_operation_in_its_callback,
                            ends_the_program_where_its_callback_throws,
                            is_never_early_where_the_loop_has_not_looked_at_its_clock_for_long,
                            can_be_cancelled_when_it_is_over_to_no_effect);

}  // namespace promises
