// SPDX-License-Identifier: MIT
#pragma once

#include <timed_connect/deadline.hpp>
#include <timed_connect/detail/wait.hpp>

#include <regex>

