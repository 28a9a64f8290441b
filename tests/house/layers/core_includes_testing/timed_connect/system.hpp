// SPDX-License-Identifier: MIT
#pragma once
#include <timed_connect/testing/world.hpp>
