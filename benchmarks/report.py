# SPDX-License-Identifier: MIT
"""Makes the tables of performance.md and its pictures from what performance.sh has measured.

report.py FIGURES DOCS: FIGURES has connect.json and compile.json, DOCS has performance.md. What stands there between
<!-- begin: NAME --> and <!-- end: NAME --> is replaced by the table of that name.
"""

import html
import json
import os
import re
import sys

OURS = re.compile(r"^(timed_connect.*|polling|selecting|spinning|kept_then_wait|start_then_wait|connect\.hpp)$")
BY_HAND = re.compile(r"^(raw|.*poll.*|epoll|.*same_calls|spin_loop|by hand.*|<chrono>|standard headers.*)$")


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


def verdict(value, most):
    if value is None:
        return "not measured"
    if value <= most:
        return "met"
    percent = 100 * (value / most - 1)
    return f"missed by {percent:.0f} %" if percent >= 1 else f"missed by {percent:.1g} %"


def budgets(figures):
    half = "batch/10000_half_dead"
    ours = "timed_connect_all"
    each = [figures.get(f"batch/{n}_half_dead", ours, "us cpu each") for n in (1000, 50000)]
    kind = "half dead"
    if each[1] is None:
        each = [figures.get(f"batch/{n}_passing", ours, "us cpu each") for n in (1000, 50000)]
        kind = "passing"
    memory = figures.get(half, ours, "kB beyond")
    spinning = figures.get("lateness/100us", "spinning", "us late")
    waits = [group for group in figures.groups if group.startswith("lateness/") and "spinning" in figures.groups[group]]
    early = [group for group in waits if figures.why_not(group, "spinning") == "failed: the deadline came early"]
    told = early + [group for group in waits if figures.get(group, "spinning", "us late least") is not None]
    success = figures.get("success", "timed_connect", "x raw")
    connect = figures.unit("connect.hpp")

    def row(what, most, value, form="{:.3f}"):
        return [what, form.format(most), shown(value, form), verdict(value, most)]

    def late(limit):
        return ratio(figures.get(f"lateness/{limit}", "polling", "us late"),
                     figures.get(f"lateness/{limit}", "poll_loop", "us late"))

    rows = [
        row("success over raw", 1.03, success),
        row("success over Rust's connect_timeout", 1.0, ratio(success, figures.get("success", "rust_std", "x raw"))),
        row("`polling`, 100 us, lateness over the loop by hand", 1.1, late("100us")),
        row("`polling`, 10 ms, lateness over the loop by hand", 1.1, late("10ms")),
        row("`spinning`, 100 us, us late", 5.0, spinning, "{:.1f}"),
        ["`spinning`, limits at which a call came early", "0", str(len(early)) if told else "-",
         "missed" if early else "met" if told and len(told) == len(waits) else "not measured"],
        row("10,000 half dead, CPU over ppoll", 1.10, figures.get(half, ours, "x ppoll")),
        row("10,000 half dead, CPU over ppoll with TCP_INFO", 1.05,
            ratio(figures.get(half, ours, "x ppoll"), figures.get(half, "ppoll_tcp_info", "x ppoll"))),
        row("10,000 half dead, kB beyond the results", 1024, memory, "{:.0f}"),
        row(f"CPU of each at 50,000 over 1,000, {kind}", 1.3, ratio(each[1], each[0])),
        row("compiling connect.hpp over its standard headers", 1.3,
            ratio(connect, figures.unit("standard headers of connect.hpp"))),
        row("compiling connect.hpp over `<chrono>`", 1.5, ratio(connect, figures.unit("<chrono>"))),
        row("smallest client, built for size, bytes", 30000, figures.size("timed_connect", "bytes for size"), "{:.0f}"),
        row("the same, -O2", 30000, figures.size("timed_connect", "bytes"), "{:.0f}"),
    ]
    return table(["what", "budget", "measured", ""], rows)


def reasons(figures):
    """How much of what is missed the system calls take that the promises need, made by hand."""
    def line(what, group, counter, steps, form):
        values = [(name, figures.get(group, client, counter)) for name, client in steps]
        if any(value is None for _, value in values):
            return f"- {what}: not measured."
        return f"- {what}: " + ", ".join(f"{name} {form.format(value)}" for name, value in values) + "."

    return "\n".join([
        line("Success, over `raw`", "success", "x raw",
             [("`poll_loop`", "poll_loop"), ("the library's calls by hand", "same_calls"), ("the library", "timed_connect")],
             "{:.3f}"),
        line("A deadline of 100 us, how late in us", "lateness/100us", "us late",
             [("a spinning loop that closes", "spin_loop"), ("`spinning`'s calls by hand", "spin_same_calls"),
              ("`spinning`", "spinning")], "{:.1f}"),
        line("10,000 half dead, over `ppoll`", "batch/10000_half_dead", "x ppoll",
             [("with TCP_INFO", "ppoll_tcp_info"), ("`epoll`", "epoll"), ("the library's calls by hand", "same_calls"),
              ("the library", "timed_connect_all")], "{:.3f}"),
        growth(figures),
    ])


