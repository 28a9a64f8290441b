// SPDX-License-Identifier: MIT
#pragma once
#include <timed_connect/testing/simulated.hpp>
#include <timed_connect/guards.hpp>
