#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""THREATS 113 and 114 over TCP, many peers of one address at once: more than
may be, silent ones, slow writers, readers that do not read, and those that
come and vanish. Each is told or ended in time and named in the log, memory
stays, and a peer of another address is served meanwhile."""
import re
import socket
import struct
import sys
import threading
import time

from lib.case import SLOW, Scratch, main, same, true, until
from lib.daemon import Daemon
from lib.wire import Wire

OTHER = '127.0.0.2'
GROWTH_KIB = 8 * 1024
ENV = {'ASAN_OPTIONS': 'quarantine_size_mb=1:thread_local_quarantine_size_kb='
                       '64:malloc_context_size=3:max_free_fill_size=0'}
NAMED = re.compile(rb'peer=\[127\.0\.0\.1\]:(\d+) .*fault=(\w+)')


def deliver(daemon, source=OTHER):
    with Wire(daemon.port, source=source) as wire:
        same(wire.greeting[0], 220, 'somebody else')
        wire.open()
        wire.expect('Subject: x\r\n\r\nx\r\n.', 250)
        wire.quit()


def is_served(daemon):
    with Wire(daemon.port, source=OTHER) as wire:
        return wire.greeting[0] == 220


class Others:
    """A peer of another address that delivers all the time: nobody's crowd
    may keep it waiting."""

    def __init__(self, daemon):
        self.daemon, self.longest, self.count = daemon, 0, 0
        self.failed, self.is_over = None, False
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        try:
            while not self.is_over:
                began = time.monotonic()
                deliver(self.daemon)
                self.longest = max(self.longest, time.monotonic() - began)
                self.count += 1
                time.sleep(0.05)
        except Exception as why:  # pylint: disable=broad-except
            self.failed = why

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.is_over = True
        self.thread.join()
        if kind is None:
            true(self.failed is None, 'somebody else: %r' % self.failed)
            true(self.count > 0 and self.longest < 2 * SLOW,
                 '%d others, one in %.1f s' % (self.count, self.longest))


def warm(daemon):
    """Memory and descriptors after everything was used once."""
    for _ in range(3):
        deliver(daemon)
    return daemon.peak_kib(), daemon.quiet()


def named(daemon, fault):
    """The ports that the log names with this fault."""
    return {int(port) for port, why in NAMED.findall(daemon.stderr())
            if why == fault}


def ports_of(wires):
    return {wire.socket.getsockname()[1] for wire in wires}


def all_named(daemon, ports, fault):
    until(lambda: ports <= named(daemon, fault), 10,
          'each of %d in the log with %r' % (len(ports), fault))
    same(named(daemon, fault) - ports, set(), 'named and not there')


def as_before(daemon, before):
    grown = daemon.peak_kib() - before[0]
    true(grown <= GROWTH_KIB, 'memory grew by %d KiB' % grown)
    daemon.at_most(before[1])
    deliver(daemon, '127.0.0.1')


def ended(wires, seconds):
    """Each got a 421 as its last word, and all that in time."""
    began = time.monotonic()
    for wire in wires:
        replies = wire.rest()
        true(replies and replies[-1][0] == 421, replies)
        wire.socket.close()
    took = time.monotonic() - began
    true(took < seconds * SLOW, 'it took %.1f s' % took)


def check_sec_114_500_of_one_address():
    with Scratch() as scratch, Daemon(
            scratch, '--max-connections-per-address', 50, env=ENV) as daemon:
        before = warm(daemon)
        with Others(daemon):
            wires = [Wire(daemon.port, greet=False) for _ in range(500)]
            codes = [wire.reply()[0] for wire in wires]
            same(codes.count(220), 50, 'served')
            same(codes.count(421), 450, 'turned away')
            away = [w for w, code in zip(wires, codes) if code == 421]
            for wire in away:
                same(wire.rest(), [], 'after 421')
            all_named(daemon, ports_of(away), b'E_LIMIT')
            # those that were let in are served as if nothing was
            first = wires[codes.index(220)]
            first.open()
            first.expect('Subject: x\r\n\r\nx\r\n.', 250)
        for wire in wires:
            wire.socket.close()
        as_before(daemon, before)


def check_sec_114_come_and_vanish():
    """They reset the connection at once, or in the middle of something."""
    with Scratch() as scratch, Daemon(scratch, env=ENV) as daemon:
        before = warm(daemon)
        with Others(daemon):
            for n in range(1000):
                wire = Wire(daemon.port, greet=False)
                if n % 3 == 1:
                    wire.send(b'EHLO client.example.com\r\nMAIL FROM:<a@')
                elif n % 3 == 2:
                    wire.reply()
                    wire.open()
                    wire.send(b'Subject: half\r\n')
                wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                       struct.pack('ii', 1, 0))
                wire.socket.close()
        as_before(daemon, before)
        # a reset is no reply: what was said is all that the log can tell
        true(len(named(daemon, b'E_NET')) > 300, daemon.stderr()[-2000:])
        same(daemon.box().names('tmp'), [])


def check_sec_113_silent_peers():
    with Scratch() as scratch, Daemon(
            scratch, '--command-timeout', 2, env=ENV) as daemon:
        before = warm(daemon)
        with Others(daemon):
            wires = [Wire(daemon.port) for _ in range(40)]
            for wire in wires[:20]:
                wire.send(b'EHLO client.exam')
            ports = ports_of(wires)
            ended(wires, 6)
            all_named(daemon, ports, b'E_TIMEOUT')
        as_before(daemon, before)


def check_sec_113_slow_writers():
    """An octet now and then: the time is for the whole command."""
    with Scratch() as scratch, Daemon(
            scratch, '--command-timeout', 2, env=ENV) as daemon:
        before = warm(daemon)
        with Others(daemon):
            wires = [Wire(daemon.port) for _ in range(40)]
            for octet in b'EHLO ' + b'a' * 55:
                for wire in wires:
                    wire.send(bytes([octet]))
                time.sleep(0.1)
                if len(named(daemon, b'E_TIMEOUT')) == len(wires):
                    break
            else:
                raise AssertionError('they may go on for ever')
            all_named(daemon, ports_of(wires), b'E_TIMEOUT')
        for wire in wires:
            wire.socket.close()
        as_before(daemon, before)


def check_sec_113_deaf_peers():
    """Commands without end, and no reply is read: a window of some octets."""
    with Scratch() as scratch, Daemon(
            scratch, '--command-timeout', 2, env=ENV) as daemon:
        before = warm(daemon)
        with Others(daemon):
            wires = [Wire(daemon.port) for _ in range(20)]
            for wire in wires:
                wire.expect('EHLO client.example.com', 250)
                wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
                wire.socket.setblocking(False)
                try:
                    wire.socket.send(b'VRFY x\r\n' * 100000)
                except BlockingIOError:
                    pass
            ports = ports_of(wires)
            until(lambda: ports <= {int(port) for port, _ in NAMED.findall(
                daemon.stderr())}, 20, 'each of them in the log')
        for wire in wires:
            wire.socket.close()
        as_before(daemon, before)


def check_sec_113_room_runs_short():
    """Nearly all places are taken by peers that say nothing: they lose
    their places soon, and somebody else gets in."""
    with Scratch() as scratch, Daemon(
            scratch, '--max-connections', 20, env=ENV) as daemon:
        before = warm(daemon)
        wires = [Wire(daemon.port, greet=False) for _ in range(20)]
        for wire in wires:
            same(wire.reply()[0], 220)
        with Wire(daemon.port, source=OTHER) as wire:
            same(wire.greeting[0], 421, 'no room')
        ports = ports_of(wires)
        began = time.monotonic()
        ended(wires, 15)
        true(time.monotonic() - began > 2, 'patience is short, not none')
        until(lambda: is_served(daemon), 5, 'room again')
        all_named(daemon, ports, b'E_TIMEOUT')
        as_before(daemon, before)


if __name__ == '__main__':
    sys.exit(main(globals()))
