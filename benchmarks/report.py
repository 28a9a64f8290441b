# SPDX-License-Identifier: MIT
"""Makes the tables of performance.md and its pictures from what performance.sh has measured.

report.py FIGURES DOCS: FIGURES has connect.json and compile.json, DOCS has performance.md. What stands there between
<!-- begin: NAME --> and <!-- end: NAME --> is replaced by the table of that name. Prints the README's block of figures.
"""

import os
import re
import sys

sys.dont_write_bytecode = True  # these are read once in a quarter of an hour

from report_budgets import budgets, reasons
from report_figures import LIMITS, Figures, less, named, shown, shown_all, spaced, table
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
    touch = figures.get("floor", "first_touch", "ns")
    raw, calls, ours = (figures.get("success", client, "ns") for client in ("raw", "same_calls", "timed_connect"))
    told = ["The way into the kernel and back was not measured." if call is None else
            f"On this machine a system call that does nothing takes {call:.0f} ns.",
            "The first touch of a page was not measured." if touch is None else
            f"The first touch of a page takes {touch:.0f} ns."]
    if None in (raw, calls):
        told.append("What `same_calls` takes beyond `raw` was not measured.")
    else:
        of_those = f", which is {(calls - raw) / call:.1f} of those calls" if call else ""
        told.append(f"`same_calls` takes {calls - raw:.0f} ns more than `raw`{of_those}.")
    told.append("What the library takes beyond `same_calls` was not measured." if None in (calls, ours) else
                f"The library takes {ours - calls:.0f} ns more than `same_calls`.")
    return " ".join(told)


def contest(figures, group):
    base = figures.get(group, "raw", "ns")
    rows = []
    for client in sorted(figures.clients(group), key=lambda one: figures.get(group, one, "x raw") or 99):
        if figures.get(group, client, "x raw") is None:
            rows.append([named(client), figures.why_not(group, client), "", "", ""])
            continue
        nanoseconds = figures.get(group, client, "ns")
        middle, *quartiles = figures.with_quartiles(group, client, "x raw")
        rows.append([named(client), shown(nanoseconds, "{:.0f}"), shown(less(nanoseconds, base), "{:+.0f}"),
                     shown(middle), shown_all(quartiles)])
    return table(["client", "ns", "ns over raw", "x raw", "quartiles"], rows)


def lateness(figures):
    groups = ["lateness/" + limit for limit in LIMITS]

    def cell(group, client):
        if client not in figures.groups.get(group, {}):
            return "-"
        late, least, p99 = (figures.get(group, client, "us late" + what) for what in ("", " least", " p99"))
        if late is None:
            return figures.why_not(group, client).replace("left out: ", "")
        early = f", **early** {-least:.0f}" if least is not None and least < 0 else ""
        return f"{late:.0f} / {shown(p99, '{:.0f}')}{early}"

    clients = dict.fromkeys(client for group in groups for client in figures.clients(group))
    rows = [[named(client)] + [cell(group, client) for group in groups] for client in clients]
    return table(["client"] + [spaced(limit) for limit in LIMITS], rows)


def batch(figures, stage):
    group = "batch/" + stage
    rows = []
    for client in figures.clients(group):
        middle, *quartiles = figures.with_quartiles(group, client, "x ppoll")
        if middle is None:
            rows.append([named(client), figures.why_not(group, client)] + [""] * 6)
            continue
        of = {counter: shown(figures.get(group, client, counter), form)
              for counter, form in (("ms cpu", "{:.1f}"), ("us cpu each", "{:.1f}"), ("ms late", "{:.1f}"),
                                    ("kB peak", "{:.0f}"), ("kB beyond", "{:.0f}"))}
        rows.append([named(client), of["ms cpu"], of["us cpu each"], shown(middle), shown_all(quartiles), of["ms late"],
                     of["kB peak"], of["kB beyond"]])
    heads = ["client", "CPU ms", "us each", "x ppoll", "quartiles", "late ms", "kB peak", "beyond results"]
    # One reason for all is told once.
    reasons = {row[1] for row in rows if row[2] == ""}
    if rows and len(reasons) == 1 and all(row[2] == "" for row in rows):
        return f"Nobody was measured: {reasons.pop()}."
    return table(heads, rows)


