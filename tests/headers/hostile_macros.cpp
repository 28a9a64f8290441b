// SPDX-License-Identifier: MIT
// A program with hostile macros, in GNU mode, where `unix` and `linux` are macros too.
#include "standard.inc"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "macros.inc"
#include "use.inc"

#if !defined(unix) || !defined(linux)
#error "this must be compiled in GNU mode"
#endif
