// SPDX-License-Identifier: MIT
#pragma once
#if defined(__cpp_exceptions)
#endif
