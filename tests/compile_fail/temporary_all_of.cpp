// SPDX-License-Identifier: MIT
// expect: hook<
#include <timed_connect/guards.hpp>

int main() {
  using tconn::guards::all_of;
  using tconn::guards::public_addresses_only;
#ifdef CONTROL
  auto const both = all_of(public_addresses_only, public_addresses_only);
  tconn::connect_options const options{.before_connect = both};
#else
  tconn::connect_options const options{.before_connect = all_of(public_addresses_only, public_addresses_only)};
#endif
  return options.before_connect(0, tconn::endpoint{}) ? 1 : 0;
}
