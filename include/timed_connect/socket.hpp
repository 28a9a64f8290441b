// SPDX-License-Identifier: MIT
// The owner of one descriptor: what a successful timed_connect() hands over.
#pragma once

#include <timed_connect/wait.hpp>

#include <utility>

namespace tconn {
inline namespace v1 {

/// Closes its descriptor when it goes. Move-only; as large as the descriptor alone where the System has no state.
template <system_calls Owner>
class basic_socket {
 public:
  /// No descriptor.
  basic_socket() noexcept = default;
  /// Takes the descriptor over.
  explicit basic_socket(tconn::native_handle handle, Owner sys = {}) noexcept : handle_(handle), sys_(std::move(sys)) {}
  /// Takes the descriptor over; the other has none then.
  basic_socket(basic_socket&& other) noexcept : handle_(other.release()), sys_(other.sys_) {}
  /// The same; a descriptor that is here is closed first.
  basic_socket& operator=(basic_socket&& other) noexcept {
    if (this != &other) {
      close();
      sys_ = other.sys_;
      handle_ = other.release();
    }
    return *this;
  }
  ~basic_socket() { close(); }

  /// The descriptor; it stays owned.
  tconn::native_handle native_handle() const noexcept { return handle_; }
  /// What closes it.
  Owner const& system() const noexcept { return sys_; }
  /// Gives the descriptor away: the caller closes it.
  tconn::native_handle release() noexcept { return std::exchange(handle_, no_handle); }
  /// Closes now; nothing happens without a descriptor.
  void close() {
    if (handle_ != no_handle) sys_.close(release());
  }
  /// Whether there is a descriptor.
  explicit operator bool() const noexcept { return handle_ != no_handle; }

 private:
  tconn::native_handle handle_ = no_handle;
  [[no_unique_address]] Owner sys_{};
};

/// The socket that the native system and its strategies give.
using socket = basic_socket<native_system>;
static_assert(sizeof(socket) == sizeof(native_handle));

}  // namespace v1
}  // namespace tconn
