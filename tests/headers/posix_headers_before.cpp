// SPDX-License-Identifier: MIT
// A program that has the C library's twins first.
#include <net/if.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "use.inc"
