#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A full disk, no inodes, a read-only mail root, a box that is in the way: the
peer is told 4xx, nothing half comes to rest, and the daemon lives. The small
file systems need the right to mount; without it those cases are skipped."""
import os
import subprocess
import sys

from lib.case import Scratch, Skip, main, run, same, true
from lib.daemon import Daemon
from lib.wire import Wire


class Small:
    """A tmpfs of its own for the mail root."""

    def __init__(self, scratch, options):
        self.path = scratch.dir('small')
        self.options = options

    def __enter__(self):
        if os.geteuid() != 0:
            raise Skip('only root may mount')
        code, _, err = run(['mount', '-t', 'tmpfs', '-o', self.options,
                            'mailkit-test', self.path])
        if code != 0:
            raise Skip('mount is not permitted: %s' % err.decode().strip())
        return self

    def again(self, options):
        same(run(['mount', '-o', 'remount,' + options, self.path])[0], 0,
             'remount')

    def __exit__(self, *_):
        subprocess.run(['umount', '-l', self.path], check=False)


def send(daemon, octets, to=('alice@example.org',)):
    """The code of the end, or of the RCPT that was put off."""
    with Wire(daemon.port) as wire:
        wire.expect('EHLO client.example.com', 250)
        wire.expect('MAIL FROM:<eve@example.com>', 250)
        for mailbox in to:
            got = wire.say('RCPT TO:<%s>' % mailbox)
            if got[0] != 250:
                return got
        wire.expect('DATA', 354)
        wire.send(b'Subject: x\r\n\r\n' + octets + b'\r\n.\r\n')
        got = wire.reply()
        if got[0] != 421:
            wire.quit()
        return got


def check_no_space():
    line = b'x' * 76 + b'\r\n'
    with Scratch() as scratch, Small(scratch, 'size=4m') as small, \
            Daemon(scratch, root=small.path) as daemon:
        same(send(daemon, line)[0], 250)
        seen = set()
        for n in (3000, 30000, 100000, 3000, 60000):  # beyond memory, too
            had = daemon.box().count()
            code, text = send(daemon, line * n)
            seen.add(code)
            true(code in (250, 452), (code, text))
            same(daemon.box().count(), had + (code == 250))
            same(daemon.box().names('tmp'), [], 'tmp/')
        true(452 in seen, 'the disk was never full: %r' % seen)
        daemon.box().messages()
        small.again('size=40m')
        same(send(daemon, line * 3000)[0], 250, 'with room again')


def check_tiny():
    """Less than the daemon wants to be free: 452 from the first on."""
    with Scratch() as scratch, \
            Small(scratch, 'size=64k,nr_inodes=20') as small, \
            Daemon(scratch, root=small.path) as daemon:
        for _ in range(3):
            code, text = send(daemon, b'x')
            same(code, 452, text)
        same(daemon.box().names() + daemon.box().names('tmp'), [])
        small.again('size=8m,nr_inodes=1000')
        same(send(daemon, b'x')[0], 250, 'with room again')


def check_no_inodes():
    with Scratch() as scratch, \
            Small(scratch, 'size=8m,nr_inodes=40') as small, \
            Daemon(scratch, root=small.path) as daemon:
        codes = []
        for _ in range(50):
            codes.append(send(daemon, b'x')[0])
        same(set(codes), {250, 452}, 'codes')
        same(len(daemon.box().messages()), codes.count(250))
        same(daemon.box().names('tmp'), [])
        small.again('nr_inodes=2000')
        same(send(daemon, b'x')[0], 250, 'with inodes again')


def check_both_or_none():
    """No room for the second box: neither gets it."""
    line = b'x' * 76 + b'\r\n'
    with Scratch() as scratch, Small(scratch, 'size=2600k') as small, \
            Daemon(scratch, root=small.path) as daemon:
        to = ('alice@example.org', 'bob@example.org', 'carol@example.net')
        same(send(daemon, line * 13000, to)[0], 452)
        for user, domain in (('alice', 'example.org'), ('bob', 'example.org'),
                             ('carol', 'example.net')):
            box = daemon.box(user, domain)
            same(box.names() + box.names('tmp'), [], user)


def check_read_only():
    """It refuses to start, or refuses for now; and recovers."""
    with Scratch() as scratch, Small(scratch, 'size=8m') as small:
        with Daemon(scratch, root=small.path) as daemon:
            same(send(daemon, b'x')[0], 250)
            small.again('ro')
            code, text = send(daemon, b'x')
            true(code in (451, 452), (code, text))
            big = (b'x' * 76 + b'\r\n') * 20000
            true(send(daemon, big)[0] in (451, 452), 'streamed')
            small.again('rw')
            same(send(daemon, b'x')[0], 250, 'writable again')
            same(daemon.box().count(), 2)
        small.again('ro')
        daemon = Daemon(scratch, root=small.path)
        try:
            daemon.start()
        except AssertionError:  # it may also refuse to start
            true(daemon.wait() in (73, 77, 78), daemon.code)
            return
        try:
            true(send(daemon, b'x')[0] in (451, 452), 'refused for now')
            same(daemon.stop(), 0)
        finally:
            daemon.kill()


def check_something_in_the_way():
    """A file or a link where a box should be: 4xx, nothing is followed."""
    with Scratch() as scratch:
        outside = scratch.dir('outside')
        with Daemon(scratch) as daemon:
            top = os.path.join(daemon.root, 'example.org')
            os.makedirs(top, 0o700)
            os.symlink(outside, os.path.join(top, 'alice'))
            with open(os.path.join(top, 'bob'), 'wb'):
                pass
            for user in ('alice', 'bob'):
                code, text = send(daemon, b'x', (user + '@example.org',))
                true(400 <= code <= 499, (user, code, text))
            same(os.listdir(outside), [])
            same(send(daemon, b'x', ('carol@example.net',))[0], 250)
            os.unlink(os.path.join(top, 'alice'))
            same(send(daemon, b'x')[0], 250, 'with the link gone')


if __name__ == '__main__':
    sys.exit(main(globals()))
