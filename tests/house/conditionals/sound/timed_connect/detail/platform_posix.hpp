// SPDX-License-Identifier: MIT
#pragma once
#include <linux/tcp.h>
#ifndef SOCK_CLOEXEC
#endif
