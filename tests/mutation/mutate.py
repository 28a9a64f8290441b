#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mutation testing: changes the library in one small place at a time, and looks whether a test notices.

All mutants are compiled in at once (mutant schemata): `a < b` becomes `tconn_mutation::less(17, a, b)`, which is `a <= b`
while mutant 17 is on, and an environment variable switches one on. So the tests are built once, not once a mutant.
What the compiler evaluates stays as it is. Then the tests run, each alone, to see which mutants it reaches; and each
mutant is run against the tests that reach it, until one of them fails. That goes in rounds: all mutants against the quick
tests of what only computes, those that are left against the quick ones that take real time, then the slow ones.

Every verdict is kept in build/mutation/verdicts.json. With --continue a run goes on where another has stopped: what was
killed stays so, and what has survived a program that has not been built since is not run against it again.

The exit status is 1 if a mutant survives, or is not reached, that explained.txt does not explain.
"""

import argparse
import bisect
import concurrent.futures
import ctypes
import fcntl
import fnmatch
import json
import os
import random
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from clang.cindex import CursorKind as Kind
from clang.cindex import Index, TypeKind

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
HEADERS = PROJECT / 'include'
BUILD = PROJECT / 'build' / 'mutation'

# The programs, those that find most in the least time first. The flag says whether they depend on the real clock and
# the kernel: what fails there counts when it fails twice.
PROGRAMS = {'unit': False, 'scenario': False, 'exploration': False, 'system_calls': True, 'real': True,
            'loopback': True, 'wire': True, 'cli': True}
# Those of whose tests a single file is made, as the compiler then takes a tenth of the time.
UNITED = ('unit', 'scenario', 'exploration', 'loopback')
SLOW = 0.25    # seconds: such tests run after all the others
TOO_SLOW = 20  # such tests are left out
# Optimised a little, as tests run often; but explorations and sweeps are to be as small as without.
FLAGS = '-std=gnu++20 -w -O1 -U__OPTIMIZE__ -ferror-limit=0'

NAMESPACE = 'tconn_mutation'
COMPARISONS = {'<': ('less', '<='), '<=': ('less_equal', '<'), '>': ('greater', '>='), '>=': ('greater_equal', '>')}
ARITHMETIC = {'+': ('sum', '-'), '-': ('difference', '+'), '*': ('product', '/'), '/': ('quotient', '*')}
LOGICAL = {'&&': '||', '||': '&&'}
OPERATORS = {*COMPARISONS, *ARITHMETIC, *LOGICAL, '==', '!=', '=', '+=', '-=', '*=', '/=', '|=', '&=', '%', '&', '|',
             '^', '<<', '>>', '<=>'}
SCOPES = {Kind.NAMESPACE, Kind.CLASS_DECL, Kind.STRUCT_DECL, Kind.CLASS_TEMPLATE, Kind.UNION_DECL, Kind.FRIEND_DECL,
          Kind.CLASS_TEMPLATE_PARTIAL_SPECIALIZATION, Kind.LINKAGE_SPEC}
FUNCTIONS = {Kind.FUNCTION_DECL, Kind.CXX_METHOD, Kind.CONSTRUCTOR, Kind.DESTRUCTOR, Kind.CONVERSION_FUNCTION,
             Kind.FUNCTION_TEMPLATE}
REFERENCES = {Kind.TYPE_REF, Kind.NAMESPACE_REF, Kind.TEMPLATE_REF, Kind.OVERLOADED_DECL_REF, Kind.MEMBER_REF,
              Kind.LABEL_REF, Kind.VARIABLE_REF}
INTEGERS = {TypeKind.INT, TypeKind.UINT, TypeKind.LONG, TypeKind.ULONG, TypeKind.LONGLONG, TypeKind.ULONGLONG,
            TypeKind.SHORT, TypeKind.USHORT, TypeKind.UCHAR, TypeKind.SCHAR}


class Site:
    """A place in a header, what is written there instead, and the mutants that this makes."""

    def __init__(self, file, start, end):
        self.file, self.start, self.end = file, start, end
        self.changes = []  # texts, one a mutant
        self.first = 0     # number of the first mutant
        self.edits = []    # (offset, is_prefix, order, removed, text); text may hold {n} for the first number


class Header:
    """Collects the sites of one header."""

    def __init__(self, path):
        self.path = path
        self.name = str(path.relative_to(HEADERS))
        self.text = path.read_bytes().decode('latin-1')  # so that offsets are those of bytes
        self.sites = []
        self.order = 0

    def snippet(self, start, end):
        return ' '.join(self.text[start:end].split())

    def line_of(self, offset):
        return self.text.count('\n', 0, offset) + 1

    def line_text(self, offset):
        begin = self.text.rfind('\n', 0, offset) + 1
        return ' '.join(self.text[begin:self.text.find('\n', offset)].split())

    def site(self, start, end, changes):
        made = Site(self, start, end)
        made.changes = changes
        self.sites.append(made)
        return made

    def wrap(self, site, start, end, before, after):
        self.order += 1
        site.edits.append((start, True, self.order, 0, before))
        site.edits.append((end, False, -self.order, 0, after))

    def replace(self, site, start, end, text):
        self.order += 1
        site.edits.append((start, True, self.order, end - start, text))

    def call(self, function, start, end, changes, rest=''):
        """The expression becomes function(n, expression rest)."""
        site = self.site(start, end, changes)
        self.wrap(site, start, end, f'{NAMESPACE}::{function}({{n}}, ', rest + ')')

    # What surrounds an expression decides what is done to it:
    #   root     a condition, or a bool that is returned or kept: it is forced to be true, and to be false
    #   loop     the same for the condition of a loop, which is only forced to be false
    #   operand  of && or ||, or of !: that one drops it
    #   compared, value: else

    def expression(self, cursor, role='value'):
        cursor = stripped(cursor)
        kind = cursor.kind
        start, end = extent(cursor)
        if start >= end or kind in REFERENCES:
            return
        text = self.text[start:end]
        if kind == Kind.LAMBDA_EXPR:
            for child in cursor.get_children():
                if child.kind == Kind.COMPOUND_STMT:
                    self.statement(child, None)
            return
        if kind == Kind.CXX_UNARY_EXPR or text.startswith(('sizeof', 'noexcept', 'requires', 'alignof', 'offsetof')):
            return
        if kind == Kind.PAREN_EXPR:
            for child in cursor.get_children():
                self.expression(child, role)
            return
        if role in ('root', 'loop') and text not in ('true', 'false'):
            self.force(start, end, role)
        operands = self.operands(cursor)
        operator = self.operator_between(operands)
        if operator and self.binary(cursor, operands, operator, role):
            return
        if kind == Kind.UNARY_OPERATOR and text.startswith('!') or (
                kind == Kind.CALL_EXPR and text.startswith('!')):
            if role in ('value', 'compared'):
                self.call('inverted', start, end, [f'{self.snippet(start, end)} -> without !'])
            for child in operands:
                self.expression(child, 'operand')
            return
        if kind == Kind.CONDITIONAL_OPERATOR:
            for child, part in zip(operands, ('root', 'value', 'value')):
                self.expression(child, part)
            return
        if self.constant(cursor, start, end, role):
            return
        if kind in (Kind.DECL_REF_EXPR, Kind.MEMBER_REF_EXPR):
            # What stands behind the name is template arguments.
            operands = [child for child in operands if extent(child)[0] <= cursor.location.offset]
        for child in operands:
            if child.kind == Kind.COMPOUND_STMT:
                self.statement(child, None)
            else:
                self.expression(child)

    def force(self, start, end, role):
        text = self.snippet(start, end)
        if role == 'root':
            site = self.site(start, end, [f'{text} -> true', f'{text} -> false'])
            self.wrap(site, start, end, f'{NAMESPACE}::forced({{n}}, static_cast<bool>(', '))')
        else:
            site = self.site(start, end, [f'{text} -> false'])
            self.wrap(site, start, end, f'{NAMESPACE}::and_false({{n}}, static_cast<bool>(', '))')

    def operands(self, cursor):
        """The expressions in it, without those that stand for an operator."""
        start, end = extent(cursor)
        found = {}
        for child in self.written_children(cursor):
            inner = extent(child)
            if child.kind in REFERENCES or inner[0] >= inner[1] or self.text[inner[0]:inner[1]] in OPERATORS:
                continue
            if inner[0] < start or inner[1] > end or inner == (start, end):
                continue
            found.setdefault(inner, child)
        return [found[inner] for inner in sorted(found)]

    def written_children(self, cursor):
        """The children; those of a == b in the place of !(a == b), which the compiler makes of a != b."""
        for child in cursor.get_children():
            if self.text.startswith('!=', extent(child)[0]):
                for equality in child.get_children():
                    yield from equality.get_children()
            else:
                yield child

    def operator_between(self, operands):
        if len(operands) != 2:
            return None
        between = self.text[extent(operands[0])[1]:extent(operands[1])[0]].strip()
        return between if between in OPERATORS else None

    def binary(self, cursor, operands, operator, role):
        start, end = extent(cursor)
        left, right = operands
        text = self.snippet(start, end)
        at = self.text.index(operator, extent(left)[1])
        if operator in LOGICAL:
            whole = self.site(start, end, [f'{text}: {operator} -> {LOGICAL[operator]} before '
                                           f'{self.snippet(*extent(right))}'])
            self.wrap(whole, start, end, f'{NAMESPACE}::inverted({{n}}, ', ')')
            function, neutral = ('or_true', 'true') if operator == '&&' else ('and_false', 'false')
            for operand in operands:
                # By De Morgan: both operands and the whole inverted is the other operator, and as lazy.
                self.wrap(whole, *extent(operand), f'{NAMESPACE}::inverted({{n}}, static_cast<bool>(', '))')
                if stripped(operand, parentheses=True).kind != Kind.BINARY_OPERATOR or self.operator_between(
                        self.operands(stripped(operand))) != operator:
                    dropped = self.site(*extent(operand), [f'{self.snippet(*extent(operand))} -> {neutral}'])
                    self.wrap(dropped, *extent(operand), f'{NAMESPACE}::{function}({{n}}, static_cast<bool>(', '))')
                self.expression(operand, 'operand')
            return True
        if operator in COMPARISONS:
            function, instead = COMPARISONS[operator]
            site = self.site(start, end, [f'{text}: {operator} -> {instead}'])
            self.wrap(site, start, end, f'{NAMESPACE}::{function}({{n}}, ', ')')
            self.replace(site, at, at + len(operator), ',')
        elif operator in ('==', '!='):
            if role == 'value':
                instead = '!=' if operator == '==' else '=='
                self.call('inverted', start, end, [f'{text}: {operator} -> {instead}'])
        elif operator in ARITHMETIC:
            function, instead = ARITHMETIC[operator]
            site = self.site(start, end, [f'{text}: {operator} -> {instead}'])
            self.wrap(site, start, end, f'{NAMESPACE}::{function}({{n}}, ', ')')
            self.replace(site, at, at + len(operator), ',')
        elif operator == '=':
            self.expression(right)
            return True
        compared = operator in COMPARISONS or operator in ('==', '!=')
        for operand in operands:
            self.expression(operand, 'compared' if compared else 'value')
        return True

    def constant(self, cursor, start, end, role):
        """A literal, an enumerator or a named constant. One that is compared is left to its comparison."""
        text = self.text[start:end]
        if cursor.kind == Kind.CXX_BOOL_LITERAL_EXPR and text in ('true', 'false'):
            self.call('inverted', start, end, [f'{text} -> {"false" if text == "true" else "true"}'])
            return True
        number = re.fullmatch(r"(0[xX][0-9a-fA-F']+|[0-9']+)([uUlLzZ]*|ns|us|ms|s|min|h)", text)
        if number:
            if role == 'compared':
                return True
            if number[2] in ('ns', 'us', 'ms', 's', 'min', 'h'):
                self.call('doubled', start, end, [f'{text} -> doubled'])
                return True
            value = int(number[1].replace("'", ''), 0)
            if value == 1:
                self.call('one_less', start, end, [f'{text} -> 0'])
            else:
                self.call('one_more', start, end, [f'{text} -> {value + 1}'])
            return True
        if cursor.kind != Kind.DECL_REF_EXPR or not cursor.referenced or not is_ours(cursor.referenced):
            return False
        declared = cursor.referenced
        if declared.kind == Kind.ENUM_CONSTANT_DECL:
            if role != 'compared':
                self.swap_enumerator(declared, start, end)
            return True
        if declared.kind != Kind.VAR_DECL or not is_constexpr(declared):
            return False
        if role == 'compared':
            return True
        canonical = declared.type.get_canonical()
        if canonical.kind in INTEGERS:
            self.call('one_more', start, end, [f'{text} -> {text} + 1'])
        elif 'chrono::duration<' in canonical.spelling and not 'time_point' in canonical.spelling:
            self.call('doubled', start, end, [f'{text} -> doubled'])
        elif text in ('never', 'long_past', 'detail::never', 'detail::long_past'):
            instead = text.replace('never', 'LONG').replace('long_past', 'never').replace('LONG', 'long_past')
            self.call('another', start, end, [f'{text} -> {instead}'], f', {instead}')
        return True

    def swap_enumerator(self, declared, start, end):
        text = self.text[start:end]
        names = [other.spelling for other in declared.semantic_parent.get_children()
                 if other.kind == Kind.ENUM_CONSTANT_DECL]
        at = names.index(declared.spelling)
        others = names[at + 1:] + names[:at]
        if not text.endswith(declared.spelling):
            return
        qualifier = text[:-len(declared.spelling)]
        # All others of a policy, the next one else.
        for other in others if len(names) <= 3 else others[:1]:
            self.call('another', start, end, [f'{text} -> {qualifier}{other}'], f', {qualifier}{other}')

    def statement(self, cursor, function):
        kind = cursor.kind
        start, end = extent(cursor)
        if kind in (Kind.NULL_STMT, Kind.BREAK_STMT, Kind.CONTINUE_STMT, Kind.GOTO_STMT) or start >= end:
            return
        children = list(cursor.get_children())
        if kind in (Kind.COMPOUND_STMT, Kind.CXX_TRY_STMT, Kind.CXX_CATCH_STMT):
            for child in children:
                self.statement(child, function)
        elif kind in (Kind.CASE_STMT, Kind.DEFAULT_STMT):
            self.statement(children[-1], function)
        elif kind == Kind.DECL_STMT:
            for child in children:
                self.declaration(child)
        elif kind == Kind.RETURN_STMT:
            for child in children:
                self.returned(child, function)
        elif kind in (Kind.IF_STMT, Kind.WHILE_STMT, Kind.FOR_STMT, Kind.SWITCH_STMT, Kind.DO_STMT,
                      Kind.CXX_FOR_RANGE_STMT):
            self.controlled(cursor, children, function)
        elif kind.is_expression():
            if not self.text.startswith('static_cast<void>', start):
                site = self.site(start, end, [f'{self.snippet(start, end)}; -> dropped'])
                self.wrap(site, start, end, f'{NAMESPACE}::is_on({{n}}) ? void() : static_cast<void>(', ')')
            self.expression(cursor, 'statement')
        elif kind.is_statement():
            for child in children:
                self.statement(child, function)

    def controlled(self, cursor, children, function):
        """if, switch and the loops: what stands in the parentheses, and the statements behind them."""
        start, end = extent(cursor)
        if not re.match('(if|while|for|switch|do)\\b', self.text[start:end]):
            return  # of a macro
        if cursor.kind == Kind.DO_STMT:
            self.statement(children[0], function)
            self.expression(children[-1], 'loop')
            return
        opening = self.text.index('(', start)
        closing = self.matching(opening)
        if cursor.kind == Kind.FOR_STMT:
            semicolons = self.semicolons(opening, closing)
        is_constant = self.text[start:opening].split()[-1:] == ['constexpr']
        for child in children:
            inner = extent(child)
            if inner[0] > closing:
                self.statement(child, function)
            elif is_constant or cursor.kind == Kind.CXX_FOR_RANGE_STMT:
                continue
            elif child.kind == Kind.DECL_STMT:
                self.statement(child, function)
            elif child.kind == Kind.VAR_DECL:
                self.declaration(child)
            elif cursor.kind == Kind.FOR_STMT:
                if semicolons[0] < inner[0] < semicolons[1]:
                    self.expression(child, 'loop')
            elif self.text[inner[0]:inner[1]].strip() and not self.is_declared_in(children, inner):
                role = {Kind.IF_STMT: 'root', Kind.WHILE_STMT: 'loop'}.get(cursor.kind, 'value')
                self.expression(child, role)

    @staticmethod
    def is_declared_in(children, inner):
        """The reference to the variable that `if (int const error = f())` declares."""
        return any(child.kind in (Kind.VAR_DECL, Kind.DECL_STMT) and extent(child)[0] <= inner[0] < extent(child)[1]
                   for child in children)

    def matching(self, opening):
        depth = 0
        for at in range(opening, len(self.text)):
            depth += {'(': 1, ')': -1}.get(self.text[at], 0)
            if depth == 0:
                return at
        raise ValueError('no closing parenthesis')

    def semicolons(self, opening, closing):
        return [at for at in range(opening, closing) if self.text[at] == ';']

    def returned(self, cursor, function):
        inner = stripped(cursor)
        is_bool = inner.type.get_canonical().kind == TypeKind.BOOL or (
            function is not None and function.kind == TypeKind.BOOL)
        if is_bool:
            self.expression(cursor, 'root')
            return
        if function is not None and function.kind == TypeKind.INT and inner.kind != Kind.INTEGER_LITERAL:
            start, end = extent(inner)
            self.call('zero', start, end, [f'{self.snippet(start, end)} -> 0'])
        self.expression(cursor)

    def declaration(self, cursor):
        """A variable, a field or a parameter, whose initialiser stands behind its name."""
        if cursor.kind not in (Kind.VAR_DECL, Kind.FIELD_DECL, Kind.PARM_DECL) or is_constexpr(cursor):
            return
        start, end = extent(cursor)
        behind = cursor.location.offset + len(cursor.spelling)
        if cursor.type.get_canonical().kind in (TypeKind.CONSTANTARRAY, TypeKind.DEPENDENTSIZEDARRAY):
            behind = self.text.index(']', behind)
        if not self.text[behind:end].strip():
            return
        for child in cursor.get_children():
            inner = extent(child)
            if inner[0] < behind or not child.kind.is_expression():
                continue
            plain = stripped(child)
            declared = cursor.type.get_canonical().kind
            if declared == TypeKind.BOOL and cursor.kind == Kind.VAR_DECL:
                self.expression(child, 'root')
                continue
            if declared == TypeKind.INT and plain.kind == Kind.CALL_EXPR:
                text = self.snippet(*extent(plain))
                self.call('zero', *extent(plain), [f'{text} -> 0'])
            self.expression(child)

    def function(self, cursor):
        children = list(cursor.get_children())
        text = self.text[extent(cursor)[0]:extent(cursor)[1]]
        if re.match(r'[^({]*\bconsteval\b', text):
            return
        result = cursor.result_type.get_canonical()
        initialiser = None
        for child in children:
            if child.kind == Kind.PARM_DECL:
                self.declaration(child)
            elif child.kind == Kind.COMPOUND_STMT:
                self.statement(child, result)
            elif child.kind == Kind.MEMBER_REF and is_constructor(cursor):
                initialiser = extent(child)[0]
            elif child.kind.is_expression() and initialiser is not None:
                self.expression(child)

    def scope(self, cursor):
        for child in cursor.get_children():
            if not child.location.file or child.location.file.name != str(self.path):
                continue
            if child.kind in SCOPES:
                self.scope(child)
            elif child.kind in FUNCTIONS:
                self.function(child)
            elif child.kind in (Kind.VAR_DECL, Kind.FIELD_DECL):
                self.declaration(child)

    def rendered(self, dropped):
        """The mutated text; and for each piece of it where it begins, where that was, and whose it is."""
        edits = [(*edit, site) for site in self.sites if site not in dropped for edit in site.edits]
        # At one place: what ends there, the innermost first; then what begins there, the outermost first.
        edits.sort(key=lambda edit: (edit[0], edit[1], edit[2]))
        pieces, places, at, length = [], [], 0, 0

        def add(text, origin, site):
            nonlocal length
            if text:
                pieces.append(text)
                places.append((length, origin, site))
                length += len(text)

        for offset, _, _, removed, text, site in edits:
            add(self.text[at:offset], at, None)
            add(text.format(n=site.first), offset, site)
            at = offset + removed
        add(self.text[at:], at, None)
        return ''.join(pieces), places


def extent(cursor):
    return cursor.extent.start.offset, cursor.extent.end.offset


def stripped(cursor, parentheses=False):
    """Without the conversions and copies that nobody wrote, which stand at the same place."""
    while True:
        if cursor.kind not in (Kind.UNEXPOSED_EXPR, Kind.CALL_EXPR) and not (
                parentheses and cursor.kind == Kind.PAREN_EXPR):
            return cursor
        children = [child for child in cursor.get_children() if child.kind not in REFERENCES]
        if len(children) != 1 or not (extent(children[0]) == extent(cursor) or
                                      parentheses and cursor.kind == Kind.PAREN_EXPR):
            return cursor
        cursor = children[0]


def is_ours(cursor):
    return bool(cursor.location.file) and cursor.location.file.name.startswith(str(HEADERS))


def is_constexpr(cursor):
    for token in cursor.get_tokens():
        if token.spelling == cursor.spelling:
            return False
        if token.spelling == 'constexpr':
            return True
    return False


def is_constructor(cursor):
    if cursor.kind == Kind.CONSTRUCTOR:
        return True
    return cursor.kind == Kind.FUNCTION_TEMPLATE and cursor.spelling.split('<')[0] == (
        cursor.semantic_parent.spelling if cursor.semantic_parent else None)


def headers_to_mutate():
    """What is tested here; the doubles of testing/ are what it is tested with."""
    return [path for path in sorted(HEADERS.rglob('*.hpp'))
            if 'platform_windows' not in path.name and path.parent.name != 'testing']


def collect():
    """Every header, with its sites. One translation unit includes them all."""
    paths = headers_to_mutate()
    if subprocess.run(['clang++', '-xc++', '-fsyntax-only', '-include', 'ares.h', '/dev/null'],
                      capture_output=True, check=False).returncode != 0:
        paths = [path for path in paths if not path.name.endswith('_cares.hpp')]
    headers = {str(path): Header(path) for path in paths}
    includes = ''.join(f'#include <{header.name}>\n' for header in headers.values())
    unit = Index.create().parse('all.cpp', ['-x', 'c++', '-std=gnu++20', f'-I{HEADERS}'],
                                unsaved_files=[('all.cpp', includes)])
    problems = [str(problem) for problem in unit.diagnostics if problem.severity >= 3]
    if problems:
        sys.exit('The headers do not parse:\n' + '\n'.join(problems))

    def visit(cursor):
        for child in cursor.get_children():
            file = child.location.file
            if not file or file.name not in headers:
                continue
            if child.kind == Kind.NAMESPACE:
                visit(child)
            elif child.kind in SCOPES:
                headers[file.name].scope(child)
            elif child.kind in FUNCTIONS:
                headers[file.name].function(child)
            elif child.kind == Kind.VAR_DECL:
                headers[file.name].declaration(child)

    visit(unit.cursor)
    number = 1
    for header in headers.values():
        for site in header.sites:
            site.first = number
            number += len(site.changes)
    return list(headers.values())


def write_if_changed(path, text):
    data = text.encode('latin-1')
    if path.exists() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def write_json(path, what):
    """A stop in the middle of it loses nothing."""
    fresh = path.with_suffix('.new')
    fresh.write_text(json.dumps(what))
    fresh.replace(path)


def write_headers(headers, dropped):
    """The copy of include/, mutated. Returns what leads from a place in it back to a site."""
    maps = {}
    for path in HEADERS.rglob('*.hpp'):
        header = next((one for one in headers if one.path == path), None)
        copy = BUILD / 'include' / path.relative_to(HEADERS)
        if header is None:
            write_if_changed(copy, path.read_bytes().decode('latin-1'))
            continue
        text, places = header.rendered(dropped)
        maps[str(copy)] = (header, text, places)
        write_if_changed(copy, text)
    return maps


def culprits(maps, output, dropped):
    """The sites that the compiler's errors point at."""
    found = set()
    is_open = False  # an error elsewhere is followed by notes that lead to who is to blame
    for file, line, column, what in re.findall(r'^([^\s:]+):(\d+):(\d+): (?:fatal )?(error|note):', output, re.M):
        is_open = is_open or what == 'error'
        if file not in maps or not is_open:
            continue
        is_open = False
        header, text, places = maps[file]
        offset = 0
        for _ in range(int(line) - 1):
            offset = text.index('\n', offset) + 1
        offset += int(column) - 1
        _, origin, site = places[bisect.bisect([place[0] for place in places], offset) - 1]
        if site is None:
            begin = places[bisect.bisect([place[0] for place in places], offset) - 1]
            origin += offset - begin[0]
            around = [one for one in header.sites
                      if one not in dropped and one.start <= origin < one.end]
            site = min(around, key=lambda one: one.end - one.start, default=None)
        if site is not None and site not in dropped:
            found.add(site)
    return found


