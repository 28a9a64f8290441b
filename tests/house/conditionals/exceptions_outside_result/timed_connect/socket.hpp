// SPDX-License-Identifier: MIT
#pragma once
#ifdef __cpp_exceptions
#endif
