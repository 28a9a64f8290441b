// SPDX-License-Identifier: MIT
#pragma once
#if __cpp_lib_expected >= 202202L
#endif
// A comment may tell what __APPLE__ does, and "#if" may stand in it.
inline constexpr char const* text = "__linux__";