def run_command(command, **arguments):
    return subprocess.run(command, capture_output=True, text=True, errors='replace', check=False, **arguments)


def compile_mutant():
    object_file = BUILD / 'mutant.o'
    source = HERE / 'mutant.cpp'
    if not object_file.exists() or object_file.stat().st_mtime < source.stat().st_mtime:
        done = run_command(['clang++', '-std=gnu++20', '-O2', '-c', str(source), '-o', str(object_file)])
        if done.returncode != 0:
            sys.exit(done.stderr)


def configured():
    """Configures the project's own build, with the mutated headers before its own."""
    folder = BUILD / 'programs'
    # A folder's own include directories come before those of the targets that it links.
    first = BUILD / 'mutated_headers_first.cmake'
    write_if_changed(first, f'include_directories("{BUILD}/include")\n')
    flags = f'{FLAGS} -include {HERE}/mutant.hpp'
    done = run_command(['cmake', '-S', str(PROJECT), '-B', str(folder), '-G', 'Ninja', '-D', 'CMAKE_BUILD_TYPE=',
                        '-D', 'CMAKE_CXX_COMPILER=clang++', '-D', f'CMAKE_CXX_FLAGS={flags}',
                        '-D', f'CMAKE_EXE_LINKER_FLAGS={BUILD}/mutant.o',
                        '-D', f'CMAKE_PROJECT_timed_connect_INCLUDE={first}',
                        '-D', 'CMAKE_VERIFY_INTERFACE_HEADER_SETS=OFF'])
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)
    return folder


