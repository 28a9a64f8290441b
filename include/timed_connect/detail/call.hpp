// SPDX-License-Identifier: MIT
// Calling what can be called: functions, objects, and pointers to members.
#pragma once

#include <timed_connect/detail/config.hpp>

#include <type_traits>
#include <utility>

namespace tconn {
inline namespace v1 {
namespace detail {

/// std::invoke() for what a result calls; <functional> would cost more to include than all that needs it.
template <class F, class... Value>
decltype(auto) call(F&& function, Value&&... value) {
  if constexpr (std::is_member_function_pointer_v<std::remove_cvref_t<F>>) {
    return (..., (std::forward<Value>(value).*function)());
  } else if constexpr (std::is_member_object_pointer_v<std::remove_cvref_t<F>>) {
    return (..., (std::forward<Value>(value).*function));
  } else {
    return std::forward<F>(function)(std::forward<Value>(value)...);
  }
}

}  // namespace detail
}  // namespace v1
}  // namespace tconn
