# SPDX-License-Identifier: MIT
"""What report.py makes of a run in which something is missing, has failed, or came out otherwise.

Each test alters the figures beside this script, of which `setUp` makes a run with nothing missing.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
REPORT = os.path.join(HERE, "../../../benchmarks/report.py")
LIMITS = ("100us", "1ms", "10ms", "100ms")
EARLY = {"error_occurred": True, "error_message": "the deadline came early"}


class Report(unittest.TestCase):
    def setUp(self):
        with open(os.path.join(HERE, "connect.json")) as file:
            self.connect = json.load(file)
        with open(os.path.join(HERE, "compile.json")) as file:
            self.compile = json.load(file)
        for limit in LIMITS:
            for client, late in (("bare_ppoll", 45.0), ("poll_loop", 50.0), ("spin_loop", 2.0), ("spin_same_calls", 3.0),
                                 ("polling", 52.0), ("selecting", 52.0), ("spinning", 4.0)):
                self.put(f"lateness/{limit}/{client}", {"us late": late, "us late least": 1.0, "us late p99": 90.0})

    def put(self, name, counters):
        self.leave_out(name)
        self.connect["benchmarks"].append({"name": name + "/iterations:3/manual_time", **counters})

    def alter(self, name, counters):
        next(row for row in self.connect["benchmarks"] if row["name"].startswith(name + "/iterations:")).update(counters)

    def leave_out(self, name):
        self.connect["benchmarks"] = [row for row in self.connect["benchmarks"]
                                      if not re.match(re.escape(name) + "/", row["name"])]

    def page(self):
        """The parts of the page by their names."""
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "pictures"))
            for name, content in (("connect.json", self.connect), ("compile.json", self.compile)):
                with open(os.path.join(folder, name), "w") as file:
                    json.dump(content, file)
            with open(os.path.join(HERE, "expected.md")) as file:
                places = [line for line in file if re.match(r"<!-- (begin|end): ", line)]
            with open(os.path.join(folder, "performance.md"), "w") as file:
                file.writelines(places)
            made = subprocess.run([sys.executable, REPORT, folder, folder], capture_output=True, text=True)
            self.assertEqual(made.returncode, 0, made.stderr)
            self.printed = made.stdout
            with open(os.path.join(folder, "pictures", "performance-batch-memory.svg")) as file:
                self.picture_of_memory = file.read()
            with open(os.path.join(folder, "performance.md")) as file:
                return dict(re.findall(r"<!-- begin: (\w+) -->\n(.*?)<!-- end: ", file.read(), re.DOTALL))

    def budget(self, what):
        """Measured, quartiles and verdict of a budget."""
        rows = [line.strip("|").split("|") for line in self.page()["budgets"].splitlines()]
        return next([cell.strip() for cell in row[2:]] for row in rows if row[0].strip() == what)

    # ---- what is missing is never met ----

    def test_nothing_came_early_only_if_every_limit_was_measured(self):
        for strategy in ("polling", "selecting", "spinning"):
            what = f"`{strategy}`, limits at which a call came early"
            self.assertEqual(self.budget(what), ["0 of 4", "", "met"])
            for limit, shown in (("100us", "100 us"), ("1ms", "1 ms"), ("10ms", "10 ms"), ("100ms", "100 ms")):
                with self.subTest(strategy=strategy, limit=limit):
                    self.setUp()
                    self.leave_out(f"lateness/{limit}/{strategy}")
                    self.assertEqual(self.budget(what), ["0 of 3", "", f"not measured at {shown}"])

    def test_a_limit_of_which_there_is_no_group_is_not_met(self):
        self.leave_out("lateness/10ms")
        for strategy in ("polling", "selecting", "spinning"):
            self.assertEqual(self.budget(f"`{strategy}`, limits at which a call came early"),
                             ["0 of 3", "", "not measured at 10 ms"])
        self.assertEqual(self.budget("`polling`, 10 ms, lateness over the loop by hand"), ["-", "", "not measured"])
        self.assertEqual(self.budget("`spinning`, 10 ms, us late"), ["-", "", "not measured"])

    def test_no_lateness_at_all_is_not_met(self):
        for limit in LIMITS:
            self.leave_out("lateness/" + limit)
        self.assertEqual(self.budget("`selecting`, limits at which a call came early"),
                         ["-", "", "not measured at 100 us, 1 ms, 10 ms and 100 ms"])

    def test_each_strategy_that_came_early_is_told(self):
        for strategy in ("polling", "selecting", "spinning"):
            self.setUp()
            self.put(f"lateness/1ms/{strategy}", EARLY)
            self.assertEqual(self.budget(f"`{strategy}`, limits at which a call came early"), ["1 of 4", "", "missed at 1 ms"])
            self.leave_out(f"lateness/100us/{strategy}")
            self.assertEqual(self.budget(f"`{strategy}`, limits at which a call came early"),
                             ["1 of 3", "", "missed at 1 ms, not measured at 100 us"])

    def test_a_lateness_below_0_is_early(self):
        self.alter("lateness/100ms/polling", {"us late least": -0.1})
        self.assertEqual(self.budget("`polling`, limits at which a call came early"), ["1 of 4", "", "missed at 100 ms"])

    def test_a_strategy_that_failed_otherwise_is_not_met(self):
        self.put("lateness/1ms/spinning", {"error_occurred": True, "error_message": "something else"})
        self.assertEqual(self.budget("`spinning`, limits at which a call came early"), ["0 of 3", "", "not measured at 1 ms"])

    def test_without_raw_there_is_a_page_which_says_so(self):
        self.leave_out("success/raw")
        page = self.page()
        self.assertEqual(self.budget("success over raw"), ["-", "", "not measured"])
        self.assertIn("What `same_calls` takes beyond `raw` was not measured.", page["floor"])
        self.assertIn("The library takes -50 ns more than `same_calls`.", page["floor"])
        self.assertIn("| **timed_connect** | 10250 | - | 1.025 |", page["success"])
        self.assertIn("- Success: not measured, as there is no figure of success/raw.", page["reasons"])
        self.assertRegex(page["readme"], r"success/raw +not measured")

    def test_without_the_calls_by_hand_nothing_is_said_of_them(self):
        self.leave_out("success/same_calls")
        page = self.page()
        self.assertIn("What `same_calls` takes beyond `raw` was not measured.", page["floor"])
        self.assertIn("What the library takes beyond `same_calls` was not measured.", page["floor"])
        self.assertIn("- Success: not measured, as there is no figure of success/same_calls.", page["reasons"])

    def test_without_the_floor_the_rest_is_told(self):
        self.leave_out("floor")
        self.assertEqual(self.page()["floor"].strip(),
                         "The way into the kernel and back was not measured. The first touch of a page was not measured. "
                         "`same_calls` takes 300 ns more than `raw`. The library takes -50 ns more than `same_calls`.")

    def test_a_ratio_is_not_met_without_what_it_is_a_ratio_to(self):
        for gone, what in (("success/rust_std", "success over Rust's connect_timeout"),
                           ("batch/10000_half_dead/ppoll", "10,000 half dead, CPU over ppoll"),
                           ("batch/10000_half_dead/ppoll_tcp_info", "10,000 half dead, CPU over ppoll with TCP_INFO")):
            with self.subTest(gone=gone):
                self.setUp()
                self.assertNotEqual(self.budget(what)[2], "not measured")
                self.leave_out(gone)
                self.assertEqual(self.budget(what), ["-", "", "not measured"])

    def test_the_page_is_made_whatever_row_is_missing(self):
        for row in [row["name"].split("/iterations:")[0] for row in self.connect["benchmarks"]]:
            with self.subTest(row=row):
                self.setUp()
                self.leave_out(row)
                self.page()

    def test_the_page_is_made_of_nothing(self):
        self.connect["benchmarks"] = []
        self.compile = {"compilers": [], "sizes": []}
        verdicts = [line.strip("| ").split("|")[-1].strip() for line in self.page()["budgets"].splitlines()[2:]]
        self.assertEqual([one for one in verdicts if not one.startswith("not measured")], [])

    # ---- ratios within a round ----

    def test_ratios_to_other_clients_are_those_of_the_rounds(self):
        self.alter("success/timed_connect", {"x rust_std": 0.999})
        self.assertEqual(self.budget("success over Rust's connect_timeout"), ["0.999", "1.001, 1.009", "met"])
        self.alter("batch/10000_half_dead/timed_connect_all", {"x ppoll_tcp_info": 1.04})
        self.assertEqual(self.budget("10,000 half dead, CPU over ppoll with TCP_INFO"), ["1.040", "1.090, 1.110", "met"])
        self.alter("batch/growth/timed_connect_all", {"x 1000": 1.31})
        self.assertEqual(self.budget("CPU of each at 50,000 over 1,000, passing"), ["1.310", "1.250, 1.350", "missed by 0.8 %"])

    def test_no_quotient_of_medians_stands_in_for_them(self):
        for row in self.connect["benchmarks"]:
            for counter in [name for name in row if name.startswith(("x rust_std", "x ppoll_tcp_info"))]:
                del row[counter]
        self.leave_out("batch/growth")
        for what in ("success over Rust's connect_timeout", "10,000 half dead, CPU over ppoll with TCP_INFO",
                     "CPU of each at 50,000 over 1,000, passing"):
            self.assertEqual(self.budget(what), ["-", "", "not measured"])

    # ---- spinning and polling ----

    def test_spinning_is_judged_at_each_limit(self):
        for limit, shown in (("100us", "100 us"), ("1ms", "1 ms"), ("10ms", "10 ms"), ("100ms", "100 ms")):
            self.assertEqual(self.budget(f"`spinning`, {shown}, us late"), ["4.0", "", "met"])
            self.alter(f"lateness/{limit}/spinning", {"us late": 10.0})
            self.assertEqual(self.budget(f"`spinning`, {shown}, us late"), ["10.0", "", "missed by 100 %"])

    def test_polling_is_judged_by_the_loop_by_hand(self):
        for limit, shown in (("100us", "100 us"), ("10ms", "10 ms")):
            what = f"`polling`, {shown}, lateness over the loop by hand"
            self.assertEqual(self.budget(what), ["1.040", "", "met"])
            self.alter(f"lateness/{limit}/poll_loop", {"us late": 40.0})
            self.assertEqual(self.budget(what), ["1.300", "", "missed by 18 %"])
            self.leave_out(f"lateness/{limit}/poll_loop")
            self.assertEqual(self.budget(what), ["-", "", "not measured"])

    def test_our_calls_that_take_less_than_the_loop_are_taken_off(self):
        self.alter("lateness/1ms/spin_same_calls", {"us late": 1.5})
        self.assertIn("1 ms 4.0 = 2.0 - 0.5 + 2.5;", self.page()["reasons"])

    def test_growing_lateness_is_split_into_what_the_loop_has_too_and_the_rest(self):
        for limit, loop, calls, ours in (("100us", 4, 12, 15), ("1ms", 9, 23, 28), ("10ms", 44, 62, 75), ("100ms", 30, 50, 58)):
            for client, late in (("spin_loop", loop), ("spin_same_calls", calls), ("spinning", ours)):
                self.alter(f"lateness/{limit}/{client}", {"us late": late})
        told = self.page()["reasons"]
        self.assertIn("100 us 15.0 = 4.0 + 8.0 + 3.0; 1 ms 28.0 = 9.0 + 14.0 + 5.0; 10 ms 75.0 = 44.0 + 18.0 + 13.0; "
                      "100 ms 58.0 = 30.0 + 20.0 + 8.0.", told)
        self.assertIn("At 10 ms it is 60.0 us later than at 100 us: 40.0 (67 %) of that the loop by hand has too, "
                      "10.0 (17 %) our calls, and 10.0 (17 %) the library's own work.", told)
        self.assertIn("is not explained by what is measured here", told)

    def test_lateness_that_does_not_grow_is_not_split(self):
        told = self.page()["reasons"]
        self.assertIn("It is not later at any limit than at 100 us.", told)
        self.assertNotIn("explained", told)

    # ---- where it goes ----

    def test_half_dead_is_split_into_calls_pages_and_the_rest(self):
        told = self.page()["reasons"]
        self.assertIn("10,000 half dead take 1.120 of `ppoll`. Of the 0.120 more, our system calls, made by hand, take "
                      "0.080 (67 %); the first touch of the 976 pages of 4 kB that it has beyond those calls (875 of them "
                      "the results), at 1000 ns each, 0.010 (8 %); the rest, 0.030 (25 %), is the library's own work.", told)
        self.leave_out("floor/first_touch")
        self.assertIn("the rest, 0.040 (33 %), is the library's own work, with the first touch of its pages in it, which was "
                      "not measured.", self.page()["reasons"])

    def test_growth_is_that_of_the_loop_or_not(self):
        self.assertIn("Of the 0.300 that are added, the loop by hand has 0.100 (33 %) too; 0.200 (67 %) come with our calls "
                      "and the library's own work.", self.page()["reasons"])
        self.alter("batch/growth/ppoll", {"x 1000": 1.5})
        self.assertIn("The loop by hand grows no less", self.page()["reasons"])
        self.alter("batch/growth/ppoll", {"x 1000": 1.1})
        self.put("batch/growth/same_calls", {"x 1000": 1.2})
        self.assertIn("Of the 0.300 that are added, the loop by hand has 0.100 (33 %) too, our calls add 0.100 (33 %); the rest, "
                      "0.100 (33 %), is the library's own work.", self.page()["reasons"])
        self.alter("batch/growth/timed_connect_all", {"x 1000": 0.9})
        self.assertIn("It does not grow.", self.page()["reasons"])

    def test_parts_that_are_more_than_the_whole_are_told_as_such(self):
        self.alter("success/timed_connect", {"x raw": 1.02})
        self.assertIn("our system calls, made by hand, take 0.030; that is 0.010 more than the whole",
                      self.page()["reasons"])

    def test_a_part_below_0_is_no_share(self):
        self.alter("success/same_calls", {"x raw": 0.99})
        self.assertIn("our system calls, made by hand, take -0.010; the rest, 0.035, is the library's own work.",
                      self.page()["reasons"])

    def test_the_size_says_what_is_text_and_whether_the_padding_is_to_blame(self):
        told = self.page()["reasons"]
        self.assertIn("a file of 39,000 bytes. `size` counts 27,300 of text and 1,000 of data", told)
        self.assertIn("the file has 35,000, so that the page layout alone is not what misses", told)
        self.compile["sizes"][1]["bytes noseparate-code"] = 29000
        self.assertIn("the file has 29,000, so that the page layout is what misses", self.page()["reasons"])
        self.compile["sizes"][1]["bytes"] = 29500
        self.assertNotIn("page layout", self.page()["reasons"])
        del self.compile["sizes"][1]["text"]
        self.assertIn("- The smallest client: not measured, as there is no figure of the smallest client, text.",
                      self.page()["reasons"])

    # ---- tables ----

    def test_less_memory_than_the_results_is_shown_as_less(self):
        self.alter("batch/10000_half_dead/timed_connect_all", {"kB beyond": -100})
        self.assertEqual(self.budget("10,000 half dead, kB beyond the results"), ["-100", "", "met"])
        self.assertIn("| 4000 | -100 |", self.page()["batches"])
        self.assertIn(">-100</text>", self.picture_of_memory)
        self.assertNotIn('<g class="early">', self.picture_of_memory)

    def test_calls_by_hand_that_are_dearer_than_the_library_are_named(self):
        self.assertEqual(self.page()["batch_floor"].splitlines()[-1],
                         "- 1,000 endpoints, all of them live, closed as they come, 1,000 in flight: 1.010 against 1.000")
        self.alter("batch/1000_passing/same_calls", {"x ppoll": 1.0})
        self.assertEqual(self.page()["batch_floor"].strip(),
                         "In none of these tables have the library's calls by hand, `same_calls`, come out dearer than the library.")
        for stage in ("1000_passing", "10000_half_dead"):
            self.leave_out(f"batch/{stage}/same_calls")
        self.assertEqual(self.page()["batch_floor"].strip(), "The library's calls by hand were not measured beside it.")

    def test_the_block_for_the_readme_is_printed_as_it_stands_on_the_page(self):
        page = self.page()
        self.assertIn(page["readme"], self.printed)
        self.assertIn("    success/timed_connect                      10250         1.025         1.020         1.030\n",
                      page["readme"])


if __name__ == "__main__":
    unittest.main()
