// SPDX-License-Identifier: MIT
// A program that has the C library's twins last.
#include "use.inc"

#include <net/if.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
