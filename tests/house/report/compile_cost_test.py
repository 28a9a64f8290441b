# SPDX-License-Identifier: MIT
"""What compile_cost.py takes of its rounds, and of which headers."""

import os
import shutil
import sys
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../..")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "benchmarks"))

import compile_cost


class CompileCost(unittest.TestCase):
    def test_is_the_least_of_the_rounds(self):
        taken = {"<chrono>": [0.9, 0.8, 0.5, 0.9], "connect.hpp": [0.6, 0.9, 0.7, 0.7]}
        least = compile_cost.least_of_rounds(lambda name: taken[name].pop(0), ["<chrono>", "connect.hpp"], 4)
        self.assertEqual(least, {"<chrono>": 0.5, "connect.hpp": 0.6})

    def test_gives_each_its_turn_in_each_round(self):
        turns = []
        compile_cost.least_of_rounds(lambda name: turns.append(name) or 1.0, ["a", "b"], 2)
        self.assertEqual(turns, ["a", "b", "a", "b"])

    @unittest.skipUnless(shutil.which("g++"), "there is no g++")
    def test_has_the_headers_of_the_core_and_no_others(self):
        with open(os.path.join(ROOT, "cmake/core_headers.txt")) as file:
            listed = {f"<{line.strip()}>" for line in file if not line.startswith("#")}
        measured = {name for name, _, _ in compile_cost.headers_of("g++")}
        self.assertIn("<chrono>", measured)
        self.assertLessEqual(measured, listed)


if __name__ == "__main__":
    unittest.main()
