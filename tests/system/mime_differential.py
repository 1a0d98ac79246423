#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same messages to `mailkit parse --json`, to Python's email package by two
policies and to GMime: the tree, the octets of leaves, subject, addresses and
date. What they read otherwise is counted by kind (lib/mime_kinds.py), and
mime_differential.txt lists each count with the section that decides. A kind or
a count that is not listed fails, and so does one that is listed and gone; of
peers that are missing or in other versions than the list was made with, only
kinds are held.

Messages are the goldens, those of shared/corpora beside this repository, and
five hundred of the SpamAssassin public corpus when MAILKIT_SPAMASSASSIN is the
folder that holds easy-ham-1/, spam-1/ and so on; with MAILKIT_FULL=1 all 6,046.

`mime_differential.py print` prints the rows as the list wants them, and
`mime_differential.py show KIND` the differences of a kind."""
import collections
import glob
import json
import os
import platform
import re
import subprocess
import sys

from lib import mail_facts
from lib.case import SLOW, Scratch, main, program, same, true
from lib.mime_kinds import NOT_BUILT, Case, kind_of

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, '../golden')
CORPORA = os.environ.get('MAILKIT_CORPORA') or os.path.join(
    HERE, '../../../shared/corpora')
LIST = os.path.join(HERE, 'mime_differential.txt')
SETS = {
    'golden': GOLDEN + '/*.eml',
    'mail-parser': CORPORA + '/mail-parser/eml/*/*.eml',
    'mime4j': CORPORA + '/mime4j/testmsgs/*.msg',
    'dsn-sisimai': CORPORA + '/dsn-sisimai/*/*.eml',
}
# What is asked, and the package it is of.
PEERS = {'default': 'python', 'compat32': 'python', 'gmime': 'gmime'}
# Set, each how many-th, how many.
REAL = (('spam-assassin-all', 1, 6046) if os.environ.get('MAILKIT_FULL') else
        ('spam-assassin', 12, 500))


def real_mail(scratch):
    """Without the line of an mbox."""
    top = os.environ.get('MAILKIT_SPAMASSASSIN', '')
    found = sorted(glob.glob(os.path.join(glob.escape(top), '*/*.txt')))
    out = []
    for path in found[::REAL[1]][:REAL[2]] if top else []:
        with open(path, 'rb') as f:
            octets = f.read()
        if octets.startswith(b'From '):
            octets = octets.partition(b'\n')[2]
        out.append(scratch.file('%s-%s' % tuple(path.split('/')[-2:]), octets))
    return out


def messages(scratch):
    """Set: paths."""
    found = {name: sorted(glob.glob(pattern))
             for name, pattern in SETS.items()}
    found[REAL[0]] = real_mail(scratch)
    for name, paths in found.items():
        if not paths:
            print('skipped: no messages of %s' % name)
    return {name: paths for name, paths in found.items() if paths}


# ---- ours --------------------------------------------------------------------

def tree_of(part):
    inner = ','.join(map(tree_of, part['children']))
    return part['type'] + ('(%s)' % inner if inner else '')


def leaves_of(part):
    """A multipart without parts is a leaf of nothing."""
    if part['decoded_length'] is None and not part['children']:
        return [mail_facts.digest(b'')]
    if not part['children']:
        return [[part['decoded_length'], part['sha256']]]
    return [leaf for child in part['children'] for leaf in leaves_of(child)]


def our_facts(told):
    return {'tree': tree_of(told['parts']),
            'leaves': leaves_of(told['parts']), 'subject': told['subject'],
            'from': [a['address'] for a in told['from']],
            'to': [a['address'] for a in told['to']],
            'date': told['date'] and told['date']['unix']}


def lines_of(argv, **more):
    done = subprocess.run(argv, stdout=subprocess.PIPE, check=True,
                          timeout=200 * SLOW, **more).stdout
    return [json.loads(line) for line in done.splitlines()]


# ---- theirs ------------------------------------------------------------------

def gmime_python():
    """An interpreter that has GMime, or None."""
    for python in (sys.executable, '/usr/bin/python3'):
        if os.path.exists(python) and not subprocess.run(
                [python, '-c', 'import gi; gi.require_version("GMime", "3.0")'],
                stderr=subprocess.DEVNULL, check=False, timeout=60).returncode:
            return python
    return None


def gmime(paths):
    """Its version, and path: facts."""
    python = gmime_python()
    if python is None:
        return None, {}
    version, *facts = lines_of(
        [python, os.path.join(HERE, 'lib/gmime_facts.py')],
        input='\n'.join(paths).encode())
    return version, dict(zip(paths, facts))


def peers_of(octets, gmime_facts):
    facts = {policy: mail_facts.facts_of(octets, policy)
             for policy in mail_facts.POLICIES}
    if gmime_facts is not None:
        facts['gmime'] = gmime_facts
    return facts


# ---- what differs ------------------------------------------------------------

def compare(octets, told, peers):
    """Case by case; leaves of another tree say nothing."""
    ours = our_facts(told)
    for peer, theirs in peers.items():
        for fact in mail_facts.FACTS:
            if fact == 'leaves' and theirs['tree'] != ours['tree']:
                continue
            if theirs.get(fact) != ours[fact]:
                yield Case(octets, told, peer, fact, ours[fact],
                           theirs.get(fact))


def differences():
    """Sets, versions of peers, and (set, path, case, kind) of each."""
    found = []
    with Scratch() as scratch:
        sets = messages(scratch)
        paths = [path for some in sets.values() for path in some]
        told = dict(zip(paths, lines_of([program('mailkit'), 'parse', '--json',
                                         *paths])))
        same(len(told), len(paths))
        version, facts = gmime(paths)
        for name, some in sets.items():
            for path in some:
                same(told[path]['path'], path)
                with open(path, 'rb') as f:
                    octets = f.read()
                for case in compare(octets, told[path],
                                    peers_of(octets, facts.get(path))):
                    found.append((name, path, case, kind_of(case)))
    versions = {'python': platform.python_version()}
    if version:
        versions['gmime'] = version
    return sets, versions, found


def counted(found):
    """(kind, set, peer, fact): how many."""
    return collections.Counter(
        (kind, name, case.peer, case.fact) for name, _, case, kind in found
        if kind != NOT_BUILT)


# ---- the list ----------------------------------------------------------------

def reviewed():
    """Packages: the versions that the list was made with, and (kind, set,
    peer, fact): counts; a peer's versions may have several."""
    versions, rows, reason = {}, {}, ''
    with open(LIST, encoding='ascii') as f:
        for line in f.read().splitlines():
            if line.startswith('#'):
                reason += line[1:]
            elif line.startswith('made with '):
                package, *known = line.split()[2:]
                versions[package] = known
            elif line:
                true(re.search(r'RFC \d+ \d', reason), 'no section: ' + line)
                *key, count = line.split()
                rows[tuple(key)] = [int(n) for n in count.split('/')]
            else:
                reason = ''
    return versions, rows


