// SPDX-License-Identifier: MIT
#pragma once
#ifdef _WIN32
#endif