KINDS = {"half_dead": "half of them dead, the deadline after 800 ms (4 s for 50,000)",
         "live": "all of them live",
         "passing": "all of them live, closed as they come, 1,000 in flight",
         "trickling": "answers within 500 ms, one after another"}


def stages(figures):
    """(stage, how many, what they are) of each batch."""
    found = (re.fullmatch(r"batch/((\d+)_(\w+))", group) for group in figures.groups)
    return [(match[1], f"{int(match[2]):,} endpoints, {KINDS.get(match[3], match[3])}") for match in found if match]


def batches(figures):
    return "\n\n".join(f"**{title}**\n\n{batch(figures, stage)}" for stage, title in stages(figures))


def batch_floor(figures):
    """Whether the calls by hand are a floor of the library's."""
    dearer, compared = [], 0
    for stage, title in stages(figures):
        calls, ours = (figures.get("batch/" + stage, client, "x ppoll") for client in ("same_calls", "timed_connect_all"))
        if None in (calls, ours):
            continue
        compared += 1
        if calls > ours:
            dearer.append(f"- {title}: {calls:.3f} against {ours:.3f}")
    if not compared:
        return "The library's calls by hand were not measured beside it."
    if not dearer:
        return "In none of these tables have the library's calls by hand, `same_calls`, come out dearer than the library."
    return ("Where the library's calls by hand, `same_calls`, have come out dearer than the library, over `ppoll`, they are no "
            "floor:\n\n" + "\n".join(dearer))


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

    def seconds(kind):
        names = dict.fromkeys(unit["name"] for one in compilers for unit in one.get(kind, []))
        rows = []
        for name in names:
            of = [next((unit for unit in one.get(kind, []) if unit["name"] == name), None) for one in compilers]
            lines = next(unit["lines"] for unit in of if unit)
            word = f"`{name}`" if "<" in name else named(name)
            rows.append([word] + [shown(unit and unit["seconds"], "{:.2f}") for unit in of] + [f"{lines:,}"])
        return rows

    heads = [f"{one['name']} s" for one in compilers] + ["lines"]
    told = "; ".join(one["version"] for one in compilers) + ".\n\n" + table(["included"] + heads, seconds("units"))
    each = seconds("headers")
    return told + "\n\n" + (table(["each that connect.hpp includes, alone"] + heads, each) if each else
                            "Each that connect.hpp includes, alone: not measured.")


def sizes(figures):
    columns = {"bytes": "-O2, bytes", "text": "text of it", "bytes noseparate-code": "-O2 -Wl,-z,noseparate-code",
               "bytes for size": "for size, bytes"}
    return table(["smallest client"] + list(columns.values()),
                 [[named(one["name"])] + [shown(one.get(column), "{:,}") for column in columns]
                  for one in figures.compile["sizes"]])


def in_the_readme(figures):
    """Rows as the benchmarks print them, for the README's block under "Cost"."""
    blocks = [("success", ["raw", "poll_loop", "same_calls", "timed_connect"], ["ns", "x raw", "x raw q1", "x raw q3"]),
              ("lateness/100us", ["bare_ppoll", "polling", "spinning"], ["us late", "us late least", "us late p99"])]
    width = max(len(f"{group}/{client}") for group, clients, _ in blocks for client in clients) + 9
    lines = []
    for group, clients, counters in blocks:
        lines += ["", " " * (4 + width) + "".join(f"{counter:>14}" for counter in counters)]
        for client in clients:
            of = [figures.get(group, client, counter) for counter in counters]
            decimals = [0 if counter == "ns" else 3 if counter.startswith("x ") else 1 for counter in counters]
            values = ("".join(f"{value:14.{places}f}" for value, places in zip(of, decimals)) if None not in of
                      else " " + figures.why_not(group, client))
            lines.append(" " * 4 + f"{group}/{client}".ljust(width) + values)
    return "\n".join(lines[1:])


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
        "batch_floor": batch_floor(figures),
        "others": others(figures),
        "compilation": compilation(figures),
        "sizes": sizes(figures),
        "readme": in_the_readme(figures),
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
    print("The README shows, under \"Cost\":\n\n" + tables["readme"])


main()
