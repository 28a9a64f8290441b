// SPDX-License-Identifier: MIT
#pragma once
using interface = int;
