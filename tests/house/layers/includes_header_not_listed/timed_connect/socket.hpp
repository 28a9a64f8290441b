// SPDX-License-Identifier: MIT
#pragma once
#include <timed_connect/stranger.hpp>
