#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Messages of other parsers' test suites against ours: the tree, the header,
each body raw and decoded, and what a reader shows. Where we differ on purpose
a line of DISAGREE says why (reviewed.py); without the suites this is skipped
(77).

usage: mime_suites.py SHOW_TREE ROOT mime4j|mail-parser
"""
import glob
import json
import os
import re
import subprocess
import sys

from reviewed import SKIPPED, folder, judge

TEXT, HTML, ATTACHMENT = 1, 2, 4


class Part:
    def __init__(self):
        self.fields = []
        self.places = []
        self.children = []
        self.preamble = self.epilogue = b''
        self.type = self.octets = self.text = None


def tree(tool, data):
    """The parts of a message, as show_tree tells of them."""
    run = subprocess.run([tool], input=data, capture_output=True, timeout=60)
    if run.returncode:
        raise SystemExit('show_tree failed: %r' % run.stderr[-400:])
    parts = {}
    for line in run.stdout.decode('latin-1').split('\n'):
        word, _, rest = line.partition(' ')
        if word in ('', 'defect'):
            continue
        number, _, rest = rest.partition(' ')
        p = parts.setdefault(int(number), Part())
        if word == 'type':
            p.type = rest.lower()
        elif word == 'field':
            at, name, value, length = map(int, rest.split())
            p.fields.append((data[at:at + name], data[at:value + length]))
            p.places.append([at, value])
        elif word == 'run':
            which, at, n = rest.split()
            piece = data[int(at):int(at) + int(n)]
            setattr(p, which, getattr(p, which) + piece)
        elif word == 'part':
            parent, p.kind, at, body, end, uses = rest.split()
            p.parent, p.uses = int(parent), int(uses)
            p.body = data[int(body):int(end)]
            if p.parent >= 0:
                parts[p.parent].children.append(p)
        elif word in ('octets', 'text'):
            setattr(p, word, bytes.fromhex(rest))
    return parts[0]


def inner_of(tool, p):
    """The message that a part holds, encoded or not, or None."""
    if p.kind == 'message':
        return p.children[0]
    if p.kind == 'leaf' and p.type == 'message/rfc822':
        return tree(tool, p.octets)
    return None


def lf(octets):
    return octets.replace(b'\r\n', b'\n')


# ---- mime4j: the structure as XML, bodies as files -------------------------

# The two whose names begin so are what mime4j says of the messages
# malformedHeader-* when it is told that a line without a colon begins the
# body; that is another setting, and here is none.
OTHER_SETTING = 'malformedHeaderStartsBody'


def escaped(octets):
    out = lf(octets).decode('latin-1')
    for a, b in (('&', '&amp;'), ('<', '&lt;'), ('>', '&gt;')):
        out = out.replace(a, b)
    return out


def xml_header(p):
    """Fields with a name that none may have are left out there; here they are
    fields, and told as header-name-invalid."""
    out = '<header>\n'
    for name, field in p.fields:
        if re.fullmatch(rb'[!-9;-~]+', name):
            out += '<field>\n%s</field>\n' % escaped(field)
    return out + '</header>\n'


def xml_entity(tool, p):
    out = xml_header(p)
    inner = inner_of(tool, p)
    if inner:
        return out + xml_message(tool, inner)
    if p.kind == 'leaf':
        return out + '<body>\n%s</body>\n' % escaped(p.body)
    out += '<multipart>\n'
    # A line end that is the delimiter's makes an empty preamble.
    if p.preamble or p.body[:1] in (b'\r', b'\n'):
        out += '<preamble>\n%s</preamble>\n' % escaped(p.preamble)
    for c in p.children:
        out += '<body-part>\n%s</body-part>\n' % xml_entity(tool, c)
    if p.epilogue:
        out += '<epilogue>\n%s</epilogue>\n' % escaped(p.epilogue)
    return out + '</multipart>\n'


def xml_message(tool, p):
    return '<message>\n%s</message>\n' % xml_entity(tool, p)


def numbered(tool, p, path):
    """(path, leaf) as the files of decoded bodies are numbered."""
    inner = inner_of(tool, p)
    if inner:
        yield from numbered(tool, inner, path + (1,))
    elif p.kind == 'leaf':
        yield path, p
    else:
        for i, c in enumerate(p.children):
            yield from numbered(tool, c, path + (i + 1,))


def mime4j(tool, root):
    for path in sorted(glob.glob(root + '/testmsgs/*.msg')):
        base = path[:-4]
        name = os.path.basename(base)
        if name.startswith(OTHER_SETTING):
            continue
        with open(path, 'rb') as f:
            top = tree(tool, f.read())
        with open(base + '.xml', encoding='latin-1', newline='') as f:
            want = f.read().replace('\r\n', '\n').strip()
        yield name + '.xml', xml_message(tool, top).strip(), want
        for numbers, p in numbered(tool, top, (1,)):
            files = glob.glob('%s_decoded_%s.*' % (
                base, '_'.join(map(str, numbers))))
            for file in files:
                with open(file, 'rb') as f:
                    want = f.read()
                yield os.path.basename(file), lf(p.octets), lf(want)


# ---- mail-parser: JSON of its own model ------------------------------------

def our_facts(tool, top, name):
    """name -> value for a message and those within; parts are numbered as they
    are met, those of a message within apart."""
    facts = {}
    messages = [(top, name)]
    while messages:
        root, name = messages.pop()
        flat, stack = [], [root]
        while stack:
            p = stack.pop()
            flat.append(p)
            if p.kind == 'multipart':
                stack.extend(reversed(p.children))
        facts[name + ' uses'] = [[i for i, p in enumerate(flat) if p.uses & bit]
                                 for bit in (TEXT, HTML, ATTACHMENT)]
        for i, p in enumerate(flat):
            facts['%s %d type' % (name, i)] = p.type
            facts['%s %d fields' % (name, i)] = p.places
            inner = inner_of(tool, p)
            if inner:
                messages.append((inner, '%s %d' % (name, i)))
            elif p.kind == 'multipart':
                facts['%s %d parts' % (name, i)] = [flat.index(c)
                                                    for c in p.children]
            elif p.text is not None:
                facts['%s %d body' % (name, i)] = p.text.decode('utf-8')
            else:
                facts['%s %d body' % (name, i)] = p.octets
    return facts


def their_type(part):
    for h in part['headers']:
        if h['name'] == 'content_type' and 'ContentType' in h['value']:
            t = h['value']['ContentType']
            return (t['c_type'] + '/' + (t['c_subtype'] or '')).lower()
    return None


def their_facts(top, name):
    facts = {}
    messages = [(top, name)]
    while messages:
        root, name = messages.pop()
        facts[name + ' uses'] = [root[key] for key in (
            'text_body', 'html_body', 'attachments')]
        for i, part in enumerate(root['parts']):
            facts['%s %d type' % (name, i)] = their_type(part)
            facts['%s %d fields' % (name, i)] = [
                [h['offset_field'], h['offset_start']]
                for h in part['headers']]
            kind, body = next(iter(part['body'].items()))
            if kind == 'Message':
                messages.append((body, '%s %d' % (name, i)))
            elif kind == 'Multipart':
                facts['%s %d parts' % (name, i)] = body
            elif kind in ('Text', 'Html'):
                facts['%s %d body' % (name, i)] = body
            else:
                facts['%s %d body' % (name, i)] = bytes(body)
    return facts


def is_below(key, have, want):
    """Is it about what lies below a multipart that has other parts?"""
    words = key.split(' ')
    for i, word in enumerate(words):
        if word.isdigit():
            for above in range(int(word)):
                parts = ' '.join(words[:i] + [str(above), 'parts'])
                if have.get(parts) != want.get(parts):
                    return True
    return False


def mail_parser(tool, root):
    for path in sorted(glob.glob(root + '/eml/*/*.eml')):
        with open(path, 'rb') as f:
            data = lf(f.read())
        name = '/'.join(path[:-4].split('/')[-2:])
        for suffix, message in (('', data),
                                (' crlf', data.replace(b'\n', b'\r\n'))):
            with open(path[:-4] + suffix.replace(' ', '.') + '.json',
                      encoding='utf-8') as f:
                want = their_facts(json.load(f), name + suffix)
            have = our_facts(tool, tree(tool, message), name + suffix)
            for key in sorted(set(have) | set(want)):
                # They tell no type where there is none in the header.
                untold = key.endswith(' type') and want.get(key, '') is None
                if not untold and not is_below(key, have, want):
                    yield key, have.get(key), want.get(key)


# ---- the lists --------------------------------------------------------------

JUNK = ('RFC 2045 6.8: what is no base64 is passed over by a decoder; they show '
        'the body as it stands instead')
INLINE = ('RFC 8621 4.1.4: a picture that is in the text and in the HTML is no '
          'attachment')


def each(why, *names):
    """With LF and with CRLF."""
    return {form: why for name in names for form in (
        name, re.sub(r'^(\S+)', r'\1 crlf', name))}


DISAGREE = {
    'mime4j': {
        'very-very-long-boundary.xml':
            'RFC 2046 5.1.1: a boundary has 70 characters at most, this one '
            '7,000; our limit may be set up to 1,024',
    },
    'mail-parser': {
        **each(JUNK, 'rfc/000 4 body', 'rfc/000 5 body',
               'thirdparty/002 3 body'),
        **each(JUNK + ', and call that an attachment', 'rfc/000 uses',
               'thirdparty/002 uses'),
        **each('RFC 2045 6.8: "=" may be taken as the end of the data, and need '
               'not: what is behind it is decoded, as another text; of its '
               'last, cut group they drop what is there',
               'thirdparty/002 2 body'),
        **each(INLINE, 'rfc/002 2 uses', 'thirdparty/013 uses'),
        **each('RFC 2046 5.1.1: a delimiter is at the beginning of a line; '
               'theirs is found within one', 'thirdparty/005 5 body'),
        'thirdparty/005 crlf 1 body':
            'RFC 2781 2: text in UTF-16 is of 16-bit units; the octet that is '
            'left is U+FFFD here, and nothing there',
        **each('RFC 2046 5.1.2: a delimiter of the outer multipart ends the '
               'inner ones, in a header, too; they read on',
               'thirdparty/015 0 parts', 'thirdparty/015 uses'),
    },
}
# Text in a character set of several octets: judged where the build has iconv.
ICONV = each('', 'thirdparty/005 4 body')
# And how many cases there are.
SETS = {'mime4j': (mime4j, 64), 'mail-parser': (mail_parser, 1028)}


def main(argv):
    tool, root, which = argv[1:4]
    path = folder(root, which)
    if path is None:
        return SKIPPED
    cases, least = SETS[which]
    held = ((name, have, have if name in ICONV and 'no-iconv' in argv else want)
            for name, have, want in cases(tool, path))
    return 1 if judge(which, held, DISAGREE[which], least) else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
