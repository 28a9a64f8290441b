// SPDX-License-Identifier: MIT
// Two translation units with everything in both link to one program.
#include "../use.inc"

std::string use_everything_elsewhere();

int main() { return use_everything() != use_everything_elsewhere() || !use_everything().empty() ? 0 : 1; }
