#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A second reader of MIME structure, slow and whole in memory, from RFC 2046
alone: in random multiparts, whose boundaries begin one another, are used twice
and have no end, `mailkit parse` must see the same parts at the same octets.
2,000 messages, or 30,000 with MAILKIT_FULL=1; the same ones each time."""
import os
import random
import re
import sys

from lib import parsed
from lib.case import Scratch, main, same, true

COUNT = 30000 if os.environ.get('MAILKIT_FULL') else 2000
BATCH = 1000
BOUNDARIES = (b'b', b'bb', b'b-', b'b--', b'x', b'bbbbbbbbb', b'bbbbbbbbbc')
TAILS = (b'', b'', b'', b'--', b'--', b' ', b'\t x', b'-- ', b'--x', b'-', b'y')
LINES = (b'', b'text', b'-', b'--', b' --b', b'A: --b', b'\r')


# ---- messages ---------------------------------------------------------------

def line_end(dice):
    return dice.choice((b'\r\n', b'\r\n', b'\r\n', b'\r\n', b'\n'))


def header(dice, used, empty_line):
    kind = dice.random()
    text = b''
    if kind >= .9:
        text = b'Content-Type: message/rfc822'
    elif kind >= .35:
        used.append(dice.choice(BOUNDARIES))
        text = b'Content-Type: multipart/%s; boundary="%s"' % (
            b'digest' if kind < .5 else b'mixed', used[-1])
    text += line_end(dice) if text else b''
    return text + (line_end(dice) if dice.random() < empty_line else b'')


def message(dice):
    used = []
    text = header(dice, used, .95)
    for _ in range(dice.randrange(20)):
        kind = dice.random()
        if kind < .6:
            text += b'--' + dice.choice(used if used and kind < .45
                                        else BOUNDARIES) + dice.choice(TAILS)
        elif kind < .8:
            text += dice.choice(LINES)
        text += line_end(dice)
        if kind < .36:
            text += header(dice, used, .9)
    return text.rstrip(b'\r\n') if dice.random() < .3 else text


# ---- the reader -------------------------------------------------------------

class Part:
    def __init__(self, parent):
        self.children = []
        self.type = self.boundary = self.body = self.end = None
        self.is_closed = False
        self.is_in_digest = parent is not None and parent.type == 'digest'
        if parent is not None:
            parent.children.append(self)

    def tree(self):
        return [self.body, self.end - self.body,
                [child.tree() for child in self.children]]


class Reader:
    def __init__(self, text):
        self.text = text
        self.open = []  # from the message on inwards
        self.top = self.begin()

    def begin(self):
        part = Part(self.open[-1] if self.open else None)
        self.open.append(part)
        return part

    def line(self, at):
        end = self.text.find(b'\n', at) + 1
        return self.text[at:end or len(self.text)]

    def delimiter(self, line):
        """(depth of the multipart, is it the last one), or None: "--", the
        boundary, then white space, the end, or "--" and one of these; the
        longest counts, of equal ones the innermost (5.1.1, 5.1.2)."""
        best = None
        for depth, part in enumerate(self.open):
            if not part.boundary or part.body is None or part.is_closed:
                continue
            found = re.match(rb'--%s(--)?([ \t\r\n]|$)' % (
                re.escape(part.boundary)), line)
            if found and (best is None or len(part.boundary) >=
                          len(self.open[best[0]].boundary)):
                best = depth, found.group(1) is not None
        return best

    def end_header(self, at):
        part = self.open[-1]
        part.body = at
        if part.type is None and part.is_in_digest:
            part.type = 'rfc822'  # 5.1.5
        if part.type == 'rfc822':
            self.begin()

    def read_header(self, at):
        """Of the innermost part; where what follows it begins, and whether
        that may be a delimiter at once."""
        part = self.open[-1]
        while at < len(self.text):
            field = self.line(at)
            if field in (b'\n', b'\r\n'):
                self.end_header(at + len(field))
                return at + len(field)
            if self.delimiter(field):
                break
            at += len(field)
            while self.text[at:at + 1] in (b' ', b'\t'):  # it is folded
                field += self.line(at)
                at += len(self.line(at))
            named = re.match(rb'Content-Type: (?:multipart/)?([^/;]*/)?'
                             rb'(\w+)(?:; boundary="(.*)")?', field)
            if named and part.type is None:
                part.type = named.group(2).decode()
                part.boundary = named.group(3)
        self.end_header(at)
        return at

    def close(self, depth, at):
        """All parts that are deeper end there."""
        while len(self.open) > depth:
            part = self.open.pop()
            part.end = at

    def read(self):
        at = ended = 0  # octets of the line end before, which is a delimiter's
        while at < len(self.text) or self.open[-1].body is None:
            if self.open[-1].body is None:
                at = self.read_header(at)
                ended = 0
                continue
            line = self.line(at)
            found = self.delimiter(line)
            if found:
                depth, is_last = found
                self.close(depth + 1, at - ended)
                self.open[-1].is_closed = is_last
                if not is_last:
                    self.begin()
                ended = 0
            else:
                ended = len(line) - len(line.rstrip(b'\n'))
                ended += line.endswith(b'\r\n')
            at += len(line)
        self.close(0, len(self.text))
        return self.top.tree()


# ---- both of them -----------------------------------------------------------

def tree_of(part):
    return [part['offset'], part['length'],
            [tree_of(child) for child in part['children']]]


def check_same_trees():
    sizes = set()
    for first in range(0, COUNT, BATCH):
        texts = [message(random.Random(first + i)) for i in range(BATCH)]
        with Scratch() as scratch:
            folder = scratch.dir('messages')
            for i, text in enumerate(texts):
                scratch.file('messages/%06d' % i, text)
            told = parsed.told_by('--json', folder)
        same(len(told), BATCH)
        for text, one in zip(texts, told):
            tree = Reader(text).read()
            same(tree_of(one['parts']), tree, repr(text))
            sizes.add(str(tree).count('['))
    true(len(sizes) > 12, 'trees of few sizes: %r' % sizes)


if __name__ == '__main__':
    sys.exit(main(globals(), 800))
