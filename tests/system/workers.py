#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Several workers on one port: all serve, limits hold across them, one that is
killed is replaced and takes nothing along, and all end in order."""
import os
import re
import signal
import sys
import time

from lib.case import Scratch, main, same, true, until
from lib.daemon import Daemon, running
from lib.load import Load
from lib.wire import Wire

ANOTHER = re.compile(r'P(\d+)')  # of the process, in a Maildir name


def sockets(pid):
    count = 0
    for fd in os.listdir('/proc/%d/fd' % pid):
        try:
            count += os.readlink('/proc/%d/fd/%s' % (pid, fd)).startswith(
                'socket')
        except OSError:
            pass
    return count


def fill(daemon, count, source='127.0.0.1'):
    """Sessions that are held open, and how many were refused."""
    wires = [Wire(daemon.port, source=source) for _ in range(count)]
    served = [w for w in wires if w.greeting and w.greeting[0] == 220]
    for wire in wires:
        if wire not in served:
            wire.socket.close()
    return served, count - len(served)


def check_all_serve():
    with Scratch() as scratch, Daemon(scratch, '--workers', 4) as daemon:
        same(len(daemon.workers()), 4)
        before = {pid: sockets(pid) for pid in daemon.workers()}
        with Load(daemon.port, clients=16) as load:
            until(lambda: len(load.acked) > 200, 20, '200 messages')
            seen = {pid for pid in daemon.workers()
                    if sockets(pid) > before[pid]}
        same((load.broken, load.refused), (0, 0), 'sessions broken')
        load.check(daemon.box())
        by = {ANOTHER.search(name).group(1) for name in daemon.box().names()}
        same(len(by), 4, 'workers that delivered: %r' % by)
        true(seen, 'workers hold connections')
        daemon.quiet()


def check_one_is_killed():
    """SIGKILL under load: the others go on, another comes, and what the dead
    one had counted is forgotten."""
    with Scratch() as scratch, Daemon(
            scratch, '--workers', 3, '--max-connections', 12,
            '--max-connections-per-address', 12) as daemon:
        with Load(daemon.port, clients=9, messages=3) as load:
            for _ in range(6):
                until(lambda: len(daemon.workers()) == 3, 10, 'three workers')
                had = len(load.acked)
                os.kill(max(daemon.workers(), key=sockets), signal.SIGKILL)
                until(lambda: len(load.acked) > had + 30, 20, 'messages')
        true(load.broken >= 6, 'sessions of the dead: %d' % load.broken)
        load.check(daemon.box())
        daemon.said(b'was ended by signal 9')
        until(lambda: len(daemon.workers()) == 3, 10, 'three workers')
        daemon.quiet()
        served, refused = fill(daemon, 14)
        same((len(served), refused), (12, 2), 'all places are free again')
        for wire in served:
            wire.socket.close()


def check_limits_across_workers():
    """In all, and by address; a place that was given back is free."""
    with Scratch() as scratch, Daemon(
            scratch, '--workers', 4, '--max-connections', 20,
            '--max-connections-per-address', 7) as daemon:
        for _ in range(3):
            a, over = fill(daemon, 12, '127.0.0.1')
            same((len(a), over), (7, 5), 'of one address')
            b, over = fill(daemon, 12, '127.0.0.2')
            same((len(b), over), (7, 5), 'of another')
            c, over = fill(daemon, 9, '127.0.0.3')
            same((len(c), over), (6, 3), 'in all')
            for wire in a + b + c:
                wire.socket.close()
            daemon.quiet()


def check_a_worker_is_told_to_end():
    """SIGTERM to a worker: its sessions end in order, and it is replaced."""
    with Scratch() as scratch, Daemon(scratch) as daemon:
        old, = daemon.workers()
        with Wire(daemon.port) as wire:
            wire.open()
            os.kill(old, signal.SIGTERM)
            wire.send(b'Subject: x\r\n\r\nx\r\n.\r\n')
            true(wire.reply()[0] in (250, 421), 'an end in order')
        until(lambda: daemon.workers() not in ([], [old]), 10, 'another')
        with Wire(daemon.port) as wire:
            wire.open()
            wire.expect('Subject: x\r\n\r\nx\r\n.', 250)
        daemon.said(b'worker %d ended with code 0' % old)


def check_no_storm():
    """Workers that die at once come back, and ever later."""
    with Scratch() as scratch, Daemon(scratch) as daemon:
        seen, end = set(), time.monotonic() + 4
        while time.monotonic() < end:
            for pid in daemon.workers():
                if pid not in seen:
                    seen.add(pid)
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.005)
        # 100 + 200 + 400 + 800 + 1600 ms come to 3.1 s
        true(4 <= len(seen) <= 6, '%d workers in 4 s' % len(seen))
        until(daemon.workers, 10, 'a worker again')
        with Wire(daemon.port) as wire:
            wire.expect('EHLO a.example', 250)


def check_stop_while_busy():
    """20 sessions in the middle of DATA, SIGTERM: those that go on within the
    grace get their 250 and are there; all processes end."""
    with Scratch() as scratch:
        daemon = Daemon(scratch, '--workers', 3).start()
        wires = [Wire(daemon.port).open() for _ in range(20)]
        for n, wire in enumerate(wires):
            wire.send(b'Subject: load %d\r\n\r\nhalf\r\n' % n)
        family = daemon.family()
        daemon.signal(signal.SIGTERM)
        time.sleep(0.3)
        acked = 0
        for wire in wires:
            wire.send(b'half\r\n.\r\n')
            codes = [code for code, _ in wire.rest()]
            true(codes in ([250, 421], [250], [421]), codes)
            acked += 250 in codes
            wire.socket.close()
        same(daemon.stop(), 0)
        same([pid for pid in family if running(pid)], [])
        same(len(daemon.box().messages()), acked)
        same(acked, 20, 'bodies that came to their end')


def check_the_master_is_killed():
    """Workers notice, end their sessions in order, and leave the port."""
    with Scratch() as scratch:
        daemon = Daemon(scratch, '--workers', 2).start()
        workers = daemon.workers()
        wires = [Wire(daemon.port).open() for _ in range(6)]
        os.kill(daemon.pid(), signal.SIGKILL)
        daemon.process.wait()
        time.sleep(0.3)
        for wire in wires:
            wire.send(b'Subject: x\r\n\r\nx\r\n.\r\n')
            same([code for code, _ in wire.rest()][0], 250)
            wire.socket.close()
        until(lambda: not any(map(running, workers)), 15, 'workers to end')
        same(len(daemon.box().messages()), 6)
        same(daemon.stderr().count(b'the master is gone'), 2)
        with Daemon(scratch, listen='smtp=127.0.0.1:%d' % daemon.port):
            pass


def check_told_to_all():
    """A terminal's SIGINT and a service manager's SIGTERM come to every
    process: that is not the second signal."""
    for number in (signal.SIGINT, signal.SIGTERM):
        with Scratch() as scratch:
            daemon = Daemon(scratch, '--workers', 3).start()
            with Wire(daemon.port) as wire:
                wire.open()
                for pid in daemon.family():
                    os.kill(pid, number)
                time.sleep(0.3)
                wire.send(b'Subject: x\r\n\r\nx\r\n.\r\n')
                same(wire.reply()[0], 250, signal.Signals(number).name)
            same(daemon.stop(), 0)
            same(len(daemon.box().messages()), 1)


if __name__ == '__main__':
    sys.exit(main(globals()))
