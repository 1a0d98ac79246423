#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How mailkitd ends: SIGTERM and SIGINT while idle, in a session, in a
message; twice; and a restart on the same port. What was acknowledged is there,
what was not is told so, and nothing hangs."""
import os
import signal
import sys
import time

from lib.case import Scratch, main, need, same, true, until
from lib.daemon import Daemon
from lib.wire import Wire


def ends(daemon, number=signal.SIGTERM):
    daemon.signal(number)
    same(daemon.stop(), 0, 'exit code')


def check_idle():
    for number in (signal.SIGTERM, signal.SIGINT):
        with Scratch() as scratch:
            daemon = Daemon(scratch).start()
            ends(daemon, number)


def check_open_session():
    """A session between two messages is told 421 (RFC 5321 3.8)."""
    for number in (signal.SIGTERM, signal.SIGINT):
        with Scratch() as scratch:
            daemon = Daemon(scratch).start()
            with Wire(daemon.port) as wire, Wire(daemon.port) as silent:
                wire.expect('EHLO client.example.com', 250)
                daemon.signal(number)
                same([code for code, _ in wire.rest()], [421])
                same([code for code, _ in silent.rest()], [421])
                same(daemon.wait(), 0, 'exit code')


def check_in_a_message():
    """SIGTERM within DATA: what comes of it is one of two things, and the
    reply tells which."""
    with Scratch() as scratch:
        daemon = Daemon(scratch).start()
        with Wire(daemon.port) as wire:
            wire.open()
            wire.send(b'Subject: half\r\n\r\nfirst half\r\n')
            daemon.signal(signal.SIGTERM)
            time.sleep(0.3)
            wire.send(b'second half\r\n.\r\n')
            codes = [code for code, _ in wire.rest()]
            same(daemon.stop(), 0, 'exit code')
        true(codes in ([250, 421], [250], [421]), codes)
        same(daemon.box().count(), codes.count(250), codes)
        same(daemon.box().names('tmp'), [], 'tmp/')


def check_stalled_message():
    """A client that never ends its message cannot hold the daemon."""
    with Scratch() as scratch:
        daemon = Daemon(scratch).start()
        with Wire(daemon.port) as wire:
            wire.open()
            wire.send(b'Subject: never\r\n\r\nno end')
            daemon.signal(signal.SIGTERM)
            same(daemon.wait(30), 0, 'exit code')
        same(daemon.stop(), 0)
        same(daemon.box().names('new') + daemon.box().names('tmp'), [])


def check_slow_disk():
    """A message that is coming to rest when the grace is over: its 250 still
    comes, or it would be sent again."""
    strace = need('strace')
    with Scratch() as scratch:
        trace = os.path.join(scratch.path, 'trace')
        daemon = Daemon(scratch, wrap=[
            strace, '-f', '-o', trace, '-e', 'trace=fsync,fdatasync', '-e',
            'inject=fsync,fdatasync:delay_enter=2000000'],
            env={'ASAN_OPTIONS': 'detect_leaks=0'}).start()
        with Wire(daemon.port) as wire, Wire(daemon.port) as half:
            wire.open()
            half.open('bob@example.org')
            half.send(b'Subject: half\r\n')
            wire.send(b'Subject: slow\r\n\r\nslow\r\n.\r\n')
            time.sleep(0.5)
            began = time.monotonic()
            daemon.signal(signal.SIGTERM)
            same([code for code, _ in wire.rest()], [250, 421])
            true(time.monotonic() - began > 5.5, 'the grace was over')
            same(daemon.stop(30), 0, 'exit code')
        same(daemon.box().count(), 1)
        same(daemon.box('bob').names('new'), [])


def check_twice():
    """A second signal ends it at once, whatever is open."""
    with Scratch() as scratch:
        daemon = Daemon(scratch).start()
        with Wire(daemon.port) as wire:
            wire.open()
            wire.send(b'Subject: never\r\n\r\nno end')
            daemon.signal(signal.SIGTERM)
            time.sleep(0.3)
            began = time.monotonic()
            if daemon.process.poll() is None:
                daemon.signal(signal.SIGTERM)
            daemon.wait(8)
            true(time.monotonic() - began < 8, 'at once')
        same(daemon.box().names(), [])


def check_messages_acknowledged_are_kept():
    """SIGTERM amid deliveries: as many files as 250s."""
    with Scratch() as scratch:
        daemon = Daemon(scratch).start()
        accepted = 0
        with Wire(daemon.port) as wire:
            wire.expect('EHLO client.example.com', 250)
            for n in range(40):
                wire.send(b'MAIL FROM:<e@example.com>\r\n'
                          b'RCPT TO:<alice@example.org>\r\nDATA\r\n')
                got = [wire.reply(), wire.reply(), wire.reply()]
                if None in got or got[2][0] != 354:
                    break
                if n == 20:
                    daemon.signal(signal.SIGTERM)
                wire.send(b'Subject: %d\r\n\r\nx\r\n.\r\n' % n)
                got = wire.reply()
                if got is None or got[0] != 250:
                    break
                accepted += 1
        same(daemon.stop(), 0)
        true(20 <= accepted <= 21, '%d accepted' % accepted)
        same(len(daemon.box().messages()), accepted)


def check_restart_on_the_same_port():
    with Scratch() as scratch:
        daemon = Daemon(scratch).start()
        port = daemon.port
        with Wire(port) as wire:
            wire.open()
            wire.expect('Subject: 1\r\n\r\nx\r\n.', 250)
            ends(daemon)
        for _ in range(3):
            with Daemon(scratch, listen='smtp=127.0.0.1:%d' % port) as again:
                same(again.port, port)
                with Wire(port) as wire:
                    wire.open()
                    wire.expect('Subject: 2\r\n\r\nx\r\n.', 250)
        same(len(daemon.box().messages()), 4)


def check_killed():
    """kill -9 amid a message: the next start serves, nothing is in new/."""
    with Scratch() as scratch:
        daemon = Daemon(scratch).start()
        with Wire(daemon.port) as wire:
            wire.open()
            wire.send(b'Subject: big\r\n\r\n' + (b'x' * 76 + b'\r\n') * 20000)
            until(lambda: daemon.box().names('tmp'), 5, 'a file in tmp/')
            daemon.kill()
        same(daemon.box().names(), [])
        with Daemon(scratch) as again:
            with Wire(again.port) as wire:
                wire.open()
                wire.expect('Subject: 2\r\n\r\nx\r\n.', 250)
            again.box().only()


def check_two_daemons_one_port():
    """The second says why and ends with 75, 71 or 69, never 0."""
    with Scratch() as scratch, Scratch() as other, Daemon(scratch) as daemon:
        second = Daemon(other, listen='smtp=127.0.0.1:%d' % daemon.port)
        second.spawn()
        code = second.wait()
        true(code in (69, 71, 75), 'exit code %d' % code)
        true(b'%d' % daemon.port in second.stderr(), second.stderr())


def check_output_closed():
    """Nobody reads its stdout any more: it goes on serving."""
    with Scratch() as scratch:
        daemon = Daemon(scratch).start()
        with Wire(daemon.port) as wire:
            os.kill(daemon.pid(), signal.SIGPIPE)
            wire.open()
            wire.expect('Subject: 1\r\n\r\nx\r\n.', 250)
        ends(daemon)


if __name__ == '__main__':
    sys.exit(main(globals()))
