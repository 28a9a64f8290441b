// SPDX-License-Identifier: MIT
#pragma once

namespace tconn {
inline namespace v1 {

class later;

namespace detail {

struct hidden {
  int member;
};

}  // namespace detail

/// A concept.
template <class T>
concept named = requires(T t) {
  t.name();
};

/// A family.
enum class family {
  four,  ///< IPv4.
  /// IPv6.
  six = 6,
};

/// An endpoint.
struct endpoint {
  int port = 0;  ///< In host order.
  /// Called when it changes.
  void (*changed)(int) = nullptr;

  bool valid() const { return port != 0; }

 private:
  int hidden = 0;
};

/// Whether it is there.
template <class T>
inline bool is_there(T const& any) {
  return any.valid();
}

using address = endpoint;  ///< By another name.

}  // namespace v1
}  // namespace tconn

template <>
struct std::hash<tconn::endpoint> {};