def growth(figures):
    """How much dearer each endpoint becomes with 50 times as many, and for the loop by hand."""
    for kind in ("half_dead", "passing"):
        of = [ratio(*(figures.get(f"batch/{n}_{kind}", client, "us cpu each") for n in (50000, 1000)))
              for client in ("ppoll", "timed_connect_all")]
        if None not in of:
            return f"- CPU of each at 50,000 over 1,000, {kind.replace('_', ' ')}: `ppoll` {of[0]:.3f}, the library {of[1]:.3f}."
    return "- CPU of each at 50,000 over 1,000: not measured."


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


# ---- the pictures ----

STYLE = """<style>
.bars{color:#1f2328;font:13px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
.bars text{fill:currentColor}
.bars rect{fill:currentColor}
.bars .ground{fill:#fff;stroke:#d0d7de}
.bars .title{font-size:15px;font-weight:600}
.bars .end{text-anchor:end}
.bars .quiet{color:#59636e}
.bars .peer{color:#8250df}
.bars .ours{color:#0550ae;font-weight:600}
.bars .early{color:#b3261e}
@media (prefers-color-scheme:dark){
.bars{color:#e6edf3}
.bars .ground{fill:#161b22;stroke:#3d444d}
.bars .quiet{color:#9ea7b3}
.bars .peer{color:#d2a8ff}
.bars .ours{color:#79c0ff}
.bars .early{color:#ff938a}
}
</style>"""
WIDTH, LEFT, RIGHT, TOP, STEP = 640, 230, 90, 76, 24


def bars(name, title, subtitle, items, form, longest=None):
    """Items are (label, value); the longest bar is cut, if need be, at `longest`."""
    scale = max([1e-9] + [value for _, value in items])
    if longest is not None:
        scale = min(scale, longest)
    height = TOP + STEP * len(items) + 12
    told = "; ".join(f"{label}: {form(value)}" for label, value in items)
    page = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'class="bars" role="img" aria-labelledby="{name}-title" aria-describedby="{name}-desc">',
        f'<title id="{name}-title">{html.escape(title)}</title>',
        f'<desc id="{name}-desc">{html.escape(told)}</desc>',
        STYLE,
        f'<rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
        f'<text x="20" y="34" class="title">{html.escape(title)}</text>',
        f'<text x="20" y="54" class="quiet">{html.escape(subtitle)}</text>',
    ]
    for at, (label, value) in enumerate(items):
        y = TOP + STEP * at
        kind = "ours" if OURS.match(label) else "quiet" if BY_HAND.match(label) else "peer"
        length = (WIDTH - LEFT - RIGHT) * min(max(value, 0), scale) / scale
        is_cut = value > scale
        page.append(f'<g class="{kind}"><text x="{LEFT - 10}" y="{y + 14}" class="end">{html.escape(label)}</text>')
        if is_cut:
            page.append(f'<rect x="{LEFT}" y="{y + 3}" width="{length - 14:.1f}" height="14"/>'
                        f'<rect x="{LEFT + length - 10:.1f}" y="{y + 3}" width="4" height="14"/>'
                        f'<rect x="{LEFT + length - 2:.1f}" y="{y + 3}" width="2" height="14"/>')
        else:
            page.append(f'<rect x="{LEFT}" y="{y + 3}" width="{max(length, 1):.1f}" height="14"/>')
        word = f'<text x="{LEFT + length + 8:.1f}" y="{y + 14}">{html.escape(form(value))}</text>'
        page.append((f'<g class="early">{word}</g>' if value < 0 else word) + "</g>")
    return "\n".join(page + ["</svg>", ""])


def column(figures, group, counter):
    found = [(client, figures.get(group, client, counter)) for client in figures.clients(group)]
    return sorted(((client, value) for client, value in found if value is not None), key=lambda one: one[1])


def pictures(figures):
    raw = figures.get("success", "raw", "ns")
    success = [(client, 100 * (value - 1)) for client, value in column(figures, "success", "x raw") if client != "raw"]
    late = column(figures, "lateness/100us", "us late")
    units = [(unit["name"], unit["seconds"]) for one in figures.compile["compilers"][:1] for unit in one["units"]]
    half = "batch/10000_half_dead"
    return {
        "success": bars("success", "A successful connect on loopback", "per cent over a raw blocking connect()"
                        + (f", which takes {raw / 1000:.1f} us" if raw else ""), success, "{:.1f} %".format),
        "lateness": bars("lateness", "A deadline of 100 us", "median lateness in microseconds, giving up and closing included",
                         late, lambda value: f"{-value:.0f} us early" if value < 0 else f"{value:.1f}", 300),
        "batch-cpu": bars("batch-cpu", "10,000 endpoints, half of them dead", "processor time over a ppoll() loop by hand",
                          column(figures, half, "x ppoll"), "{:.2f}".format),
        "batch-memory": bars("batch-memory", "10,000 endpoints, half of them dead",
                             "kB of memory beyond the results that are returned",
                             [(client, max(value, 0)) for client, value in column(figures, half, "kB beyond")],
                             "{:.0f}".format),
        "compile": bars("compile", "Including a header", "seconds of the compiler, C++20, -O2",
                        sorted(units, key=lambda one: one[1]), "{:.2f}".format),
    }


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