def unite(program):
    """Writes all tests of a program into one file, each old file in a namespace of its own. One that defines macros or an operator new, or
    includes headers that quarrel with others, stays alone, and so does what is no test. Returns the sources."""
    sources = [path for path in sorted((PROJECT / 'tests' / program).glob('*.cpp')) if '_cares_' not in path.name]
    alone = [PROJECT / 'tests' / 'support' / 'main.cpp']
    includes, bodies = {}, []
    for at, path in enumerate(sources):
        text = path.read_text()
        if not path.name.endswith('_test.cpp') or re.search('^#define|^#include <linux/|operator new', text, re.M):
            alone.append(path)
            continue
        includes.update(dict.fromkeys(re.findall('^#include .*', text, re.M)))
        body = re.sub('^#include .*', '', text, flags=re.M)
        bodies.append(f'namespace file_{at} {{\n#line 1 "{path}"\n{body}\n}}\n')
    united = BUILD / 'united' / f'{program}.cpp'
    write_if_changed(united, '\n'.join([*includes, *bodies]).encode().decode('latin-1'))
    return [united, *alone]


def write_united(programs):
    """What ninja needs to build these programs. Returns the folder."""
    folder = BUILD / 'united'
    include = f'-I{BUILD}/include -I{PROJECT}/tests -include {HERE}/mutant.hpp'
    lines = ['rule compile', f'  command = clang++ {FLAGS} {include} -MD -MF $out.d -c $in -o $out',
             '  depfile = $out.d', 'rule link', f'  command = clang++ $in {BUILD}/mutant.o -lgtest -pthread -o $out']
    objects = {}
    for program in programs:
        for source in unite(program):
            objects.setdefault(source, f'{source.parent.name}_{source.stem}.o')
        own = ' '.join(objects[source] for source in unite(program))
        lines.append(f'build {program}_tests: link {own} | {BUILD}/mutant.o')
    lines += [f'build {name}: compile {source}' for source, name in objects.items()]
    write_if_changed(folder / 'build.ninja', '\n'.join(lines) + '\n')
    return folder


