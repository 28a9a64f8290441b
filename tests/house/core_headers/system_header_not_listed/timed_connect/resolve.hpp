// SPDX-License-Identifier: MIT
#pragma once

#include <timed_connect/connect.hpp>

#include <regex>
