# SPDX-License-Identifier: MIT
"""The budgets, whether each is met, and where the time goes. A budget is met only by figures that are all there."""

from report_figures import LIMITS, STRATEGIES, less, listed, ratio, shown, shown_all, spaced, table

HALF = "batch/10000_half_dead"
ALL = "timed_connect_all"
MOST_BYTES = 30000


# ---- the budgets ----


def verdict(value, most):
    if value is None:
        return "not measured"
    if value <= most:
        return "met"
    percent = 100 * (value / most - 1)
    return f"missed by {percent:.0f} %" if percent >= 1 else f"missed by {percent:.1g} %"


def held(figures, group, client, counter, against):
    """A ratio and its quartiles, if the client that it is a ratio to was measured as well."""
    if figures.get(group, against, "x " + ("ppoll" if group.startswith("batch/") else "raw")) is None:
        return None, None, None
    return figures.with_quartiles(group, client, counter)


def came_early(figures, strategy):
    """A row about all limits: one that was not measured may have been the one at which a call came early."""
    early, missing = [], []
    for limit in LIMITS:
        group = "lateness/" + limit
        least = figures.get(group, strategy, "us late least")
        if figures.why_not(group, strategy) == "failed: the deadline came early" or (least is not None and least < 0):
            early.append(spaced(limit))
        elif least is None:
            missing.append(spaced(limit))
    unknown = f"not measured at {listed(missing)}" if missing else ""
    if early:
        said = f"missed at {listed(early)}" + (f", {unknown}" if unknown else "")
    else:
        said = unknown or "met"
    count = "-" if len(missing) == len(LIMITS) else f"{len(early)} of {len(LIMITS) - len(missing)}"
    return [f"`{strategy}`, limits at which a call came early", "0", count, "", said]


def budgets(figures):
    def row(what, most, value, form="{:.3f}"):
        middle, *quartiles = value if isinstance(value, tuple) else (value, None, None)
        return [what, form.format(most), shown(middle, form), shown_all(quartiles, form), verdict(middle, most)]

    def over_the_loop(limit):
        return ratio(*(figures.get(f"lateness/{limit}", client, "us late") for client in ("polling", "poll_loop")))

    connect = figures.unit("connect.hpp")
    rows = [
        row("success over raw", 1.03, held(figures, "success", "timed_connect", "x raw", "raw")),
        row("success over Rust's connect_timeout", 1.0,
            held(figures, "success", "timed_connect", "x rust_std", "rust_std")),
        *[row(f"`polling`, {spaced(limit)}, lateness over the loop by hand", 1.1, over_the_loop(limit))
          for limit in ("100us", "10ms")],
        *[row(f"`spinning`, {spaced(limit)}, us late", 5.0, figures.get("lateness/" + limit, "spinning", "us late"),
              "{:.1f}") for limit in LIMITS],
        *[came_early(figures, strategy) for strategy in STRATEGIES],
        row("10,000 half dead, CPU over ppoll", 1.10, held(figures, HALF, ALL, "x ppoll", "ppoll")),
        row("10,000 half dead, CPU over ppoll with TCP_INFO", 1.05,
            held(figures, HALF, ALL, "x ppoll_tcp_info", "ppoll_tcp_info")),
        row("10,000 half dead, kB beyond the results", 1024, figures.get(HALF, ALL, "kB beyond"), "{:.0f}"),
        row("CPU of each at 50,000 over 1,000, passing", 1.3, figures.with_quartiles("batch/growth", ALL, "x 1000")),
        row("compiling connect.hpp over its standard headers", 1.3,
            ratio(connect, figures.unit("standard headers of connect.hpp"))),
        row("compiling connect.hpp over `<chrono>`", 1.5, ratio(connect, figures.unit("<chrono>"))),
        row("smallest client, built for size, bytes", MOST_BYTES, figures.size("timed_connect", "bytes for size"),
            "{:.0f}"),
        row("the same, -O2", MOST_BYTES, figures.size("timed_connect", "bytes"), "{:.0f}"),
    ]
    return table(["what", "budget", "measured", "quartiles", ""], rows)


