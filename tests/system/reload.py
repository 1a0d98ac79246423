#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SIGHUP: new sessions meet the new settings, old sessions go on as they
began, nothing is dropped; and settings that are wrong change nothing."""
import os
import signal
import socket
import sys
import time

from lib.case import Scratch, has, main, program, same, true, until
from lib.daemon import USERS, Daemon
from lib.load import Load
from lib.wire import Wire


def ini(scratch, **changes):
    keys = {'hostname': 'mx.example.org', 'domain': 'example.org',
            'mail-root': scratch.dir('mail'), 'users': scratch.path + '/users',
            'listen': 'smtp=127.0.0.1:0'}
    keys.update({k.replace('_', '-'): v for k, v in changes.items()})
    lines = []
    for key, value in keys.items():
        for one in value if isinstance(value, list) else [value]:
            lines.append('%s = %s\n' % (key, one))
    scratch.file('users', USERS.replace('carol@example.net', 'carol'))
    return scratch.file('mailkitd.ini', ''.join(lines))


def with_ini(scratch, *options, **changes):
    daemon = Daemon(scratch)
    daemon.argv = [program('mailkitd'), '--config', ini(scratch, **changes),
                   *map(str, options)]
    return daemon


def reload(daemon, word=b'reloaded'):
    had = daemon.stderr().count(word)
    daemon.signal(signal.SIGHUP)
    until(lambda: daemon.stderr().count(word) > had, 10, word.decode())


def refuses(daemon, part):
    """A reload that changes nothing, and why."""
    workers = daemon.workers()
    reload(daemon, b'no reload: ')
    has(daemon.stderr().decode('latin-1'), part)
    same(daemon.workers(), workers, 'the workers')
    with Wire(daemon.port) as wire:
        wire.open()
        wire.expect('Subject: x\r\n\r\nx\r\n.', 250)


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def check_a_session_goes_on():
    """In the middle of DATA across two reloads; and its end ends the old
    worker."""
    with Scratch() as scratch, Daemon(scratch) as daemon:
        old, = daemon.workers()
        with Wire(daemon.port) as wire, Wire(daemon.port) as idle:
            wire.open()
            wire.send(b'Subject: x\r\n\r\nhalf\r\n')
            for _ in range(2):
                reload(daemon)
            true(old in daemon.workers(), 'the old worker lives')
            until(lambda: len(daemon.workers()) == 2, 5, 'the one between ends')
            wire.expect('half\r\n.', 250)
            wire.open()
            wire.expect('Subject: another\r\n\r\nx\r\n.', 250)
            wire.quit()
            idle.quit()
        until(lambda: old not in daemon.workers(), 10, 'the old worker ends')
        same(len(daemon.box().messages()), 2)


def check_under_load():
    with Scratch() as scratch, Daemon(
            scratch, '--workers', 2, '--max-connections-per-address',
            20) as daemon:
        before = daemon.quiet()
        with Load(daemon.port, clients=10, messages=4, pause=0.02) as load:
            for _ in range(8):
                had = len(load.acked)
                reload(daemon)
                until(lambda: len(load.acked) > had + 20, 20, 'messages')
        same((load.broken, load.refused), (0, 0), 'sessions dropped')
        true(load.sessions > 20, 'sessions that came to their end')
        same(load.check(daemon.box()), len(load.acked))
        until(lambda: len(daemon.workers()) == 2, 10, 'old workers to end')
        daemon.at_most(before)


def check_new_users():
    with Scratch() as scratch, Daemon(scratch) as daemon:
        with Wire(daemon.port) as old:
            old.expect('EHLO a.example', 250)
            old.expect('MAIL FROM:<e@example.com>', 250)
            old.expect('RCPT TO:<dora@example.org>', 550)
            scratch.file('users', 'dora:{PLAIN}x\n')
            reload(daemon)
            with Wire(daemon.port) as new:
                new.open('dora@example.org')
                new.expect('Subject: x\r\n\r\nx\r\n.', 250)
                new.expect('MAIL FROM:<e@example.com>', 250)
                new.expect('RCPT TO:<alice@example.org>', 550)
            old.expect('RCPT TO:<alice@example.org>', 250)
            old.expect('RCPT TO:<dora@example.org>', 550)
        same(daemon.box('dora').count(), 1)


def check_new_settings():
    """Numbers, workers, and what stands on the command line."""
    with Scratch() as scratch, with_ini(
            scratch, '--max-recipients', 3, max_message_bytes=5000,
            workers=1) as daemon:
        ini(scratch, max_message_bytes=7000, workers=3, max_recipients=5)
        reload(daemon)
        until(lambda: len(daemon.workers()) == 3, 10, 'three workers')
        with Wire(daemon.port) as wire:
            has(wire.expect('EHLO a.example', 250), 'SIZE 7000')
            wire.expect('MAIL FROM:<e@example.com>', 250)
            for _ in range(3):
                wire.expect('RCPT TO:<alice@example.org>', 250)
            wire.expect('RCPT TO:<bob@example.org>', 452)


def check_wrong_settings_change_nothing():
    with Scratch() as scratch, with_ini(scratch) as daemon:
        path = scratch.path + '/mailkitd.ini'
        for text, part in (('hostname = a b\n', ':1: hostname: '),
                           ('max-hops = 5\nno-such = 1\n', ':2: no-such: '),
                           ('what\n', ':1: it is not NAME = VALUE')):
            scratch.file('mailkitd.ini', text)
            refuses(daemon, path + part)
        os.unlink(path)
        refuses(daemon, '--config %s: ' % path)
        ini(scratch)
        scratch.file('users', 'alice:{PLAIN}x\nbad\n')
        refuses(daemon, '/users:2: ')
        ini(scratch, mail_root=scratch.path + '/gone')
        refuses(daemon, '--mail-root ')
        ini(scratch, user='nobody')
        refuses(daemon, '--user: it changes by a restart only')
        with socket.create_server(('127.0.0.1', 0)) as taken:
            port = taken.getsockname()[1]
            ini(scratch, listen=['smtp=127.0.0.1:0',
                                 'smtp=127.0.0.1:%d' % port])
            refuses(daemon, 'the address is in use')
        ini(scratch)
        reload(daemon)


def check_listeners_come_and_go():
    """Sessions of a listener that goes live on; one that stays keeps its
    queue, with whoever waits in it."""
    stays, goes, comes = free_port(), free_port(), free_port()

    def at(*ports):
        return ['smtp=127.0.0.1:%d' % port for port in ports]

    with Scratch() as scratch, with_ini(scratch,
                                        listen=at(goes, stays)) as daemon:
        with Wire(goes) as old:
            ini(scratch, listen=at(stays, comes))
            reload(daemon)
            has(daemon.stderr().decode(), 'listening smtp 127.0.0.1:%d' %
                comes)
            for port in (stays, comes):
                with Wire(port) as wire:
                    wire.open()
                    wire.expect('Subject: x\r\n\r\nx\r\n.', 250)

            def is_closed():
                try:
                    Wire(goes, greet=False, seconds=1).socket.close()
                except ConnectionRefusedError:
                    return True
                return False

            until(is_closed, 5, 'the old listener to close')
            old.open()
            old.expect('Subject: x\r\n\r\nx\r\n.', 250)
            old.quit()


def check_listeners_of_the_same_text():
    """Two of any port are two, before and after."""
    with Scratch() as scratch, with_ini(
            scratch, listen=['smtp=127.0.0.1:0'] * 2) as daemon:
        ports = [int(line.rpartition(':')[2]) for line in daemon.lines[:2]]
        old, = daemon.workers()
        reload(daemon)
        until(lambda: old not in daemon.workers(), 10, 'the old worker ends')
        for port in ports:
            with Wire(port) as wire:
                wire.expect('EHLO a.example', 250)


def check_the_drain_has_an_end():
    """After --drain-time, old sessions are told 421."""
    with Scratch() as scratch, Daemon(scratch, '--drain-time', 1) as daemon:
        old, = daemon.workers()
        with Wire(daemon.port) as wire:
            wire.expect('EHLO a.example', 250)
            began = time.monotonic()
            reload(daemon)
            same([code for code, _ in wire.rest()], [421])
            true(time.monotonic() - began > 0.9, 'not before')
        until(lambda: old not in daemon.workers(), 10, 'the old worker ends')


def check_many_at_once():
    """Fifty signals, some while a reload is under way, then the end."""
    with Scratch() as scratch, Daemon(scratch, '--workers', 2) as daemon:
        with Wire(daemon.port) as wire:
            wire.open()
            for n in range(50):
                daemon.signal(signal.SIGHUP)
                time.sleep(0.001 * (n % 7))
            wire.expect('Subject: x\r\n\r\nx\r\n.', 250)
        with Wire(daemon.port) as wire:
            wire.expect('EHLO a.example', 250)
        daemon.signal(signal.SIGHUP)


def check_the_last_settings_win():
    """A signal while a reload is under way is not lost."""
    def name():
        with Wire(daemon.port) as wire:
            return wire.greeting[1].split()[0]

    with Scratch() as scratch, with_ini(scratch) as daemon:
        for n in range(40):
            ini(scratch, hostname='early%d.example.org' % n)
            daemon.signal(signal.SIGHUP)
            time.sleep(0.0005 * n)
            last = 'last%d.example.org' % n
            ini(scratch, hostname=last)
            daemon.signal(signal.SIGHUP)
            until(lambda: name() == last, 10, last)


def check_too_many_old_workers():
    """There are 128 places: while an old worker has a session, another 64
    find no room, and all stays as it is."""
    with Scratch() as scratch, Daemon(scratch, '--workers', 64) as daemon:
        with Wire(daemon.port) as wire:
            reload(daemon)
            until(lambda: len(daemon.workers()) == 65, 20, 'old workers end')
            refuses(daemon, 'too many old workers still have sessions')
            wire.quit()
        until(lambda: len(daemon.workers()) == 64, 20, 'the last one ends')
        reload(daemon)


def check_a_new_worker_dies():
    """Workers of the new generation that do not come up leave the old one in
    its place."""
    with Scratch() as scratch, Daemon(scratch, '--workers', 2) as daemon:
        old = set(daemon.workers())
        hits = 0
        for _ in range(200):
            said = daemon.stderr().count(b'reload')
            daemon.signal(signal.SIGHUP)
            while daemon.stderr().count(b'reload') == said:
                for pid in set(daemon.workers()) - old:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except OSError:
                        pass
            hits = daemon.stderr().count(b'no reload: new workers')
            if hits >= 3:
                break
            old = set(daemon.workers())
        true(hits >= 3, 'a worker killed before it was ready')
        with Wire(daemon.port) as wire:
            wire.open()
            wire.expect('Subject: x\r\n\r\nx\r\n.', 250)


if __name__ == '__main__':
    sys.exit(main(globals()))
