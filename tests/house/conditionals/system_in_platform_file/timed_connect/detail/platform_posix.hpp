// SPDX-License-Identifier: MIT
#pragma once
#if defined(__APPLE__)
#endif
