#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""THREATS 109: no descriptor leaks, all close on exec, and a daemon that has
none left refuses for now, lives on and recovers."""
import os
import resource
import signal
import sys

from lib.case import Scratch, main, same, true, until
from lib.daemon import Daemon
from lib.wire import Wire


def few(count):
    def set_limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))
    return set_limit


def deliver(daemon, subject=b'x'):
    with Wire(daemon.port) as wire:
        wire.open()
        wire.send(b'Subject: ' + subject + b'\r\n\r\nx\r\n.\r\n')
        got = wire.reply()
        wire.quit()
        return got


def check_count_before_and_after():
    with Scratch() as scratch, Daemon(scratch) as daemon:
        same(deliver(daemon)[0], 250)
        before = daemon.quiet()
        for n in range(50):
            same(deliver(daemon)[0], 250)
            with Wire(daemon.port) as wire:  # broken off in a message
                wire.open('alice@example.org', 'bob@example.org')
                wire.send((b'x' * 76 + b'\r\n') * (1 if n % 5 else 10000))
        daemon.at_most(before)
        same(daemon.box().names('tmp'), [])


def close_on_exec(top):
    for fd in os.listdir(top + 'fd'):
        if int(fd) < 3:
            continue
        with open(top + 'fdinfo/' + fd, encoding='ascii') as f:
            flags = next(line for line in f if 'flags' in line)
        true(int(flags.split()[1], 8) & 0o2000000, '%s: %s' % (
            fd, os.readlink(top + 'fd/' + fd)))


def check_all_close_on_exec():
    with Scratch() as scratch, Daemon(scratch) as daemon:
        with Wire(daemon.port) as wire:
            wire.open()
            wire.send((b'x' * 76 + b'\r\n') * 10000)
            until(lambda: daemon.box().names('tmp'), 5, 'a file in tmp/')
            same(len(daemon.family()), 2)
            for pid in daemon.family():
                close_on_exec('/proc/%d/' % pid)


def without(*closed):
    def close():
        for fd in closed:
            os.close(fd)
    return close


def link(pid, fd):
    try:
        return os.readlink('/proc/%d/fd/%d' % (pid, fd))
    except FileNotFoundError:
        return ''


def stand_for_nothing(daemon, *closed):
    for pid in daemon.family():
        for fd in closed:
            same(link(pid, fd), '/dev/null')


def check_started_without_stderr():
    """An old worker has closed its listeners: what they were called must not
    become the name of a message, or another session's log goes into it."""
    with Scratch() as scratch, Daemon(scratch, before=without(2)) as daemon:
        with Wire(daemon.port) as wire, Wire(daemon.port) as other:
            other.expect('EHLO other', 250)
            wire.open()
            old = daemon.workers()
            daemon.signal(signal.SIGHUP)
            until(lambda: len(daemon.workers()) == 2, 10, 'a new worker')
            until(lambda: not link(old[0], 2).startswith('socket'), 10,
                  'a worker that listens no more')
            wire.send((b'x' * 76 + b'\r\n') * 10000)
            until(lambda: daemon.box().names('tmp'), 5, 'a file in tmp/')
            other.expect('MAIL FROM:<eve@example.com>', 250)
            other.expect('RCPT TO:<nobody@example.org>', 550)
            other.quit()
            wire.send(b'.\r\n')
            same(wire.reply()[0], 250)
            wire.quit()
        true(b'nobody' not in daemon.box().only(), 'no log in a message')
        stand_for_nothing(daemon, 2)


def check_started_without_stdin_and_stderr():
    with Scratch() as scratch, Daemon(scratch, before=without(0, 2)) as daemon:
        stand_for_nothing(daemon, 0, 2)
        same(deliver(daemon)[0], 250)


def check_started_without_stdout():
    with Scratch() as scratch:
        daemon = Daemon(scratch, before=without(1)).spawn()
        try:
            daemon.said(b'Z ready\n')
            stand_for_nothing(daemon, 1)
            same(daemon.stop(), 0)
        finally:
            daemon.kill()


def check_none_left():
    """More clients than descriptors: those that are served are served right;
    when they are gone all is as before."""
    with Scratch() as scratch, Daemon(scratch, before=few(40)) as daemon:
        same(deliver(daemon)[0], 250)
        before = daemon.quiet()
        had = daemon.box().count()
        wires = [Wire(daemon.port, greet=False) for _ in range(60)]
        served, sent = [], 0
        for wire in wires[:5]:
            got = wire.reply()
            if got and got[0] == 220:
                served.append(wire)
        true(served, 'somebody is served')
        for wire in served:
            wire.open()
            wire.send(b'Subject: y\r\n\r\nx\r\n.\r\n')
            code = wire.reply()[0]
            true(code in (250, 451, 452), code)
            sent += code == 250
        same(daemon.box().count(), had + sent)
        for wire in wires:
            wire.socket.close()
        daemon.at_most(before)
        same(deliver(daemon, b'after')[0], 250)
        same(daemon.box().names('tmp'), [])


if __name__ == '__main__':
    sys.exit(main(globals()))
