// SPDX-License-Identifier: MIT
#pragma once
#ifdef SOMETHING
#endif
