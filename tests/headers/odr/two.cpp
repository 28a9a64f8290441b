// SPDX-License-Identifier: MIT
#include "../use.inc"

std::string use_everything_elsewhere();
std::string use_everything_elsewhere() { return use_everything(); }
