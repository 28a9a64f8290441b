#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tells which branches of the headers the tests have reached: coverage_branches.py SOURCE_DIR BUILD_DIR LEAST_PERCENT

gcovr adds up the branches of all copies of a template by their number in the line, also of copies that never ran and so
have other numbers. Here only copies that ran count: a branch is reached if one of them took it. Left out are branches
that only an exception takes, and those of assert(), which end the process. BUILD_DIR/branches.txt lists the others, each
with its reason in tests/uncovered.txt; there `FILE: TEXT` begins a reason, TEXT being a part of the line.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path


def copies(build):
    """Every (file, line, count, branches) that gcov tells of a function."""
    for counts in sorted(build.rglob('*.gcda')):
        told = subprocess.run(['gcov', '--json-format', '--stdout', '--branch-probabilities', str(counts)],
                              cwd=build, capture_output=True, text=True, check=True).stdout
        for document in told.splitlines():
            for file in json.loads(document)['files']:
                for line in file['lines']:
                    if line.get('function_name') and line['branches']:
                        yield file['file'], line['line_number'], line['count'], line['branches']


def explanations(path):
    """(file, part of a line, reason)"""
    for line in path.read_text().splitlines():
        if line and not line.startswith('#'):
            place, reason = line.split(' -- ', 1)
            file, text = place.split(': ', 1)
            yield file, text.strip(), reason


def main():
    source, build, least = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), float(sys.argv[3])
    headers = source / 'include' / 'timed_connect'
    ran = defaultdict(lambda: defaultdict(int))    # (file, line) -> branch -> count
    never = defaultdict(lambda: defaultdict(int))  # the same, of lines that no copy has run
    for name, number, count, branches in copies(build):
        path = Path(name)
        if not path.is_relative_to(headers):
            continue
        place = (str(path.relative_to(headers)), number)
        for index, branch in enumerate(branches):
            if not branch['throw']:
                (ran if count else never)[place][index] += branch['count']
    text = {file: (headers / file).read_text().splitlines() for file, _ in [*ran, *never]}
    explained = list(explanations(source / 'tests' / 'uncovered.txt'))
    total = missed = unexplained = 0
    with open(build / 'branches.txt', 'w') as report:
        for place in sorted({*ran, *never}):
            file, number = place
            line = text[file][number - 1].strip()
            if re.search(r'\bassert\(', line):
                continue
            branches = ran.get(place) or never[place]
            total += len(branches)
            gaps = [str(index) for index, count in branches.items() if count == 0]
            missed += len(gaps)
            if gaps:
                reason = next((why for where, part, why in explained if where == file and part in line), None)
                unexplained += 0 if reason else len(gaps)
                report.write(f'{file}:{number}: {line}\n    {", ".join(gaps)} of {len(branches)}: '
                             f'{reason or "NOT EXPLAINED"}\n')
    percent = 100 * (total - missed) / total if total else 0.0
    print(f'branches: {percent:.1f}% ({total - missed} out of {total}); '
          f'{missed - unexplained} of the others explained, {unexplained} not')
    print(f'The branches that no test has reached are listed in {build}/branches.txt.')
    return 0 if percent >= least else 1


if __name__ == '__main__':
    sys.exit(main())
