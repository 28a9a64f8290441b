# SPDX-License-Identifier: MIT
"""The figures of a run as report.py reads them, and how it writes numbers and tables. What is not there is None."""

import json
import os
import re

LIMITS = ("100us", "1ms", "10ms", "100ms")
STRATEGIES = ("polling", "selecting", "spinning")
OURS = re.compile(r"^(timed_connect.*|polling|selecting|spinning|kept_then_wait|start_then_wait|connect\.hpp)$")


class Figures:
    """What was measured, by group and client."""

    def __init__(self, folder):
        with open(os.path.join(folder, "connect.json")) as file:
            connect = json.load(file)
        with open(os.path.join(folder, "compile.json")) as file:
            self.compile = json.load(file)
        self.context = connect["context"]
        self.groups = {}
        for row in connect["benchmarks"]:
            name = re.sub(r"/(iterations:\d+|repeats:\d+|manual_time|real_time)", "", row["name"])
            group, client = name.rsplit("/", 1)
            self.groups.setdefault(group, {})[client] = row

    def clients(self, group):
        return list(self.groups.get(group, {}))

    def get(self, group, client, counter):
        """None where it was left out, or has failed."""
        return self.groups.get(group, {}).get(client, {}).get(counter)

    def with_quartiles(self, group, client, counter):
        return tuple(self.get(group, client, counter + which) for which in ("", " q1", " q3"))

    def why_not(self, group, client):
        row = self.groups.get(group, {}).get(client, {})
        if row.get("error_occurred"):
            return "failed: " + row["error_message"]
        return row.get("label") or "not measured"

    def unit(self, name, compiler="g++"):
        for one in self.compile["compilers"]:
            if one["name"] == compiler:
                for unit in one["units"]:
                    if unit["name"] == name:
                        return unit["seconds"]
        return None

    def size(self, name, built):
        return next((one.get(built) for one in self.compile["sizes"] if one["name"] == name), None)


def ratio(part, whole):
    return None if part is None or not whole else part / whole


def less(whole, part):
    return None if whole is None or part is None else whole - part


def shown(value, form="{:.3f}"):
    return "-" if value is None else form.format(value)


def shown_all(values, form="{:.3f}"):
    """Quartiles, or nothing where one is missing."""
    return "" if None in values else ", ".join(form.format(value) for value in values)


def spaced(limit):
    return re.sub(r"(\d)([a-z])", r"\1 \2", limit)


def listed(words):
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def named(client):
    return f"**{client}**" if OURS.match(client) else client


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|---" + "|---:" * (len(heads) - 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
