# SPDX-License-Identifier: MIT
"""Makes the tables of performance.md and its pictures from what performance.sh has measured.

report.py FIGURES DOCS: FIGURES has connect.json and compile.json, DOCS has performance.md. What stands there between
<!-- begin: NAME --> and <!-- end: NAME --> is replaced by the table of that name.
"""

import os
import re
import sys

sys.dont_write_bytecode = True  # these are read once in a quarter of an hour

from report_budgets import budgets, reasons
from report_figures import Figures, named, shown, table
from report_pictures import pictures

# ---- the tables ----


def machine(figures):
    """The machine, on which absolute figures depend."""
    context = figures.context
    model = context.get("processor", "")
    load = context.get("load_avg") or [0]
    versions = {}
    for key, version in context.items():
        if key.startswith("peer "):
            versions.setdefault(re.sub(r"_(run_for|timer|precise)$", "", key[5:]), version)
    peers = ", ".join(f"{name} {version}" for name, version in versions.items())
    quick = ""
    if "rounds" in context:
        quick = f"**A quick look with TIMED_CONNECT_ROUNDS={context['rounds']}, to see the page; no measurement.** "
    return (
        f"{quick}Measured on {context['date'][:10]}: {context['num_cpus']} CPUs{' (' + model + ')' if model else ''}, "
        f"{context['kernel']}, {context['compiler']} -O2, load average {load[0]:.2f} at the beginning. "
        f"The peers: {peers or 'none'}."
    )


def floor(figures):
    call = figures.get("floor", "system_call", "ns")
    over = {client: (figures.get("success", client, "ns") or 0) - (figures.get("success", "raw", "ns") or 0)
            for client in ("same_calls", "timed_connect")}
    if call is None or figures.get("success", "timed_connect", "ns") is None:
        return "The way into the kernel and back was not measured."
    touch = figures.get("floor", "first_touch", "ns")
    of_a_page = f", the first touch of a page {touch:.0f} ns" if touch is not None else ""
    return (
        f"On this machine a system call that does nothing takes {call:.0f} ns{of_a_page}. `same_calls` takes {over['same_calls']:.0f} ns "
        f"more than `raw`, which is {over['same_calls'] / call:.1f} of those; the library takes "
        f"{over['timed_connect'] - over['same_calls']:.0f} ns more than `same_calls`."
    )


def contest(figures, group):
    base = figures.get(group, "raw", "ns")
    rows = []
    for client in sorted(figures.clients(group), key=lambda one: figures.get(group, one, "x raw") or 99):
        if figures.get(group, client, "x raw") is None:
            rows.append([named(client), figures.why_not(group, client), "", "", ""])
            continue
        of = [figures.get(group, client, counter) for counter in ("ns", "x raw", "x raw q1", "x raw q3")]
        rows.append([named(client), f"{of[0]:.0f}", f"{of[0] - base:+.0f}", f"{of[1]:.3f}", f"{of[2]:.3f}, {of[3]:.3f}"])
    return table(["client", "ns", "ns over raw", "x raw", "quartiles"], rows)


def lateness(figures):
    limits = ["100us", "1ms", "10ms", "100ms"]
    groups = ["lateness/" + limit for limit in limits]

    def cell(group, client):
        if client not in figures.groups.get(group, {}):
            return "-"
        late, least, p99 = (figures.get(group, client, "us late" + what) for what in ("", " least", " p99"))
        if late is None:
            return figures.why_not(group, client).replace("left out: ", "")
        return f"{late:.0f} / {p99:.0f}" + (f", **early** {-least:.0f}" if least < 0 else "")

    rows = [[named(client)] + [cell(group, client) for group in groups] for client in figures.clients(groups[0])]
    return table(["client"] + [re.sub(r"(\d)([a-z])", r"\1 \2", limit) for limit in limits], rows)


