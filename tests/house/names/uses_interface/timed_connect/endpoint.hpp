// SPDX-License-Identifier: MIT
#pragma once
struct options { char const* interface; };
