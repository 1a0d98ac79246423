#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""F8, F12, F15, F20, F25 by what the system really gives: a tmpfs that fills
up while a message comes, no inodes, a limit of file size, of descriptors, of
memory. 4xx and nothing half, and all is well when there is room again."""
import ctypes
import os
import re
import resource
import sys
import threading
import time
from collections import Counter

from outside import Life, code, message, numbers, send
from lib.case import SLOW, Scratch, Skip, main, run, same, true, until
from lib.wire import Wire
from disk import Small

DONE, FULL_DISK, FAULT = (250, '2.0.0'), (452, '4.3.1'), (451, '4.3.0')
TO = ('alice@example.org', 'bob@example.org', 'carol@example.net')
CLONE_NEWNS = 0x00020000


def own_mounts():
    """Mounts from now on are this process's and its children's alone."""
    if os.geteuid() != 0:
        raise Skip('only root may mount')
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise Skip('no mount namespace: ' + os.strerror(ctypes.get_errno()))
    if run(['mount', '--make-rprivate', '/'])[0] != 0:
        raise Skip('mounts cannot be made private')


def boxes(life):
    return [life.box(*mailbox.split('@')) for mailbox in TO]


def nothing_left(life):
    for box in boxes(life):
        same(box.names('tmp'), [], 'tmp/ of ' + box.path)


def fill(path):
    """Take all room of the file system; returns what to remove."""
    name = os.path.join(path, 'filler')
    with open(name, 'wb', buffering=0) as f:
        try:
            while True:
                f.write(b'\0' * 4096)
        except OSError:
            return [name]


def take_inodes(path):
    names = []
    try:
        for n in range(1000):
            names.append(os.path.join(path, 'taken%d' % n))
            os.mkdir(names[-1])
    except OSError:
        names.pop()
    return names


def release(names):
    for name in names:
        (os.rmdir if os.path.isdir(name) else os.unlink)(name)


def half_way(life, to, taken):
    """A big message; in its middle, when its file is there, taken() takes
    what there is. Then once more in the same session, with room again."""
    octets = message(1, 900000)
    with Wire(life.daemon.port) as wire:
        wire.open(*to)
        wire.send(octets[:500000])
        box = life.box(*to[0].split('@'))
        until(lambda: box.names('tmp'), 5, 'a file in tmp/')
        names = taken()
        wire.send(octets[500000:] + b'.\r\n')
        same(code(wire.reply()), FULL_DISK)
        nothing_left(life)
        same([b.names() for b in boxes(life)], [[], [], []], 'new/')
        release(names)
        wire.open(*to)
        wire.send(octets + b'.\r\n')
        same(code(wire.reply()), DONE, 'with room again')
        wire.quit()
    for mailbox in to:
        same(dict(numbers(life.box(*mailbox.split('@')))), {1: 1})
    nothing_left(life)


def check_fault_f08_full_half_way():
    own_mounts()
    with Scratch() as scratch, Small(scratch, 'size=8m') as small, \
            Life(scratch, root=small.path) as life:
        half_way(life, TO[:1], lambda: fill(small.path))


def check_fault_f08_no_room_for_the_copies():
    own_mounts()
    with Scratch() as scratch, \
            Small(scratch, 'size=16m,nr_inodes=100') as small, \
            Life(scratch, root=small.path) as life:
        for n, mailbox in enumerate(TO):  # all mailboxes are there
            same(code(send(life.daemon.port, message(100 + n, 60),
                           mailbox)), DONE)
        for box in boxes(life):
            for name in box.names():
                os.unlink(os.path.join(box.path, 'new', name))
        half_way(life, TO, lambda: take_inodes(small.path))


def check_fault_f08_tiny():
    """64 KiB and 20 inodes, and not one of them left: no mailbox can be
    made."""
    own_mounts()
    with Scratch() as scratch, \
            Small(scratch, 'size=64k,nr_inodes=20') as small, \
            Life(scratch, root=small.path) as life:
        names = take_inodes(small.path)
        for size in (60, 400000):
            same(code(send(life.daemon.port, message(1, size), TO[0])),
                 FULL_DISK)
            nothing_left(life)
        release(names)
        same(code(send(life.daemon.port, message(1, 60), TO[0])), FULL_DISK,
             'less than it wants to be free')
        small.again('size=8m,nr_inodes=1000')
        same(code(send(life.daemon.port, message(1, 60), *TO)), DONE)
        same([dict(numbers(box)) for box in boxes(life)], [{1: 1}] * 3)


# ---- sizes of files ---------------------------------------------------------

def at_most(octets):
    def before():
        resource.setrlimit(resource.RLIMIT_FSIZE, (octets, octets))
    return before


def check_fault_f20_file_size():
    """The last write before the limit is a short one (F12); then comes
    SIGXFSZ, which must not kill."""
    with Scratch() as scratch, Life(scratch, before=at_most(100000)) as life:
        for number, size in enumerate((60, 90000, 110000, 200000, 400000,
                                       90000), 1):
            got = code(send(life.daemon.port, message(number, size), *TO))
            true(got == DONE if size <= 90000 else got in (
                FULL_DISK, (552, '5.3.4')), (size, got))
            nothing_left(life)
        for box in boxes(life):
            same(dict(numbers(box)), {1: 1, 2: 1, 6: 1})


def check_fault_f20_log():
    """The log has come to its limit: mail goes on."""
    with Scratch() as scratch, Life(scratch, before=at_most(4000)) as life:
        for number in range(40):
            same(code(send(life.daemon.port, message(number, 60), TO[0])),
                 DONE)
        same(len(life.daemon.stderr()), 4000, 'the log')
        same(len(numbers(life.box())), 40)


# ---- descriptors ------------------------------------------------------------

def limit(daemon, what, number_of):
    """Set a soft limit of each of its processes; returns the old ones."""
    old = []
    for pid in daemon.family():
        soft, hard = resource.prlimit(pid, what)
        old.append((pid, what, (soft, hard)))
        resource.prlimit(pid, what, (number_of(pid), hard))
    return old


def unlimit(old):
    for pid, what, values in old:
        resource.prlimit(pid, what, values)


def lowest(pid):
    """The descriptor that it would be given next."""
    taken = set(map(int, os.listdir('/proc/%d/fd' % pid)))
    return next(fd for fd in range(len(taken) + 1) if fd not in taken)


def check_fault_f15_delivery_without_descriptors():
    """None is left for the mailbox: 451, then as if nothing had been."""
    with Scratch() as scratch, Life(scratch) as life, \
            Wire(life.daemon.port) as wire:
        for size, to in ((60, TO[:1]), (400000, TO[:1]), (3000, TO)):
            wire.open(*to)
            old = limit(life.daemon, resource.RLIMIT_NOFILE, lowest)
            wire.send(message(size, size) + b'.\r\n')
            same(code(wire.reply()), FAULT, size)
            nothing_left(life)
            unlimit(old)
            wire.open(*to)
            wire.send(message(size, size) + b'.\r\n')
            same(code(wire.reply()), DONE, size)
            nothing_left(life)
        wire.quit()
        same(dict(numbers(life.box())), {60: 1, 400000: 1, 3000: 1})


def check_fault_f15_connections_without_descriptors():
    """Who comes is told or waits; the daemon does not spin."""
    with Scratch() as scratch, Life(scratch) as life, \
            Wire(life.daemon.port) as wire:
        wire.expect('EHLO client.example.com', 250)
        old = limit(life.daemon, resource.RLIMIT_NOFILE,
                    lambda pid: lowest(pid) + 3)
        had = life.daemon.cpu_s()
        wires = [Wire(life.daemon.port, greet=False) for _ in range(30)]
        time.sleep(2)
        used = life.daemon.cpu_s() - had
        wire.expect('NOOP', 250)
        unlimit(old)
        served = refused = 0
        for other in wires:
            other.socket.settimeout(10 * SLOW)
            got = other.reply()
            served += got is not None and got[0] == 220
            refused += got is None or got[0] == 421
            other.socket.close()
        same(served + refused, 30, 'all of them learn what is')
        true(served >= 3, 'some are served')
        true(used < 0.3 * SLOW, '%.2f s of processor time' % used)
        print('descriptors: %d served, %d refused, %.2f s of processor time '
              'in 2 s' % (served, refused, used))
        wire.expect('MAIL FROM:<eve@example.com>', 250)
        wire.quit()
        same(code(send(life.daemon.port, message(1, 60), *TO)), DONE)


# ---- memory -----------------------------------------------------------------

def status(pid, field):
    with open('/proc/%d/status' % pid, encoding='latin-1') as f:
        return int(re.search(field + r':\s*(\d+)', f.read()).group(1)) * 1024


def wave(port, first, count, size):
    """So many clients at once, each with its message but for the end; then
    all ends. number -> reply."""
    replies = {}

    def one(number):
        replies[number] = send(port, message(number, size),
                               TO[number % 3], pause_s=0.5)

    threads = [threading.Thread(target=one, args=(n,))
               for n in range(first, first + count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return replies


def check_fault_f25_little_memory():
    """Each of 45 clients holds a message in memory; there is not enough for
    all of them. Some are told 452, none is lost, nothing dies."""
    with Scratch() as scratch, Life(scratch) as life:
        port = life.daemon.port
        # What sessions need is there after this; what messages need is not.
        replies = wave(port, 0, 45, 3000)
        if any(status(pid, 'VmSize') > 1 << 40
               for pid in life.daemon.family()):
            raise Skip('a sanitizer cannot do without memory itself')
        old = limit(life.daemon, resource.RLIMIT_DATA,
                    lambda pid: status(pid, 'VmData') + 400000)
        starved = wave(port, 100, 45, 60000)
        unlimit(old)
        replies.update(starved)
        for mailbox in TO:
            same(dict(numbers(life.box(*mailbox.split('@')))), {
                n: 1 for n, reply in replies.items()
                if code(reply) == DONE and TO[n % 3] == mailbox})
        nothing_left(life)
        seen = Counter(code(reply) for reply in starved.values())
        print('memory: %s' % ', '.join('%r %d times' % pair
                                       for pair in seen.items()))
        true(all(reply is None or reply[0] in (250, 421, 451, 452)
                 for reply in starved.values()), seen)
        true((452, '4.3.0') in seen and DONE in seen, 'too little for some')
        same(code(send(port, message(9999, 60000), *TO)), DONE)


if __name__ == '__main__':
    sys.exit(main(globals()))
