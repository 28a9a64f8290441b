// SPDX-License-Identifier: MIT
#pragma once
void look(int near, char const* = "x");
