// SPDX-License-Identifier: MIT
// A program that has the kernel's headers first, which quarrel with their twins of the C library.
#include <linux/if.h>
#include <linux/tcp.h>
#include <linux/un.h>

#include "use.inc"
