// SPDX-License-Identifier: MIT
#pragma once
enum class family { inet, unix };
