// SPDX-License-Identifier: MIT
// A reference to something that can be called, as large as two pointers: what std::function would be without owning
// anything, and so without allocating.
#pragma once

#include <timed_connect/detail/config.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace tconn {
inline namespace v1 {

/// A reference to a callable of this signature: a function, a captureless lambda, or an lvalue that outlives the call. A
/// capturing temporary would dangle, and is refused at compile time.
template <class Signature>
class hook;

namespace detail {

template <class T>
inline constexpr bool is_hook = false;
template <class Signature>
inline constexpr bool is_hook<hook<Signature>> = true;

/// Something of a class that can be called as a hook.
template <class F, class Result, class... Arguments>
concept callable_as_hook = std::is_class_v<std::remove_reference_t<F>> && !is_hook<std::remove_cvref_t<F>> &&
                           std::is_invocable_r_v<Result, F&, Arguments...>;

/// A captureless lambda, whose every object is the same.
template <class F, class Result, class... Arguments>
concept stateless_hook =
    callable_as_hook<F, Result, Arguments...> && std::is_empty_v<F> && std::default_initializable<std::remove_cv_t<F>>;

/// One whose object must outlive the hook.
template <class F, class Result, class... Arguments>
concept stateful_hook = callable_as_hook<F, Result, Arguments...> && !stateless_hook<F, Result, Arguments...>;

}  // namespace detail

/// The same, with what a signature is made of.
template <class Result, class... Arguments>
class hook<Result(Arguments...)> {
 public:
  using function = Result (*)(Arguments...);  ///< The plain pointer that it takes too.

  /// No hook.
  hook() noexcept = default;

  /// A function; a null pointer is no hook.
  hook(function call) noexcept : call_(call != nullptr ? &call_function : nullptr) { target_.function = call; }

  /// An object, which must outlive the call.
  template <detail::callable_as_hook<Result, Arguments...> F>
  hook(F& object) noexcept : call_(&call_object<F>) {
    // What std::addressof does; <memory> would be a seventh of all that connect.hpp reads.
    target_.object = const_cast<char*>(&reinterpret_cast<char const volatile&>(object));
  }

  /// A captureless lambda.
  template <detail::stateless_hook<Result, Arguments...> F>
  hook(F&&) noexcept : call_(&call_stateless<F>) {}

  template <detail::stateful_hook<Result, Arguments...> F>
  hook(F const&&) = delete;  // it would dangle

  /// Whether there is something to call.
  explicit operator bool() const noexcept { return call_ != nullptr; }

  /// Calls it; undefined where there is nothing to call. Errors: what it returns; what it throws passes through.
  Result operator()(Arguments... arguments) const { return call_(target_, std::forward<Arguments>(arguments)...); }

 private:
  union target {
    void* object = nullptr;
    hook::function function;
  };

  static Result call_function(target to_call, Arguments... arguments) {
    return to_call.function(std::forward<Arguments>(arguments)...);
  }
  template <class F>
  static Result call_stateless(target, Arguments... arguments) {
    return F{}(std::forward<Arguments>(arguments)...);
  }
  template <class F>
  static Result call_object(target to_call, Arguments... arguments) {
    return (*static_cast<F*>(to_call.object))(std::forward<Arguments>(arguments)...);
  }

  target target_{};
  Result (*call_)(target, Arguments...) = nullptr;
};

}  // namespace v1
}  // namespace tconn
