// SPDX-License-Identifier: MIT
// A value or the reason why there is none: the subset of std::expected that this library needs, for C++20. The names
// and meanings are std::expected's, except that value() throws std::system_error (and aborts under -fno-exceptions).
#pragma once

#include <timed_connect/detail/call.hpp>

#include <cassert>
#include <cstdlib>
#include <new>
#include <system_error>
#include <type_traits>
#include <utility>

namespace tconn {
inline namespace v1 {

template <class T, class E = std::error_code>
class result;

namespace detail {

/// Throws what an error carries: a std::error_code, or something with a code and a message.
template <class E>
[[noreturn]] void raise([[maybe_unused]] E const& error) {
#if defined(__cpp_exceptions)
  if constexpr (requires { std::system_error(error.code, error.message()); }) {
    throw std::system_error(error.code, error.message());
  } else {
    throw std::system_error(error);
  }
#else
  std::abort();
#endif
}

/// What transform() gives: the value that a function returns, or success where it returns none.
template <class E, class Call>
auto wrapped(Call&& call) {
  using changed = std::remove_cvref_t<decltype(call())>;
  if constexpr (std::is_void_v<changed>) {
    call();
    return result<void, E>();
  } else {
    return result<changed, E>(call());
  }
}

/// An enumerator that an error of type E can be made of, such as an errc.
template <class Code, class E>
concept error_enumerator = std::is_error_code_enum_v<Code> && std::is_constructible_v<E, std::error_code>;

template <class>
inline constexpr bool is_result = false;
template <class T, class E>
inline constexpr bool is_result<result<T, E>> = true;

}  // namespace detail

/// Either a value or an error, like std::expected<T, E>. Both must move without throwing. A moved-from result still
/// holds what it held, moved from.
template <class T, class E>
class [[nodiscard]] result {
  static_assert(!std::is_same_v<T, E>, "a value could not be told from an error");
  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_constructible_v<E>);

 public:
  using value_type = T;  ///< Of the value.
  using error_type = E;  ///< Of the error.

  /// Holds the value.
  result(T value) noexcept : has_value_(true) { ::new (&value_) T(std::move(value)); }
  /// Holds the error.
  result(E error) noexcept { ::new (&error_) E(std::move(error)); }

  /// Holds the error that an enumerator such as errc::cancelled stands for.
  template <detail::error_enumerator<E> Code>
  result(Code code) noexcept : result(E(make_error_code(code))) {}

  ///@{
  /// Holds what the other holds.
  result(result const& other) requires(std::is_copy_constructible_v<T>&& std::is_copy_constructible_v<E>)
      : has_value_(other.has_value_) {
    if (has_value_)
      ::new (&value_) T(other.value_);
    else
      ::new (&error_) E(other.error_);
  }
  result(result&& other) noexcept : has_value_(other.has_value_) { take(other); }
  result& operator=(result const& other) requires(std::is_copy_constructible_v<T>&& std::is_copy_constructible_v<E>) {
    *this = result(other);
    return *this;
  }
  result& operator=(result&& other) noexcept {
    if (this == &other) return *this;
    destroy();
    has_value_ = other.has_value_;
    take(other);
    return *this;
  }
  ///@}
  ~result() { destroy(); }

  ///@{
  /// Whether it holds a value.
  bool has_value() const noexcept { return has_value_; }
  explicit operator bool() const noexcept { return has_value_; }
  ///@}

  ///@{
  /// The value. Undefined without one (asserted), like the pointer that it looks like.
  T& operator*() & noexcept { return assert(has_value_), value_; }
  T const& operator*() const& noexcept { return assert(has_value_), value_; }
  T&& operator*() && noexcept { return assert(has_value_), std::move(value_); }
  T* operator->() noexcept { return assert(has_value_), &value_; }
  T const* operator->() const noexcept { return assert(has_value_), &value_; }
  ///@}

  ///@{
  /// The value. Errors: without one it throws std::system_error with the error's code, or aborts under -fno-exceptions.
  T& value() & { return check(), value_; }
  T const& value() const& { return check(), value_; }
  T&& value() && { return check(), std::move(value_); }
  ///@}

  ///@{
  /// The error. Undefined with a value (asserted).
  E& error() & noexcept { return assert(!has_value_), error_; }
  E const& error() const& noexcept { return assert(!has_value_), error_; }
  E&& error() && noexcept { return assert(!has_value_), std::move(error_); }
  ///@}

  ///@{
  /// The value, or else `otherwise`.
  template <class U>
  T value_or(U&& otherwise) const& {
    return has_value_ ? value_ : static_cast<T>(std::forward<U>(otherwise));
  }
  template <class U>
  T value_or(U&& otherwise) && {
    return has_value_ ? std::move(value_) : static_cast<T>(std::forward<U>(otherwise));
  }
  ///@}

  ///@{
  /// Calls `next` with the value, which gives the next result; an error passes through.
  template <class F>
  auto and_then(F&& next) & {
    return chain(*this, std::forward<F>(next));
  }
  template <class F>
  auto and_then(F&& next) const& {
    return chain(*this, std::forward<F>(next));
  }
  template <class F>
  auto and_then(F&& next) && {
    return chain(std::move(*this), std::forward<F>(next));
  }
  ///@}

  ///@{
  /// Calls `change` with the value and wraps what it returns; an error passes through.
  template <class F>
  auto transform(F&& change) & {
    return map(*this, std::forward<F>(change));
  }
  template <class F>
  auto transform(F&& change) const& {
    return map(*this, std::forward<F>(change));
  }
  template <class F>
  auto transform(F&& change) && {
    return map(std::move(*this), std::forward<F>(change));
  }
  ///@}

 private:
  template <class Self, class F>
  static auto chain(Self&& self, F&& next) {
    using next_result = std::remove_cvref_t<std::invoke_result_t<F, decltype(*std::forward<Self>(self))>>;
    static_assert(detail::is_result<next_result>, "and_then wants a function that returns a result");
    return self.has_value_ ? detail::call(std::forward<F>(next), *std::forward<Self>(self))
                           : next_result(std::forward<Self>(self).error());
  }

  template <class Self, class F>
  static auto map(Self&& self, F&& change) {
    auto const call = [&]() -> decltype(auto) {
      return detail::call(std::forward<F>(change), *std::forward<Self>(self));
    };
    using mapped = decltype(detail::wrapped<E>(call));
    return self.has_value_ ? detail::wrapped<E>(call) : mapped(std::forward<Self>(self).error());
  }

  void check() const {
    if (!has_value_) detail::raise(error_);
  }
  void take(result& other) noexcept {
    if (has_value_)
      ::new (&value_) T(std::move(other.value_));
    else
      ::new (&error_) E(std::move(other.error_));
  }
  void destroy() noexcept {
    if (has_value_)
      value_.~T();
    else
      error_.~E();
  }

  union {
    T value_;
    E error_;
  };
  bool has_value_ = false;
};

/// Success, or an error: std::expected<void, E>.
template <class E>
class [[nodiscard]] result<void, E> {
 public:
  using value_type = void;  ///< There is none.
  using error_type = E;     ///< Of the error.

