// SPDX-License-Identifier: MIT
// Names by c-ares (https://c-ares.org, 1.16 or later): lookups that are really ended at the deadline, without a thread.
// The only header of this library that needs another one: link libcares.
//
//   timed_connect({"example.org", "443"}, 1s, {}, native_system{}, cares_resolver{});
#pragma once

#include <timed_connect/resolve.hpp>

#include <ares.h>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace tconn {
inline namespace v1 {
namespace detail {

/// The number of getaddrinfo() that says the same, so that callers need not know which resolver was asked.
inline std::error_code cares_error(int status) {
  auto const same = [](int error) { return std::error_code(error, resolve_category()); };
  switch (status) {
    case ARES_EBADNAME:
    case ARES_ENODATA:
    case ARES_ENOTFOUND: return same(lookup_error::no_name);
    case ARES_ESERVICE: return same(lookup_error::no_service);
    case ARES_ENOMEM: return same(lookup_error::no_memory);
    case ARES_ECONNREFUSED:
    case ARES_ESERVFAIL:
    case ARES_ETIMEOUT: return same(lookup_error::try_again);
    default: return same(lookup_error::failed);
  }
}

/// One question, with a channel of its own. Ends with it: nothing goes on. pthread_cancel() must not unwind c-ares, so it
/// is held back.
class cares_lookup {
 public:
  static result<cares_lookup> start(host const& who, std::string const& servers) {
    platform::cancel_held const held;
    static int const ready = ::ares_library_init(ARES_LIB_INIT_ALL);
    if (ready != ARES_SUCCESS) return cares_error(ready);
    cares_lookup begun;
    if (int const status = ::ares_init(&begun.asked_->channel)) return cares_error(status);
    if (!servers.empty()) {
      int const status = ::ares_set_servers_ports_csv(begun.asked_->channel, servers.c_str());
      if (status == ARES_ENOMEM) return cares_error(status);
      if (status != ARES_SUCCESS) return errc::invalid_option;
    }
    ares_addrinfo_hints hints{};
    std::string name(who.name);
    // The name servers are not to be asked for an address. c-ares 1.18 does that, unless it is told the family.
    if (auto const numeric = numeric_endpoints({who.name, "0"})) {
      if (!*numeric) return numeric->error();
      auto const& address = (*numeric)->front();
      hints.ai_family = address.family();
      if (address.family() == AF_INET) name = address.to_string(), name.resize(name.rfind(':'));
    }
    ::ares_getaddrinfo(begun.asked_->channel, name.c_str(), std::string(who.service).c_str(), &hints, &take,
                       begun.asked_.get());
    return begun;
  }

  void watch(std::vector<poll_entry>& entries) const {
    ares_socket_t handles[ARES_GETSOCK_MAXNUM];
    int const wanted = ::ares_getsock(asked_->channel, handles, ARES_GETSOCK_MAXNUM);
    for (int i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
      if (ARES_GETSOCK_READABLE(wanted, i) != 0) entries.push_back(platform::readable(handles[i]));
      if (ARES_GETSOCK_WRITABLE(wanted, i) != 0) entries.push_back(platform::writable(handles[i]));
    }
  }

  time_point wakes_at(time_point now) const {
    if (asked_->status) return now;  // it was answered without a question
    timeval left{};
    if (::ares_timeout(asked_->channel, nullptr, &left) == nullptr) return never;
    return saturated_sum(now, std::chrono::seconds{left.tv_sec} + std::chrono::microseconds{left.tv_usec});
  }

  std::optional<found_endpoints> step(std::span<poll_entry const> seen) {
    platform::cancel_held const held;
    for (auto const& one : seen) {
      if (one.revents == 0) continue;
      bool const is_to_read = one.events == platform::readable(one.fd).events;
      ::ares_process_fd(asked_->channel, is_to_read ? one.fd : ARES_SOCKET_BAD, is_to_read ? ARES_SOCKET_BAD : one.fd);
    }
    // Asks again whoever has not answered in time.
    ::ares_process_fd(asked_->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    if (!asked_->status) return std::nullopt;
    if (*asked_->status != ARES_SUCCESS) return cares_error(*asked_->status);
    std::vector<endpoint> all;
    for (auto const* one = asked_->found->nodes; one != nullptr; one = one->ai_next)
      all.emplace_back(one->ai_addr, static_cast<address_length>(one->ai_addrlen));
    return all;
  }

 private:
  struct question {
    question() = default;
    question(question const&) = delete;
    question& operator=(question const&) = delete;
    ~question() {
      platform::cancel_held const held;
      ::ares_destroy(channel);
      if (found != nullptr) ::ares_freeaddrinfo(found);  // 1.16 does not take null
    }
    ares_channel channel = nullptr;
    std::optional<int> status{};
    ares_addrinfo* found = nullptr;
  };

  static void take(void* asked, int status, int /*timeouts*/, ares_addrinfo* found) {
    auto& its = *static_cast<question*>(asked);
    its.status = status;
    its.found = found;
  }

  std::unique_ptr<question> asked_ = std::make_unique<question>();
};

}  // namespace detail

/// c-ares: asks the name servers itself. At the deadline, and when it is cancelled, its sockets are closed and nothing
/// goes on. It knows /etc/hosts and the name servers, and nothing else that the system may be set up to ask.
///
/// Errors: the numbers of getaddrinfo(), in resolve_category(); EAI_AGAIN where no server answers; errc::invalid_option
/// for servers that do not parse.
///
/// Cost: each lookup reads resolv.conf, nsswitch.conf, the hosts file, and for a service with a name the services, in the
/// calling thread; a socket for each server that it asks. c-ares writes to a TCP connection without MSG_NOSIGNAL.
struct cares_resolver {
  /// Whom to ask, "192.0.2.53,[2001:db8::53]:5353"; empty: whom the system asks.
  std::string servers{};

  /// Begins a lookup; see name_resolver.
  result<detail::cares_lookup> start(host const& who) const { return detail::cares_lookup::start(who, servers); }
};

}  // namespace v1
}  // namespace tconn
