// SPDX-License-Identifier: MIT
#include "peer.hpp"

#include <algorithm>
#include <utility>

namespace peers {
namespace {

std::vector<peer>& list() {
  static std::vector<peer> known;
  return known;
}

}  // namespace

std::vector<peer> const& all() { return list(); }

entry::entry(peer one, bool is_allowed) {
  if (!is_allowed) return;
  auto const behind = std::ranges::upper_bound(list(), one.name, {}, &peer::name);
  list().insert(behind, std::move(one));
}

}  // namespace peers
