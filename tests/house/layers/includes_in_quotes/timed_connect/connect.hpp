// SPDX-License-Identifier: MIT
#pragma once
#include "deadline.hpp"
