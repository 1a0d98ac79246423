#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""F1 and F2: the daemon is killed as it enters each system call of a delivery
(strace -e inject=CALL:signal=KILL:when=N), of the making of a mailbox, of the
repair of one that was half made, and of its own start. Then it starts again,
the client sends again, and G1 to G4 hold.

The calls and their numbers come from a plain run before. A small message is
killed at all calls that touch files and at some of the others, bigger ones at
some of each; MAILKIT_FULL=1 tries all."""
import os
import queue
import sys
import time
from collections import Counter

from outside import (FULL, LINE, Life, Tracer, Victim, age, dice,
                     eldest_first, inject, may_trace, message, numbers, send,
                     traced)
from lib.case import SLOW, Scratch, main, need, same, true

DOMAINS = 600
USERS = ''.join('%s@d%d.example:{PLAIN}x\n' % (user, n)
                for n in range(DOMAINS) for user in 'abc')
# On the way to durable: each of them, each time it is called.
DURABLE = {'openat', 'mkdirat', 'pwrite64', 'pwritev2', 'write', 'writev',
           'sync_file_range', 'fsync', 'fdatasync', 'close', 'rename',
           'renameat', 'renameat2', 'linkat', 'unlinkat', 'sendto', 'sendmsg'}
SOME = 4  # of all others


class Yard:
    """A life with a new mailbox for every trial: USER@dN.example."""

    def __init__(self, scratch):
        may_trace(scratch)
        self.scratch = scratch
        options = []
        for n in range(DOMAINS):
            options += ['--domain', 'd%d.example' % n]
        self.life = Life(scratch, *options, one_worker=True, users=USERS)
        self.used = 0

    def __enter__(self):
        self.life.__enter__()
        self.warm()
        return self

    def __exit__(self, *why):
        self.life.__exit__(*why)

    def fresh(self):
        self.used += 1
        true(self.used < DOMAINS, 'enough domains')
        return 'd%d.example' % self.used

    def warm(self):
        """All threads are there, and quiet."""
        same(self.send(0, 'd0.example', 'a')[0], 250, 'warm')

    def send(self, number, domain, users, size=60):
        return send(self.life.daemon.port, message(number, size),
                    *('%s@%s' % (user, domain) for user in users))

    def calls(self, work):
        """(thread, call) -> how often it is called in `work`."""
        found = {}
        for n, made in traced(self.scratch, self.life.daemon.threads(),
                              work).items():
            for name, _ in made:
                found[n, name] = found.get((n, name), 0) + 1
        return found

    def killed_at(self, thread, call, when, work):
        """True when the kill came; then all of the daemon is dead."""
        tid = self.life.daemon.threads()[thread]
        with Tracer(self.scratch, [tid], *inject(call, 'signal=KILL',
                                                 when)) as tracer:
            work()
            # strace ends with whom it traces; the last calls of a session
            # come after the client's last reply.
            dead = tracer.ended(0.05)
        if dead:
            self.life.again()
            self.warm()
        return dead


def plan(calls, what, most):
    """The trials: (thread, call, n); in an ordinary run at most so many."""
    trials = []
    for (thread, call), count in sorted(calls.items()):
        each = range(1, count + 1)
        if call not in DURABLE and count > SOME and not FULL:
            each = sorted(dice(what + call).sample(each, SOME))
        trials += [(thread, call, n) for n in each]
    if FULL or len(trials) <= most:
        return trials
    return sorted(dice(what).sample(trials, most))


class Tally:
    def __init__(self):
        self.hits = self.missed = self.acked = self.early = self.left = 0

    def tell(self, what):
        print('%s: killed at %d calls (%d not reached), %d after the 250, %d '
              'there without a 250, %d left in tmp/ and swept' % (
                  what, self.hits, self.missed, self.acked, self.early,
                  self.left))
        true(self.hits > 10 * self.missed, 'the kills come')
        true(self.early > 0, 'one comes between rename and 250')


def is_acked(reply):
    """421: the killed one was not the one that serves, which ends then."""
    true(reply is None or reply[0] in (250, 421), reply)
    return reply is not None and reply[0] == 250


def promise(yard, domain, users, number, acked, tally, size):
    """After a kill and a restart: what is there, and that it can be sent
    again (G1 to G4). Returns what there was of each mailbox."""
    boxes = [yard.life.box(user, domain) for user in users]
    had = [numbers(box).pop(number, 0) for box in boxes]
    true(all(n <= 1 for n in had), 'copies: %r' % had)
    if acked:
        same(had, [1] * len(users), 'acknowledged')
    tally.acked += acked
    tally.early += not acked and any(had)
    left = [age(box) for box in boxes]
    true(max(left) <= 1, 'left in tmp/: %r' % left)
    tally.left += sum(left)
    same(yard.send(number, domain, users, size)[0], 250, 'sent again')
    for box, n in zip(boxes, had):
        same(dict(numbers(box)), {number: n + 1}, 'after the second try')
        same(box.names('tmp'), [], 'swept')
        same(box.names('cur'), [])
    return had


def each_call(what, users, size, prepare, most=200):
    with Scratch() as scratch, Yard(scratch) as yard:
        first = yard.fresh()
        prepare(yard, first, users)
        calls = yard.calls(lambda: same(
            yard.send(1, first, users, size)[0], 250, 'plain run'))
        tally = Tally()
        number = 1
        for thread, call, n in plan(calls, what, most):
            number += 1
            domain = yard.fresh()
            prepare(yard, domain, users)
            replies = []

            def work(number=number, domain=domain, replies=replies):
                replies.append(yard.send(number, domain, users, size))

            if not yard.killed_at(thread, call, n, work):
                tally.missed += 1
                continue
            tally.hits += 1
            acked = is_acked(replies[0])
            try:
                promise(yard, domain, users, number, acked, tally, size)
            except AssertionError as why:
                raise AssertionError('killed at %s %d of thread %d: %s' % (
                    call, n, thread, why)) from why
        tally.tell(what)


def check_fault_f02_threads_are_told_apart():
    """Also when their ids began again at the bottom meanwhile."""
    with open('/proc/sys/kernel/pid_max', encoding='latin-1') as f:
        top = int(f.read()) - 1
    same(eldest_first(top - 1, [300, top, 301, top - 1]),
         [top - 1, top, 300, 301])
    same(eldest_first(300, [302, 300, 301]), [300, 301, 302])


# ---- a delivery -------------------------------------------------------------

def nothing(*_):
    pass


def make(*parts):
    """Prepares a mailbox with these parts of it, as far as they go."""
    def work(yard, domain, users):
        top = os.path.join(yard.life.daemon.root, domain)
        for user in users:
            for part in parts:
                os.makedirs(os.path.join(top, part.replace('USER', user)),
                            0o700, exist_ok=True)
    return work


WHOLE = make('USER/new', 'USER/cur', 'USER/tmp')


def check_fault_f01_small_message():
    """Into a mailbox that is there."""
    each_call('small message', 'a', 60, WHOLE)


def check_fault_f01_first_message():
    """Into a mailbox that must be made."""
    each_call('first message', 'a', 60, nothing)


def check_fault_f01_big_message():
    """One that is written while it comes, with a gap for its fields."""
    each_call('big message', 'a', 400000, WHOLE, most=40)


def check_fault_f01_several_mailboxes():
    """All files are complete before the first becomes visible; a crash in
    the middle of the renames leaves some with it and some without."""
    each_call('three mailboxes', 'abc', 3000, WHOLE, most=60)


# ---- recovery (F2) ----------------------------------------------------------

def tree(yard, domain):
    """The directories of a domain and their modes."""
    top = os.path.join(yard.life.daemon.root, domain)
    return sorted((os.path.relpath(path, top), os.stat(path).st_mode)
                  for path, _, _ in os.walk(top))


HALVES = {
    'no user': make(''),
    'no parts': make('USER'),
    'new/ only': make('USER/new'),
    'tmp/ missing': make('USER/new', 'USER/cur'),
    'tmp/ only': make('USER/tmp'),
    'cur/ missing': make('USER/new', 'USER/tmp'),
}
REPAIR = ('openat', 'mkdirat', 'fsync', 'close', 'newfstatat', 'renameat2')


def repaired(yard, domain, prepare, number):
    prepare(yard, domain, 'a')
    same(yard.send(number, domain, 'a')[0], 250, 'repaired')
    return tree(yard, domain)


def check_fault_f02_repair_of_a_mailbox():
    """A mailbox that a crash left half made, killed again in the repair, and
    repaired: as if nothing had happened."""
    tally = Tally()
    with Scratch() as scratch, Yard(scratch) as yard:
        number = 0
        for name, half in HALVES.items():
            number += 1
            plain = yard.fresh()
            found = []
            calls = yard.calls(lambda p=plain, h=half, n=number, f=found:
                               f.append(repaired(yard, p, h, n)))
            same(repaired(yard, plain, nothing, number), found[0], 'again')
            calls = {key: n for key, n in calls.items() if key[1] in REPAIR}
            for thread, call, n in plan(calls, name, 10):
                number += 1
                domain = yard.fresh()
                half(yard, domain, 'a')
                replies = []
                if not yard.killed_at(thread, call, n, lambda: replies.append(
                        yard.send(number, domain, 'a'))):
                    tally.missed += 1
                    continue
                tally.hits += 1
                promise(yard, domain, 'a', number, is_acked(replies[0]),
                        tally, 60)
                same(tree(yard, domain), found[0], 'repaired after %s %d' % (
                    call, n))
        tally.tell('repair')


# ---- start-up ---------------------------------------------------------------

def everything(top):
    """All paths below a directory with their octets."""
    found = {}
    for path, _, files in os.walk(top):
        found[path] = None
        for name in files:
            with open(os.path.join(path, name), 'rb') as f:
                found[os.path.join(path, name)] = f.read()
    return found


def began(victim, seconds):
    """True when it came to its `ready`; False when its output ended."""
    end = time.monotonic() + seconds * SLOW
    while time.monotonic() < end:
        try:
            line = victim.queue.get(timeout=0.1)
        except queue.Empty:
            continue
        if line in (None, 'ready'):
            return line == 'ready'
    return False


def check_fault_f02_start():
    """Killed at calls of its own start, with mail there and leftovers in
    tmp/: nothing is touched, and the next start serves."""
    with Scratch() as scratch:
        may_trace(scratch)
        out = os.path.join(scratch.path, 'start')
        with Life(scratch) as life:
            same(send(life.daemon.port, message(1, 60),
                      'alice@example.org')[0], 250)
            root = life.daemon.root
            with open(os.path.join(life.box().path, 'tmp', 'left'), 'wb'):
                pass
        plain = Victim(scratch, wrap=[need('strace'), '-f', '-o', out])
        plain.start()
        plain.crash()
        had = everything(root)
        with open(out, encoding='latin-1') as f:
            calls = Counter(m.groups()[:2] for m in map(LINE.match, f) if m)
        most = {}
        for (_, call), count in calls.items():
            most[call] = max(count, most.get(call, 0))
        trials = [(call, n) for call, count in sorted(most.items())
                  for n in range(1, count + 1) if call != 'execve']
        chance = dice('start')
        killed = 0
        for call, n in trials if FULL else sorted(chance.sample(trials, 20)):
            victim = Victim(scratch, wrap=[
                need('strace'), '-f', '-qq', '-o', '/dev/null',
                *inject(call, 'signal=KILL', n)]).spawn()
            try:
                killed += not began(victim, 5)
            finally:
                victim.crash()
            true(everything(root) == had, 'the mail is untouched')
        true(killed > 0, 'some kills come before `ready`')
        print('start: killed at %d calls of %d' % (killed, len(trials)))
        with Life(scratch) as life:
            same(send(life.daemon.port, message(2, 60),
                      'alice@example.org')[0], 250)
            same(dict(numbers(life.box())), {1: 1, 2: 1})
            same(life.box().names('tmp'), ['left'], 'young')


if __name__ == '__main__':
    sys.exit(main(globals(), seconds=1500 if FULL else 100))
