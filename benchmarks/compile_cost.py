# SPDX-License-Identifier: MIT
"""What including a header costs a compiler, and how large the smallest client is. See compile_cost.sh."""

import json
import os
import resource
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FLAGS = ["-std=c++20", "-O2", "-I", os.path.join(ROOT, "include")]
ROUNDS = int(os.environ.get("TIMED_CONNECT_ROUNDS", "5"))


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


def glib_flags():
    if not shutil.which("pkg-config"):
        return []
    return run("pkg-config", "--cflags", "gio-2.0").stdout.split()


# Boost 1.74 wants <utility> before it.
PEERS = [
    ("Asio", "#include <asio.hpp>", []),
    ("Boost.Asio", "#include <utility>\n#include <boost/asio.hpp>", []),
    ("POCO", "#include <Poco/Net/StreamSocket.h>", []),
    ("ACE", "#include <ace/SOCK_Connector.h>", []),
    ("GLib", "#include <gio/gio.h>", glib_flags()),
    ("SFML", "#include <SFML/Network/TcpSocket.hpp>", []),
    ("libuv", "#include <uv.h>", []),
    ("libevent", "#include <event2/bufferevent.h>", []),
    ("curl", "#include <curl/curl.h>", []),
    ("liburing", "#include <liburing.h>", []),
]


def standard_headers_of(compiler, header):
    """The lines by which the library's own headers include what is not theirs."""
    text = run_on(compiler, f"#include <{header}>\n", "-E", "-dI").stdout
    found = {}
    inside = False
    for line in text.splitlines():
        if line.startswith("# "):
            inside = "/include/timed_connect/" in line
        elif line.startswith("#include") and inside and "timed_connect/" not in line:
            found[line.split("//")[0].strip()] = None
    return "\n".join(found)


def run_on(compiler, source, *flags):
    with tempfile.NamedTemporaryFile("w", suffix=".cpp") as file:
        file.write(source)
        file.flush()
        return run(compiler, *FLAGS, *flags, file.name)


def seconds(compiler, source, flags):
    """User and system time of one compilation."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    compiled = run_on(compiler, source, *flags, "-c", "-o", "/dev/null")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if compiled.returncode != 0:
        raise RuntimeError(compiled.stderr)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def lines(compiler, source, flags):
    text = run_on(compiler, source, *flags, "-E", "-P").stdout
    return sum(1 for line in text.splitlines() if line.strip())


def units_of(compiler):
    """(name, source, flags) of what is included as a whole."""
    units = [
        ("<chrono>", "#include <chrono>", []),
        ("standard headers of connect.hpp", standard_headers_of(compiler, "timed_connect/connect.hpp"), []),
        ("connect.hpp", "#include <timed_connect/connect.hpp>", []),
        ("standard headers of timed_connect.hpp", standard_headers_of(compiler, "timed_connect/timed_connect.hpp"), []),
        ("timed_connect.hpp", "#include <timed_connect/timed_connect.hpp>", []),
    ]
    for name, source, flags in PEERS:
        if run_on(compiler, source, *flags, "-fsyntax-only").returncode == 0:
            units.append((name, source, flags))
        else:
            print(f"{compiler} leaves out {name}: it is not here, or does not compile", file=sys.stderr)
    return units


def headers_of(compiler):
    """(name, source, flags) of each standard or system header that connect.hpp and what it includes include."""
    included = standard_headers_of(compiler, "timed_connect/connect.hpp").splitlines()
    return [(re.search(r"<.*>", line)[0], line, []) for line in sorted(included)]


def least_of_rounds(takes, names, rounds):
    """The least that `takes(name)` says of each. All have a turn in each round, so that what the machine does meanwhile meets
    all of them.

    The least and not the median: a compiler does the same work each time, and what comes on top, such as caches that another
    process has filled or a CPU whose core is shared, only adds. Over five rounds that may well be most of them, and a median
    has made <chrono> dearer than a set of headers that <chrono> is one of.
    """
    least = {}
    for _ in range(rounds):
        for name in names:
            taken = takes(name)
            least[name] = min(taken, least.get(name, taken))
    return least


def measured(compiler):
    """The units and the headers, which have their rounds together: <chrono> is in both."""
    units, headers = units_of(compiler), headers_of(compiler)
    sources = {name: (source, flags) for name, source, flags in units + headers}
    least = least_of_rounds(lambda name: seconds(compiler, *sources[name]), list(sources), ROUNDS)

    def rows(of):
        return [{"name": name, "seconds": least[name], "lines": lines(compiler, source, flags)} for name, source, flags in of]

    return {"units": rows(units), "headers": rows(headers)}


# How CMake's MinSizeRel builds, with INTERPROCEDURAL_OPTIMIZATION.
FOR_SIZE = ["-Os", "-DNDEBUG", "-flto"]


def text_and_data(program):
    """What `size` counts, which does not depend on how the linker lays out pages; nothing where there is no `size`."""
    if not shutil.which("size"):
        return {}
    text, data = run("size", program).stdout.splitlines()[1].split()[:2]
    return {"text": int(text), "data": int(data)}


def sizes():
    clients = [
        ("by hand, in C", ["gcc", "-std=c11", "-O2"], "raw.c"),
        ("timed_connect", ["g++", *FLAGS], "timed_connect.cpp"),
        ("Asio", ["g++", *FLAGS], "asio.cpp"),
    ]
    found = []
    for name, command, source in clients:
        of = {"name": name}
        for key, flags in (("bytes", []), ("bytes noseparate-code", ["-Wl,-z,noseparate-code"]), ("bytes for size", FOR_SIZE)):
            with tempfile.TemporaryDirectory() as folder:
                program = os.path.join(folder, "client")
                built = run(*command, *flags, "-s", "-o", program, os.path.join(ROOT, "benchmarks/smallest", source))
                if built.returncode == 0:
                    of[key] = os.path.getsize(program)
                    if key == "bytes":
                        of |= text_and_data(program)
        if "bytes" in of and "bytes for size" in of:
            found.append(of)
        else:
            print(f"the smallest client of {name} is left out: it does not compile", file=sys.stderr)
    return found


def main():
    result = {"rounds": ROUNDS, "compilers": [], "sizes": sizes()}
    for compiler in ("g++", "clang++"):
        if not shutil.which(compiler):
            continue
        version = run(compiler, "--version").stdout.splitlines()[0]
        of = measured(compiler)
        result["compilers"].append({"name": compiler, "version": version, **of})
        print(f"{version}: user and system seconds, the least of {ROUNDS}, and lines that are read")
        for unit in of["units"]:
            print(f"  {unit['name']:40}{unit['seconds']:8.3f}{unit['lines']:10}")
        print("each that connect.hpp includes, alone")
        for unit in of["headers"]:
            print(f"  {unit['name']:40}{unit['seconds']:8.3f}{unit['lines']:10}")
    print("smallest client, stripped, bytes: -O2, of it text, with -Wl,-z,noseparate-code, and for size")
    for size in result["sizes"]:
        columns = ("bytes", "text", "bytes noseparate-code", "bytes for size")
        print(f"  {size['name']:40}" + "".join(f"{size.get(column, '-'):>8}" for column in columns))
    if len(sys.argv) > 1:
        with open(sys.argv[1], "w") as file:
            json.dump(result, file, indent=1)


if __name__ == "__main__":
    main()
