# SPDX-License-Identifier: MIT
"""Several listeners of one mailkitd and what they say in EHLO, and `mailkit
send` with what it told of each recipient."""
import re

from lib.case import program, run
from lib.daemon import LISTENING, Daemon
from lib.wire import Wire

USERS = 'alice:{PLAIN}one\nbob:{PLAIN}two\ncarol@example.net:{PLAIN}three\n'
ALICE, BOB, NOBODY = ('alice@example.org', 'bob@example.org',
                      'nobody@example.org')
TEXT = b'From: eve@example.com\nSubject: hello\n\none\n.\n..two\nthree\n'


class Served(Daemon):
    """`at` tells the port of a listener by its name."""

    def __init__(self, scratch, *options, serve=('smtp',), **more):
        options = list(options)
        for one in serve[1:]:
            options += ['--listen', one + '=127.0.0.1:0']
        super().__init__(scratch, *options, listen=serve[0] + '=127.0.0.1:0',
                         **more)

    def at(self, name):
        for line in self.lines:
            found = LISTENING.match(line)
            if found and found.group(1) == name:
                return int(found.group(3))
        raise AssertionError('%s is not served: %r' % (name, self.lines))

    def server(self, name=None):
        return '127.0.0.1:%d' % (self.at(name) if name else self.port)


def offers(wire, hello='EHLO'):
    """What EHLO or LHLO offers: a dict of keyword and parameters."""
    lines = wire.expect(hello + ' client.example.com', 250).split('\n')
    return dict(line.partition(' ')[::2] for line in lines[1:])


def reply_to_each(wire, count):
    """The codes of as many replies."""
    return [wire.reply()[0] for _ in range(count)]


def send(server, *more, to=(ALICE,), stdin=TEXT, sender='eve@example.com',
         **other):
    """`mailkit send`: exit code, rows of stdout, stderr."""
    argv = [program('mailkit'), 'send', '--server', server, '--from', sender]
    for mailbox in to:
        argv += ['--to', mailbox]
    code, out, err = run([*argv, *more], stdin, **other)
    return code, [tuple(line.split('\t')) for line in
                  out.decode('ascii').splitlines()], err.decode('latin-1')


def verdicts(rows):
    """Address and code of each row."""
    return [row[-4:-2] for row in rows]


def received(octets):
    """The protocol, and who it came from, of the top Received:."""
    found = re.search(rb'^Received: from (.*?)\s+by mx\.example\.org \(mailkit\)'
                      rb'\s+with (\w+)', octets, re.M | re.S)
    if not found:
        raise AssertionError('no Received: in %r' % octets[:400])
    return found.group(2).decode(), found.group(1).decode('latin-1')


def hello(port, **more):
    """A wire behind its greeting."""
    return Wire(port, **more)
