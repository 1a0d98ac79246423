#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Postfix's smtp-source pours 2000 messages over 20 sessions into mailkitd:
all of them come to rest, whole and once."""
import os
import sys

from lib.case import Scratch, main, need, run, same, true
from lib.daemon import Daemon
from lib.maildir import field, split
from lib.wire import Wire

COUNT, SESSIONS, LENGTH = 2000, 20, 4096


def pattern(length):
    """What smtp-source -l sends: lines of 80 octets, a counting digit and
    Xs; the last one may be shorter."""
    text = bytearray(b'X' * length)
    for i in range(80, length, 80):
        text[i - 80:i - 79] = b'%d' % (i // 80 % 10)
        text[i - 2:i] = b'\r\n'
    return bytes(text).replace(b'\r\n', b'\n') + b'\n'


def pour(*options, count=COUNT, length=LENGTH, settings=()):
    source = need('smtp-source')
    with Scratch() as scratch, Daemon(scratch, *settings) as daemon:
        with Wire(daemon.port) as wire:  # the box is open from now on
            wire.open()
            wire.expect('first\r\n.', 250)
            wire.quit()
        for name in daemon.box().names():
            os.unlink(os.path.join(daemon.box().path, 'new', name))
        before = daemon.quiet()
        code, out, err = run(
            [source, '-c', '-m', count, '-s', SESSIONS, '-l', length, *options,
             '-f', 'eve@example.com', '-t', 'alice@example.org',
             '-M', 'source.example.com', daemon.server()], seconds=60)
        same(code, 0, out[-300:] + err[-300:])
        box = daemon.box()
        messages = box.messages()
        same(len(messages), count, 'files in new/')
        want, bodies = pattern(length), set()
        for octets in messages:
            bodies.add(split(octets)[1])
        same(len(bodies), 1, 'different bodies')
        true(bodies == {want}, 'bodies are whole')
        same(len({field(m, 'Message-Id')[0] for m in messages}), count,
             'messages sent')
        ids = {field(m, 'Received')[0].split(b' id ')[1].split()[0]
               for m in messages}
        same(len(ids), count, 'ids given')
        same(box.names('tmp'), [], 'tmp/')
        same(box.names('cur'), [], 'cur/')
        logged = daemon.stderr().count(b'outcome="250 ')
        same(logged, count + 1, 'log lines')
        daemon.at_most(before)


def check_two_thousand():
    pour()


def check_one_connection_each():
    pour('-d', count=400, length=300)


def check_two_recipients():
    """A message for two boxes: both or none, so both."""
    source = need('smtp-source')
    users = 'alice:{PLAIN}x\n2alice:{PLAIN}x\n'
    with Scratch() as scratch, Daemon(scratch, users=users) as daemon:
        code, _, err = run([source, '-m', 50, '-s', 5, '-r', 2, '-t',
                            'alice@example.org', daemon.server()])
        same(code, 0, err)
        for user in ('alice', '2alice'):
            same(len(daemon.box(user).messages()), 50, user)


def check_many_big():
    """Beyond what is kept in memory: streamed into tmp/, then renamed."""
    pour(count=40, length=1500000)


if __name__ == '__main__':
    sys.exit(main(globals(), seconds=200))
