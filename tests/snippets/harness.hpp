// SPDX-License-Identifier: MIT
// What the code of the documents is run with: the endpoints that it connects to, and the look at what its comments say.
// cmake/snippets.cmake makes `// EXPRESSION -> TEXT` in a block a call of says().
#pragma once

#include <timed_connect/resolve.hpp>
#include <timed_connect/testing/faulty.hpp>
#include <timed_connect/testing/loopback.hpp>
#include <timed_connect/testing/simulated.hpp>
#include <timed_connect/timed_connect.hpp>

#include "support/loopback.hpp"

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

namespace docs {

using namespace std::chrono_literals;

/// Somebody listens, and accepts nothing.
inline tconn::endpoint to() {
  static support::listener const server;
  return server.where();
}
/// A web server, for one request.
inline tconn::endpoint web_server() {
  struct server_of_one {
    server_of_one() = default;
    server_of_one(server_of_one const&) = delete;
    server_of_one& operator=(server_of_one const&) = delete;
    ~server_of_one() { answering.join(); }
    void answer() const {
      auto const client = server.accept();
      tconn::testing::what_is_read(client);
      tconn::testing::send_text(client, "HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n");
    }
    tconn::testing::listening_server server{};
    std::thread answering{&server_of_one::answer, this};
  };
  static server_of_one const one;
  return one.server.where();
}
/// A server that is too busy to answer, and makes room by open().
inline support::full_listener& busy() {
  static support::full_listener server;
  return server;
}
/// Nobody ever answers.
inline tconn::endpoint silent() {
  static support::full_listener const server;
  return server.where();
}
/// Nobody listens.
inline tconn::endpoint refused() {
  static support::closed_port const port;
  return port.where();
}
/// A path in a folder that goes with the program.
inline std::string socket_path() {
  static support::temporary_path const path("db.sock");
  return path.text();
}
/// A blocking stream socket of the program's own.
inline tconn::native_handle my_fd() {
  static tconn::socket const mine(support::open_socket(AF_INET));
  return mine.native_handle();
}

inline bool has_failed = false;
/// The lines of the block that is run whose arrows have been looked at; a loop does so more than once.
inline std::set<int> reached;

// ---- how values are written in the documents ----

inline std::string text(bool value) { return value ? "true" : "false"; }
inline std::string text(std::string_view value) { return std::string(value); }
template <std::integral Number>
std::string text(Number value) {
  return std::to_string(value);
}
inline std::string text(tconn::handshake value) { return text(to_string(value)); }
inline std::string text(tconn::aftermath value) { return text(to_string(value)); }
inline std::string text(tconn::endpoint const& value) { return value.to_string(); }

/// "deadline_exceeded", as in tconn::errc, and the system's own words for its errors.
inline std::string text(std::error_code const& code) {
  std::string words = code.message();
  if (code == tconn::errc::refused_by_hook) words = "refused by hook";
  if (code == tconn::errc::invalid_option) words = "invalid option";
  if (code == tconn::errc::invalid_endpoint) words = "invalid endpoint";
  if (code.category() != tconn::error_category()) return words;
  for (char& one : words) one = one == ' ' ? '_' : one;
  return words;
}

template <class Rep, class Period>
std::string text(std::chrono::duration<Rep, Period> value) {
  auto const ns = std::chrono::duration_cast<std::chrono::nanoseconds>(value).count();
  if (ns % 1'000'000'000 == 0) return std::to_string(ns / 1'000'000'000) + "s";
  if (ns % 1'000'000 == 0) return std::to_string(ns / 1'000'000) + "ms";
  return std::to_string(ns) + "ns";
}

template <class Owner>
std::string text(tconn::basic_connect_failure<Owner> const& failure) {
  return text(failure.code) + ", " + text(failure.handshake) + ", " + text(failure.aftermath);
}
template <class T, class E>
std::string text(tconn::result<T, E> const& outcome) {
  return outcome ? "connected" : text(outcome.error());
}
template <class T>
std::string text(std::optional<T> const& value) {
  return value ? text(*value) : "nothing";
}

/// Whether a value is what the document says: its text, or the words before one of its commas. What stands behind it in
/// parentheses is for the reader.
template <class T>
void says(T const& value, std::string_view said, char const* file, int line) {
  reached.insert(line);
  auto const remark = said.find(" (");
  if (remark != said.npos) said = said.substr(0, remark);
  std::string const is = text(value);
  bool const fits = is == said || (is.starts_with(said) && is[said.size()] == ',');
  if (!fits)
    std::printf("%s:%d: said \"%.*s\", but it is \"%s\"\n", file, line, static_cast<int>(said.size()), said.data(),
                is.c_str());
  has_failed = has_failed || !fits;
}

/// Runs the blocks of one document, or the one whose number is given. What is thrown is a failure, and so is an arrow that
/// is not reached.
template <class Blocks>
int run(Blocks const& blocks, int count, char** arguments) {
  int const wanted = count > 1 ? std::atoi(arguments[1]) : 0;  // NOLINT(cert-err34-c): a number of ours
  bool has_run = false;
  for (auto const& [number, arrows, block] : blocks) {
    if (wanted != 0 && wanted != number) continue;
    has_run = true;
    reached.clear();
    try {
      block();
    } catch (std::exception const& why) {
      std::printf("block %d: %s\n", number, why.what());
      has_failed = true;
    }
    if (reached.size() == arrows) continue;
    std::printf("block %d: of %zu arrows %zu were reached\n", number, arrows, reached.size());
    has_failed = true;
  }
  return has_failed || !has_run ? 1 : 0;
}

}  // namespace docs
