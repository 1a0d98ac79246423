#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""250 means durable: under strace, each message's file is fsynced, then
renamed from tmp/ to new/, then the directory is fsynced, and only after that
does the 250 with its id go out."""
import os
import sys
import threading

from lib.case import Scratch, Skip, main, need, run, same, true
from lib.daemon import Daemon
from lib.maildir import field
from lib.trace import paths, read, strings
from lib.wire import Wire

CALLS = ('fsync,fdatasync,sync_file_range,rename,renameat,renameat2,link,'
         'linkat,write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,'
         'sendmmsg')
WRITES = ('write', 'writev', 'pwrite64', 'pwritev', 'pwritev2')
SENDS = WRITES + ('sendto', 'sendmsg', 'sendmmsg')
RENAMES = ('rename', 'renameat', 'renameat2', 'link', 'linkat')


def tracer(scratch):
    strace = need('strace')
    out = os.path.join(scratch.path, 'trace')
    if run([strace, '-f', '-o', out, 'true'])[0] != 0:
        raise Skip('strace may not trace here')
    return [strace, '-f', '-y', '-s', '400', '-e', 'trace=' + CALLS, '-e',
            'signal=none', '-o', out], out


def renamed(call):
    """(old path, new path) of a rename, descriptors of directories joined."""
    names, dirs = strings(call), paths(call)
    if len(dirs) == 2:
        return (os.path.join(dirs[0], names[0]),
                os.path.join(dirs[1], names[1]))
    return tuple(names[:2])


def first(calls, what, after):
    """The first of these calls that began after a place and succeeded."""
    for call in calls:
        if call.began > after and call.result is not None and \
                call.result >= 0:
            return call
    raise AssertionError('no %s after line %d of the trace' % (what, after))


def in_order(calls, path, ident):
    """The order for one file in new/."""
    where = os.path.dirname(path)
    moves = [c for c in calls if c.name in RENAMES and c.result == 0 and
             renamed(c)[1] == path]
    same(len(moves), 1, 'renames to ' + path)
    old = renamed(moves[0])[0]
    true(os.path.dirname(old) == os.path.join(os.path.dirname(where), 'tmp'),
         'from tmp/: ' + old)
    writes = [c for c in calls if c.name in WRITES and old in paths(c)]
    true(writes, 'writes to ' + old)
    synced = first([c for c in calls if c.name in ('fsync', 'fdatasync') and
                    old in paths(c)], 'fsync of ' + old,
                   max(c.ended for c in writes))
    true(synced.ended < moves[0].began, 'fsync before rename of ' + old)
    holder = first([c for c in calls if c.name == 'fsync' and
                    where in paths(c)], 'fsync of ' + where, moves[0].ended)
    said = [c for c in calls if c.name in SENDS and ident in c.args and
            '250 2.0.0' in c.args and 'outcome=' not in c.args]
    same(len(said), 1, 'replies with the id ' + ident)
    true(holder.ended < said[0].began, '250 before the directory is synced: '
         + path)


def in_order_all(daemon, out, boxes):
    calls = read(out)
    total = 0
    for box in boxes:
        for name in box.names():
            path = os.path.join(os.path.realpath(box.path), 'new', name)
            ident = field(box.octets(name), 'Received')[0]
            ident = ident.split(b' id ')[1].split()[0].decode().rstrip(';')
            in_order(calls, path, ident)
            total += 1
    return total


def traced(work, boxes):
    """Run `work` against a traced daemon and check each file's order."""
    with Scratch() as scratch:
        wrap, out = tracer(scratch)
        # The leak check needs ptrace for itself.
        options = os.environ.get('ASAN_OPTIONS', '') + ':detect_leaks=0'
        with Daemon(scratch, wrap=wrap,
                    env={'ASAN_OPTIONS': options}) as daemon:
            work(daemon)
        return in_order_all(daemon, out, boxes(daemon))


def deliver(daemon, count, body, to):
    with Wire(daemon.port) as wire:
        for n in range(count):
            wire.open(*to)
            wire.send(b'Subject: %d\r\n\r\n' % n + body)
            true(wire.reply()[0] == 250, 'accepted')
        wire.quit()


def check_one_session():
    def work(daemon):
        deliver(daemon, 4, b'x\r\n.\r\n', ['alice@example.org'])
    same(traced(work, lambda d: [d.box()]), 4, 'messages')


def check_many_sessions():
    """Group commit: one fsync of the directory may serve several."""
    def work(daemon):
        threads = [threading.Thread(target=deliver, args=(
            daemon, 3, b'y' * 70 + b'\r\n.\r\n', ['alice@example.org']))
            for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    same(traced(work, lambda d: [d.box()]), 30, 'messages')


def check_big_and_several_boxes():
    body = (b'z' * 76 + b'\r\n') * 20000 + b'.\r\n'
    to = ['alice@example.org', 'bob@example.org', 'carol@example.net']

    def work(daemon):
        deliver(daemon, 2, body, to)
    same(traced(work, lambda d: [d.box(), d.box('bob'),
                                 d.box('carol', 'example.net')]), 6,
         'messages')


if __name__ == '__main__':
    sys.exit(main(globals()))
