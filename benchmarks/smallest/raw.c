/* SPDX-License-Identifier: MIT */
/* The smallest client by hand: connects to an IPv4 address and a port within a second. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int count, char** arguments) {
  struct sockaddr_in to = {.sin_family = AF_INET};
  if (count != 3 || inet_pton(AF_INET, arguments[1], &to.sin_addr) != 1) return 2;
  to.sin_port = htons((unsigned short)atoi(arguments[2]));
  int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (connect(handle, (struct sockaddr*)&to, sizeof to) != 0 && errno != EINPROGRESS) return 1;
  struct pollfd entry = {handle, POLLOUT, 0};
  struct timespec limit = {1, 0};
  if (ppoll(&entry, 1, &limit, NULL) != 1) return 124;
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(handle, SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0) return 1;
  close(handle);
  return 0;
}
