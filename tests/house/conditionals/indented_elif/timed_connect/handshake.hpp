// SPDX-License-Identifier: MIT
#pragma once
  #  elif SOMETHING
