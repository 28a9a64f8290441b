// SPDX-License-Identifier: MIT
// Text as an endpoint and as a host, and bytes as a socket address. What is read is held against a second reading,
// written from the grammar, and against getaddrinfo(); what is printed must be read as the same endpoint.
#include "fuzz/target.hpp"

#include <timed_connect/endpoint.hpp>
#include <timed_connect/resolver.hpp>

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <sys/un.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace {

using fuzz::require;
using tconn::endpoint;
using namespace std::string_view_literals;

/// An address in plain words.
struct reading {
  int family = AF_UNSPEC;
  std::string address{};  ///< Its bytes, or the Unix name.
  std::uint32_t scope = 0;
  std::uint16_t port = 0;

  bool operator==(reading const&) const = default;
};

reading reading_of(sockaddr const* name, std::size_t length) {
  reading read;
  read.family = name->sa_family;
  if (read.family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, name, sizeof v4);
    read.address.assign(reinterpret_cast<char const*>(&v4.sin_addr), sizeof v4.sin_addr);
    read.port = ntohs(v4.sin_port);
  } else if (read.family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, name, sizeof v6);
    read.address.assign(reinterpret_cast<char const*>(&v6.sin6_addr), sizeof v6.sin6_addr);
    read.port = ntohs(v6.sin6_port);
    read.scope = v6.sin6_scope_id;
  } else if (read.family == AF_UNIX) {
    auto const offset = offsetof(sockaddr_un, sun_path);
    read.address.assign(reinterpret_cast<char const*>(name) + offset, length - offset);
    // A path ends at its NUL, whether it is counted or not; an abstract name may have some of its own.
    if (read.address.front() != '\0') read.address.resize(std::min(read.address.size(), read.address.find('\0')));
  }
  return read;
}