def batch(figures, stage):
    group = "batch/" + stage
    rows = []
    for client in figures.clients(group):
        of = {counter: figures.get(group, client, counter)
              for counter in ("ms cpu", "us cpu each", "x ppoll", "x ppoll q1", "x ppoll q3", "ms wall", "ms late",
                              "kB peak", "kB beyond")}
        if of["x ppoll"] is None:
            rows.append([named(client), figures.why_not(group, client)] + [""] * 6)
            continue
        rows.append([named(client), f"{of['ms cpu']:.1f}", f"{of['us cpu each']:.1f}", f"{of['x ppoll']:.3f}",
                     f"{of['x ppoll q1']:.3f}, {of['x ppoll q3']:.3f}", shown(of["ms late"], "{:.1f}"),
                     f"{of['kB peak']:.0f}", f"{max(0, of['kB beyond']):.0f}"])
    heads = ["client", "CPU ms", "us each", "x ppoll", "quartiles", "late ms", "kB peak", "beyond results"]
    # One reason for all is told once.
    reasons = {row[1] for row in rows if row[2] == ""}
    if rows and len(reasons) == 1 and all(row[2] == "" for row in rows):
        return f"Nobody was measured: {reasons.pop()}."
    return table(heads, rows)


def batches(figures):
    words = {"half_dead": "half of them dead, the deadline after 800 ms (4 s for 50,000)",
             "live": "all of them live",
             "passing": "all of them live, closed as they come, 1,000 in flight",
             "trickling": "answers within 500 ms, one after another"}
    parts = []
    for group in figures.groups:
        if group.startswith("batch/"):
            count, kind = group[6:].split("_", 1)
            parts.append(f"**{int(count):,} endpoints, {words[kind]}**\n\n{batch(figures, group[6:])}")
    return "\n\n".join(parts)


def others(figures):
    parts = [f"**{title}**\n\n{contest(figures, group)}" for group, title in
             (("resume", "Resuming what was kept"), ("race_at_once", "A race of two at once, the first one dead"))
             if group in figures.groups]
    rows = []
    for group, title in (("race_after_10ms", "a race of two, 10 ms apart, the first one dead"),
                         ("cancellation", "cancelled")):
        for client in figures.clients(group):
            prefix = "us late" if group == "race_after_10ms" else "us"
            of = [figures.get(group, client, prefix + what) for what in (" least", "", " p99")]
            rows.append([f"{title}: {named(client)}"] + [shown(one, "{:.1f}") for one in of])
    parts.append(table(["microseconds", "least", "median", "p99"], rows))
    return "\n\n".join(parts)


def compilation(figures):
    compilers = figures.compile["compilers"]
    names = list(dict.fromkeys(unit["name"] for one in compilers for unit in one["units"]))
    rows = []
    for name in names:
        of = [next((unit for unit in one["units"] if unit["name"] == name), None) for one in compilers]
        lines = next(unit["lines"] for unit in of if unit)
        word = f"`{name}`" if "<" in name else named(name)
        rows.append([word] + [shown(unit and unit["seconds"], "{:.2f}") for unit in of] + [f"{lines:,}"])
    heads = ["included"] + [f"{one['name']} s" for one in compilers] + ["lines"]
    return "; ".join(one["version"] for one in compilers) + ".\n\n" + table(heads, rows)


def sizes(figures):
    return table(["smallest client", "-O2, bytes", "for size, bytes"],
                 [[named(one["name"]), f"{one['bytes']:,}", f"{one['bytes for size']:,}"]
                  for one in figures.compile["sizes"]])


def main():
    folder, docs = sys.argv[1:3]
    figures = Figures(folder)
    tables = {
        "machine": machine(figures),
        "budgets": budgets(figures),
        "reasons": reasons(figures),
        "floor": floor(figures),
        "success": contest(figures, "success"),
        "unix": contest(figures, "unix"),
        "refusal": contest(figures, "refusal"),
        "lateness": lateness(figures),
        "batches": batches(figures),
        "others": others(figures),
        "compilation": compilation(figures),
        "sizes": sizes(figures),
    }
    path = os.path.join(docs, "performance.md")
    with open(path) as file:
        text = file.read()
    for name, content in tables.items():
        begin, end = f"<!-- begin: {name} -->\n", f"<!-- end: {name} -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            sys.exit(f"{path} has no place for the table {name}")
        before, rest = text.split(begin)
        text = before + begin + content + "\n" + end + rest.split(end, 1)[1]
    with open(path, "w") as file:
        file.write(text)
    for name, picture in pictures(figures).items():
        with open(os.path.join(docs, "pictures", f"performance-{name}.svg"), "w") as file:
            file.write(picture)


main()
