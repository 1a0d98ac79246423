#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Docstrings of the public headers: directly above every function stands
/** with a first sentence, an @param for each parameter (several may share
one: @param a,b) and an @return unless it returns nothing. "@return as X"
points to a sibling and stands for all of these; a bool function whose first
sentence is a question has said what it returns. Every struct, union, enum
and function type has a /** too."""
import re
import sys

import lintlib

FUNCTION = re.compile(
    r'^(?:MK_API|static inline)\s+(?P<ret>[^;{}()=]*?[\s*])'
    r'(?P<name>mk_\w+)\s*\((?P<args>[^;{}]*?)\)\s*[;{]', re.M)
TYPE = re.compile(r'^(?:typedef\s+)?(?P<kind>struct|union|enum)\s+'
                  r'(?P<name>mk_\w+)\s*\{|^typedef\s[^;{}()]*?'
                  r'(?:\(\*\s*)?(?P<fn>mk_\w+)\)?\s*\(', re.M)
COMMENT_BEFORE = re.compile(r'/\*\*((?:(?!\*/).)*)\*/[ \t]*\n\Z', re.S)


def comment_above(text, pos):
    """The text of the /** comment that ends on the line above, or None."""
    head = text[:pos]
    m = COMMENT_BEFORE.search(head[max(0, len(head) - 8000):])
    if not m:
        return None
    return re.sub(r'^[ \t]*\*? ?', '', m.group(1), flags=re.M).strip()


def parameters(args):
    """Names of the parameters of a declaration."""
    args = re.sub(r'\s+', ' ', args).strip()
    if args in ('', 'void'):
        return []
    names = []
    depth = 0
    part = ''
    for c in args + ',':
        depth += (c == '(') - (c == ')')
        if c == ',' and depth == 0:
            m = (re.search(r'\(\*\s*(\w+)\)', part) or
                 re.search(r'(\w+)\s*(?:\[[^\]]*\])*\s*$', part))
            names.append(m.group(1) if m and part.strip() != '...' else '...')
            part = ''
        else:
            part += c
    return names


def faults(doc, ret, args):
    """What is missing in the docstring of one function."""
    first = re.split(r'\n\s*\n|@', doc, maxsplit=1)[0].strip()
    if not re.search(r'\w.*[.?:)](\s|$)', first, re.S):
        yield 'the comment does not begin with a sentence'
    if re.search(r'@return as \w+', doc):
        return
    named = {name for m in re.finditer(r'@param\s+([\w.]+(?:\s*,\s*\w+)*)',
                                       doc)
             for name in re.split(r'\s*,\s*', m.group(1))}
    for name in parameters(args):
        if name not in named:
            yield 'no @param ' + name
    for name in sorted(named - set(parameters(args))):
        yield '@param %s is not a parameter' % name
    asks = ret.split()[-1] == 'bool' and '?' in first
    if ret.split() != ['void'] and '@return' not in doc and not asks:
        yield 'no @return'


def look(root):
    """(problems, functions seen, types seen)."""
    problems = []
    counts = [0, 0]
    for path in lintlib.walk(root, ('include/mailkit',), ('.h',)):
        text = lintlib.read(root, path)
        code = lintlib.code_of(text)
        for m in FUNCTION.finditer(code):
            counts[0] += 1
            doc = comment_above(text, m.start())
            found = (['no /** comment directly above'] if doc is None else
                     faults(doc, m.group('ret').strip(), m.group('args')))
            problems += ['%s:%d: %s: %s' % (
                path, lintlib.line_of(code, m.start()), m.group('name'), why)
                for why in found]
        for m in TYPE.finditer(code):
            counts[1] += 1
            if comment_above(text, m.start()) is None:
                problems.append('%s:%d: %s: no /** comment directly above' % (
                    path, lintlib.line_of(code, m.start()),
                    m.group('name') or m.group('fn')))
        declared = len(re.findall(r'^MK_API\b', code, re.M))
        seen = sum(1 for m in FUNCTION.finditer(code)
                   if m.group(0).startswith('MK_API'))
        if declared != seen:
            problems.append('%s:1: %d lines begin with MK_API but %d were '
                            'read as functions' % (path, declared, seen))
    return problems, counts[0], counts[1]


def check(root):
    return look(root)[0]


def summary(root):
    return 'docs: %d functions, %d types' % look(root)[1:]


DOC = '/** Do it.\n *\n * @param a,b  octets.\n * @return MK_OK. */\n'
FN = 'MK_API mk_err mk_x_do(int a, const char *b);\n'
H = 'include/mailkit/a.h'
GOOD = {H: DOC + FN + '/** A thing. */\ntypedef struct mk_x {\n'
        '    int a;\n} mk_x;\n'
        '/** Is it?\n * @param a  it. */\nMK_API bool mk_x_is(int a);\n'
        '/** Same.\n * @return as mk_x_do. */\nMK_API int mk_x_2(int q);\n'
        '/** Called.\n * @param f  who. */\n'
        'MK_API void mk_cb(int (*f)(int x, int y));\n'}
BAD = [
    ({H: FN}, 'no /** comment'),
    ({H: DOC + '\n' + FN}, 'no /** comment'),
    ({H: '/* Do. */\n' + FN}, 'no /** comment'),
    ({H: DOC.replace('a,b', 'a') + FN}, 'no @param b'),
    ({H: DOC.replace('a,b', 'a,b,c') + FN}, '@param c is not'),
    ({H: DOC.replace('@return MK_OK.', '') + FN}, 'no @return'),
    ({H: DOC.replace('Do it.', '') + FN}, 'a sentence'),
    ({H: 'typedef struct mk_x {\n    int a;\n} mk_x;\n'}, 'mk_x: no /**'),
    ({H: 'typedef enum mk_x {\n    MK_X_A\n} mk_x;\n'}, 'mk_x: no /**'),
    ({H: 'typedef int (*mk_fn)(int a);\n'}, 'mk_fn: no /**'),
    ({H: 'typedef int mk_fn(int a);\n'}, 'mk_fn: no /**'),
    ({H: DOC + 'MK_API mk_err x_do(int a, int b);\n'}, 'were read as'),
]

if __name__ == '__main__':
    sys.exit(lintlib.main(check, GOOD, BAD, summary))
