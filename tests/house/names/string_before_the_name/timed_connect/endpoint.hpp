// SPDX-License-Identifier: MIT
#pragma once
inline void f() { g("// no comment \"", '"', max(1, 2)); } // "min"
