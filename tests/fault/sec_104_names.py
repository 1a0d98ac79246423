#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""THREATS 104 on the real daemon: traps laid in and around a mailbox by
somebody who may write there: links under guessed names, links, FIFOs and files
in place of directories, a directory exchanged in the middle, host names that
are paths. Nothing outside is touched, nothing hangs, and once the trap is gone
mail comes in again."""
import os
import re
import shutil
import subprocess
import sys
import time

from outside import Life, Victim, age, code, message, numbers, send
from lib.case import Scratch, Skip, main, run, same, true, until
from lib.wire import Wire

DONE = (250, '2.0.0')
NAME = re.compile(r'^(\d+)\.M(\d+)P(\d+)Q(\d+)R([0-9a-f]{16})\.([^,/:]+),'
                  r'S=\d+,W=\d+$')


class Trap:
    """A mail root, and a place outside of it that nobody may write to."""

    def __init__(self, options=(), **more):
        self.options, self.more = options, more
        self.scratch = Scratch()
        self.number = 0

    def __enter__(self):
        self.scratch.__enter__()
        self.outside = self.scratch.dir('outside')
        for part in ('new', 'cur', 'tmp'):
            os.makedirs(os.path.join(self.outside, part), 0o700)
        self.secret = os.path.join(self.outside, 'secret')
        with open(self.secret, 'wb') as f:
            f.write(b'as it was')
        self.had = self.seen()
        self.life = Life(self.scratch, *self.options, **self.more)
        self.life.__enter__()
        return self

    def __exit__(self, kind, *rest):
        try:
            self.life.__exit__(kind, *rest)
            if kind is None:
                same(self.seen(), self.had, 'what lies outside')
        finally:
            self.scratch.__exit__()

    def seen(self):
        found = []
        for path, dirs, files in sorted(os.walk(self.outside)):
            st = os.lstat(path)
            found.append((path, st.st_mode, sorted(dirs), sorted(files)))
        with open(self.secret, 'rb') as f:
            return found, f.read()

    def box(self, user='alice'):
        return self.life.box(user)

    def path(self, *parts, user='alice'):
        return os.path.join(self.box(user).path, *parts)

    def send(self, user='alice', size=60):
        self.number += 1
        return self.number, code(send(self.life.daemon.port, message(
            self.number, size), user + '@example.org', seconds=5))

    def delivered(self, user='alice', size=60):
        number, got = self.send(user, size)
        same(got, DONE, user)
        same(numbers(self.box(user))[number], 1)


# ---- names in tmp/ ----------------------------------------------------------

def check_sec_104_names_are_not_guessed():
    """Links under names as the daemon would make them, for all that can be
    guessed: seconds, microseconds of some, process, sequence, host."""
    with Trap() as trap:
        trap.delivered()
        known = NAME.match(trap.box().names()[0])
        true(known, trap.box().names())
        second, micro, pid, seq, random, host = known.groups()
        now, count = int(time.time()), 0
        for part in ('tmp', 'new'):
            for at in range(now, now + 4):
                for us in range(0, 1000000, 10007):
                    for n in (int(seq) + 1, int(seq) + 2):
                        for guess in ('0' * 16, random):
                            name = '%d.M%dP%sQ%dR%s.%s' % (
                                at, us, pid, n, guess, host)
                            os.symlink(trap.secret, trap.path(part, name))
                            count += 1
        for _ in range(10):
            trap.send()
        names = [NAME.match(name) for name in trap.box().names()
                 if not os.path.islink(trap.path('new', name))]
        same(len(names), 11, 'files')
        true(all(names), 'names: %r' % trap.box().names())
        parts = [m.group(5) for m in names]
        same(len(set(parts)), 11, 'random parts')
        # 64 bits that nobody knows: each of them is 0 sometimes, and 1.
        bits = [int(part, 16) for part in parts]
        both = 0
        for bit in range(64):
            both += len({value >> bit & 1 for value in bits}) == 2
        true(both >= 60, '%d bits change' % both)
        true(count > 3000, 'a trap')


def check_sec_104_links_in_tmp():
    """Old links, links to directories, FIFOs and directories in tmp/: the
    sweep takes old files only and follows nothing."""
    with Trap() as trap:
        trap.delivered()
        os.symlink(trap.secret, trap.path('tmp', 'link'))
        os.symlink(trap.outside, trap.path('tmp', 'place'))
        os.mkfifo(trap.path('tmp', 'fifo'))
        os.mkdir(trap.path('tmp', 'dir'))
        os.link(trap.secret, trap.path('tmp', 'hard'))
        with open(trap.path('tmp', 'old'), 'wb'):
            pass
        then = time.time() - 37 * 3600
        for name in trap.box().names('tmp'):
            os.utime(trap.path('tmp', name), (then, then),
                     follow_symlinks=False)
        until(lambda: trap.send()[1] == DONE and
              'old' not in trap.box().names('tmp'), 5, 'the sweep')
        same(trap.box().names('tmp'), ['dir', 'fifo', 'link', 'place'])
        same(os.stat(trap.secret).st_nlink, 1)


def check_sec_104_each_mailbox_its_own_file():
    """A message for several is no hard link, whatever its size; each file
    is a regular one of ours with one name (numbers() looks at that)."""
    with Trap() as trap:
        to = ('alice@example.org', 'bob@example.org', 'carol@example.net')
        for number, size in enumerate((60, 400000)):
            same(code(send(trap.life.daemon.port, message(number, size),
                           *to)), DONE)
        inodes = set()
        for mailbox in to:
            box = trap.life.box(*mailbox.split('@'))
            same(dict(numbers(box)), {0: 1, 1: 1})
            for name in box.names():
                st = os.lstat(os.path.join(box.path, 'new', name))
                inodes.add(st.st_ino)
                same(st.st_uid, os.geteuid())
        same(len(inodes), 6, 'files')


# ---- what should be directories ---------------------------------------------

def link(trap, path):
    os.symlink(trap.outside, path)


def dangling(_, path):
    os.symlink('nowhere', path)


def loop(_, path):
    os.symlink(os.path.basename(path), path)


def fifo(_, path):
    os.mkfifo(path)


def file(_, path):
    with open(path, 'wb'):
        pass


def hard(trap, path):
    os.link(trap.secret, path)


def open_to_all(_, path):
    os.mkdir(path)
    os.chmod(path, 0o777)


def foreign(_, path):
    if os.geteuid() != 0:
        return  # only root can make one
    os.mkdir(path, 0o755)
    os.chown(path, 12345, 12345)


def remove(path):
    if os.path.islink(path) or not os.path.isdir(path):
        if os.path.lexists(path):
            os.unlink(path)
    else:
        shutil.rmtree(path)


PLACES = ('DOMAIN', 'DOMAIN/alice', 'DOMAIN/alice/tmp', 'DOMAIN/alice/new',
          'DOMAIN/alice/cur')
DOMAINS = ['d%d.example' % n for n in range(len(PLACES))]
USERS = 'alice:{PLAIN}x\n' + ''.join('alice@%s:{PLAIN}x\n' % domain
                                     for domain in DOMAINS)


def traps(shape, places=PLACES):
    """Each place in turn holds that shape before mail comes, with all else
    of the mailbox in order."""
    own = [word for domain in DOMAINS for word in ('--domain', domain)]
    with Trap(options=own, users=USERS) as trap:
        for domain, place in zip(DOMAINS, places):
            box = trap.life.box('alice', domain)
            path = os.path.join(trap.life.daemon.root, place.replace(
                'DOMAIN', domain))
            for part in ('new', 'cur', 'tmp'):
                os.makedirs(os.path.join(box.path, part), 0o700)
            shutil.rmtree(path)
            shape(trap, path)
            if not os.path.lexists(path):
                raise Skip('%s cannot be made' % shape.__name__)
            to = 'alice@' + domain
            for size in (60, 400000):
                got = code(send(trap.life.daemon.port, message(1, size), to,
                                seconds=5))
                true(got and 400 <= got[0] < 500, '%s at %s: %r' % (
                    shape.__name__, place, got))
            same(trap.seen(), trap.had, place)
            true(os.path.lexists(path), 'it was left alone')
            trap.delivered()  # for somebody else
            remove(path)
            same(code(send(trap.life.daemon.port, message(1, 60), to)), DONE)
            same(dict(numbers(box)), {1: 1}, place)


def check_sec_104_a_link():
    traps(link)
    traps(dangling, PLACES[1:3])
    traps(loop, PLACES[1:3])


def check_sec_104_a_fifo():
    traps(fifo)


def check_sec_104_a_file():
    traps(file)
    traps(hard, PLACES[1:2])


def check_sec_104_a_directory_of_others():
    traps(open_to_all)
    traps(foreign)


# ---- exchanged midway -------------------------------------------------------

def exchanged(move, back, size=400000):
    """A message has begun; then move(trap); then its end."""
    with Trap() as trap:
        trap.delivered()
        octets = message(77, size)
        with Wire(trap.life.daemon.port) as wire:
            wire.open('alice@example.org')
            wire.send(octets[:size * 3 // 4])
            if size > 100000:
                until(lambda: trap.box().names('tmp'), 5, 'a file in tmp/')
            move(trap)
            wire.send(octets[size * 3 // 4:] + b'.\r\n')
            got = wire.reply()[0]
            wire.quit()
        same(trap.seen(), trap.had, 'what lies outside')
        true(got in (250, 451, 452), got)
        back(trap)
        have = numbers(trap.box())
        same(have[77], 1 if got == 250 else 0, 'the message, told %d' % got)
        true(len(trap.box().names('tmp')) <= (got != 250), 'tmp/')
        trap.delivered()
        return got


def to_link(*parts):
    """Moves part of the mailbox aside and lays a link outside there."""
    def move(trap):
        path = trap.path(*parts)
        os.rename(path, path + '.aside')
        os.symlink(os.path.join(trap.outside, *parts), path)

    def back(trap):
        path = trap.path(*parts)
        os.unlink(path)
        os.rename(path + '.aside', path)
    return move, back


def check_sec_104_exchanged_for_a_link():
    for parts in ((), ('tmp',), ('new',)):
        for size in (60, 400000):
            same(exchanged(*to_link(*parts), size=size), 250,
                 'it was begun in the right one')


def check_sec_104_exchanged_again_and_again():
    """Somebody exchanges the mailbox and a link all the time."""
    with Trap() as trap:
        trap.delivered()
        path = trap.path()
        script = ('while :; do mv -T "$1" "$1.aside" && ln -s "$2" "$1"; '
                  'rm -f "$1"; mv -T "$1.aside" "$1"; done 2>/dev/null')
        busy = subprocess.Popen(
            ['timeout', '60', 'sh', '-c', script, 'sh', path, trap.outside],
            stdin=subprocess.DEVNULL, start_new_session=True)
        told = []
        try:
            end = time.monotonic() + 4
            while time.monotonic() < end:
                told.append(trap.send()[1])
                time.sleep(0.01)
        finally:
            os.killpg(busy.pid, 15)
            busy.wait()
        if os.path.islink(path):
            os.unlink(path)
        if os.path.isdir(path + '.aside') and not os.path.isdir(path):
            os.rename(path + '.aside', path)
        same(trap.seen(), trap.had, 'what lies outside')
        true(all(got and got[0] in (250, 451, 452) for got in told), told)
        # What was acknowledged is in the box, or in one that was made when
        # there was none and then moved away with it.
        have = numbers(trap.box())
        aside = os.path.join(path, 'alice.aside')
        for nested in (aside, path + '.aside'):
            if os.path.isdir(nested):
                have.update(numbers(type(trap.box())(nested)))
        lost = [n for n, got in enumerate(told, 2)
                if got[0] == 250 and have[n] < 1]
        same(lost, [], 'acknowledged and gone')
        print('exchanged: %d messages, %d of them told 4xx' % (
            len(told), sum(got[0] != 250 for got in told)))


# ---- the host's name --------------------------------------------------------

def check_sec_104_host_names():
    """Own names that would be paths are refused at the start; an address
    literal may hold colons and is written as \\072 in names."""
    for name in ('a/b', '../../x', '/etc', 'mx:1', 'a b', 'a\nb', '.', '',
                 'a' * 300):
        with Scratch() as scratch:
            victim = Victim(scratch)
            argv = list(victim.argv)
            argv[argv.index('--hostname') + 1] = name
            got = run([*argv, '--check'])
            same(got[0], 64, 'exit code of %r: %r' % (name, got[2]))
            same(os.listdir(victim.root), [], 'nothing is made')
    with Scratch() as scratch:
        life = Life(scratch, '--hostname', '[IPv6:2001:db8::1]')
        with life:
            for number, size in enumerate((60, 400000)):
                same(code(send(life.daemon.port, message(number, size),
                               'alice@example.org')), DONE)
            same(dict(numbers(life.box())), {0: 1, 1: 1})
            for name in life.box().names():
                true('.[IPv6\\0722001\\072db8\\072\\0721],S=' in name, name)
            with open(os.path.join(life.box().path, 'tmp', 'left'), 'wb'):
                pass
            same(age(life.box()), 1)


if __name__ == '__main__':
    sys.exit(main(globals()))