# ---- where it goes ----


class NotMeasured(Exception):
    """Names the figure that is missing."""


def reasons(figures):
    parts = []
    for what, tell in (("Success", success), ("Asleep until the deadline", asleep), ("`spinning`", spinning),
                       ("10,000 half dead", half_dead), ("CPU of each at 50,000 over 1,000, passing", growth),
                       ("The smallest client", smallest)):
        try:
            parts.append("- " + tell(figures))
        except NotMeasured as missing:
            parts.append(f"- {what}: not measured, as there is no figure of {missing}.")
    return "\n".join(parts)


def need(figures, group, client, counter):
    value = figures.get(group, client, counter)
    if value is None:
        raise NotMeasured(f"{group}/{client}")
    return value


def share(part, whole, form="{:.3f}"):
    """A part, and what share it is of the whole, unless noise has made it less than nothing or more than all."""
    return form.format(part) + (f" ({100 * part / whole:.0f} %)" if 0 <= part <= whole and whole > 0 else "")


def signed(value):
    return f"{'-' if value < 0 else '+'} {abs(value):.1f}"


def remainder(rest, whole, form="{:.3f}"):
    if rest < 0:
        return f"that is {form.format(-rest)} more than the whole, as the parts were measured apart"
    return f"the rest, {share(rest, whole, form)}, is the library's own work"


def success(figures):
    raw, loop, calls, ours = (need(figures, "success", client, "x raw")
                              for client in ("raw", "poll_loop", "same_calls", "timed_connect"))
    rust = figures.get("success", "rust_std", "x raw")
    more = ours - raw
    return (
        f"Success is {ours:.3f} of `raw`. Of the {more:.3f} more, our system calls, made by hand, take "
        f"{share(calls - raw, more)}; {remainder(ours - calls, more)}. `poll_loop` is at {loop:.3f}"
        + (f", Rust's connect_timeout at {rust:.3f}." if rust is not None else ".")
    )


def asleep(figures):
    def at(limit):
        late = [(client, need(figures, "lateness/" + limit, client, "us late"))
                for client in ("bare_ppoll", "poll_loop", "polling")]
        return f"{spaced(limit)} " + ", ".join(f"`{client}` {value:.1f}" for client, value in late)

    return f"Asleep until the deadline, us late: {at('100us')}; {at('10ms')}. `bare_ppoll` waits and does nothing else."


def spinning(figures):
    def parts(limit):
        loop, calls, ours = (need(figures, "lateness/" + limit, client, "us late")
                             for client in ("spin_loop", "spin_same_calls", "spinning"))
        return {"ours": ours, "loop": loop, "calls": calls - loop, "rest": ours - calls}

    at = {limit: parts(limit) for limit in LIMITS}
    each = "; ".join(f"{spaced(limit)} {of['ours']:.1f} = {of['loop']:.1f} {signed(of['calls'])} {signed(of['rest'])}"
                     for limit, of in at.items())
    told = ("`spinning`, us late, as the sum of what the loop by hand takes, which only closes, what our calls after the "
            f"deadline take beyond that, made by hand, and the library's own work: {each}.")
    first, worst = LIMITS[0], max(LIMITS, key=lambda limit: at[limit]["ours"])
    grown = {part: at[worst][part] - at[first][part] for part in at[first]}
    if grown["ours"] <= 0:
        return told + f" It is not later at any limit than at {spaced(first)}."
    loop, calls, rest = (share(grown[part], grown["ours"], "{:.1f}") for part in ("loop", "calls", "rest"))
    return told + (
        f" At {spaced(worst)} it is {grown['ours']:.1f} us later than at {spaced(first)}: {loop} of that the loop by hand has "
        f"too, {calls} our calls, and {rest} the library's own work. Each makes the same calls at the end of every limit; why "
        "they take longer after a longer one is not explained by what is measured here."
    )


