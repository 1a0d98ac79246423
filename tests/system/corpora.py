#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Dialogues of other people's servers with mailkitd: those of Apache James and
of chasquid, which lie beside this repository in shared/corpora as the SOURCE
there says. What a script expects and what mailkitd says is compared by the
first digit of the code (RFC 5321 4.3.2); corpora.txt lists where they disagree,
with the section that says who is right. A disagreement that is not listed
fails, and so does one that is listed and gone."""
import ast
import os
import re
import ssl
import sys

from lib.case import SLOW, Scratch, Skip, has, main, same, true
from lib.daemon import Daemon
from lib.tls import Authority
from lib.wire import Wire

HERE = os.path.dirname(os.path.abspath(__file__))
CORPORA = os.path.join(HERE, '../../../shared/corpora')
LIST = os.path.join(HERE, 'corpora.txt')
USERS = ('bob@mydomain.tld:{PLAIN}secret\nstarttls@mydomain.tld:{PLAIN}x\n'
         'user@testserver:{PLAIN}secretpassword\n')


def scripts(name, suffix):
    top = os.path.join(CORPORA, name)
    if not os.path.isdir(top):
        raise Skip('no shared/corpora/%s' % name)
    found = sorted(f for f in os.listdir(top) if f.endswith(suffix))
    true(found, 'scripts in ' + top)
    for file in found:
        with open(os.path.join(top, file), encoding='utf-8') as f:
            yield file, f.read().splitlines()


def reviewed(name):
    """Rows of the list: (file, reply, theirs, ours)."""
    rows, reason = [], False
    with open(LIST, encoding='ascii') as f:
        for line in f.read().splitlines():
            if line.startswith('#'):
                reason = True
            elif not line:
                reason = False
            else:
                true(reason, 'no reason above ' + line)
                corpus, *row = line.split()
                if corpus == name:
                    rows.append(tuple(row))
    return rows


class House(Daemon):
    def __init__(self, scratch):
        cert, key = Authority(scratch).issue()
        super().__init__(
            scratch, '--domain', 'mydomain.tld', '--domain', 'testserver',
            '--listen', 'submissions=127.0.0.1:0', '--listen',
            'submission=127.0.0.1:0', '--tls-cert', cert, '--tls-key', key,
            '--auth', 'plain', '--auth', 'login', '--allow-clear-auth',
            '--max-message-bytes', '1048576', users=USERS)

    def at(self, protocol):
        return next(int(line.rpartition(':')[2]) for line in self.lines
                    if line.startswith('listening %s ' % protocol))


class Talk:
    """One connection, and what is expected of it beside what came."""

    def __init__(self, port, is_tls=False):
        self.wire = Wire(port, greet=False, seconds=10)
        if is_tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.wire.socket = context.wrap_socket(self.wire.socket)

    def expect(self, text):
        """(theirs, ours): first digits, x where the connection ends."""
        try:
            got = self.wire.reply()
        except OSError:
            got = None
        return text.lstrip()[:1], str(got[0])[:1] if got else 'x'


def evaluate(node):
    """Strings, + and *: all that a script computes."""
    if isinstance(node, ast.Constant):
        return node.value
    true(isinstance(node, ast.BinOp), ast.dump(node))
    left, right = evaluate(node.left), evaluate(node.right)
    return left + right if isinstance(node.op, ast.Add) else left * right


def chasquid(house, lines):
    """A recipient that they write without angle brackets is given them (RFC
    5321 4.1.2): what the script is about comes behind it."""
    talk, pairs = None, []
    for line in lines:
        word, _, text = line.partition(' ')[2].partition(' ')
        if not line.startswith('c '):
            continue
        if word in ('tcp_connect', 'tls_connect', 'close'):
            if talk:
                talk.wire.socket.close()
            if word != 'close':
                is_tls = word[1] == 'l'
                talk = Talk(house.at('submissions' if is_tls else 'smtp'),
                            is_tls)
        elif word == '->':
            text = re.sub(r'^(RCPT TO:) (\S+@\S+)$', r'\1<\2>', text)
            talk.wire.send(text.encode() + b'\r\n')
        elif word == '~>':
            talk.wire.send(evaluate(ast.parse(text, mode='eval').body)
                           .encode())
        else:
            true(word in ('<-', '<~', '<...'), line)
            pairs.append(talk.expect(text))
    talk.wire.socket.close()
    return pairs


def james(house, lines):
    """Their server is asked in groups that no server need take (RFC 2920 3.1):
    here each command has its reply, and a body goes out after 354."""
    steps = [(line[0], line[2:].strip()) for line in lines
             if re.match('[CS]:', line)]
    said = [text for who, text in steps if who == 'C']
    expected = [text for who, text in steps if who == 'S'
                and not re.match(r'\d{3}-', text) and text != '250.*']
    has_login = any(text.startswith('AUTH ') for text in said)
    talk = Talk(house.at('submission' if has_login else 'smtp'))
    pairs = [talk.expect(expected.pop(0))]
    while said:
        text = said.pop(0).replace('\\r\\n', '\r\n')
        if not text.endswith('\r\n'):
            text += '\r\n'
        if pairs[-1] == ('3', '3') and '.' in said:
            end = said.index('.')
            text += ''.join(line + '\r\n' for line in said[:end + 1])
            del said[:end + 1]
        talk.wire.send(text.encode())
        pairs.append(talk.expect(expected.pop(0)))
    same(expected, [], 'replies that nothing asks for')
    talk.wire.socket.close()
    return pairs


def compare(name, suffix, play):
    """Each script with a mailkitd of its own; the boxes it left are given."""
    rows, found, count, boxes = reviewed(name), [], 0, {}
    with Scratch(in_memory=True) as scratch, House(scratch) as house:
        for file, lines in scripts(name, suffix):
            before = house.box('user', 'testserver').names()
            for n, (theirs, ours) in enumerate(play(house, lines)):
                count += 1
                if theirs != ours:
                    found.append((file, str(n), theirs, ours))
            box = house.box('user', 'testserver')
            boxes[file] = [box.octets(x) for x in box.names()
                           if x not in before]
    print('%s: %d replies, %d differ' % (name, count, len(found)))
    same(([x for x in found if x not in rows],
          [x for x in rows if x not in found]), ([], []),
         'disagreements (new, gone)')
    return boxes


def check_james():
    compare('smtp-james', '.test', james)


def check_chasquid():
    boxes = compare('smtp-chasquid', '.cmy', chasquid)
    name = 'data_dot_stuffing.cmy'
    same(len(boxes[name]), 1, name)
    with open(os.path.join(CORPORA, 'smtp-chasquid', name + '.verify'),
              'rb') as f:
        has(boxes[name][0], f.read().rstrip(b'\n'))


if __name__ == '__main__':
    sys.exit(main(globals(), seconds=60 * SLOW))
