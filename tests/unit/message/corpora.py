#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What header.h reads against test sets of other projects: isemail (addresses
and their diagnoses) and mail-parser (values of header fields). Where we
disagree the row stands in a list below (reviewed.py); without the sets this is
skipped (77)."""
import json
import os
import re
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree as ElementTree

from reviewed import SKIPPED, folder, judge

ISEMAIL = {
    30: 'RFC 5322 3.2.3: "-" is atext, wherever it stands: addr-not-5321',
    31: 'RFC 5322 3.2.3: as above',
    102: 'RFC 5322 3.2.3: as above',
    160: 'RFC 6532 3.2: VCHAR is extended, and with it quoted-pair',
}

# What each category of isemail must be told as, if at all.
CATEGORIES = {
    'ISEMAIL_VALID_CATEGORY': set(),
    'ISEMAIL_DNSWARN': set(),
    'ISEMAIL_RFC5321': set(),
    'ISEMAIL_CFWS': set(),
    'ISEMAIL_DEPREC': {'addr-obsolete', 'addr-not-5321'},
    'ISEMAIL_RFC5322': {'addr-not-5321', 'addr-long'},
    'ISEMAIL_ERR': {'addr-invalid'},
}

MAIL_PARSER = {
    'address 9': 'RFC 5322 4.1: in obs-qp "\\" quotes the LF, not the ")"',
    'content_type 31': 'RFC 2231 4.1: only the first piece has a charset',
    'content_type 34': 'RFC 2047 6.2: no white space between encoded words',
    'content_type 61': 'RFC 2231 7: these are no names of parameters',
    'date 12': 'RFC 5322 3.3: a time has colons',
}


class Shower:
    """Asks header_show; all questions at once."""

    def __init__(self, program):
        self.program = program
        self.asked = []

    def ask(self, kind, octets):
        self.asked.append('%s %s\n' % (kind, octets.hex()))

    def answers(self):
        out = subprocess.run([self.program], input=''.join(self.asked),
                             capture_output=True, encoding='utf-8',
                             check=True, timeout=100).stdout
        told = [json.loads(line) for line in out.splitlines()]
        if len(told) != len(self.asked):
            raise SystemExit('%d answers to %d questions' % (
                len(told), len(self.asked)))
        self.asked = []
        return told


def isemail(shower, path):
    rows = ElementTree.parse(os.path.join(path, 'tests.xml')).findall('test')
    for row in rows:
        # U+2400 + n stands for the control character n.
        text = re.sub('[\u2400-\u2421]', lambda m: chr(ord(m.group()) - 0x2400),
                      row.findtext('address') or '')
        shower.ask('address', text.encode())
    for row, got in zip(rows, shower.answers()):
        want = CATEGORIES[row.findtext('category')]
        told = set(got['defects'])
        is_good = bool(told & want) if want else not told
        yield int(row.get('id')), want if is_good else told, want


def plain(text):
    """That set makes one space of every fold, and knows no U+FFFD for
    controls."""
    text = ''.join('\ufffd' if unicodedata.category(c) == 'Cc' and
                   c not in '\t\n\r' else c for c in text or '')
    return re.sub(r'\s+', ' ', text).strip()


def one_address(item):
    """A name with the comments behind it and an address with its route, as
    that set shows them; white space in an address says nothing."""
    comments = ' '.join(item['comments'].split())
    name = item['name']
    if comments:
        name = '%s (%s)' % (name, comments) if name else comments
    route = item['route'] + ':' if item['route'] else ''
    return [plain(name), ''.join((route + item['address']).split())]


def address_groups(got):
    groups = [['', []]]
    for item in got['list']:
        if item['kind'] == 2:
            groups.append([one_address(item)[0], []])
        elif item['kind'] == 3:
            groups.append(['', []])
        else:
            groups[-1][1].append(one_address(item))
    return [g for g in groups if g[0] or g[1]]


def expected_groups(want):
    """That set makes mailboxes of comments that stand alone."""
    if want is None:
        return []
    groups = want.get('Group') or [{'name': None, 'addresses': want['List']}]
    out = [[plain(g['name']), [[plain(a['name']), ''.join(a['address'].split())]
                               for a in g['addresses'] if a['address']]]
           for g in groups]
    return [g for g in out if g[0] or g[1]]


def date_of(want):
    import datetime
    if want is None:
        return None
    zone = want['tz_hour'] * 60 + want['tz_minute']
    zone = -zone if want['tz_before_gmt'] else zone
    moment = datetime.datetime(*(want[k] for k in (
        'year', 'month', 'day', 'hour', 'minute', 'second')),
        tzinfo=datetime.timezone(datetime.timedelta(minutes=zone)))
    return int(moment.timestamp())


def params_of(got):
    out = []
    for name, language, value in got['params']:
        if language:
            out.append([name.lower() + '-language', plain(language)])
        if value:
            out.append([name.lower(), plain(value)])
    return [got['type'].lower(), got['subtype'].lower(), sorted(out)]


def expected_params(want):
    if want is None:
        return None
    return [want['c_type'], want['c_subtype'] or '',
            sorted([n.lower(), plain(v)]
                   for n, v in want.get('attributes') or [])]


def listed(got):
    return [plain(t) for t in got['text'].split(',') if plain(t)]


# file -> (kind asked, what we read, what they expect)
SETS = {
    'address': ('addresses', address_groups, expected_groups),
    'content_type': ('params', params_of, expected_params),
    'date': ('date', lambda got: got['utc'], date_of),
    'id': ('ids', lambda got: [plain(i) for i in got['ids']],
           lambda want: [plain(i) for i in want or []]),
    'list': ('words', listed, lambda want: [plain(t) for t in want]),
    'unstructured': ('words', lambda got: plain(got['text']), plain),
}


def mail_parser(shower, path):
    for name, (kind, ours, theirs) in SETS.items():
        with open(os.path.join(path, name + '.json'), encoding='utf-8') as f:
            rows = json.load(f)
        for row in rows:
            header = row['header']
            if kind == 'date':  # one row is a trace field
                header = header.rsplit(';', 1)[-1]
            shower.ask(kind, b'X:' + header.encode())
        for i, (row, got) in enumerate(zip(rows, shower.answers())):
            read, want = ours(got), theirs(row['expected'])
            if kind == 'params' and want is None:
                read = None if 'param-type' in got['defects'] else read
            if 'word-joined' in got['defects'] and kind == 'words':
                # That set parts words from the text that they touch.
                read, want = [re.sub(r'\s', '', str(x)) for x in (read, want)]
            yield '%s %d' % (name, i), read, want


# Set: its cases, the list, how many there are.
JUDGED = {'address-isemail': (isemail, ISEMAIL, 164),
          'mail-parser': (mail_parser, MAIL_PARSER, 251)}


def main():
    program, root = sys.argv[1:]
    faults = 0
    for name, (cases, reviewed, least) in JUDGED.items():
        path = folder(root, name)
        if path is None:
            return SKIPPED
        faults += judge(name, cases(Shower(program), path), reviewed, least)
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
