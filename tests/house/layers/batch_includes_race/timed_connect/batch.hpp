// SPDX-License-Identifier: MIT
#pragma once
#include <timed_connect/detail/drive.hpp>
#  include   <timed_connect/race.hpp>
