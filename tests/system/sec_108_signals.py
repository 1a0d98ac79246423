#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""THREATS 108: signals at any moment. Handlers only count, or write to a pipe
of the loop: whatever comes, whenever, loses no message that got its 250, and
the daemon lives on or ends in order."""
import os
import random
import signal
import sys
import time

from lib.case import Scratch, main, program, same, true, until
from lib.daemon import Daemon, Server
from lib.load import Load
from lib.wire import Wire

SEED = int(os.environ.get('MAILKIT_SEED', '108'))
HARMLESS = (signal.SIGHUP, signal.SIGALRM, signal.SIGPIPE, signal.SIGUSR1,
            signal.SIGUSR2, signal.SIGCHLD, signal.SIGXFSZ)


def throw(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def check_any_but_the_end():
    """All that does not mean the end, to the master and to workers, at random
    moments under load: no session notices."""
    dice = random.Random(SEED)
    with Scratch() as scratch, Daemon(scratch, '--workers', 2) as daemon:
        pid = daemon.pid()
        with Load(daemon.port, clients=6, pause=0.01) as load:
            end = time.monotonic() + 5
            while time.monotonic() < end:
                throw(pid, dice.choice(HARMLESS))
                throw(dice.choice(daemon.workers() or [pid]),
                      dice.choice(HARMLESS))
                time.sleep(dice.random() * 0.02)
        same((load.broken, load.refused), (0, 0), 'sessions (seed %d)' % SEED)
        true(len(load.acked) > 100, 'a load')
        same(load.check(daemon.box()), len(load.acked))
        same(daemon.pid(), pid)
        until(lambda: len(daemon.workers()) == 2, 20, 'old workers to end')


def check_the_end_at_any_moment():
    """SIGTERM or SIGINT at random moments under load, SIGHUP around it: an
    end in order, with nothing lost."""
    dice = random.Random(SEED + 1)
    with Scratch() as scratch:
        for n in range(12):
            daemon = Daemon(scratch, '--workers', 1 + n % 3).start()
            with Load(daemon.port, clients=6) as load:
                time.sleep(dice.random() * 0.4)
                for number in (signal.SIGHUP, dice.choice(
                        (signal.SIGTERM, signal.SIGINT)), signal.SIGHUP):
                    throw(daemon.pid(), number)
                    time.sleep(dice.random() * 0.01)
                load.over = True
            same(daemon.stop(), 0, 'exit code, round %d' % n)
            load.check(daemon.box())
            for name in daemon.box().names():
                os.unlink(os.path.join(daemon.box().path, 'new', name))
            same(daemon.box().names('tmp'), [])


def check_while_it_starts():
    """SIGTERM at every moment of the start: it ends at once, by the signal
    when nothing was begun, else with 0, and leaves nobody behind."""
    with Scratch() as scratch:
        took, codes = 0.0, set()
        for n in range(60):
            daemon = Daemon(scratch, '--workers', 3)
            daemon.spawn()
            began = time.monotonic()
            if n < 3:
                daemon.ready()
                took = max(took, time.monotonic() - began)
            else:
                time.sleep(took * (n % 30) / 25)
            daemon.process.send_signal(signal.SIGTERM)
            codes.add(daemon.wait(8))
            true(codes <= {0, -signal.SIGTERM}, codes)
        true(0 in codes, codes)
        true(b'Sanitizer' not in daemon.stderr(), daemon.stderr())
        until(lambda: not orphans(scratch.path), 5, 'workers to be gone')


def orphans(word):
    """Processes with this word in their command line."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/%s/cmdline' % pid, 'rb') as f:
                if word.encode() in f.read() and int(pid) != os.getpid():
                    found.append(pid)
        except OSError:
            pass
    return found


def defaults():
    for number in (signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)


def check_the_library_installs_none():
    """A program on the library keeps the handlers that it had: sink_uv has
    none for SIGHUP and SIGALRM, and is ended by them."""
    for number in (signal.SIGHUP, signal.SIGALRM):
        with Scratch() as scratch:
            server = Server(scratch, 'sink_uv', ['127.0.0.1:0'],
                            before=defaults)  # nohup(1) ignores one
            server.spawn()
            until(lambda: server.queue.qsize() > 0, 10, 'it listens')
            server.process.send_signal(number)
            same(server.wait(), -number)


def check_a_second_while_the_first_works():
    """Two, three, ten SIGTERMs in a row end it at once, whatever is open."""
    for count in (2, 3, 10):
        with Scratch() as scratch:
            daemon = Daemon(scratch, '--workers', 2).start()
            with Wire(daemon.port) as wire:
                wire.open()
                wire.send(b'Subject: never\r\n\r\nno end')
                began = time.monotonic()
                for _ in range(count):
                    throw(daemon.pid(), signal.SIGTERM)
                    time.sleep(0.1)
                same(daemon.wait(8), 0, 'exit code')
                true(time.monotonic() - began < 4, 'at once')
            same(daemon.box().names(), [])


if __name__ == '__main__':
    program('mailkitd')
    sys.exit(main(globals()))
