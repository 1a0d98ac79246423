#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`mailkit fetch` against Dovecot: every mechanism and kind of TLS, octet for
octet; deleted is only what is on stable storage; whatever breaks on the way,
nothing is lost. Servers that lie are in fetch_hostile.py."""
import contextlib
import json
import os
import resource
import signal
import subprocess
import sys

from lib.case import (SLOW, Scratch, Skip, has, main, need, program, run, same,
                      true, until)
from lib.cutter import Cutter
from lib.maildir import Box
from lib.pop3 import BARE, HARD, LONG, Pop3Dovecot, left, messages, whole
from lib.pop3_clients import TOKEN
from lib.trace import paths, read, strings

IO_ERROR, CANT_CREATE, LATER, REFUSED_LOGIN = 74, 73, 75, 77
MECHANISMS = ('PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-1', 'SCRAM-SHA-256',
              'OAUTHBEARER', 'XOAUTH2')
ALL = ' '.join(MECHANISMS).lower() + ' apop'
CLEAR = ('--tls', 'none', '--allow-clear-auth')


class Fetch:
    """A Dovecot with messages, and a mailkit that fetches them."""

    def __init__(self, texts=None, **settings):
        self.texts = messages() if texts is None else texts
        self.settings = {'mechanisms': ALL, **settings}

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.scratch = stack.enter_context(Scratch())
            self.password = self.scratch.file('password', 'one\n')
            self.token = self.scratch.file('token', TOKEN + '\n')
            for path in (self.password, self.token):
                os.chmod(path, 0o600)
            self.server = stack.enter_context(
                Pop3Dovecot(self.scratch, self.texts, **self.settings))
            self.dir = self.scratch.path + '/box'
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *why):
        self.stack.__exit__(*why)

    def argv(self, *options, scheme='pop3', user='alice', port=None,
             box=None):
        if port is None:
            port = (self.server.port if scheme == 'pop3' else
                    self.server.secure_port)
        return [program('mailkit'), 'fetch',
                '%s://%s@localhost:%d/' % (scheme, user, port), '--into',
                'maildir:' + (box or self.dir), '--tls-trust',
                self.server.ca.pem, '--json', '--password-file',
                self.password if user == 'alice' else self.token, *options]

    def fetch(self, *options, more=None, **where):
        """Exit code and what --json told."""
        code, out, err = run(self.argv(*options, **where), seconds=30,
                             **(more or {}))
        self.err = err
        return code, json.loads(out) if out else None

    def here(self, box=None):
        """The messages in the Maildir, each looked at."""
        return sorted(Box(box or self.dir).messages())

    def want(self):
        return sorted(map(whole, self.texts))


def counts(told, *names):
    return tuple(told[name] for name in names)


# ---- what works --------------------------------------------------------------

def check_every_way():
    """Each mechanism in clear, behind STLS and within TLS."""
    with Fetch() as f:
        for n, mechanism in enumerate(MECHANISMS):
            is_token = mechanism in MECHANISMS[-2:]
            for scheme, tls in (('pop3', CLEAR), ('pop3', ()), ('pop3s', ())):
                box = '%s/box%d%s%d' % (f.scratch.path, n, scheme, len(tls))
                code, told = f.fetch(
                    '--keep', '--auth', mechanism, *tls,
                    *(['--oauth'] if is_token else []), scheme=scheme,
                    user='robot' if is_token else 'alice', box=box)
                what = (mechanism, scheme, tls, f.err)
                same((code, f.err), (0, b''), what)
                same(told['login'], mechanism, what)
                same(told['tls'] is None, bool(tls), what)
                same(tls or told['tls']['verified'], tls or True, what)
                same(counts(told, 'found', 'fetched', 'deleted'),
                     (200, 200, 0), what)
                true(f.here(box) == f.want(), 'other octets: %r' % (what,))
        same(len(f.server.left()), 200)


def check_sec_040_apop():
    """Only when asked for, and not from a greeting that came in clear where
    TLS was to protect it."""
    with Fetch() as f:
        for scheme, tls in (('pop3', CLEAR), ('pop3s', ())):
            box = f.scratch.path + '/' + scheme
            code, told = f.fetch('--keep', '--apop', *tls, scheme=scheme,
                                 box=box)
            same((code, told['login'], f.err), (0, 'APOP', b''), scheme)
            true(f.here(box) == f.want(), 'other octets')
        code, told = f.fetch('--keep', '--apop')
        same((code, told['login']), (REFUSED_LOGIN, None))
        code, told = f.fetch('--keep', *CLEAR)
        same((code, told['login']), (0, 'SCRAM-SHA-256'))


def check_deletes_what_is_here():
    with Fetch(messages(hard=HARD + LONG + BARE)) as f:
        code, told = f.fetch()
        same((code, f.err), (0, b''))
        same(counts(told, 'found', 'fetched', 'deleted', 'left'),
             (200, 200, 200, 0))
        same(told['login'], 'SCRAM-SHA-256')  # the strongest
        true(left(f.dir) == f.want(), 'other octets')
        same(f.server.left(), [])
        names = [m['text'] for m in told['messages']]
        same(names, Box(f.dir).names())
        code, told = f.fetch()
        same((code, counts(told, 'found', 'fetched')), (0, (0, 0)))


def check_wrong_password():
    with Fetch(messages(3)) as f:
        with open(f.password, 'w', encoding='ascii') as word:
            word.write('two\n')
        for options in ((), ('--auth', 'PLAIN'), CLEAR):
            code, told = f.fetch(*options)
            same((code, told['found']), (REFUSED_LOGIN, 0), options)
            has(f.err, b'Authentication failed')
        same(len(f.server.left()), 3)


def check_no_login_in_clear():
    """A password never leaves without TLS unless that is asked for."""
    with Fetch(messages(3), ssl='no') as f:
        code, told = f.fetch(port=f.server.port)
        same((code, told['login']), (76, None))
        has(f.err, b'localhost')
        same(f.fetch('--tls', 'may', '--auth', 'PLAIN')[0], 76)
        same(f.server.log().count('method=PLAIN'), 0)
        same(f.fetch(*CLEAR)[0], 0)


# ---- what was seen -------------------------------------------------------------

def check_keep_and_seen():
    with Fetch(messages(20)) as f:
        seen = f.scratch.path + '/seen'
        code, told = f.fetch('--keep', '--seen', seen, '--limit', '15')
        same((code, counts(told, 'fetched', 'left')), (0, (15, 5)))
        code, told = f.fetch('--keep', '--seen', seen)
        same((code, counts(told, 'fetched', 'seen')), (0, (5, 15)))
        code, told = f.fetch('--keep', '--seen', seen)
        same((code, counts(told, 'fetched', 'seen')), (0, (0, 20)))
        true(f.here() == f.want(), 'other octets')
        with open(seen, encoding='ascii') as ids:
            lines = ids.read().split('\n')
        same(lines[0], '# fetched by alice from localhost')
        same((len(set(lines[1:-1])), lines[-1]), (20, ''))
        same(os.stat(seen).st_mode & 0o777, 0o600)
        same(sorted(os.listdir(f.scratch.path + '/.')).count('seen'), 1)
        # one is new; all that is here may go
        extra = b'Subject: new\n\nnew\n'
        name = '1800000000.M1P7Q1.there,S=18,W=21'
        with open('%s/new/%s' % (f.server.mail, name), 'wb') as new:
            new.write(extra)
        os.chown('%s/new/%s' % (f.server.mail, name), 65534, 65534)
        code, told = f.fetch('--seen', seen)
        same((code, counts(told, 'fetched', 'seen', 'deleted')),
             (0, (1, 20, 21)))
        true(f.here() == sorted([*f.want(), extra]), 'other octets')
        same(f.server.left(), [])
        with open(seen, encoding='ascii') as ids:
            same(ids.read(), '# fetched by alice from localhost\n')


def check_seen_of_others():
    """What it names is deleted on the server: it must be ours and whole."""
    with Fetch(messages(3)) as f:
        for octets in (b'# fetched by bob from localhost\n',
                       b'# fetched by alice from elsewhere\n', b'', b'\n',
                       b'a\nb\n', b'# fetched by alice from localhost\na b\n',
                       b'# fetched by alice from localhost\na',
                       b'# fetched by alice from localhost\n\n',
                       b'# fetched by alice from localhost\n%s\n' % (b'x' * 71),
                       b'# fetched by alice from localhost\na\0b\n'):
            seen = f.scratch.file('seen', octets)
            same(f.fetch('--seen', seen), (65, None), octets)
            with open(seen, 'rb') as ids:
                same(ids.read(), octets)
        same(f.fetch('--seen', f.scratch.path), (66, None))
        code, told = f.fetch('--keep', '--seen', f.scratch.path + '/no/seen')
        same((code, told['fetched']), (IO_ERROR, 3))
        same(len(f.server.left()), 3)


# ---- what breaks ---------------------------------------------------------------

def check_cut_on_the_way():
    """Each message is here, there, or both; a second run fetches the rest."""
    with Fetch() as f:
        seen = f.scratch.path + '/seen'
        have = 0
        for scheme, tls, after in (('pop3', CLEAR, 20000), ('pop3s', (), 80000),
                                   ('pop3s', (), 30000), ('pop3', CLEAR, 60000),
                                   ('pop3', CLEAR, 300)):
            port = f.server.port if tls else f.server.secure_port
            with Cutter(port, after) as cutter:
                code, told = f.fetch('--seen', seen, *tls, scheme=scheme,
                                     port=cutter.port)
            same(code, LATER, (after, f.err))
            has(f.err, b'mailkit: localhost: ')
            now = f.here()
            true(set(now) <= set(f.want()) and len(now) == len(set(now)),
                 'a message that is none, or twice')
            same(len(now), have + told['fetched'])
            same((told['deleted'], len(f.server.left())), (0, 200))
            have = len(now)
        true(0 < have < 200, have)
        code, told = f.fetch('--seen', seen)
        same((code, counts(told, 'fetched', 'seen', 'deleted')),
             (0, (200 - have, have, 200)))
        true(f.here() == f.want(), 'other octets')
        same(f.server.left(), [])


def check_killed_on_the_way():
    """We are killed, then the server is: nothing is lost."""
    with Fetch() as f:
        for after in (60000, 120000):
            with Cutter(f.server.port, after, hold=True) as cutter:
                client = subprocess.Popen(
                    f.argv(*CLEAR, port=cutter.port), stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE)
                true(cutter.held.wait(20 * SLOW), 'so many octets')
                until(lambda: Box(f.dir).count() > 0, 10, 'some messages')
                client.send_signal(signal.SIGKILL)
                client.communicate(timeout=20 * SLOW)
            true(set(f.here()) <= set(f.want()), 'a message that is none')
            same(len(f.server.left()), 200)
        with Cutter(f.server.port, 60000, hold=True) as cutter:
            client = subprocess.Popen(
                f.argv(*CLEAR, port=cutter.port), stdout=subprocess.PIPE,
                stderr=subprocess.PIPE)
            true(cutter.held.wait(20 * SLOW), 'so many octets')
            f.server.kill()
            for one in cutter.sockets:
                one.close()
            client.communicate(timeout=20 * SLOW)
            same(client.returncode, LATER)
        same(len(f.server.left()), 200)
        with f.server:
            same(f.fetch()[0], 0)
            same(f.server.left(), [])
        same(set(f.here()), set(f.want()))


def check_fault_f05_durable_before_dele():
    """Synced, renamed, the directory synced; only then DELE, and QUIT last."""
    with Fetch(messages(40)) as f:
        log = f.scratch.path + '/trace'
        run([need('strace'), '-f', '-y', '-s', '4096', '-o', log, '-e',
             'trace=fsync,fdatasync,renameat2,rename,sendto,sendmsg,write,'
             'writev,openat', *f.argv(*CLEAR)], seconds=60, env=dict(
                os.environ, ASAN_OPTIONS='detect_leaks=0'))
        if not os.path.exists(log) or os.path.getsize(log) == 0:
            raise Skip('strace cannot trace here')
        synced, renamed, durable, deleted, over = set(), set(), set(), 0, False
        for call in read(log):
            if call.name in ('fsync', 'fdatasync'):
                name = paths(call)[0]
                if name.endswith('/new'):
                    durable |= renamed
                synced.add(name)
            elif call.name.startswith('rename') and '/box/tmp' in call.args:
                source, target = strings(call)[:2]
                true('%s/tmp/%s' % (f.dir, source) in synced, call)
                renamed.add(target)
            elif call.name in ('sendto', 'sendmsg', 'write', 'writev'):
                deleted += call.args.count('DELE ')
                true(deleted <= len(durable), 'DELE of %d, durable %d' % (
                    deleted, len(durable)))
                over = over or 'QUIT' in call.args
                true(not over or deleted == 40, 'QUIT too early')
        same((len(durable), deleted, over), (40, 40, True))


def check_mailbox_that_cannot_be_written():
    """What could not be stored is not deleted, all else is."""
    texts = [b'Subject: %d\n\n%s\n' % (n, b'x' * (40000 if n == 7 else 100))
             for n in range(12)]

    def little():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
    with Fetch(texts) as f:
        code, told = f.fetch(more={'preexec_fn': little})
        same((code, told['failed']), (IO_ERROR, 1))
        true(b'x' * 40000 in b''.join(f.server.left()), 'it is still there')
        same(sorted([*f.here(), *f.server.left()]), sorted(texts))
        same(told['deleted'], told['fetched'])
        same(Box(f.dir).names('tmp'), [])
        for path in (f.password, f.password + '/box', '/no/such/place',
                     f.scratch.path + '/link/', '/proc/self/box'):
            if path.endswith('link/'):
                os.symlink('/no/such', path[:-1])
            same(f.fetch(box=path), (CANT_CREATE, None), path)
        same(f.fetch()[0], 0)
        same((f.here(), f.server.left()), (sorted(texts), []))


def check_large_ones_stay():
    with Fetch(messages(10, hard=HARD[:3] + LONG)) as f:
        code, told = f.fetch('--max-message-bytes', '20000')
        same((code, counts(told, 'large', 'fetched', 'deleted')),
             (0, (1, 9, 9)))
        same([m['verdict'] for m in told['messages']].count('large'), 1)
        same(f.server.left(), [f.texts[3]])


def check_links_to_the_mailbox():
    with Fetch(messages(2)) as f:
        os.makedirs(f.dir, 0o700)
        link = f.scratch.path + '/link'
        os.symlink(f.dir, link)
        same(f.fetch('--keep', box=link + '/')[0], 0)
        same(f.fetch('--keep', box='box2', more={'cwd': f.scratch.path})[0], 0)
        same((f.here(), f.here(f.scratch.path + '/box2')),
             (f.want(), f.want()))


if __name__ == '__main__':
    sys.exit(main(globals()))
