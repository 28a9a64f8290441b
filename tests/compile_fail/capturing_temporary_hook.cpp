// SPDX-License-Identifier: MIT
// expect: hook<
#include <timed_connect/options.hpp>

int main() {
  int calls = 0;
  auto named = [&calls](tconn::native_handle, tconn::endpoint const&) { return ++calls, std::error_code{}; };
#ifdef CONTROL
  tconn::connect_options const options{.before_connect = named};
#else
  tconn::connect_options const options{
      .before_connect = [&calls](tconn::native_handle, tconn::endpoint const&) { return ++calls, std::error_code{}; }};
#endif
  return options.before_connect(0, tconn::endpoint{}) ? 1 : named(0, tconn::endpoint{}) ? 1 : 0;
}
