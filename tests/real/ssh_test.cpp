// SPDX-License-Identifier: MIT
// An SSH server, which speaks first: what was given up after its banner has arrived, as its own log tells the end.
#include <timed_connect/timed_connect.hpp>

#include "support/printing.hpp"
#include "support/server_process.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace {

using namespace support;
using tconn::aftermath;
using tconn::handshake;
using tconn::on_timeout;
using tconn::timed_connect;

constexpr char end_of_file[] = "Exited normally";
constexpr char reset_by_peer[] = "Error reading: Connection reset by peer";

/// Whether the server's banner and the packet behind it, which begins with its length, have come and are unread.
bool has_spoken(tconn::native_handle client) {
  unsigned char bytes[4096];
  auto const count = ::recv(client, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
  std::string const text(bytes, bytes + std::max<ssize_t>(count, 0));
  auto const packet = text.find("\r\n") + 2;
  if (text.find("\r\n") == text.npos || text.size() < packet + 4) return false;
  std::size_t length = 0;
  for (auto at = packet; at < packet + 4; ++at) length = length * 256 + bytes[at];
  return text.size() == packet + 4 + length;
}

/// Hears the server out without reading, and answers with a banner: only from then on does the server log how reading
/// has ended. Gives the client's own port.
std::uint16_t exchange_banners(tconn::native_handle client) {
  EXPECT_TRUE(eventually([&] { return has_spoken(client); })) << "the server does not speak first";
  EXPECT_EQ(::send(client, "SSH-2.0-test\r\n", 14, MSG_NOSIGNAL), 14);
  return local_name(client).port();
}

/// The native system, whose last look comes after the banners.
class looks_after_the_banner : public tconn::native_system {
 public:
  explicit looks_after_the_banner(std::uint16_t* port) : port_(port) {}
  int wait(tconn::poll_entry* entries, std::size_t count, tconn::time_point until) const {
    if (until == tconn::detail::long_past) *port_ = exchange_banners(entries->fd);
    return native_system::wait(entries, count, until);
  }

 private:
  std::uint16_t* port_;
};

class Ssh : public testing::Test {
 protected:
  void SetUp() override {
    auto const program = find_program("dropbear");
    auto const key_program = find_program("dropbearkey");
    if (program.empty() || key_program.empty()) GTEST_SKIP() << "SKIPPED: dropbear is not installed (dropbear-bin).";
    auto const key = folder.file("key");
    server_process maker(key_program, {"dropbearkey", "-t", "ed25519", "-f", key}, folder.file("key_log"));
    ASSERT_TRUE(eventually([&] { return !maker.is_running(); }, 10s));
    server.emplace(program,
                   std::vector<std::string>{"dropbear", "-F", "-E", "-s", "-p", where.to_string(), "-r", key, "-P",
                                            folder.file("pid")},
                   folder.file("log"));
    ASSERT_TRUE(server->comes_up(where)) << maker.log() << server->log();
  }

  /// How the server says that the connection from a port has ended.
  std::string logged_end(std::uint16_t client) const {
    auto const mark = "Exit before auth from <127.0.0.1:" + std::to_string(client) + ">: ";
    std::string found;
    eventually([&] {
      auto const log = server->log();
      auto const begin = log.find(mark);
      auto const end = log.find('\n', begin);
      if (begin == log.npos || end == log.npos) return false;
      found = log.substr(begin + mark.size(), end - begin - mark.size());
      return true;
    });
    return found;
  }

  /// Whether the kernel still knows the client's end of a connection. One that ended in order it remembers for a minute
  /// (TIME_WAIT), and one that a RST ended not at all.
  bool is_remembered(std::uint16_t client) const {
    char local[16];
    char remote[16];
    std::snprintf(local, sizeof local, ":%04X ", client);
    std::snprintf(remote, sizeof remote, ":%04X ", where.port());
    std::ifstream table("/proc/net/tcp");
    for (std::string line; std::getline(table, line);) {  // ... 0100007F:84AA 0100007F:0016 ...
      auto const at = line.find(local);
      if (at != line.npos && line.compare(at + 14, 6, remote) == 0) return true;
    }
    return false;
  }

  temporary_folder folder{};
  reserved_port port{};
  tconn::endpoint const where = port.where();
  std::optional<server_process> server{};
};

TEST_F(Ssh, speaks_first_and_its_banner_is_read) {
  auto const client = timed_connect(where, 5s);
  ASSERT_TRUE(client) << told(client);
  auto const banner = ask(*client, "", "\r\n");
  EXPECT_TRUE(banner.starts_with("SSH-2.0-")) << banner;
}

// An unread banner would turn the close() of a client that does not care into a reset; the last test shows it.
TEST_F(Ssh, reads_end_of_file_where_a_late_connection_was_refused_after_the_banner) {
  std::uint16_t client = 0;
  auto const late = timed_connect(where, 0s, {.accept_late = false}, looks_after_the_banner(&client));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, tconn::errc::deadline_exceeded) << told(late);
  EXPECT_EQ(late.error().handshake, handshake::completed) << told(late);
  EXPECT_EQ(late.error().aftermath, aftermath::peer_sees_close) << told(late);
  EXPECT_EQ(logged_end(client), end_of_file);
  EXPECT_TRUE(is_remembered(client)) << "a RST came behind the FIN";
}

TEST_F(Ssh, reads_end_of_file_where_an_attempt_was_abandoned_after_the_banner) {
  auto attempt = tconn::start_connect(where);
  ASSERT_TRUE(attempt) << told(attempt);
  auto const client = exchange_banners(attempt->native_handle());
  EXPECT_EQ(attempt->abandon(on_timeout::close), aftermath::peer_sees_close);
  EXPECT_EQ(logged_end(client), end_of_file);
  EXPECT_TRUE(is_remembered(client)) << "a RST came behind the FIN";
}

TEST_F(Ssh, reads_a_reset_where_a_late_connection_was_refused_by_that_policy) {
  std::uint16_t client = 0;
  auto const late = timed_connect(where, 0s, {.on_timeout = on_timeout::reset, .accept_late = false},
                                  looks_after_the_banner(&client));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().handshake, handshake::completed) << told(late);
  EXPECT_EQ(late.error().aftermath, aftermath::peer_sees_reset) << told(late);
  EXPECT_EQ(logged_end(client), reset_by_peer);
  EXPECT_FALSE(is_remembered(client));
}

TEST_F(Ssh, reads_a_reset_where_a_client_closed_without_a_care) {
  auto careless = timed_connect(where, 5s);
  ASSERT_TRUE(careless) << told(careless);
  auto const client = exchange_banners(careless->native_handle());
  careless->close();
  EXPECT_EQ(logged_end(client), reset_by_peer);
  EXPECT_FALSE(is_remembered(client));
}

}  // namespace
