// SPDX-License-Identifier: MIT
// What mutated headers call. Every mutant is compiled in, and mutate.py switches one on for a run of the tests by its
// number. What the compiler evaluates is never mutated.
#pragma once

#include <type_traits>

namespace tconn_mutation {

/// The number of the mutant that is on, 0 if none is; and where those that are reached are noted, if they are to be.
extern int active;              // NOLINT(cppcoreguidelines-avoid-non-const-global-variables): set before main()
extern unsigned char* reached;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables): set before main()

inline bool is_on_now(int number) {
  if (reached != nullptr) reached[number] = 1;
  return active == number;
}

constexpr bool is_on(int number) { return !std::is_constant_evaluated() && is_on_now(number); }

/// For one mutant, `number`: the value is another one.
constexpr bool inverted(int number, bool value) { return value != is_on(number); }
constexpr bool or_true(int number, bool value) { return value || is_on(number); }
constexpr bool and_false(int number, bool value) { return value && !is_on(number); }

template <class Value>
constexpr Value zero(int number, Value value) {
  return is_on(number) ? Value{} : value;
}
template <class Value>
constexpr Value one_more(int number, Value value) {
  return is_on(number) ? static_cast<Value>(value + 1) : value;
}
template <class Value>
constexpr Value one_less(int number, Value value) {
  return is_on(number) ? static_cast<Value>(value - 1) : value;
}
template <class Value>
constexpr Value doubled(int number, Value value) {
  return is_on(number) ? static_cast<Value>(value + value) : value;
}
template <class Value>
constexpr Value another(int number, Value value, Value other) {
  return is_on(number) ? other : value;
}

/// For two mutants: the condition is always true, or never.
constexpr bool forced(int number, bool value) { return (value || is_on(number)) && !is_on(number + 1); }

template <class Left, class Right>
constexpr bool less(int number, Left const& left, Right const& right) {
  return is_on(number) ? left <= right : left < right;
}
template <class Left, class Right>
constexpr bool less_equal(int number, Left const& left, Right const& right) {
  return is_on(number) ? left < right : left <= right;
}
template <class Left, class Right>
constexpr bool greater(int number, Left const& left, Right const& right) {
  return is_on(number) ? left >= right : left > right;
}
template <class Left, class Right>
constexpr bool greater_equal(int number, Left const& left, Right const& right) {
  return is_on(number) ? left > right : left >= right;
}
template <class Left, class Right>
constexpr auto sum(int number, Left const& left, Right const& right) {
  return is_on(number) ? left - right : left + right;
}
template <class Left, class Right>
constexpr auto difference(int number, Left const& left, Right const& right) {
  return is_on(number) ? left + right : left - right;
}
template <class Left, class Right>
constexpr auto product(int number, Left const& left, Right const& right) {
  return is_on(number) ? left / right : left * right;
}
template <class Left, class Right>
constexpr auto quotient(int number, Left const& left, Right const& right) {
  return is_on(number) ? left * right : left / right;
}

}  // namespace tconn_mutation
