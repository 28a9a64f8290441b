// SPDX-License-Identifier: MIT
// What most tests include. It is compiled once and handed to the compiler before each of them; no test relies on it, as
// the presets gcc and clang do without.
#pragma once

#include <gtest/gtest.h>
#include <timed_connect/testing/faulty.hpp>
#include <timed_connect/testing/intercepted.hpp>
#include <timed_connect/testing/simulated.hpp>
#include <timed_connect/timed_connect.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>
