# SPDX-License-Identifier: MIT
"""Test sets of other projects, and the lists of where we differ from them on
purpose. The sets are not part of the tree: the folder that holds them is
MAILKIT_CORPORA, or ../shared/corpora beside the tree. Each entry of a list
names the RFC and the section that decide, must be a difference still, and no
list is longer than 3 % of its set."""
import os
import re

SKIPPED = 77


def folder(root, name):
    """Where the set of that name is, or None, which is told."""
    path = os.path.join(os.environ.get('MAILKIT_CORPORA') or os.path.join(
        root, '..', 'shared', 'corpora'), name)
    if os.path.isdir(path):
        return path
    print('skipped: no %s under MAILKIT_CORPORA' % name)
    return None


def show(value):
    return (value if isinstance(value, str) else repr(value))[:4000]


def judge(name, cases, reviewed, least):
    """cases: key, what it is, what it should be; `least` of them are a whole
    set. Prints what is not as the list says; the number of faults."""
    count, faults, differ = 0, [], set()
    for key, have, want in cases:
        count += 1
        if have != want:
            differ.add(key)
            if key not in reviewed:
                faults.append('--- %s: is\n%s\n--- should be\n%s' % (
                    key, show(have), show(want)))
    faults += ['%s is no disagreement' % key
               for key in reviewed if key not in differ]
    faults += ['%s: no section is named' % key
               for key, why in reviewed.items()
               if not re.match(r'RFC \d+ \d', why)]
    if len(reviewed) * 100 > count * 3:
        faults.append('too many disagree')
    if count < least:
        faults.append('%d cases are missing' % (least - count))
    print('\n'.join(faults + ['%s: %d cases, %d agreed disagreements, %d wrong'
                              % (name, count, len(reviewed), len(faults))]))
    return len(faults)
