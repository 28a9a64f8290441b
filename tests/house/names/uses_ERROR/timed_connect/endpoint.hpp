// SPDX-License-Identifier: MIT
#pragma once
enum class level { ERROR };
