// SPDX-License-Identifier: MIT
#pragma once
#include <timed_connect/detail/platform.hpp>
#include <chrono>
