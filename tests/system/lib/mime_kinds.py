# SPDX-License-Identifier: MIT
"""Why other readers read a message otherwise: kinds of differences, each with a
test that sees from the message and the two readings that it is of that kind.
mime_differential.txt says of each which section decides."""
import re

PYTHON = ('default', 'compat32')
NO_MESSAGE = re.compile(r'(message/(?!rfc822|global|news)[\w.+-]+)\([^()]*\)')


class Case:
    """One fact of one message that a peer states otherwise."""

    def __init__(self, octets, told, peer, fact, ours, theirs):
        self.octets = octets
        self.defects = {d['code'] for d in told['defects']}
        self.parts = list(walk(told['parts'], ()))
        self.peer, self.fact = peer, fact
        self.ours, self.theirs = ours, theirs

    def leaves(self):
        """(part, our digest, theirs) where they are not the same."""
        leaves = [p for p, _ in self.parts if not p['children']]
        if not isinstance(self.theirs, list) or \
                len(leaves) != len(self.theirs):
            return []
        return [row for row in zip(leaves, self.ours, self.theirs)
                if row[1] != row[2]]


def walk(part, above):
    """Parts with the boundaries that are open around them."""
    yield part, above
    mine = part['params'].get('boundary')
    for child in part['children']:
        yield from walk(child, above + ((mine,) if mine else ()))


def has(code, fact, *peers):
    return lambda c: code in c.defects and c.fact == fact and \
        c.peer in (peers or (c.peer,))


def leaf(test, *peers):
    """Is it so of each leaf that differs?"""
    def judge(c):
        rows = c.leaves() if c.fact == 'leaves' and \
            c.peer in (peers or (c.peer,)) else []
        return bool(rows) and all(test(c, *row) for row in rows)
    return judge


def one_line(text):
    return re.sub(r'\r?\n(?=[ \t])', '', text).strip(' \t')


def subject(change, *peers):
    return lambda c: c.fact == 'subject' and c.peer in peers and \
        isinstance(c.theirs, str) and isinstance(c.ours, str) and \
        change(c.theirs) == c.ours


def latin_1(text):
    """With what windows-1252 has in the place of controls."""
    return str(text).encode('windows-1252', 'ignore') if any(
        ord(c) > 255 for c in str(text)) else str(text).encode(
            'latin-1', 'ignore')


def is_broken_header(c):
    return c.peer in PYTHON and c.defects & {
        'header-no-colon', 'header-name-invalid', 'header-name-space',
        'header-white-line', 'header-no-end'}


# Character sets that are there where the build has iconv; not counted.
NOT_BUILT = 'charset-not-built'

# name -> test; the first that is true names it.
KINDS = {
    'cr-alone': lambda c: c.peer in PYTHON and b'\n' not in c.octets,
    'no-message': lambda c: c.peer == 'gmime' and c.theirs is None and
                  c.fact not in ('subject', 'date'),
    # trees
    'no-message-within': lambda c: c.fact == 'tree' and c.peer in PYTHON and
                         NO_MESSAGE.sub(r'\1', str(c.theirs)) == c.ours,
    'encoded-message': has('mime-encoded-parts', 'tree', *PYTHON),
    'no-boundary': has('mime-no-boundary', 'tree'),
    'long-boundary': has('mime-long-boundary', 'tree'),
    'boundary-tail': has('mime-boundary-tail', 'tree'),
    'same-boundary': lambda c: c.fact == 'tree' and any(
        part['params'].get('boundary') in above for part, above in c.parts
        if part['params'].get('boundary')),
    'comment-in-type': has('param-comment', 'tree', *PYTHON),
    'invalid-type': has('param-type', 'tree'),
    'no-semicolon': has('param-no-semicolon', 'tree', *PYTHON),
    'boundary-folded': lambda c: c.fact == 'tree' and c.peer == 'compat32' and
                       re.search(rb'boundary="[^"]*\n', c.octets),
    'boundary-ends-in-space': lambda c: c.fact == 'tree' and
                              c.peer in PYTHON and any(
                                  part['params'].get('boundary', '')[-1:] == ' '
                                  for part, _ in c.parts),
    'delimiter-in-header': has('header-no-end', 'tree'),
    # leaves
    'encoding-padded': leaf(
        lambda c, part, ours, theirs: ours[0] < theirs[0] and re.search(
            rb'(?i)\ncontent-transfer-encoding:[^\n]*[ \t]\r?\n', c.octets),
        *PYTHON),
    'qp-white-space': leaf(lambda c, part, ours, theirs:
                           part['encoding'] == 'quoted-printable' and
                           ours[0] < theirs[0]),
    'no-parts': leaf(lambda c, part, ours, theirs: not part['children'] and
                     part['decoded_length'] is None, *PYTHON),
    'parts-not-found': leaf(
        lambda c, part, ours, theirs: part['type'].startswith('multipart/') and
        theirs[0] == 0, 'gmime'),
    'line-end-unclosed': leaf(
        lambda c, part, ours, theirs: 'mime-no-end' in c.defects and
        0 < ours[0] - theirs[0] < 3, *PYTHON),
    'header-goes-on': lambda c: c.fact in ('leaves', 'subject') and
                      is_broken_header(c),
    'duplicate-field': has('header-duplicate', 'leaves', 'gmime'),
    'base64-junk': leaf(lambda c, part, ours, theirs:
                        part['encoding'] == 'base64'),
    'qp-junk': leaf(lambda c, part, ours, theirs:
                    part['encoding'] == 'quoted-printable' and
                    'transfer-malformed' in c.defects, *PYTHON),
    'binary-line-end': leaf(lambda c, part, ours, theirs:
                            part['encoding'] == 'binary' and
                            ours[0] == theirs[0] + 1, 'gmime'),
    # fields
    NOT_BUILT: lambda c: c.fact == 'subject' and 'word-charset' in c.defects,
    'fold-kept': subject(one_line, 'compat32'),
    'space-at-end': subject(lambda text: text.strip(' \t'), *PYTHON),
    'octets-of-utf-8': lambda c: c.fact == 'subject' and
                       c.peer in PYTHON and '\ufffd' in str(c.theirs),
    'latin-1-of-windows': lambda c: c.fact == 'subject' and
                          latin_1(c.ours) == latin_1(c.theirs),
    'word-in-address': lambda c: c.fact in ('from', 'to') and
                       c.peer == 'default' and
                       'addr-word-inside' in c.defects,
    'date-repaired': has('date-repaired', 'date'),
    'no-address': lambda c: c.fact in ('from', 'to') and
                  'addr-invalid' in c.defects,
}


def kind_of(case):
    for name, test in KINDS.items():
        if test(case):
            return name
    return '?'
