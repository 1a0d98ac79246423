#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""F8, F10, F13, F15 to F18 on the real daemon: each system call of a delivery
fails once, or for a while, with each error it may have (strace -e inject). The
peer is told the right 4xx, nothing is visible and nothing stays in tmp/, the
session goes on, and the message sent again comes to rest once."""
import os
import re
import sys

from outside import (FULL, Life, Tracer, dice, inject, may_trace,
                     message, numbers, send, traced)
from lib.case import Scratch, main, same, true
from lib.wire import Wire

DOMAINS = 300
USERS = ''.join('%s@d%d.example:{PLAIN}x\n' % (user, n)
                for n in range(DOMAINS) for user in 'abc')
OWN = [word for n in range(DOMAINS) for word in ('--domain',
                                                 'd%d.example' % n)]
DONE, FULL_DISK, FAULT = (250, '2.0.0'), (452, '4.3.1'), (451, '4.3.0')
NO_MEMORY = (452, '4.3.0')
CODES = {'ENOSPC': FULL_DISK, 'EDQUOT': FULL_DISK, 'EFBIG': FULL_DISK,
         'ENOMEM': NO_MEMORY, 'EINTR': DONE}

# What may go wrong with each step. EEXIST: another name is taken (F16).
# ENOSYS, EINVAL: link and unlink instead (docs/maildir.md).
COMMON = ('EIO', 'EINTR')
ROOM = ('ENOSPC', 'EDQUOT')
ERRORS = {
    'create': COMMON + ROOM + ('EMFILE', 'ENFILE', 'ENOMEM', 'EROFS',
                               'EACCES', 'ENOENT', 'EEXIST'),
    'write': COMMON + ROOM + ('EFBIG', 'EAGAIN'),
    'sync': COMMON + ROOM + ('EROFS',),
    'close': COMMON + ROOM,
    'rename': COMMON + ROOM + ('EXDEV', 'EPERM', 'EACCES', 'ENOENT',
                               'ENOTDIR', 'EROFS', 'EMLINK', 'EEXIST',
                               'EINVAL', 'ENOSYS'),
    'sync directory': COMMON + ROOM + ('EROFS',),
    'space': ('EIO', 'EINTR', 'ENOENT'),
    'open directory': ('EIO', 'EINTR', 'EMFILE', 'ENFILE', 'EACCES',
                       'ENOMEM', 'ELOOP', 'ENOTDIR'),
    'look': ('EIO', 'ENOMEM'),
    'make directory': COMMON + ROOM + ('EROFS', 'EACCES', 'EMLINK', 'ENOENT'),
    'read': COMMON,
    # These must not matter.
    'sweep': ('EIO', 'EMFILE', 'EACCES', 'ENOMEM'),
    'close directory': ('EIO', 'EINTR'),
}
VISIBLE = ('rename', 'sync directory')
HARMLESS = {('create', 'EEXIST'), ('rename', 'EEXIST'), ('rename', 'EINVAL'),
            ('rename', 'ENOSYS')}

IN_TMP = re.compile(r'\d+<[^>]*/d\d+\.example/\w+/tmp/[^>]+>')


def step_of(call, text):
    """Which step of docs/maildir.md a traced call is, or None."""
    in_tmp = IN_TMP.match(text)
    if call == 'openat':
        if 'O_CREAT' in text:
            return 'create'
        # A directory that is opened once more, to be synced, is a directory.
        walks = ', ".", ' in text and 'O_NOFOLLOW' not in text
        return 'sweep' if walks else 'open directory'
    if call in ('fsync', 'fdatasync'):
        return 'sync' if in_tmp else 'sync directory'
    if call == 'close':
        return 'close' if in_tmp else 'close directory'
    return {'pwrite64': 'write', 'renameat2': 'rename', 'fstatfs': 'space',
            'mkdirat': 'make directory', 'pread64': 'read',
            'getdents64': 'sweep'}.get(call)


def steps(made):
    """(call, n, step) of each call of a thread that is a step; a look at a
    directory belongs to what was opened before."""
    seen, opened = {}, None
    for call, text in made:
        seen[call] = seen.get(call, 0) + 1
        step = step_of(call, text)
        if call == 'openat':
            opened = step
        if call == 'newfstatat':
            step = 'look' if opened == 'open directory' else 'sweep'
        if step:
            yield call, seen[call], step


def expected(step, error):
    if step in ('sweep', 'close directory') or (step, error) in HARMLESS:
        return DONE
    return CODES.get(error, FAULT)


class Bench:
    """A daemon, the thread of it that writes, and mail for USER@dN.example."""

    def __init__(self, scratch):
        may_trace(scratch)
        self.scratch = scratch
        self.life = Life(scratch, *OWN, one_worker=True, users=USERS)
        self.number = 0
        self.domains = 1
        self.wire = None

    def __enter__(self):
        self.life.__enter__()
        self.port = self.life.daemon.port
        same(send(self.port, message(0, 60), 'a@d0.example')[0], 250)
        return self

    def __exit__(self, *why):
        if self.wire:
            self.wire.socket.close()
        self.life.__exit__(*why)

    @staticmethod
    def to(domain, users):
        return ['%s@%s' % (user, domain) for user in users]

    def fresh(self, users=''):
        """A domain that was not written to for a while, so that none of its
        boxes lies open in the daemon; with boxes for these users."""
        self.domains = self.domains % (DOMAINS - 1) + 1
        domain = 'd%d.example' % self.domains
        for user in users:
            for part in ('new', 'cur', 'tmp'):
                os.makedirs(os.path.join(self.life.daemon.root, domain, user,
                                         part), 0o700, exist_ok=True)
        return domain

    def say(self, number, size, to):
        """One message in the session that goes on."""
        self.wire.expect('MAIL FROM:<eve@example.com>', 250)
        for mailbox in to:
            self.wire.expect('RCPT TO:<%s>' % mailbox, 250)
        self.wire.expect('DATA', 354)
        self.wire.send(message(number, size) + b'.\r\n')
        code, text = self.wire.reply()
        return code, text.split(' ')[0]

    def session(self):
        if self.wire:
            self.wire.quit()
            self.wire.socket.close()
        self.wire = Wire(self.port)
        self.wire.expect('EHLO client.example.com', 250)

    def learn(self, size, domain, users, word='pwrite64'):
        """(index of the thread that calls `word`, its calls)."""
        self.session()
        tids = self.life.daemon.threads()
        found = traced(self.scratch, tids, lambda: same(
            self.say(0, size, self.to(domain, users))[0], 250))
        which = [n for n, made in found.items()
                 if word in [call for call, _ in made]]
        same(len(which), 1, 'threads that call ' + word)
        return which[0], found[which[0]]

    def tracer(self, thread, *options):
        tid = self.life.daemon.threads()[thread]
        return Tracer(self.scratch, [tid], *options)

    def boxes(self, domain, users):
        return [self.life.box(user, domain) for user in users]


def look(boxes):
    return [(box.names(), box.names('tmp')) for box in boxes]


def fails(bench, thread, trial, domain, users, size, warm):
    """One error at one call: the reply, what is there, and what then."""
    call, n, step, error = trial
    boxes = bench.boxes(domain, users)
    bench.number += 1
    number, to = bench.number, bench.to(domain, users)
    had = look(boxes)
    with bench.tracer(thread, *inject(call, 'error=' + error, n)) as tracer:
        got = bench.say(number, size, to)
    with open(tracer.out, encoding='latin-1') as f:
        log = f.read()
    true('(INJECTED)' in log, 'it was injected')
    want = expected(step, error)
    if warm and error == 'ENOENT':
        want = DONE  # the open box is no more: it is opened anew
    if step == 'create' and error in ('EMFILE', 'ENFILE') and got == DONE:
        # What is open already was synced and closed first, and it went on.
        true(len(users) > 1, 'there is nothing to close')
        want = DONE
    same(got, want, 'reply')
    copies = 1
    if want != DONE:
        now = look(boxes)
        if step in VISIBLE and len(users) > 1:
            # All files are durable before the first becomes visible; what
            # fails after that leaves those that already are. They come a
            # second time when the client sends again.
            copies = 2
            true(all(not tmp for _, tmp in now), 'tmp/ is empty')
        else:
            same(now, had, 'nothing is visible')
        synced = re.findall(r'fsync\((\d+<[^>]*>)', log)
        synced = [path for path in synced if IN_TMP.match(path)]
        same(len(synced), len(set(synced)), 'synced again (G5)')
        same(bench.say(number, size, to), DONE, 'sent again')
    for box in boxes:
        true(1 <= numbers(box)[number] <= copies, 'it is there once')
        same(box.names('tmp'), [])
    return want


def all_errors(what, users, size, trials_of, most=1000, made=True,
               warm=False):
    """`made`: the mailboxes are there; `warm`: they lie open in the daemon
    from the message before."""
    with Scratch() as scratch, Bench(scratch) as bench:
        def prepared():
            domain = bench.fresh(users if made else '')
            if warm:
                same(bench.say(0, 60, bench.to(domain, users)), DONE)
            return domain

        bench.session()
        thread, calls = bench.learn(size, prepared(), users)
        trials = [(call, n, step, error) for call, n, step in steps(calls)
                  for error in ERRORS[step] if step in trials_of]
        same({t[2] for t in trials}, set(trials_of), 'steps seen')
        if not FULL and len(trials) > most:
            trials = sorted(dice(what).sample(trials, most))
        codes = {}
        for trial in trials:
            try:
                code = fails(bench, thread, trial, prepared(), users, size,
                             warm)
            except AssertionError as why:
                call, n, step, error = trial
                raise AssertionError('%s: %s of %s (call %d): %s' % (
                    step, error, call, n, why)) from why
            codes[code] = codes.get(code, 0) + 1
        print('%s: %d errors: %s' % (what, len(trials), ', '.join(
            '%d %s %d times' % (*code, count)
            for code, count in sorted(codes.items()))))
        true({DONE, FAULT, FULL_DISK} <= set(codes), codes)


DELIVERY = ('create', 'write', 'sync', 'close', 'rename', 'sync directory',
            'space')
AROUND = ('open directory', 'look', 'sweep', 'close directory')


def check_fault_f10_small_message():
    all_errors('small message', 'a', 60, DELIVERY + AROUND)


def check_fault_f18_open_mailbox():
    """The same while the mailbox lies open from the message before."""
    all_errors('open mailbox', 'a', 60, DELIVERY, warm=True)


def check_fault_f08_big_message():
    """Written while it comes: what fails then is told at its end."""
    all_errors('big message', 'a', 400000, DELIVERY, most=40)


def check_fault_f17_several_mailboxes():
    """All files are complete before one is visible; those of a message that
    was written while it came are copies."""
    all_errors('three mailboxes', 'abc', 3000, DELIVERY, most=40)
    all_errors('three copies', 'abc', 400000, DELIVERY + ('read',), most=25)


def check_fault_f18_new_mailbox():
    all_errors('new mailbox', 'a', 60, ('make directory', 'sync directory'),
               most=50, made=False)


# ---- for a while ------------------------------------------------------------

def lasts(error, want, *failing):
    """The error stays for three messages, then goes."""
    with Scratch() as scratch, Bench(scratch) as bench:
        bench.session()
        thread, calls = bench.learn(60, bench.fresh('a'), 'a')
        first = {}
        for call, n, step in steps(calls):
            first.setdefault(step, (call, n))
        options = []
        for step in failing:
            call, n = first.get(step, ('unlinkat', 1))
            # Each file is synced before its directory.
            every = n if step == 'sync directory' else ''
            options += ['-e', 'inject=%s:error=%s:when=%d+%s' % (
                call, error, n, every)]
        calls = {o.split('=')[1].split(':')[0] for o in options if '=' in o}
        domains = [bench.fresh('a') for _ in range(3)]
        boxes = [bench.boxes(domain, 'a')[0] for domain in domains]
        with bench.tracer(thread, '-e', 'trace=' + ','.join(sorted(calls)),
                          *options):
            for n, domain in enumerate(domains):
                same(bench.say(n, 60, bench.to(domain, 'a')), want, error)
        now = [(len(new), len(tmp)) for new, tmp in look(boxes)]
        for n, domain in enumerate(domains):
            same(bench.say(n, 60, bench.to(domain, 'a')), DONE, 'afterwards')
        for n, box in enumerate(boxes):
            same(dict(numbers(box)), {n: 1 + now[n][0]}, 'in the end')
        return now


NOTHING = [(0, 0)] * 3  # in new/ and tmp/ of each mailbox


def check_fault_f08_full_for_a_while():
    for step in ('create', 'write', 'sync'):
        same(lasts('ENOSPC', FULL_DISK, step), NOTHING, step)


def check_fault_f15_no_descriptors_for_a_while():
    same(lasts('EMFILE', FAULT, 'open directory'), NOTHING)


def check_fault_f13_storm_of_interruptions():
    """Each call that may be interrupted is, many times."""
    with Scratch() as scratch, Bench(scratch) as bench:
        thread, made = bench.learn(60, 'd0.example', 'a')
        calls = sorted({call for call, _ in made} & {
            'openat', 'pwrite64', 'fsync', 'renameat2', 'fstatfs'})
        for call in calls:
            bench.number += 1
            with bench.tracer(thread, *inject(call, 'error=EINTR', '1..50')):
                same(bench.say(bench.number, 60, ['a@d0.example']), DONE,
                     call)
        same(len(calls), 5, calls)
        # close is not repeated: Linux has closed the descriptor by then.
        with bench.tracer(thread, *inject('close', 'error=EINTR',
                                          '1..50')) as tracer:
            same(bench.say(99, 60, ['a@d0.example']), DONE)
        with open(tracer.out, encoding='latin-1') as f:
            told = re.findall(r'close\((\d+)', f.read())
        same(len(told), len(set(told)), 'no descriptor is closed twice')
        same(numbers(bench.life.box('a', 'd0.example'))[99], 1)


def check_fault_f16_the_name_is_taken():
    """Ten names are tried, then the message is put off."""
    for step in ('create', 'rename'):
        same(lasts('EEXIST', FAULT, step), NOTHING, step)


def check_fault_f10_neither_synced_nor_removed():
    """The directory's sync fails, and so does taking the message back: the
    peer was told 451 and sends again, so it is there twice, never torn. What
    cannot be removed from tmp/ stays there until the sweep."""
    same(lasts('EIO', FAULT, 'sync directory', 'remove'), [(1, 0)] * 3)
    same(lasts('EIO', FAULT, 'write', 'remove'), [(0, 1)] * 3)


# ---- the network's thread ---------------------------------------------------

def check_fault_f15_loop():
    """Errors of the calls that serve connections, and of the log: a
    connection may die of them, the daemon and the mail do not."""
    trials = (
        [('accept4', error, n) for n in (1, 2) for error in (
            'EMFILE', 'ENFILE', 'ECONNABORTED', 'EINTR', 'ENOMEM', 'ENOBUFS',
            'EPROTO')] +
        [('recvfrom', error, n) for n in (1, 4) for error in (
            'EINTR', 'ECONNRESET', 'ENOMEM', 'ETIMEDOUT')] +
        [('sendto', error, n) for n in (1, 5, 6) for error in (
            'EINTR', 'EAGAIN', 'ECONNRESET', 'EPIPE', 'ENOBUFS')] +
        [('write', error, 1) for error in ('ENOSPC', 'EIO', 'EPIPE')])
    with Scratch() as scratch, Bench(scratch) as bench:
        thread, _ = bench.learn(60, 'd0.example', 'a', 'recvfrom')
        box = bench.life.box('a', 'd0.example')
        bench.session()
        bench.wire.quit()
        bench.wire = None
        told = 0
        for number, (call, error, n) in enumerate(trials, 1):
            what = '%s %d: %s' % (call, n, error)
            with bench.tracer(thread, *inject(call, 'error=' + error, n)):
                got = send(bench.port, message(number, 60), 'a@d0.example',
                           seconds=5)
            true(got is None or got[0] in (250, 421), (what, got))
            told += got is not None and got[0] == 250
            if call == 'write':
                same(got and got[0], 250, what)
            copies = numbers(box)[number]
            true(copies <= 1 and (copies or got is None or got[0] != 250),
                 what)
            same(send(bench.port, message(number, 60), 'a@d0.example')[0],
                 250, 'after ' + what)
            same(box.names('tmp'), [], what)
        print('loop: %d errors, %d messages went through them' % (
            len(trials), told))
        true(told >= len(trials) // 3, 'interruptions do no harm')


if __name__ == '__main__':
    sys.exit(main(globals(), seconds=900 if FULL else 100))
