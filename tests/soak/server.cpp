// SPDX-License-Identifier: MIT
#include "server.hpp"

#include "support/loopback.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

namespace soak {
namespace {

using namespace std::chrono_literals;

// Never reached: a queue that is full by accident would drop the last ACK of a handshake.
constexpr int roomy = 4096;

void end_by_reset(tconn::socket& connection) {
  linger const at_once{1, 0};
  ::setsockopt(connection.native_handle(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  connection.close();
}

}  // namespace

server::server(manner how, tconn::endpoint const& at, network const& net, ledger& book, std::uint64_t seed)
    : how_(how), net_(net), book_(book), chosen_(seed), where_(at) {
  if (!open()) throw std::system_error(errno, std::generic_category(), "no server at " + where_.to_string());
  where_ = support::local_name(listener_.native_handle());
  if (how_ != manner::refusing) thread_ = std::thread([this] { run(); });
}

server::~server() {
  ending_ = true;
  if (thread_.joinable()) thread_.join();
}

// Fails while a child that another thread has just forked still holds a Unix listener of before.
bool server::open() {
  tconn::socket made(::socket(where_.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  int const on = 1;
  if (where_.family() != AF_UNIX) ::setsockopt(made.native_handle(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(made.native_handle(), where_.data(), where_.size()) != 0) return false;
  if (how_ != manner::refusing && ::listen(made.native_handle(), roomy) != 0) return false;
  listener_ = std::move(made);
  return true;
}

void server::run() {
  std::vector<pollfd> entries;
  auto next_turn = clock::now();
  while (!ending_) {
    if (clock::now() >= next_turn) next_turn = clock::now() + turn();
    open_connections_ = connections_.size();
    entries.clear();
    entries.push_back({is_accepting_ && listener_ ? listener_.native_handle() : -1, POLLIN, 0});
    for (auto const& one : connections_) entries.push_back({one.socket.native_handle(), POLLIN, 0});
    auto const rest = std::chrono::ceil<std::chrono::milliseconds>(next_turn - clock::now()).count();
    if (::poll(entries.data(), entries.size(), std::max(0, static_cast<int>(rest))) <= 0) continue;
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      if (entries[i + 1].revents != 0) read(connections_[i]);
    }
    std::erase_if(connections_, [](connection const& one) { return !one.socket; });
    if (entries[0].revents != 0) accept_all();
  }
}

// What it does next, and for how long.
std::chrono::microseconds server::turn() {
  constexpr auto settled = 10ms;
  bool const was_accepting = std::exchange(is_accepting_, true);
  if (how_ == manner::live || (is_calm_ && was_accepting && listener_)) return settled;
  if (how_ == manner::vanishing) {
    if (listener_)
      vanish();
    else
      open();
    return listener_ ? chosen_.between(1000us, 50'000us) : chosen_.between(0us, 10'000us);
  }
  is_accepting_ = !was_accepting;
  if (how_ == manner::full) ::listen(listener_.native_handle(), is_accepting_ ? roomy : fill());
  return is_accepting_ ? chosen_.between(0us, 3000us) : chosen_.between(500us, 20'000us);
}

void server::vanish() {
  for (auto& one : connections_) {
    book_.see(one.who, seen::dropped);
    if (chosen_.one_in(2)) end_by_reset(one.socket);
  }
  connections_.clear();
  ::shutdown(listener_.native_handle(), SHUT_RDWR);  // whoever else holds the descriptor
  listener_.close();
}

// A queue that holds more than it may takes nothing more. Puts one into it, and gives how many it may hold. A child that
// has just been forked may still hold the filler of before and its name; then whoever comes first fills the queue.
int server::fill() {
  filler_ = tconn::socket(::socket(where_.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  bool const is_bound = !net_.bind(filler_.native_handle(), where_.family(), ledger::filler);
  if (is_bound) static_cast<void>(::connect(filler_.native_handle(), where_.data(), where_.size()));
  return 0;
}

// The peer's address comes with accept(): of a connection that was reset in the queue, getpeername() tells none.
void server::accept_all() {
  for (;;) {
    sockaddr_storage bytes{};
    socklen_t length = sizeof bytes;
    tconn::socket accepted(::accept4(listener_.native_handle(), reinterpret_cast<sockaddr*>(&bytes), &length,
                                     SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!accepted) return;
    auto const who = net_.identity_of({reinterpret_cast<sockaddr*>(&bytes), length});
    if (!who) book_.see_stranger();
    if (!who || *who == ledger::filler) continue;
    book_.see(*who, seen::accepted);
    connections_.push_back({std::move(accepted), *who});
  }
}

void server::read(connection& from) {
  for (;;) {
    char byte = 0;
    auto const count = ::recv(from.socket.native_handle(), &byte, 1, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
      if (count == 0 || errno == ECONNRESET) book_.see(from.who, count == 0 ? seen::end_of_file : seen::reset);
      from.socket.close();
      return;
    }
    book_.see(from.who, seen::data);
    if (byte == echo_wanted) ::send(from.socket.native_handle(), &byte, 1, MSG_NOSIGNAL);
  }
}

}  // namespace soak