def program_path(program):
    folder = BUILD / 'united' if program in UNITED else BUILD / 'programs' / 'tests'
    return folder / f'{program}_tests'


def build(headers, programs, jobs):
    """Builds the programs, and drops the sites that do not compile. Returns those."""
    remembered = BUILD / 'dropped.json'
    known = {tuple(one) for one in json.loads(remembered.read_text())} if remembered.exists() else set()
    dropped = {site for header in headers for site in header.sites if key_of(site) in known}
    compile_mutant()
    united = [program for program in programs if program in UNITED]
    others = [program for program in programs if program not in UNITED]
    targets = {write_united(united): united} if united else {}
    if others:
        targets[configured()] = others
    for _ in range(30):
        maps = write_headers(headers, dropped)
        for folder, own in targets.items():
            done = run_command(['ninja', '-C', str(folder), '-k', '2', f'-j{jobs}', *(f'{name}_tests' for name in own)])
            if done.returncode != 0:
                break
        else:
            return dropped
        bad = culprits(maps, done.stdout, dropped)
        if not bad:
            break
        print(f'{len(bad)} places do not compile when they are mutated and are left as they are', flush=True)
        dropped |= bad
        remembered.write_text(json.dumps(sorted(key_of(site) for site in dropped)))
    sys.exit(done.stdout[-4000:])