def faults(got, rows, sets, exact):
    """What is not as the list says. Of a peer that is not held exactly only
    what it differs in must be listed."""
    known = {(kind, peer, fact) for kind, _, peer, fact in rows}
    for key in sorted(set(got) | set(rows)):
        kind, name, peer, fact = key
        if peer in exact:
            is_good = got[key] in rows.get(key, [0]) or name not in sets
        else:
            is_good = not got[key] or (kind, peer, fact) in known
        if not is_good:
            yield '%s: %d, listed: %s' % (' '.join(key), got[key],
                                          rows.get(key, [0]))


def check_differences_are_reviewed():
    sets, versions, found = differences()
    made_with, rows = reviewed()
    got = counted(found)
    exact = {peer for peer, package in PEERS.items()
             if versions.get(package) in made_with[package]}
    for peer, package in PEERS.items():
        print('%s: %d differences in %d messages%s' % (
            peer, sum(n for key, n in got.items() if key[2] == peer),
            sum(map(len, sets.values())), '' if peer in exact else
            ', only their kinds are held: %s %s' % (
                package, versions.get(package, 'is not there'))))
    same(list(faults(got, rows, sets, exact)), [])


def show(found, kind):
    for _, path, case, its in found:
        if its == kind:
            print('%s %s %s\n  ours   %.300r\n  theirs %.300r\n  %s' % (
                path, case.peer, case.fact, case.ours, case.theirs,
                ' '.join(sorted(case.defects))))


if __name__ == '__main__':
    if sys.argv[1:2] == ['print']:
        for row, number in sorted(counted(differences()[2]).items()):
            print(*row, number)
    elif sys.argv[1:2] == ['show']:
        show(differences()[2], sys.argv[2])
    else:
        sys.exit(main(globals(), seconds=300 * SLOW))
