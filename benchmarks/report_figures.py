# SPDX-License-Identifier: MIT
"""The figures of a run as report.py reads them, and how it writes numbers and tables. What is not there is None."""

import json
import os
import re

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
            group, client = row["name"].split("/iterations:")[0].rsplit("/", 1)
            self.groups.setdefault(group, {})[client] = row

    def clients(self, group):
        return list(self.groups.get(group, {}))

    def get(self, group, client, counter):
        """None where it was left out, or has failed."""
        return self.groups.get(group, {}).get(client, {}).get(counter)

    def why_not(self, group, client):
        row = self.groups[group][client]
        if row.get("error_occurred"):
            return "failed: " + row["error_message"]
        return row.get("label", "")

    def unit(self, name, compiler="g++"):
        for one in self.compile["compilers"]:
            if one["name"] == compiler:
                for unit in one["units"]:
                    if unit["name"] == name:
                        return unit["seconds"]
        return None

    def size(self, name, built):
        return next((one[built] for one in self.compile["sizes"] if one["name"] == name), None)


def ratio(part, whole):
    return None if part is None or not whole else part / whole


def shown(value, form="{:.3f}"):
    return "-" if value is None else form.format(value)


def named(client):
    return f"**{client}**" if OURS.match(client) else client


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|---" + "|---:" * (len(heads) - 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