def key_of(site):
    return (site.file.name, site.file.line_text(site.start), site.changes[0])


CLONE_NEWNET = 0x40000000
may_unshare = os.geteuid() == 0


def isolate(processor_seconds, has_network):
    """In the child: a network of its own, so that a mutant harms nobody and runs do not disturb each other; and limits."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: it does not outlive this script
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (processor_seconds, processor_seconds))
    if not may_unshare or not has_network or ctypes.CDLL(None).unshare(CLONE_NEWNET) != 0:
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        name_and_flags = struct.pack('16sh22x', b'lo', 0x1)  # IFF_UP
        fcntl.ioctl(any_socket, 0x8914, name_and_flags)      # SIOCSIFFLAGS


def is_asleep(process):
    """Whether no thread of it could run now."""
    try:
        states = [Path(task, 'stat').read_text().rpartition(')')[2].split()[0]
                  for task in Path(f'/proc/{process}/task').iterdir()]
    except OSError:
        return False
    return 'R' not in states


def run_program(program, tests, limit, environment):
    """Runs these tests of a program. Gives what has failed, or None; the test in which that was, where it is known; and the
    time that it took. Time in which it could have run, but other programs did, does not count."""
    command = [str(program_path(program)), '--gtest_brief=1', '--gtest_fail_fast',
               '--gtest_filter=' + ':'.join(tests)]
    has_network = program not in ('scenario', 'exploration')
    with tempfile.TemporaryFile() as written:
        child = subprocess.Popen(command, cwd=BUILD, stdin=subprocess.DEVNULL, stdout=written,
                                 stderr=subprocess.STDOUT, start_new_session=True,
                                 preexec_fn=lambda: isolate(int(limit) + 1, has_network), env={**os.environ, **environment})
        asleep, pause, used = 0.0, 0.002, None
        while used is None and asleep < limit:
            time.sleep(pause)
            asleep += pause if is_asleep(child.pid) else 0
            pause = min(1.5 * pause, 0.05)
            if os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                used = 'ended'
        try:
            os.killpg(child.pid, signal.SIGKILL)  # also what it has left behind
        except ProcessLookupError:
            pass
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        span = asleep + usage.ru_utime + usage.ru_stime
        if used is None:
            return 'time is up', None, span
        if child.returncode == 0:
            return None, None, span
        written.seek(0)
        text = written.read().decode(errors='replace')
    failed = re.search(r'^\[  FAILED  \] ([^\s,]+)', text, re.M)
    return (failed[1], failed[1], span) if failed else (f'status {child.returncode}', None, span)


def list_tests(program):
    done = run_command([str(program_path(program)), '--gtest_list_tests'], cwd=BUILD)
    tests, suite = [], ''
    for line in done.stdout.splitlines():
        name = line.split('#')[0].rstrip()
        if not line.startswith(' '):
            suite = name
        elif not name.strip().startswith('DISABLED_') and suite:
            tests.append(suite + name.strip())
    return tests


def look_who_reaches_what(program, count, seen, jobs, save):
    """Runs every test alone with no mutant: which mutants it reaches, and how long it takes. Adds it to `seen`."""
    def look(test):
        with tempfile.NamedTemporaryFile(dir=BUILD) as note:
            for _ in range(2):  # it may be the machine that was too slow
                os.truncate(note.name, 0)
                os.truncate(note.name, count + 2)
                failed, _, span = run_program(program, [test], TOO_SLOW, {'TIMED_CONNECT_REACHED': note.name})
                if not failed or failed == 'time is up':
                    break
            return test, failed, span, Path(note.name).read_bytes()

    unseen = [test for test in list_tests(program) if test not in seen]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for at, (test, failed, span, flags) in enumerate(pool.map(look, unseen)):
            if failed:
                print(f'left out, as it fails with no mutant ({failed}): {program} {test}', flush=True)
            reached = [number for number, flag in enumerate(flags) if flag and number]
            seen[test] = (span, [] if failed else reached)
            if at % 50 == 49 or at + 1 == len(unseen):
                save()


def who_fails(program, part, environment):
    """Runs tests, (name, span) each: what has failed, or None. Where the machine may be to blame, it has to fail again."""
    while part:
        least = 5 if PROGRAMS[program] else 1
        limit = least + 10 * max(span for _, span in part) + 2 * sum(span for _, span in part)
        failed, test, _ = run_program(program, [name for name, _ in part], limit, environment)
        if not failed or not PROGRAMS[program]:
            return failed
        suspects = [(name, span) for name, span in part if test in (name, None)]
        failed, _, _ = run_program(program, [name for name, _ in suspects], limit, environment)
        if failed:
            return failed
        part = [one for one in part if one not in suspects]
    return None


def rounds(programs):
    """What runs after what: (programs, whether it is their slow tests)."""
    computing = [program for program in programs if not PROGRAMS[program]]
    real = [program for program in programs if PROGRAMS[program]]
    return [(part, is_slow) for is_slow in (False, True) for part in (computing, real) if part]


def judge(number, tests_by_program, budget, killers):
    """Runs one mutant: the name of what has noticed it, or None; and the number of tests for which there was no time.
    What kills a mutant often kills its neighbours: `killers`, (number, program, test), is asked and added to."""
    environment = {'TIMED_CONNECT_MUTANT': str(number)}
    left_out = 0
    for program, tests in tests_by_program.items():
        chosen, spent = [], 0.0
        for name, span in sorted(tests, key=lambda test: test[1]):
            spent += span
            if spent <= budget:
                chosen.append((name, span))
        left_out += len(tests) - len(chosen)
        near = sorted(killers, key=lambda one: abs(one[0] - number))[:60]
        likely = list(dict.fromkeys(test for _, by, test in near if by == program))[:5]
        first = [one for one in chosen if one[0] in likely]
        # A few of every kind of test find most; and GoogleTest's patterns are not endless.
        rest = [one for one in chosen if one not in first]
        few = rest[::10]
        rest = [one for one in rest if one not in few]
        for part in [first, few] + [rest[at:at + 100] for at in range(0, len(rest), 100)]:
            failed = who_fails(program, part, environment)
            if failed:
                killers.append((number, program, failed))
                return f'{program} {failed}', left_out
    return None, left_out


def read_explained():
    """Blocks of `FILE | LINE`, the changes, one a line, `*` for all, and the reason, whose lines begin with ": "."""
    explained = {}
    path = HERE / 'explained.txt'
    if not path.exists():
        return explained
    place, changes = None, []
    for line in path.read_text().splitlines():
        if line.startswith('#') or not line.strip():
            place, changes = None, []
        elif line.startswith(': '):  # a change may begin with "::"
            for change in changes:
                reason = explained.get((*place, change), '')
                explained[(*place, change)] = f'{reason} {line[1:].strip()}'.strip()
        elif place is None:
            file, text = line.split(' | ', 1)
            place = (file, text.strip())
        else:
            changes.append(line.strip())
    return explained


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--only', action='append', metavar='FILE-PATTERN', help='mutate these headers, such as "detail/*"')
    parser.add_argument('--sample', type=int, metavar='N', help='only so many mutants, chosen at random')
    parser.add_argument('--seed', type=int, default=1, help='for --sample')
    parser.add_argument('--jobs', type=int, default=2, help='so many at the same time (2)')
    parser.add_argument('--programs', default=','.join(PROGRAMS), help='the test programs, separated by commas')
    parser.add_argument('--mutant', type=int, action='append', metavar='NUMBER', help='only this one')
    parser.add_argument('--list', action='store_true', help='only write mutants.txt')
    parser.add_argument('--continue', action='store_true', dest='goes_on',
                        help='leave out those that an earlier run has killed, whatever has changed since')
    parser.add_argument('--tests', metavar='PATTERN', help='run only these tests, such as "RaceTable.*:Pending.*"')
    parser.add_argument('--seconds', type=float, default=30, metavar='N',
                        help='no more tests of a program for one mutant than take so long together (30)')
    options = parser.parse_args()
    programs = options.programs.split(',')

    BUILD.mkdir(parents=True, exist_ok=True)
    headers = collect()
    mutants = {}
    for header in headers:
        for site in header.sites:
            for at, change in enumerate(site.changes):
                mutants[site.first + at] = (site, change)

    def describe(number):
        site, change = mutants[number]
        return f'{number} {site.file.name}:{site.file.line_of(site.start)}: {change}'

    (BUILD / 'mutants.txt').write_text(''.join(describe(number) + '\n' for number in mutants))
    print(f'{len(mutants)} mutants of {len(headers)} headers', flush=True)
    if options.list:
        return 0
    dropped = build(headers, programs, options.jobs)

    # What the tests of a program reach is looked up anew when it has changed.
    cache = BUILD / 'reached.json'
    known = json.loads(cache.read_text()) if cache.exists() else {}
    reached_by = {}
    stamps = {}
    for program in programs:
        stamps[program] = program_path(program).stat().st_mtime
        if known.get(program, {}).get('stamp') != stamps[program]:
            known[program] = {'stamp': stamps[program], 'seen': {}}
        look_who_reaches_what(program, max(mutants), known[program]['seen'], options.jobs,
                              lambda: write_json(cache, known))
        for test, (span, numbers) in known[program]['seen'].items():
            for number in numbers:
                reached_by.setdefault(number, {}).setdefault(program, []).append((test, span))

    def is_chosen(number):
        site = mutants[number][0]
        if site in dropped or options.mutant and number not in options.mutant:
            return False
        name = site.file.name.removeprefix('timed_connect/')
        return not options.only or any(fnmatch.fnmatch(name, pattern) for pattern in options.only)

    chosen = [number for number in mutants if is_chosen(number)]
    if options.sample and options.sample < len(chosen):
        chosen = sorted(random.Random(options.seed).sample(chosen, options.sample))

    twins = {}
    identity = {}
    for number, (site, change) in mutants.items():
        text = ' | '.join([site.file.name, site.file.line_text(site.start), change])
        twins[text] = twins.get(text, -1) + 1
        identity[number] = f'{text} | {twins[text]}'

    # By identity: what has killed it, or the stamps of the programs whose quick or slow tests it has survived.
    verdicts_file = BUILD / 'verdicts.json'
    verdicts = json.loads(verdicts_file.read_text()) if options.goes_on and verdicts_file.exists() else {}

    patterns = options.tests.split(':') if options.tests else ['*']

    def tests_for(number, part, is_slow):
        """What it has not survived yet."""
        survived = verdicts.get(identity[number], {}).get('survived', {})
        found = {}
        for program in part:
            if options.tests or survived.get(f'{program} {is_slow}') != stamps[program]:
                tests = [(name, span) for name, span in reached_by.get(number, {}).get(program, [])
                         if (span > SLOW) == is_slow and any(fnmatch.fnmatch(name, one) for one in patterns)]
                if tests:
                    found[program] = tests
        return found

    def is_killed(number):
        return 'killed by' in verdicts.get(identity[number], {})

    print(f'{len(chosen)} mutants chosen, {sum(is_killed(number) for number in chosen)} killed before, '
          f'{sum(number not in reached_by for number in chosen)} not reached', flush=True)
    killers = []
    began = time.monotonic()
    for part, is_slow in rounds(programs):
        todo = [(number, tests_for(number, part, is_slow)) for number in chosen if not is_killed(number)]
        todo = [(number, tests) for number, tests in todo if tests]
        print(f'{"slow" if is_slow else "quick"} tests of {", ".join(part)}: {len(todo)} mutants', flush=True)
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            judged = pool.map(lambda one: judge(*one, options.seconds, killers), todo)
            for at, ((number, tests), (noticed, left_out)) in enumerate(zip(todo, judged)):
                if noticed:
                    verdicts[identity[number]] = {'killed by': noticed}
                elif not options.tests:
                    survivor = verdicts.setdefault(identity[number], {'survived': {}, 'left out': 0})
                    survivor['left out'] += left_out
                    survivor['survived'].update({f'{program} {is_slow}': stamps[program] for program in tests})
                if at % 20 == 0 or at + 1 == len(todo):
                    write_json(verdicts_file, verdicts)
                if at % 100 == 99:
                    print(f'{at + 1} of {len(todo)} after {time.monotonic() - began:.0f} s', flush=True)
    killed = {number for number in chosen if is_killed(number)}
    survivors = [number for number in chosen if number not in killed and number in reached_by]
    unreached = [number for number in chosen if number not in killed and number not in reached_by]

    explained = read_explained()

    def reason(number):
        site, change = mutants[number]
        place = (site.file.name.removeprefix('timed_connect/'), site.file.line_text(site.start))
        return explained.get((*place, change)) or explained.get((*place, '*'))

    report = []
    for title, numbers in (('survived', survivors), ('not reached', unreached)):
        for number in numbers:
            site, _ = mutants[number]
            why = reason(number)
            report.append(f'{title}: {describe(number)}\n    {site.file.line_text(site.start)}'
                          + (f'\n    explained: {why}' if why else ''))
    report.append('')
    for header in headers:
        own = [number for number in chosen if mutants[number][0].file is header]
        if own:
            report.append(f'{header.name}: {sum(number in killed for number in own)} of {len(own)} killed')
    open_ones = [number for number in survivors + unreached if not reason(number)]
    total = len(chosen)
    report.append(f'{len(killed)} killed, {len(survivors)} survived, {len(unreached)} not reached, {total} in all; '
                  f'score {100 * len(killed) / max(total, 1):.1f} %, '
                  f'{100 * (total - len(open_ones)) / max(total, 1):.1f} % with the explained ones; '
                  f'{len(open_ones)} not explained')
    text = '\n'.join(report) + '\n'
    (BUILD / 'report.txt').write_text(text)
    print(text)
    if not killed:
        sys.exit('No mutant was killed: the programs are not built of the mutated headers.')
    return 1 if open_ones else 0


if __name__ == '__main__':
    sys.exit(main())
