// SPDX-License-Identifier: MIT
// Everything that needs no third-party library and no thread. For the lean core alone include
// <timed_connect/connect.hpp>.
#pragma once

#include <timed_connect/batch.hpp>
#include <timed_connect/connect.hpp>
#include <timed_connect/detail/config.hpp>
#include <timed_connect/guards.hpp>
#include <timed_connect/race.hpp>
#include <timed_connect/retry.hpp>
