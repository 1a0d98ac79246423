#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Bounces of sisimai's test set: the tree of each is as dsn_trees.txt says,
with CRLF as they came and with LF; with CR alone they are one field without
parts, as CR ends no line (RFC 5322 2.3), and the same trees when each CR is
made a CRLF. What a message/delivery-status holds are fields (RFC 3464 2.1), and
those that must be there are. DISAGREE lists what is otherwise (reviewed.py);
without the set this is skipped (77).

usage: dsn_suite.py SHOW_TREE ROOT
"""
import glob
import os
import re
import sys

from mime_suites import lf, tree
from reviewed import SKIPPED, folder, judge

REPORTING = 'RFC 3464 2.2.2: Reporting-MTA must be there; it is not'
LINES = ('RFC 3464 2.1: all lines are fields; here a diagnostic goes on in a '
         'line without white space before it')
EMPTY = 'RFC 3464 2.1: there are fields; this one is empty'
OTHER = ('RFC 2046 5.1.1: a delimiter has the boundary of the type; the one '
         'behind this part has another, so that it goes on')
CASES = 457
DISAGREE = {
    'lhost-googleworkspace-01 group 1': EMPTY,
    'lhost-mcafee-01 group 1': REPORTING,
    'lhost-messagelabs-01 group 2': LINES,
    'lhost-sendgrid-01 group 1': REPORTING,
    'lhost-surfcontrol-01 group 1': REPORTING,
    'rhost-messagelabs-01 group 2': LINES,
    **{'rhost-%s-01 group %d' % (name, n): OTHER
       for name in ('google', 'googleapps') for n in (3, 4, 5)},
}
# Of the first group, and of each other one (RFC 3464 2.2.2, 2.3.2, 2.3.3,
# 2.3.4).
NEEDED = [{'reporting-mta'}, {'final-recipient', 'action', 'status'}]


def shown(part):
    inner = ','.join(map(shown, part.children))
    return part.type + ('(%s)' % inner if part.children else '')


def leaves(part):
    if not part.children:
        yield part
    for child in part.children:
        yield from leaves(child)


def groups(octets):
    """The names of the fields in each group."""
    text = re.sub(r'\n[ \t]+', ' ', lf(octets).decode('latin-1'))
    for group in re.split(r'\n\n+', text.strip('\n')):
        yield [re.match(r'([!-9;-~]+):', line) and
               line.split(':')[0].lower() for line in group.split('\n')]


def reports(name, top):
    """What each group lacks."""
    number = 0
    for part in leaves(top):
        if part.type != 'message/delivery-status':
            continue
        for i, names in enumerate(groups(part.body)):
            number += 1
            yield ('%s group %d' % (name, number),
                   sorted(NEEDED[min(i, 1)] - set(names)) +
                   ['no field'] * (None in names), [])


def expected(path):
    """Name: tree. A line without indentation is a tree, the others are names."""
    out, now = {}, None
    with open(path, encoding='ascii') as f:
        for line in f.read().splitlines():
            if line.startswith(' '):
                out.update((name, now) for name in line.split())
            elif line and not line.startswith('#'):
                now = line
    return out


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def bounces(tool, folder):
    want = expected(os.path.join(os.path.dirname(__file__), 'dsn_trees.txt'))
    for path in sorted(glob.glob(folder + '/dos/*.eml') +
                       glob.glob(folder + '/not/*.eml')):
        name = os.path.basename(path)[:-4]
        data = read(path)
        top = tree(tool, data)
        yield name, shown(top), want.pop(name, None)
        yield name + ' lf', shown(tree(tool, lf(data))), shown(top)
        yield from reports(name, top)
    yield 'names', sorted(want), []


def with_cr(tool, folder):
    for path in sorted(glob.glob(folder + '/mac/*.eml')):
        name = os.path.basename(path)[:-4]
        data = read(path)
        top = tree(tool, data)
        yield name + ' cr', [len(top.fields), len(top.children)], [1, 0]
        crlf = read(path.replace('/mac/', '/dos/'))
        yield (name + ' cr to crlf',
               shown(tree(tool, data.replace(b'\r', b'\r\n'))),
               shown(tree(tool, crlf)))


def boxes(tool, folder):
    """Messages of an mbox, and files too small for one."""
    for name, count in (('mbox-0', 37), ('mbox-1', 1)):
        messages = re.split(rb'(?m)^From .*\n', read(folder + '/mailbox/' +
                                                     name))[1:]
        yield name, len(messages), count
        for i, data in enumerate(messages):
            top = tree(tool, data)
            names = {field.lower() for field, _ in top.fields}
            yield ('%s %d' % (name, i), sorted({b'from', b'date'} - names), [])
    for n in (0, 1, 2):
        top = tree(tool, read('%s/mailbox/size-%d' % (folder, n)))
        yield 'size-%d' % n, shown(top), 'text/plain'


def main(argv):
    tool, root = argv[1:3]
    path = folder(root, 'dsn-sisimai')
    if path is None:
        return SKIPPED
    cases = (case for some in (bounces, with_cr, boxes)
             for case in some(tool, path))
    return 1 if judge('dsn-sisimai', cases, DISAGREE, CASES) else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
