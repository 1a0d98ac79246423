# SPDX-License-Identifier: MIT
"""Mail to be read by bench_parse: two corpora that are made up, the same each
time, and messages that should cost much, of n pieces; the table `parse`."""
import base64
import hashlib
import os
import quopri
import re
import struct
import subprocess

WORDS = ('the of and to in is that for it as with on be by this are or from at '
         'message header reader letter postman address window morning answer '
         'question library parcel station harbour engine weather quiet green '
         'because between sometimes however certainly yesterday').split()
NAMES = 'Ada Brendan Carla Dmitri Esther Farid Greta Hugo Ines Jonas'.split()
HOSTS = ('example.com', 'mail.example.org', 'lists.example.net', 'a.test')


class Dice:
    """Numbers that look thrown, from a text."""

    def __init__(self, seed):
        self.octets, self.at = hashlib.shake_128(seed).digest(1 << 18), 0

    def below(self, n):
        self.at = (self.at + 2) % len(self.octets)
        return int.from_bytes(self.octets[self.at:self.at + 2], 'big') % n

    def of(self, row):
        return row[self.below(len(row))]

    def words(self, n):
        return ' '.join(self.of(WORDS) for _ in range(n))

    def text(self, octets):
        """Paragraphs, some of them quoted."""
        lines, size = [], 0
        while size < octets:
            mark = '> ' if self.below(4) == 0 else ''
            for _ in range(1 + self.below(9)):
                lines.append(mark + self.words(6 + self.below(7)))
                size += len(lines[-1]) + 2
            lines.append('')
        return '\r\n'.join(lines) + '\r\n'

    def token(self, n):
        return hashlib.shake_128(b'%d' % self.below(65536)).hexdigest(n // 2)

    def blob(self, octets):
        seed = b'%d' % self.below(65536)
        return base64.encodebytes(
            hashlib.shake_256(seed).digest(octets)).replace(b'\n', b'\r\n')


def person(dice):
    name, host = dice.of(NAMES), dice.of(HOSTS)
    spec = '%s.%s@%s' % (name.lower(), dice.token(4), host)
    return dice.of(['%s %s <%s>' % (name, dice.of(NAMES), spec),
                    '"%s, %s" <%s>' % (dice.of(NAMES), name, spec),
                    '%s (%s)' % (spec, name), '<%s>' % spec, spec])


def date(dice):
    return '%s, %d %s 20%02d %02d:%02d:%02d %s' % (
        dice.of(['Mon', 'Tue', 'Wed']), 1 + dice.below(28),
        dice.of(['Jan', 'May', 'Aug', 'Dec']), dice.below(30), dice.below(24),
        dice.below(60), dice.below(60), dice.of(['+0000', '-0700', '+0200']))


def subject(dice):
    if dice.below(8) == 0:
        return '=?utf-8?b?%s?= %s' % (
            base64.b64encode(('Grüße: ' + dice.words(2)).encode()).decode(),
            dice.words(3))
    return dice.of(['', 'Re: ', '[list] ']) + dice.words(3 + dice.below(6))


def header(dice, content):
    fields = ['Return-Path: <%s@%s>' % (dice.token(8), dice.of(HOSTS))]
    for _ in range(3 + dice.below(3)):
        fields.append(
            'Received: from %s (%s [192.0.2.%d])\r\n\tby %s (8.14/8.14) with '
            'ESMTP id %s\r\n\tfor <%s@%s>; %s' % (
                dice.of(HOSTS), dice.of(HOSTS), dice.below(256),
                dice.of(HOSTS), dice.token(12), dice.token(6), dice.of(HOSTS),
                date(dice)))
    fields += ['Message-ID: <%s@%s>' % (dice.token(20), dice.of(HOSTS)),
               'Date: ' + date(dice), 'From: ' + person(dice),
               'To: ' + ',\r\n\t'.join(person(dice)
                                       for _ in range(1 + dice.below(3))),
               'Subject: ' + subject(dice)]
    if dice.below(3) == 0:
        fields += ['Cc: ' + person(dice), 'In-Reply-To: <%s@%s>' % (
            dice.token(20), dice.of(HOSTS))]
    fields += ['List-%s: <https://%s/%s>' % (what, dice.of(HOSTS),
                                             dice.token(10))
               for what in ('Help', 'Post', 'Unsubscribe', 'Archive')]
    fields += ['X-%s: %s' % (what, dice.words(1 + dice.below(6)))
               for what in ('Mailer', 'Loop', 'Spam-Status', 'Original-To',
                            'Priority', 'MimeOLE')]
    fields += ['Sender: ' + person(dice), 'Precedence: bulk',
               'MIME-Version: 1.0'] + content
    return '\r\n'.join(fields) + '\r\n\r\n'


def leaf(content, encoding, body):
    return ('Content-Type: %s\r\nContent-Transfer-Encoding: %s\r\n\r\n' % (
        content, encoding)).encode() + body


def multipart(kind, boundary, parts):
    mark = b'--' + boundary.encode()
    return (['Content-Type: multipart/%s;\r\n\tboundary="%s"' % (
        kind, boundary)], b''.join(mark + b'\r\n' + p + b'\r\n'
                                   for p in parts) + mark + b'--\r\n')


def printable(text, charset):
    return quopri.encodestring(text.encode(charset).replace(
        b'\r\n', b'\n')).replace(b'\n', b'\r\n')


def letter(dice):
    """Text; some with HTML beside it, some of 8 bits."""
    text = dice.text(1500 + dice.below(3000))
    kind = dice.below(10)
    if kind < 6:
        content, body = ['Content-Type: text/plain; charset=us-ascii'], \
            text.encode()
    elif kind < 8:
        text = text.replace('because', 'weil\u00fc')
        content = ['Content-Type: text/plain; charset="iso-8859-1"',
                   'Content-Transfer-Encoding: 8bit']
        body = text.encode('latin-1')
    else:
        html = '<html><body><p>%s</p></body></html>' % text.replace(
            'the', 'th\u00e9').replace('\r\n\r\n', '</p>\r\n\r\n<p class="a">')
        content, body = multipart('alternative', '=_' + dice.token(24), [
            leaf('text/plain; charset=utf-8', 'quoted-printable',
                 printable(text, 'utf-8')),
            leaf('text/html; charset=utf-8', 'quoted-printable',
                 printable(html, 'utf-8'))])
    return header(dice, content).encode() + body


def parcel(dice):
    """A little text, and much that is not."""
    parts = [leaf('text/plain; charset=utf-8', '7bit',
                  dice.text(800).encode())]
    for i in range(1 + dice.below(3)):
        parts.append(
            b'Content-Disposition: attachment; filename="%d.pdf"\r\n' % i +
            leaf('application/pdf; name="%d.pdf"' % i, 'base64',
                 dice.blob(30000 + dice.below(60000))))
    content, body = multipart('mixed', '-' * 12 + dice.token(24), parts)
    return header(dice, content).encode() + body


def text(count=300):
    dice = Dice(b'text')
    return [letter(dice) for _ in range(count)]


def attachments(count=20):
    dice = Dice(b'attachments')
    return [parcel(dice) for _ in range(count)]


CORPORA = {'text': text, 'attachments': attachments}


# ---- what should cost much ---------------------------------------------------
def nested(n):
    head = 'Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n'
    return ''.join(head % (i, i) for i in range(n))


def prefixes(n):
    """A hundred boundaries, each the beginning of the next."""
    head = 'Content-Type: multipart/mixed; boundary=%s\r\n\r\n--%s\r\n'
    rows = ['b' * i for i in range(1, 101)]
    return ''.join(head % (b, b) for b in rows) + '\r\n' + (
        '--' + 'b' * 101 + '\r\n') * n


MIXED = 'Content-Type: multipart/mixed; boundary=b\r\n\r\n'
# name: (mode, pieces, message of n pieces)
HOSTILE = {
    'To fields': ('headers', 5000, lambda n: 'To: a@b\r\n' * n),
    'To fields, indexed': ('tree', 5000, lambda n: 'To: a@b\r\n' * n),
    'folds': ('headers', 20000, lambda n: 'Subject: x' + '\r\n x' * n),
    'encoded words': ('headers', 6000,
                      lambda n: 'Subject: ' + '=?utf-8?q?=c3=a4?= ' * n),
    'words without end': ('headers', 5000,
                          lambda n: 'Subject: ' + '=?utf-8?q?x' * n),
    'comments': ('headers', 20000,
                 lambda n: 'From: ' + '(' * n + ')' * n + ' a@b'),
    'addresses': ('headers', 5000, lambda n: 'Cc: ' + 'a@b,' * n),
    'segments': ('tree', 4000, lambda n: 'Content-Type: a/b' + ''.join(
        ';\r\n n*%d=x' % i for i in range(n))),
    'nesting': ('tree', 2000, nested),
    'parts': ('tree', 4000, lambda n: MIXED + '--b\r\n\r\nx\r\n' * n),
    'prefixes': ('tree', 4000, prefixes),
    'soft line breaks': ('decode', 20000, lambda n: (
        'Content-Type: text/plain; charset=utf-8\r\n'
        'Content-Transfer-Encoding: quoted-printable\r\n\r\n' + '=\r\n' * n)),
}


def keep(path, messages):
    """As bench_parse reads them."""
    with open(path, 'wb') as f:
        for message in messages:
            f.write(struct.pack('<I', len(message)) + message)
    return path


def table(options, scratch, program):
    """Rows of mode, corpus, speed, and a share of the floor's in the same
    round."""
    rounds, rows = '3' if options.short else '20', []
    for name, make in CORPORA.items():
        path = keep(os.path.join(scratch, name), make())
        best = {}
        for mode in ('floor', 'headers', 'tree', 'decode'):
            done = subprocess.run([program, path, mode, rounds], check=True,
                                  stdout=subprocess.PIPE, text=True,
                                  timeout=100)
            found = re.search(r'MB/s ([\d.]+) msgs/s ([\d.]+)', done.stdout)
            best[mode] = float(found[1])
            rows.append([name, mode, found[1], '%.2f' % (
                best[mode] / best['floor']), found[2]])
    return rows
