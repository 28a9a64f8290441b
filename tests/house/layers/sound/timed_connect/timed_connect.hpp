// SPDX-License-Identifier: MIT
#pragma once
#include <timed_connect/batch.hpp>
#include <timed_connect/race.hpp>
// #include "anything.hpp" in a comment is no include.