/// A number without a sign, a blank or a leading zero.
template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  bool const is_usual = text == "0" || (!text.empty() && text.front() >= '1' && text.front() <= '9');
  if (!is_usual || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Four numbers with dots between them.
std::optional<std::string> four_numbers(std::string_view text) {
  std::string address;
  for (int place = 0; place < 4; ++place) {
    auto const dot = place == 3 ? text.size() : text.find('.');
    auto const octet = dot == text.npos ? std::nullopt : number<std::uint8_t>(text.substr(0, dot));
    if (!octet) return std::nullopt;
    address += static_cast<char>(*octet);
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return address;
}

std::optional<std::string> v6_address(std::string const& text) {
  std::array<char, sizeof(in6_addr)> address{};
  if (text.find('\0') != text.npos || ::inet_pton(AF_INET6, text.c_str(), address.data()) != 1) return std::nullopt;
  return std::string(address.data(), address.size());
}

/// An interface by its name, or else by its number; 0: there is none. Linux finds one by its name and a colon too.
std::uint32_t zone(std::string const& text) {
  if (text.find('\0') != text.npos || text.find(':') != text.npos) return 0;
  if (auto const index = ::if_nametoindex(text.c_str())) return index;
  std::array<char, IF_NAMESIZE> name{};
  auto const index = number<std::uint32_t>(text);
  return index && ::if_indextoname(*index, name.data()) != nullptr ? *index : 0;
}

/// What endpoint::parse() promises to read.
std::optional<reading> read_endpoint(std::string_view text) {
  if (text.starts_with("unix:")) {
    std::string name(text.substr(5));
    bool const is_abstract = name.starts_with('@');
    bool const fits = name.size() < sizeof(sockaddr_un::sun_path);
    if (name.empty() || name == "@" || !fits || name.find('\0') != name.npos) return std::nullopt;
    if (is_abstract) name.front() = '\0';
    return reading{AF_UNIX, name, 0, 0};
  }
  auto const colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  auto const port = number<std::uint16_t>(text.substr(colon + 1));
  if (!port) return std::nullopt;
  std::string const host(text.substr(0, colon));
  if (auto const address = four_numbers(host)) return reading{AF_INET, *address, 0, *port};
  if (host.size() < 2 || host.front() != '[' || host.back() != ']') return std::nullopt;
  auto const inner = host.substr(1, host.size() - 2);
  auto const percent = inner.find('%');
  auto const address = v6_address(inner.substr(0, percent));
  std::uint32_t const scope = percent == inner.npos ? 0 : zone(inner.substr(percent + 1));
  if (!address || (percent != inner.npos && scope == 0)) return std::nullopt;
  return reading{AF_INET6, *address, scope, *port};
}

/// What getaddrinfo() takes a numeric host and port for.
std::optional<reading> ask_getaddrinfo(std::string const& name, std::string const& service) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (::getaddrinfo(name.c_str(), service.c_str(), &hints, &found) != 0) return std::nullopt;
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> const owned(found, &::freeaddrinfo);
  return reading_of(found->ai_addr, found->ai_addrlen);
}

/// What holds of every endpoint that there is.
void examine(endpoint const& one, std::string_view of) {
  require(one.valid() == (one.size() != 0), "valid, or without a size", of);
  endpoint const copy = one;
  require(copy == one && one.reaches(copy), "an endpoint is its copy, and reaches it", of);
  endpoint const again(one.data(), one.size());
  require(again == one && again.size() == one.size(), "data() and size() make the same endpoint", of);
  auto const text = one.to_string();
  require(!text.empty(), "every endpoint has a text", of);
  if (!one.valid()) return require(one.family() == AF_UNSPEC, "what is not valid has no family", of);
  auto const read = reading_of(one.data(), one.size());
  require(read.family == one.family() && read.port == one.port(), "family() and port() are those of data()", of);
  auto const parsed = endpoint::parse(text);
  if (one.family() == AF_UNIX) {
    bool const is_printed = read.address != std::string_view("\0", 1) &&
                            read.address.find('\0', 1) == std::string::npos &&
                            text.size() <= std::string_view("unix:").size() + sizeof(sockaddr_un::sun_path) - 1;
    require(parsed.has_value() == is_printed, "a Unix name is read as it is printed", of);
    if (parsed && read.address.front() != '@') require(*parsed == one, "a Unix name is printed as what it is", of);
  } else if (one.family() == AF_INET || one.family() == AF_INET6) {
    // A scope of another machine, say, has no interface here.
    std::array<char, IF_NAMESIZE> name{};
    bool const is_printed = read.scope == 0 || ::if_indextoname(read.scope, name.data()) != nullptr;
    require(parsed.has_value() == is_printed, "an address is read as it is printed", of);
    if (parsed) require(*parsed == one, "an address is printed as what it is", of);
  } else {
    require(text == "family " + std::to_string(one.family()), "another family is a number", of);
  }
}

std::optional<endpoint> examine_text(std::string_view text) {
  auto const parsed = endpoint::parse(text);
  auto const expected = read_endpoint(text);
  require(parsed.has_value() == expected.has_value(), parsed ? "it is no endpoint" : "it is an endpoint", text);
  if (!parsed) {
    require(parsed.error() == tconn::errc::invalid_endpoint, "what is no endpoint is an invalid one", text);
    return std::nullopt;
  }
  require(reading_of(parsed->data(), parsed->size()) == *expected, "it is read as the grammar says", text);
  examine(*parsed, text);
  return *parsed;
}

/// getaddrinfo() knows more forms, but none in another way. It takes a zone's name with a link's own addresses alone.
void examine_host(std::string_view text) {
  auto const read = tconn::host::parse(text);
  auto const parsed = endpoint::parse(text);
  bool const is_address = parsed && parsed->family() != AF_UNIX;
  if (!read) {
    bool const has_blank = std::any_of(text.begin(), text.end(), [](char one) { return one == ' ' || one == '\x7f'; });
    require(!is_address || has_blank, "an address is a host", text);
    require(read.error() == tconn::errc::invalid_host, "what is no host is an invalid one", text);
    return;
  }
  bool const is_part = std::search(text.begin(), text.end(), read->name.begin(), read->name.end()) != text.end();
  require(is_part && text.ends_with(read->service), "a host's name and service are in its text", text);
  require(read->name.find('\0') == text.npos && read->service.find('\0') == text.npos, "no NUL gets to C", text);
  auto const asked = ask_getaddrinfo(std::string(read->name), std::string(read->service));
  auto const numeric = tconn::detail::numeric_endpoints(*read);
  require((numeric && *numeric) == asked.has_value(), "numeric is what getaddrinfo() takes for it", text);
  if (asked) {
    require((*numeric)->size() == 1, "numeric text has one address", text);
    auto const& one = (*numeric)->front();
    require(reading_of(one.data(), one.size()) == *asked, "a numeric host is what getaddrinfo() reads", text);
  }
  if (!is_address) return;
  auto const mine = reading_of(parsed->data(), parsed->size());
  require(asked ? mine == *asked : mine.scope != 0, "an endpoint is what getaddrinfo() reads", text);
}

void examine_pair(endpoint const& left, endpoint const& right, std::string_view of) {
  bool const is_same = reading_of(left.data(), left.size()) == reading_of(right.data(), right.size());
  require((left == right) == is_same && (right == left) == is_same, "equal are those with equal readings", of);
  require((left.to_string() == right.to_string()) == is_same, "equal are those with equal texts", of);
  require(!is_same || left.reaches(right), "an endpoint reaches its equal", of);
  bool const may_reach = left.family() == right.family() && left.port() == right.port();
  require(may_reach || !left.reaches(right), "an endpoint reaches none of another family or port", of);
}

void examine_bytes(std::string_view bytes) {
  // A copy of just that size, so that a checker sees who reads beyond it.
  std::vector<char> const copy(bytes.begin(), bytes.end());
  alignas(sockaddr_storage) std::array<char, sizeof(sockaddr_storage) + 8> aligned{};
  if (copy.size() > aligned.size()) return;
  std::copy(copy.begin(), copy.end(), aligned.begin());
  endpoint const made(reinterpret_cast<sockaddr const*>(aligned.data()), static_cast<socklen_t>(copy.size()));
  examine(made, "a socket address of bytes");
  if (made.family() != AF_UNIX) return;
  sockaddr_un whole{};
  if (copy.size() > sizeof whole || aligned[offsetof(sockaddr_un, sun_path)] == '\0') return;
  std::memcpy(&whole, aligned.data(), copy.size());
  endpoint const padded(reinterpret_cast<sockaddr const*>(&whole), sizeof whole);
  require(padded == made, "a path is the same whether or not its end is counted", made.to_string());
}

}  // namespace

std::string fuzz::what_is_missing() { return {}; }

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  examine_text(text);
  examine_host(text);
  examine_bytes(text);
  auto const line = text.find('\n');
  if (line == text.npos) return 0;
  auto const left = examine_text(text.substr(0, line));
  auto const right = examine_text(text.substr(line + 1));
  if (left && right) examine_pair(*left, *right, text);
  return 0;
}
