# SPDX-License-Identifier: MIT
"""What the lints share: walking the tree, looking at C without its comments,
and the main() that gives every lint a --self-test.

A lint is a function check(root) that returns a list of problems, each
"path:line: text". Its fixtures are small trees that must give a problem; a
lint whose fixture goes unnoticed cannot fail, so its self-test fails instead.
"""
import os
import re
import sys
import tempfile

SKIP = 77  # what meson takes for "skipped"
C_ROOTS = ('include', 'lib', 'examples', 'tests', 'fuzz')


class Skip(Exception):
    """The lint cannot look: a tool or the thing looked at is not there."""


def walk(root, tops, suffixes):
    """Paths relative to root, sorted, of files below tops."""
    found = []
    for top in tops:
        for here, dirs, names in os.walk(os.path.join(root, top)):
            dirs[:] = sorted(d for d in dirs
                             if not d.startswith('.') and d != '__pycache__')
            for name in names:
                if name.endswith(suffixes):
                    full = os.path.join(here, name)
                    found.append(os.path.relpath(full, root))
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding='utf-8',
              errors='surrogateescape') as f:
        return f.read()


TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"'
                   r"|'(?:\\.|[^'\\\n])*'", re.S)


def blank(text):
    return re.sub(r'[^\n]', ' ', text)


def code_of(text, keep_strings=False):
    """C text of the same shape with comments (and string bodies) blanked."""
    def one(match):
        token = match.group(0)
        if token[0] == '/':
            return blank(token)
        if keep_strings:
            return token
        return token[0] + blank(token[1:-1]) + token[-1]
    return TOKEN.sub(one, text)


def line_of(text, pos):
    return text.count('\n', 0, pos) + 1


def functions(text):
    """(name, line of the name, lines down to the closing brace) of each
    function. clang-format puts the braces of a function, and of nothing
    else, alone into column 0."""
    lines = code_of(text).split('\n')
    found = []
    start = None
    for i, line in enumerate(lines):
        if line.rstrip() == '{':
            start = i
        elif line.startswith('}') and start is not None:
            head = start - 1
            while head > 0 and not re.match(r'[A-Za-z_].*\(', lines[head]):
                head -= 1
            name = re.search(r'(\w+)\s*\(', lines[head])
            found.append((name.group(1) if name else '?', head + 1,
                          i - head + 1))
            start = None
    return found


def table(text, heading):
    """Rows (lists of cells) of the first Markdown table below a heading."""
    rows = []
    below = False
    for line in text.split('\n'):
        if line.startswith('#'):
            if rows:
                break
            below = line.lstrip('#').strip().lower() == heading.lower()
        elif below and line.startswith('|'):
            rows.append([c.strip() for c in line.strip().strip('|')
                         .split('|')])
        elif rows:
            break
    return rows[2:]


def make_tree(root, files):
    for path, content in files.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, 'w', encoding='utf-8') as f:
            f.write(content)


def self_test(check, good, bad):
    """good: a tree without problems. bad: (files over good, part of the
    problem that must be reported); None as content removes a file."""
    failed = 0
    cases = [({}, None)] + list(bad)
    for files, want in cases:
        merged = {k: v for k, v in {**good, **files}.items() if v is not None}
        with tempfile.TemporaryDirectory() as root:
            make_tree(root, merged)
            got = check(root)
        hit = any(want in g for g in got) if want else not got
        if not hit:
            failed += 1
            print('self-test: wanted', repr(want), 'of', sorted(files),
                  'but got', got)
    print('self-test: %d fixtures, %d failed' % (len(cases), failed))
    return 1 if failed else 0


def main(check, good, bad, summary=lambda root: ''):
    """argv: ROOT, or --self-test."""
    if len(sys.argv) != 2:
        print('usage: %s ROOT | --self-test' % sys.argv[0], file=sys.stderr)
        return 64
    try:
        if sys.argv[1] == '--self-test':
            return self_test(check, good, bad)
        problems = check(sys.argv[1])
    except Skip as why:
        print('skipped:', why)
        return SKIP
    for problem in problems:
        print(problem)
    text = summary(sys.argv[1])
    if text:
        print(text)
    return 1 if problems else 0
