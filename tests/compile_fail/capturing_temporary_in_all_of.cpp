// SPDX-License-Identifier: MIT
// expect: convertible_to<.*hook
#include <timed_connect/guards.hpp>

int main() {
  int calls = 0;
  auto named = [&calls](tconn::native_handle, tconn::endpoint const&) { return ++calls, std::error_code{}; };
#ifdef CONTROL
  auto const both = tconn::guards::all_of(tconn::guards::public_addresses_only, named);
#else
  auto const both = tconn::guards::all_of(
      tconn::guards::public_addresses_only,
      [&calls](tconn::native_handle, tconn::endpoint const&) { return ++calls, std::error_code{}; });
#endif
  return both(0, tconn::endpoint{}) ? 1 : named(0, tconn::endpoint{}) ? 1 : 0;
}
