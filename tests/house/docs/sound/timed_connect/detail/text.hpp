// SPDX-License-Identifier: MIT
#pragma once

#pragma once
int not_public;
