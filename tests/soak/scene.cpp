// SPDX-License-Identifier: MIT
#include "scene.hpp"

#include <algorithm>

namespace soak {

void troubles::add(std::string const& what) {
  constexpr std::size_t few = 10;
  std::scoped_lock const held(mutex_);
  ++count_;
  if (first_.size() < few) first_.push_back(what);
}

std::size_t troubles::count() const {
  std::scoped_lock const held(mutex_);
  return count_;
}

std::vector<std::string> troubles::first() const {
  std::scoped_lock const held(mutex_);
  return first_;
}

std::error_code attempts::operator()(tconn::native_handle handle, tconn::endpoint const& to) {
  auto const is_there = [&](place const& one) { return one.where == to; };
  auto const found = std::find_if(all_.places.begin(), all_.places.end(), is_there);
  auto const index = static_cast<std::size_t>(found - all_.places.begin());
  auto const who = all_.book.begin(by_, index);
  made_.push_back({who, index});
  auto const error = all_.net.bind(handle, to.family(), who);
  if (error) all_.troubles.add("no local address: " + error.message());
  return error;
}

attempt const* attempts::at(tconn::endpoint const& to) const {
  auto const is_it = [&](attempt const& one) { return all_.places[one.place].where == to; };
  auto const found = std::find_if(made_.begin(), made_.end(), is_it);
  return found == made_.end() ? nullptr : &*found;
}

}  // namespace soak
