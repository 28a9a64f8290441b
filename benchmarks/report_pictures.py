# SPDX-License-Identifier: MIT
"""The pictures of performance.md."""

import html
import re

from report_figures import OURS

BY_HAND = re.compile(r"^(raw|.*poll.*|epoll|.*same_calls|spin_loop|by hand.*|<chrono>|standard headers.*)$")

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


def bars(name, title, subtitle, items, form, longest=None, below_is_early=False):
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
        page.append((f'<g class="early">{word}</g>' if value < 0 and below_is_early else word) + "</g>")
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
                         late, lambda value: f"{-value:.0f} us early" if value < 0 else f"{value:.1f}", 300, True),
        "batch-cpu": bars("batch-cpu", "10,000 endpoints, half of them dead", "processor time over a ppoll() loop by hand",
                          column(figures, half, "x ppoll"), "{:.2f}".format),
        "batch-memory": bars("batch-memory", "10,000 endpoints, half of them dead",
                             "kB of memory beyond the results that are returned",
                             column(figures, half, "kB beyond"), "{:.0f}".format),
        "compile": bars("compile", "Including a header", "seconds of the compiler, C++20, -O2",
                        sorted(units, key=lambda one: one[1]), "{:.2f}".format),
    }
