// SPDX-License-Identifier: MIT
#pragma once

#include <timed_connect/deadline.hpp>

#  include <poll.h>  // on Linux
