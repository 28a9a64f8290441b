# SPDX-License-Identifier: MIT
"""The budgets, whether each is met, and where the time goes."""

from report_figures import ratio, shown, table


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
