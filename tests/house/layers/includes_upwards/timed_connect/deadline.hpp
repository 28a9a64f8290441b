// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <timed_connect/error.hpp>
