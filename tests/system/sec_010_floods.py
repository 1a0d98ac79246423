#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""THREATS 10, 114 and 116 over TCP: a gigabyte without a line end, a
million commands, lies about the size, and many connections. Memory stays, the
peer is told by a 5xx or 421, the connection ends, and others are served."""
import sys

from lib.case import Scratch, main, same, true
from lib.daemon import Daemon
from lib.wire import Wire, flood

GIB = 1 << 30
GROWTH_KIB = 8 * 1024
# What the allocator of the sanitizer keeps back is not the daemon's memory.
ENV = {'ASAN_OPTIONS': 'quarantine_size_mb=1:thread_local_quarantine_size_kb='
                       '64:malloc_context_size=3:max_free_fill_size=0'}


def serves(daemon):
    """Somebody else is still served."""
    with Wire(daemon.port) as wire:
        wire.open()
        wire.expect('Subject: after\r\n\r\nstill here\r\n.', 250)
        wire.quit()


def warm(daemon):
    """Memory after everything was used once."""
    for _ in range(3):
        serves(daemon)
    with Wire(daemon.port) as wire:
        wire.open()
        flood(wire, b'x' * 70 + b'\r\n', 72 * 14000)
        wire.expect('.', 250)
    return daemon.peak_kib()


def last_word(wire, codes):
    """The end came in order, and the last reply tells why."""
    replies = wire.rest()
    true(replies, 'no reply before the end')
    true(replies[-1][0] in codes, 'last reply %r' % (replies[-1],))
    return replies


def attack(prepare, chunk, total, codes, options=(), least=0, listen=True):
    """Flood and check; gives the octets that went out and the replies."""
    with Scratch() as scratch, Daemon(scratch, *options, env=ENV) as daemon:
        before = warm(daemon)
        fds = daemon.quiet()
        had = daemon.box().count()
        with Wire(daemon.port) as wire:
            prepare(wire)
            sent = flood(wire, chunk, total, listen)
            true(least <= sent < total, '%d octets were taken' % sent)
            replies = last_word(wire, codes)
        grown = daemon.peak_kib() - before
        true(grown <= GROWTH_KIB, 'memory grew by %d KiB' % grown)
        same(daemon.box().count(), had, 'messages')
        daemon.at_most(fds)
        serves(daemon)
        return sent, replies


def hello(wire):
    wire.expect('EHLO client.example.com', 250)


def mail(wire):
    hello(wire)
    wire.expect('MAIL FROM:<eve@example.com>', 250)


def check_sec_010_command_without_end():
    for prepare, start in ((hello, b''), (lambda w: None, b'EHLO '),
                           (mail, b'RCPT TO:<')):
        def begin(wire, prepare=prepare, start=start):
            prepare(wire)
            wire.send(start)
        sent, replies = attack(begin, b'A', GIB, (500, 421, 501))
        same(len([r for r in replies if r[0] == 500]), 1, 'one 500')
        true(sent < 64 << 20, '%d octets were read' % sent)


def check_sec_010_data_without_end():
    sent, _ = attack(lambda w: w.open(), b'A', GIB, (500, 550, 552, 554))
    true(sent < 64 << 20, '%d octets were read' % sent)


def check_sec_010_line_in_short_pieces():
    """NUL, CR and dots without end, which a scanner may stumble over."""
    for chunk in (b'\0', b'\r', b'.', b'\r\r.', b'.\r'):
        attack(hello, chunk, 64 << 20, (500, 421, 501))
        attack(lambda w: w.open(), chunk, 256 << 20, (500, 550, 552, 554),
               options=('--max-message-bytes', 4 << 20))


def check_sec_116_endless_data():
    """Proper lines without end: 552, at most a megabyte is swallowed."""
    sent, _ = attack(lambda w: w.open(), b'x' * 76 + b'\r\n', GIB, (552,),
                     options=('--max-message-bytes', 1 << 20))
    true(sent < 32 << 20, '%d octets were read' % sent)


def check_sec_116_size_lies():
    with Scratch() as scratch, Daemon(
            scratch, '--max-message-bytes', 100000, env=ENV) as daemon:
        with Wire(daemon.port) as wire:
            hello(wire)
            for size in ('100001', '1000000000000', '9' * 20):
                got = wire.say('MAIL FROM:<e@example.com> SIZE=' + size)
                true(got[0] in (552, 501), '%s: %r' % (size, got))
            wire.expect('MAIL FROM:<e@example.com> SIZE=10', 250)
            wire.expect('RCPT TO:<alice@example.org>', 250)
            wire.expect('DATA', 354)
            wire.send(b'x' * 70 + b'\r\n' * 1)
            for _ in range(2000):
                wire.send(b'y' * 78 + b'\r\n')
            wire.expect('.', 552)
        same(daemon.box().count(), 0)
        serves(daemon)


def check_sec_114_a_million_noops():
    """RFC 2920 3.1: NOOP ends a group, so a peer that goes on is early."""
    attack(hello, b'NOOP\r\n', 6000000, (421, 554))


def check_sec_114_noops_one_by_one():
    for verb in ('NOOP', 'RSET', 'VRFY alice', 'HELP', 'EHLO a.example'):
        with Scratch() as scratch, Daemon(scratch, env=ENV) as daemon:
            with Wire(daemon.port) as wire:
                hello(wire)
                for n in range(20000):
                    got = wire.say(verb)
                    if got is None or got[0] == 421:
                        break
                true(10 < n < 2000, '%s ended after %d' % (verb, n))
                same(got and got[0], 421, verb)
                same(wire.rest(), [], verb)
            serves(daemon)


def check_sec_114_a_million_noops_unread():
    """Replies are not read: the daemon must not heap them up."""
    with Scratch() as scratch, Daemon(scratch, env=ENV) as daemon:
        before = warm(daemon)
        wires = []
        for _ in range(8):
            wire = Wire(daemon.port)
            hello(wire)
            flood(wire, b'NOOP\r\n', 6000000, listen=False)
            wires.append(wire)
        grown = daemon.peak_kib() - before
        true(grown <= GROWTH_KIB, 'memory grew by %d KiB' % grown)
        serves(daemon)
        for wire in wires:
            last_word(wire, (421, 554))
            wire.socket.close()


def check_sec_114_connections():
    """More connections than may be: 421 or a close, never more memory, and
    all is well when they are gone."""
    with Scratch() as scratch, Daemon(
            scratch, '--max-connections', 40, env=ENV) as daemon:
        before = warm(daemon)
        fds = daemon.quiet()
        wires = [Wire(daemon.port, greet=False) for _ in range(500)]
        greeted = 0
        for wire in wires[:40]:
            got = wire.reply()
            greeted += bool(got and got[0] == 220)
        same(greeted, 40, 'connections served')
        true(daemon.descriptors() <= fds + 45, 'descriptors')
        grown = daemon.peak_kib() - before
        true(grown <= GROWTH_KIB, 'memory grew by %d KiB' % grown)
        for wire in wires:
            wire.socket.close()
        daemon.at_most(fds)
        serves(daemon)


def check_idle_sessions_are_small():
    """THREATS 114: the memory of an idle session is bounded."""
    with Scratch() as scratch, Daemon(
            scratch, '--max-connections', 400,
            '--max-connections-per-address', 400, env=ENV) as daemon:
        before = warm(daemon)
        wires = [Wire(daemon.port) for _ in range(300)]
        for wire in wires:
            hello(wire)
        grown = daemon.peak_kib() - before
        print('  300 idle sessions: %d KiB' % grown)
        true(grown <= 300 * 24, 'memory grew by %d KiB' % grown)
        for wire in wires:
            wire.socket.close()


if __name__ == '__main__':
    sys.exit(main(globals(), seconds=150))