  /// Success.
  result() noexcept = default;
  /// Holds the error.
  result(E error) noexcept : error_(std::move(error)), has_value_(false) {}
  /// Holds the error that an enumerator such as errc::cancelled stands for.
  template <detail::error_enumerator<E> Code>
  result(Code code) noexcept : result(E(make_error_code(code))) {}

  ///@{
  /// Whether this is success.
  bool has_value() const noexcept { return has_value_; }
  explicit operator bool() const noexcept { return has_value_; }
  ///@}
  /// Nothing to give; undefined with an error (asserted).
  void operator*() const noexcept { assert(has_value_); }

  /// Does nothing on success. Errors: otherwise as value() of a result with a value.
  void value() const {
    if (!has_value_) detail::raise(error_);
  }

  ///@{
  /// The error. Undefined on success (asserted).
  E& error() & noexcept { return assert(!has_value_), error_; }
  E const& error() const& noexcept { return assert(!has_value_), error_; }
  E&& error() && noexcept { return assert(!has_value_), std::move(error_); }
  ///@}

  ///@{
  /// Calls `next` without arguments, which gives the next result; an error passes through.
  template <class F>
  auto and_then(F&& next) const& {
    return chain(*this, std::forward<F>(next));
  }
  template <class F>
  auto and_then(F&& next) && {
    return chain(std::move(*this), std::forward<F>(next));
  }
  ///@}
  ///@{
  /// Calls `change` without arguments and wraps what it returns; an error passes through.
  template <class F>
  auto transform(F&& change) const& {
    return map(*this, std::forward<F>(change));
  }
  template <class F>
  auto transform(F&& change) && {
    return map(std::move(*this), std::forward<F>(change));
  }
  ///@}

 private:
  template <class Self, class F>
  static auto chain(Self&& self, F&& next) {
    using next_result = std::remove_cvref_t<std::invoke_result_t<F>>;
    static_assert(detail::is_result<next_result>, "and_then wants a function that returns a result");
    return self.has_value_ ? std::forward<F>(next)() : next_result(std::forward<Self>(self).error());
  }

  template <class Self, class F>
  static auto map(Self&& self, F&& change) {
    using mapped = decltype(detail::wrapped<E>(change));
    return self.has_value_ ? detail::wrapped<E>(change) : mapped(std::forward<Self>(self).error());
  }

  E error_{};
  bool has_value_ = true;
};

}  // namespace v1
}  // namespace tconn