def half_dead(figures):
    calls, ours = (need(figures, HALF, client, "x ppoll") for client in ("same_calls", ALL))
    floor = need(figures, HALF, "ppoll", "x ppoll")
    more = ours - floor
    told = (f"10,000 half dead take {ours:.3f} of `ppoll`. Of the {more:.3f} more, our system calls, made by hand, take "
            f"{share(calls - floor, more)}; ")
    touch = figures.get("floor", "first_touch", "ns")
    peak, beyond = figures.get(HALF, ALL, "kB peak"), figures.get(HALF, ALL, "kB beyond")
    memory = less(peak, figures.get(HALF, "same_calls", "kB peak"))
    loop_ms = figures.get(HALF, "ppoll", "ms cpu")
    if touch is None or memory is None or not loop_ms:
        told += f"{remainder(ours - calls, more)}, with the first touch of its pages in it, which was not measured"
    else:
        pages = memory / 4
        touched = pages * touch / (loop_ms * 1e6)
        results = f" ({(peak - beyond) / 4:,.0f} of them the results)" if beyond is not None else ""
        told += (f"the first touch of the {pages:,.0f} pages of 4 kB that it has beyond those calls{results}, at {touch:.0f} ns "
                 f"each, {share(touched, more)}; {remainder(ours - calls - touched, more)}")
    others = [f"{word} at {value:.3f}" for word, value in
              (("with TCP_INFO of each dead", figures.get(HALF, "ppoll_tcp_info", "x ppoll")),
               ("with `epoll`", figures.get(HALF, "epoll", "x ppoll"))) if value is not None]
    return told + "." + (f" The loop by hand is {', '.join(others)}." if others else "")


def growth(figures):
    ours, loop = (need(figures, "batch/growth", client, "x 1000") for client in (ALL, "ppoll"))
    calls = figures.get("batch/growth", "same_calls", "x 1000")
    told = f"CPU of each at 50,000 over 1,000, passing: the library {ours:.3f}, the loop by hand, `ppoll`, {loop:.3f}"
    told += f", our calls by hand {calls:.3f}. " if calls is not None else ". "
    if ours <= 1:
        return told + "It does not grow."
    if loop >= ours:
        return told + "The loop by hand grows no less, so that it is not what we add to it that makes the library's grow."
    added = ours - 1
    told += f"Of the {added:.3f} that are added, the loop by hand has {share(loop - 1, added)} too"
    if calls is None:
        return told + f"; {share(ours - loop, added)} come with our calls and the library's own work."
    return told + f", our calls add {share(calls - loop, added)}; {remainder(ours - calls, added)}."


def smallest(figures):
    def of(what, client="timed_connect"):
        value = figures.size(client, what)
        if value is None:
            raise NotMeasured(f"the smallest client, {what}")
        return value

    file, text, data, unpadded = (of(what) for what in ("bytes", "text", "data", "bytes noseparate-code"))
    in_c = figures.size("by hand, in C", "text")
    told = (
        f"The smallest client at -O2 is a file of {file:,} bytes. `size` counts {text:,} of text and {data:,} of data in it"
        + (f" (by hand, in C, {in_c:,} of text)" if in_c is not None else "")
        + f"; the other {file - text - data:,} are tables of the linker's and what fills pages up. With "
        f"`-Wl,-z,noseparate-code`, which fills up less, the file has {unpadded:,}"
    )
    if file > MOST_BYTES:
        told += (", so that the page layout is what misses the budget" if unpadded <= MOST_BYTES
                 else ", so that the page layout alone is not what misses the budget")
    return told + (". The budget says \"stripped\" and names no other flags; it is held against the file as the linker lays it "
                   "out by default, for size and at -O2.")
