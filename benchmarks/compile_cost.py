# SPDX-License-Identifier: MIT
"""What including a header costs a compiler, and how large the smallest client is. See compile_cost.sh."""

import json
import os
import resource
import shutil
import statistics
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


def inclusions(compiler):
    """All units in turn, round by round, so that what the machine does meanwhile meets all of them."""
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
    taken = {name: [] for name, _, _ in units}
    for _ in range(ROUNDS):
        for name, source, flags in units:
            taken[name].append(seconds(compiler, source, flags))
    return [
        {"name": name, "seconds": statistics.median(taken[name]), "lines": lines(compiler, source, flags)}
        for name, source, flags in units
    ]


# How CMake's MinSizeRel builds, with INTERPROCEDURAL_OPTIMIZATION.
FOR_SIZE = ["-Os", "-DNDEBUG", "-flto"]


def sizes():
    clients = [
        ("by hand, in C", ["gcc", "-std=c11", "-O2"], "raw.c"),
        ("timed_connect", ["g++", *FLAGS], "timed_connect.cpp"),
        ("Asio", ["g++", *FLAGS], "asio.cpp"),
    ]
    found = []
    for name, command, source in clients:
        of = {"name": name}
        for key, flags in (("bytes", []), ("bytes for size", FOR_SIZE)):
            with tempfile.TemporaryDirectory() as folder:
                program = os.path.join(folder, "client")
                built = run(*command, *flags, "-s", "-o", program, os.path.join(ROOT, "benchmarks/smallest", source))
                if built.returncode == 0:
                    of[key] = os.path.getsize(program)
        if "bytes" in of and "bytes for size" in of:
            found.append(of)
        else:
            print(f"the smallest client of {name} is left out: it does not compile", file=sys.stderr)
    return found


def main():
    result = {"compilers": [], "sizes": sizes()}
    for compiler in ("g++", "clang++"):
        if not shutil.which(compiler):
            continue
        version = run(compiler, "--version").stdout.splitlines()[0]
        units = inclusions(compiler)
        result["compilers"].append({"name": compiler, "version": version, "units": units})
        print(f"{version}: user and system seconds, median of {ROUNDS}, and lines that are read")
        for unit in units:
            print(f"  {unit['name']:40}{unit['seconds']:8.3f}{unit['lines']:10}")
    print("smallest client, stripped, bytes: -O2, and for size")
    for size in result["sizes"]:
        print(f"  {size['name']:40}{size['bytes']:8}{size['bytes for size']:8}")
    if len(sys.argv) > 1:
        with open(sys.argv[1], "w") as file:
            json.dump(result, file, indent=1)


main()
