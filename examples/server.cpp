// SPDX-License-Identifier: MIT
// The article's server: takes one connection, shows what recv() gives, closes it at the next key, and then goes on
// reading the descriptor that it has closed. Usage: server PORT (0: any). The article's loop has no end; this one ends
// with its input.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

int main(int count, char** arguments) {
  if (count != 2) return std::fprintf(stderr, "usage: server PORT\n"), 2;
  int const listening = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);  // the article listens to all the world
  address.sin_port =
      htons(static_cast<std::uint16_t>(std::atoi(arguments[1])));  // NOLINT(cert-err34-c): as in the article
  if (::bind(listening, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return std::perror("bind"), 1;
  ::listen(listening, 5);
  socklen_t length = sizeof address;
  ::getsockname(listening, reinterpret_cast<sockaddr*>(&address), &length);
  std::printf("listening on %d\n", ntohs(address.sin_port));
  std::fflush(stdout);

  int const connection = ::accept(listening, nullptr, nullptr);
  do {
    char received[50'001] = {};
    auto const answer = ::recv(connection, received, sizeof received - 1, 0);
    std::printf("recv answers %d\n", static_cast<int>(answer));
    std::fflush(stdout);
    ::close(connection);  // again and again, as in the article
  } while (std::getchar() != EOF);
  ::close(listening);
}
