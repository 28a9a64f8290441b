// SPDX-License-Identifier: MIT
#pragma once
#ifdef _WIN32
#elif defined(__linux__)
#endif
