// SPDX-License-Identifier: MIT
// A program that has the kernel's headers last.
#include "use.inc"

#include <linux/if.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/tcp.h>
#include <linux/un.h>
