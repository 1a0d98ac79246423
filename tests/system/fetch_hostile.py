#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`mailkit fetch` against servers that refuse, lie, or say nothing any more;
its command line, its dialogue and its progress. What Dovecot makes of it is in
fetch.py."""
import base64
import hashlib
import json
import os
import sys
import time

from lib.case import (SLOW, Scratch, has, main, program, run, same,
                      true)
from lib.maildir import Box
from lib.sink import free_port
from lib.terminal import on_terminal
from lib.tls import Authority, Talker, server_context

USAGE, NO_INPUT, UNAVAILABLE, LATER, PROTOCOL, REFUSED_LOGIN = (
    64, 66, 69, 75, 76, 77)
CAPA = (b'TOP', b'UIDL', b'USER', b'PIPELINING', b'RESP-CODES')
CLEAR = ('--tls', 'none', '--allow-clear-auth')
TEXTS = (b'Subject: one\r\n\r\n1\r\n', b'Subject: two\r\n\r\n.2\r\n',
         b'Subject: three\r\n\r\n3\r\n')
PASSWORD = b'correct horse'
HANG_UP = object()


def stuffed(text):
    return text.replace(b'\r\n.', b'\r\n..') + b'.\r\n'


def lines(rows):
    return b'+OK\r\n' + b''.join(b'%s\r\n' % r for r in rows) + b'.\r\n'


def pop3(texts=TEXTS, over=None, capa=CAPA, greeting=b'+OK s.example\r\n',
         said=None):
    """What a server does. `over` says something else to a command or to all of
    its verb; said collects the commands."""
    def answer(word, number):
        if word == b'STAT':
            return b'+OK %d %d\r\n' % (len(texts), sum(map(len, texts)))
        if word in (b'LIST', b'UIDL'):
            return lines(b'%d %s' % (n + 1, b'id%d' % n if word == b'UIDL' else
                                     b'%d' % len(t))
                         for n, t in enumerate(texts))
        if word == b'CAPA':
            return lines(capa)
        if word == b'RETR':
            return b'+OK\r\n' + stuffed(texts[number - 1])
        return b'+OK\r\n'

    def talk(line):
        line.send(greeting)
        while True:
            command = line.line()
            if command is None:
                return
            if said is not None:
                said.append(command)
            word, _, number = command.partition(b' ')
            other = (over or {}).get(command, (over or {}).get(word))
            if other is HANG_UP:
                line.socket.close()
                return
            if callable(other):
                other = other(line, command)
            line.send(answer(word, int(number) if number.isdigit() else 0)
                      if other is None else other)
            if word == b'QUIT':
                return
    return talk


class Case:
    """A password and a mailkit that is told of it."""

    def __enter__(self):
        self.scratch = Scratch()
        self.scratch.__enter__()
        self.password = self.scratch.file('password', PASSWORD + b'\n')
        os.chmod(self.password, 0o600)
        self.dir = self.scratch.path + '/box'
        self.runs = 0
        return self

    def __exit__(self, *why):
        self.scratch.__exit__(*why)

    def argv(self, server, *options, scheme='pop3'):
        return [program('mailkit'), 'fetch', '%s://alice@%s/' % (
            scheme, server.server()), '--into', 'maildir:' + self.dir,
            '--password-file', self.password, '--json', *options]

    def fetch(self, talk, *options, tls=CLEAR, **more):
        """Exit code, what --json told, and stderr; a box of its own."""
        self.runs += 1
        self.dir = '%s/box%d' % (self.scratch.path, self.runs)
        with Talker(talk) as server:
            code, out, err = run(self.argv(server, *tls, *options), **more)
        return code, json.loads(out) if out else None, err

    def here(self):
        return [t.replace(b'\n', b'\r\n') for t in Box(self.dir).messages()]


# ---- refused -------------------------------------------------------------------

def check_refused_before_anything():
    with Case() as c:
        for greeting, code in ((b'-ERR no\r\n', None), (b'-ERR [IN-USE] x\r\n',
                                                       LATER),
                               (b'-ERR [SYS/TEMP] x\r\n', LATER),
                               (b'220 smtp.example ESMTP\r\n', PROTOCOL),
                               (b'+OKAY\r\n', PROTOCOL)):
            got, told, err = c.fetch(pop3(greeting=greeting))
            true(got == code or (code is None and got in (UNAVAILABLE, LATER)),
                 (greeting, got, err))
            same(told['found'], 0)
            true(err.startswith(b'mailkit: localhost: '), err)
        for reply, code in ((b'-ERR bad password\r\n', REFUSED_LOGIN),
                            (b'-ERR [AUTH] bad\r\n', REFUSED_LOGIN),
                            (b'-ERR [SYS/TEMP] later\r\n', LATER),
                            (b'-ERR [IN-USE] locked\r\n', LATER),
                            (b'-ERR [LOGIN-DELAY] slower\r\n', LATER)):
            got, told, err = c.fetch(pop3(over={b'PASS': reply}))
            same((got, told['found']), (code, 0), (reply, err))
            has(err, reply[5:].split(b'] ')[-1].strip())


def check_refused_later():
    """-ERR to one message: the others are fetched and deleted, not that one."""
    with Case() as c:
        said = []
        code, told, _ = c.fetch(pop3(over={b'RETR 2': b'-ERR \x1b[1mgone\r\n'},
                                     said=said))
        same((code, told['fetched'], told['failed'], told['deleted']),
             (LATER, 2, 1, 2))
        same([x for x in said if x.startswith(b'DELE')],
             [b'DELE 1', b'DELE 3'])
        same(c.here(), [TEXTS[0], TEXTS[2]])
        same([(m['verdict'], m['text']) for m in told['messages']
              if m['uid'] == 'id1'], [('failed', '\x1b[1mgone')])
        for over, code in (({b'STAT': b'-ERR no\r\n'}, UNAVAILABLE),
                           ({b'LIST': b'-ERR no\r\n'}, 0),
                           ({b'UIDL': b'-ERR no\r\n'}, 0),
                           ({b'DELE 1': b'-ERR no\r\n'}, LATER)):
            got, told, err = c.fetch(pop3(over=over))
            same((got, told['fetched']), (code, 0 if b'STAT' in over else 3),
                 (over, err))
            same(err != b'', code != 0, err)
        same((told['deleted'], told['messages'][0]['verdict']), (2, 'kept'))
        has(err, b'not all was deleted')


def check_quit_decides():
    """Nothing is called deleted before QUIT was answered."""
    with Case() as c:
        seen = c.scratch.path + '/seen'
        for reply in (HANG_UP, b'-ERR [SYS/TEMP] some not removed\r\n'):
            if os.path.exists(seen):
                os.unlink(seen)
            code, told, err = c.fetch(pop3(over={b'QUIT': reply}), '--seen',
                                      seen)
            same((code, told['fetched'], told['deleted']), (LATER, 3, 0), err)
            same({m['verdict'] for m in told['messages']}, {'kept'})
            same(len(c.here()), 3)
            said = []
            code, told, err = c.fetch(pop3(said=said), '--seen', seen)
            same((code, told['fetched'], told['deleted'], told['seen']),
                 (0, 0, 3, 3), err)
            true(not [x for x in said if x.startswith(b'RETR')], said)


def check_twins():
    """An id that several messages have says of none that it was fetched."""
    with Case() as c:
        seen = c.scratch.path + '/seen'
        code, told, err = c.fetch(pop3(TEXTS[:1]), '--keep', '--seen', seen)
        same((code, told['fetched']), (0, 1), err)
        # id0 is the first of three, then of the last two, then of all
        for ids, fetched in ((b'abc', 3), (b'a00', 3), (b'000', 3),
                             (b'0bc', 2)):
            said = []
            rows = lines(b'%d id%c' % (n + 1, i) for n, i in enumerate(ids))
            code, told, err = c.fetch(pop3(said=said, over={b'UIDL': rows}),
                                      '--seen', c.scratch.file('again', open(
                                          seen, 'rb').read()))
            same((code, told['fetched'], told['deleted']), (0, fetched, 3),
                 err)
            same(len([x for x in said if x.startswith(b'RETR')]), fetched)
        # nor is it remembered
        over = {b'UIDL': lines((b'1 x', b'2 x', b'3 y'))}
        code, told, err = c.fetch(pop3(over=over), '--keep', '--seen',
                                  c.scratch.path + '/new')
        same((code, told['fetched']), (0, 3), err)
        with open(c.scratch.path + '/new', 'rb') as ids:
            same(ids.read().split(b'\n')[1:], [b'y', b''])


def check_hangs_up_anywhere():
    with Case() as c:
        for word, fetched in ((b'CAPA', 0), (b'PASS', 0), (b'STAT', 0),
                              (b'LIST', 0), (b'UIDL', 0), (b'RETR 1', 0),
                              (b'RETR 3', 2), (b'DELE 1', 3)):
            code, told, err = c.fetch(pop3(over={word: HANG_UP}))
            same((code, told['fetched'], told['deleted']),
                 (LATER, fetched, 0), (word, err))
            same(len(c.here()), fetched)
            same(Box(c.dir).names('tmp'), [])
            has(err, b'mailkit: localhost: ')


def check_half_a_message():
    """What has no end is not delivered."""
    with Case() as c:
        def half(line, _):
            line.send(b'+OK\r\nSubject: two\r\n\r\n2\r\n')
            line.socket.close()
            return b''
        code, told, _ = c.fetch(pop3(over={b'RETR 2': half}))
        same((code, told['fetched'], told['left']), (LATER, 1, 2))
        same(c.here(), [TEXTS[0]])
        same(Box(c.dir).names('tmp'), [])


def check_without_pipelining():
    """One command at a time, and a server of RFC 1939 alone."""
    with Case() as c:
        def alone(line, command):
            true(line.rest == b'', 'said before the reply to %r' % command)
        for capa in ((b'UIDL', b'USER'), None):
            over = {w: alone for w in (b'RETR', b'DELE', b'LIST', b'UIDL')}
            if capa is None:
                over[b'CAPA'] = b'-ERR what\r\n'
            code, told, err = c.fetch(pop3(over=over, capa=capa))
            same((code, told['deleted'], told['login']), (0, 3, 'USER'), err)
            same(c.here(), list(TEXTS))


# ---- lies (THREATS 82) -----------------------------------------------------------

def check_sec_082_ids_are_never_paths():
    with Case() as c:
        ids = (b'../../../../tmp/x', b'/etc/passwd', b'a/b')
        rows = lines(b'%d %s' % (n + 1, i) for n, i in enumerate(ids))
        seen = c.scratch.path + '/seen'
        code, told, err = c.fetch(pop3(over={b'UIDL': rows}), '--keep',
                                  '--seen', seen)
        same((code, told['fetched']), (0, 3), err)
        same(sorted(m['uid'].encode() for m in told['messages']), sorted(ids))
        true(all('/' not in m['text'] for m in told['messages']), told)
        same(sorted(os.listdir(c.scratch.path)), ['box1', 'password', 'seen'])
        code, told, err = c.fetch(pop3(over={b'UIDL': rows}), '--keep',
                                  '--seen', seen)
        same((code, told['seen']), (0, 3), err)


def check_sec_082_listings():
    """Numbers and ids that are none, and counts that nobody could hold."""
    with Case() as c:
        for over in ({b'STAT': b'+OK 18446744073709551616 1\r\n'},
                     {b'STAT': b'+OK -1 1\r\n'}, {b'STAT': b'+OK\r\n'},
                     {b'UIDL': lines([b'1 ' + b'x' * 71])},
                     {b'UIDL': lines([b'1 a\tb'])},
                     {b'UIDL': lines([b'1 \xc3\xa9'])},
                     {b'LIST': lines([b'1 99999999999999999999'])},
                     {b'LIST': lines([b'x'])}):
            code, told, err = c.fetch(pop3(over=over), '--keep')
            true((code in (PROTOCOL, LATER) and told['fetched'] == 0) or
                 (code == 0 and told['fetched'] == 3), (over, code, err))
        # more than there are, none at all, and those of others
        for over in ({b'LIST': lines([b'7 1', b'2000000000 2'])},
                     {b'UIDL': lines([])}, {b'LIST': lines([])},
                     {b'UIDL': lines([b'1 same', b'2 same', b'3 same'])}):
            code, told, err = c.fetch(pop3(over=over), '--keep')
            same((code, told['fetched']), (0, 3), (over, err))
        code, told, err = c.fetch(pop3(over={
            b'STAT': b'+OK 2000000000 1\r\n', b'RETR 4': HANG_UP}), '--keep')
        same((code, told['fetched']), (LATER, 3), err)


def check_sec_082_endless():
    """Lines, greetings and messages without an end."""
    with Case() as c:
        began = time.monotonic()

        def endless(line, _):
            try:
                line.send(b'+OK\r\n')
                for _ in range(4000):
                    line.send(b'y' * 65534 + b'\r\n')
            except OSError:
                pass
            return b''
        for talk in (lambda line: line.send(b'+OK ' + b'x' * 10485760),
                     pop3(over={b'CAPA': b'+OK\r\n' + b'x' * 1000000}),
                     pop3(over={b'STAT': b'+OK ' + b'1' * 1000000})):
            code, told, err = c.fetch(talk)
            true(code in (PROTOCOL, LATER), (code, err))
            same(told['fetched'], 0)
        # it said 18 octets: the rest is read and dropped, to a bound
        code, told, err = c.fetch(pop3(texts=(b'x' * 300000 + b'\r\n',), over={
            b'LIST': lines([b'1 18'])}), '--max-message-bytes', '100000')
        same((code, told['large'], told['deleted']), (0, 1, 0), err)
        same((c.here(), Box(c.dir).names('tmp')), ([], []))
        true(time.monotonic() - began < 20 * SLOW, 'in time')


def check_seen_needs_ids():
    with Case() as c:
        for over, capa in (({}, (b'USER',)), ({b'UIDL': b'-ERR\r\n'}, CAPA)):
            said = []
            code, told, err = c.fetch(pop3(over=over, capa=capa, said=said),
                                      '--seen', c.scratch.path + '/seen')
            same((code, told['fetched']), (UNAVAILABLE, 0), err)
            has(err, b'no unique-ids')
            same(said[-1], b'QUIT')


# ---- logins ----------------------------------------------------------------------

def check_sec_041_no_password_in_clear():
    """To a server without STLS, or whose certificate is not good, no octet of
    a login is said; nor to one that breaks off in the middle of TLS."""
    with Case() as c:
        ca = Authority(c.scratch)
        for options in (('--tls-trust', ca.pem), ('--tls', 'starttls',
                                                  '--tls-trust', ca.pem)):
            said = []
            code, told, _ = c.fetch(pop3(said=said), *options, tls=())
            same((code, told['fetched']), (PROTOCOL, 0))
            true(not [x for x in said if x[:4] in (
                b'USER', b'PASS', b'AUTH', b'APOP')], said)
        other = Authority(c.scratch, 'other')
        with Talker(lambda line: (line.start_tls(), pop3()(line)),
                    server_context(other.issue())) as server:
            code, out, err = run(c.argv(server, '--tls-trust', ca.pem,
                                        scheme='pop3s'))
            same((code, json.loads(out)['login']), (PROTOCOL, None), err)


def check_dialogue_hides_secrets():
    with Case() as c:
        stamp = b'<1896.697170952@s.example>'
        digest = hashlib.md5(stamp + PASSWORD).hexdigest().encode()
        token = base64.b64encode(b'\0alice\0' + PASSWORD)

        def check_apop(_, command):
            same(command, b'APOP alice ' + digest)

        def login(line, command):
            same(command, b'AUTH LOGIN')
            line.send(b'+ VXNlcm5hbWU6\r\n')
            same(base64.b64decode(line.line()), b'alice')
            line.send(b'+ UGFzc3dvcmQ6\r\n')
            same(base64.b64decode(line.line()), PASSWORD)
        sasl = (b'UIDL', b'USER', b'SASL PLAIN LOGIN')
        for shown, talk, options in (
                (b'C: PASS ****\n', pop3(), ()),
                (b'C: APOP alice ****\n', pop3(
                    over={b'APOP': check_apop},
                    greeting=b'+OK ' + stamp + b'\r\n'), ('--apop',)),
                (b'C: AUTH PLAIN ****\n', pop3(capa=sasl), ()),
                (b'C: AUTH LOGIN\n', pop3(capa=sasl, over={b'AUTH': login}),
                 ('--auth', 'LOGIN'))):
            code, told, err = c.fetch(talk, '--dialogue', *options)
            same((code, told['fetched']), (0, 3), err)
            for part in (shown, b'C: RETR 3\n', b'C: DELE 2\n', b'C: STAT\n',
                         b'S: Subject: two\n', b'S: ..2\n', b'C: QUIT\n',
                         b'S: 3 id2\n', b'S: .\n'):
                has(err, part)
            for secret in (PASSWORD, digest, token, b'Y29ycmVjdCBob3JzZQ'):
                true(secret not in err, err)


# ---- the command line --------------------------------------------------------------

def check_usage():
    with Case() as c:
        into = ('--into', 'maildir:' + c.dir)
        login = ('--password-file', c.password)
        url = 'pop3://alice@localhost:1/'
        for argv, word in (
                ((), b'URL'), ((url,), b'--into'), ((url, *into), b'--user'),
                ((url, url, *into, *login), b'URL'),
                (('imap://alice@localhost/', *into, *login), b'IMAP'),
                (('imaps://alice@localhost/', *into, *login), b'IMAP'),
                (('smtp://alice@localhost/', *into, *login), b'not a URL'),
                (('alice@localhost', *into, *login), b'not a URL'),
                (('pop3://alice:one@localhost/', *into, *login), b'password'),
                (('pop3://alice;AUTH=X@localhost/', *into, *login), b'--auth'),
                (('pop3://al%0aice@localhost/', *into, *login), b'name'),
                (('pop3://al%00ice@localhost/', *into, *login), b'name'),
                (('pop3://al%4@localhost/', *into, *login), b'%'),
                (('pop3://@localhost/', *into, *login), b'name'),
                (('pop3://localhost/', *into, *login), b'user'),
                (('pop3://alice@localhost/x', *into, *login), b'folders'),
                (('pop3://alice@localhost:0/', *into, *login), b'HOST'),
                (('pop3://alice@localhost:65536/', *into, *login), b'HOST'),
                (('pop3://alice@/', *into, *login), b'HOST'),
                (('pop3s://alice@localhost/', *into, *login, '--tls',
                  'starttls'), b'implicit'),
                ((url, *into, *login, '--tls', 'implicit'), b'implicit'),
                ((url, *into, *login, '--tls', 'none'), b'--allow-clear-auth'),
                ((url, *into, *login, '--user', 'bob'), b'two users'),
                ((url, *into, *login, '--apop', '--auth', 'PLAIN'), b'--apop'),
                ((url, *into, *login, '--limit', '0'), b'--limit'),
                ((url, *into, *login, '--max-message-bytes', '1x'),
                 b'--max-message-bytes'),
                ((url, '--into', 'mbox:x', *login), b'--into'),
                ((url, *into, *into, *login), b'--into'),
                ((url, *into, *login, '--password-command', 'true'),
                 b'--password')):
            code, out, err = run([program('mailkit'), 'fetch', *argv])
            same((code, out), (USAGE, b''), (argv, err))
            has(err, word, argv)
            true(err.startswith(b'mailkit: '), err)
            true(not os.path.exists(c.dir), 'nothing is made')
        code, out, err = run([program('mailkit'), 'fetch', '--help'])
        same((code, err), (0, b''))
        has(out, b'usage: mailkit fetch pop3')


def check_urls():
    """Who and where: decoded, in brackets, by options."""
    with Case() as c:
        for user, options, name in (
                ('al%69ce%40example.org@', (), b'alice@example.org'),
                ('', ('--user', 'bob'), b'bob')):
            said = []
            with Talker(pop3(said=said)) as server:
                code, out, err = run([
                    program('mailkit'), 'fetch', 'POP3://%s%s' % (
                        user, server.server()), '--into', 'Maildir:' + c.dir,
                    '--password-file', c.password, '--keep', *CLEAR, *options])
                same((code, err), (0, b''))
                has(said, b'USER ' + name)
                for line, text in zip(out.split(b'\n'), TEXTS):
                    fields = line.split(b'\t')
                    same((fields[1], fields[2]),
                         (b'%d' % len(text), b'kept'), out)
        same(len(c.here()), 6)


def check_nobody_there():
    with Case() as c:
        login = ('--into', 'maildir:' + c.dir, '--password-file', c.password)
        code, out, err = run([
            program('mailkit'), 'fetch', 'pop3://a@127.0.0.1:%d/' % free_port(),
            *login, *CLEAR])
        same((code, out), (LATER, b''), err)
        has(err, b'mailkit: 127.0.0.1: ')
        code, out, err = run([
            program('mailkit'), 'fetch', 'pop3://a@no-such-host.invalid/',
            *login, *CLEAR])
        same((code, out), (68, b''), err)


def check_progress_on_a_terminal():
    """How many messages and octets; gone at the end."""
    with Case() as c:
        texts = [b'Subject: %d\r\n\r\n%s\r\n' % (n, b'z' * 70000)
                 for n in range(30)]
        with Talker(pop3(texts, over={b'RETR 25': lambda *_: time.sleep(0.5)})
                    ) as server:
            code, shown = on_terminal(c.argv(server, *CLEAR))
        same(code, 0)
        has(shown, b' of 30 messages, ')
        has(shown, b' of 2.0 MiB fetched (')
        true(shown.endswith(b'\r'), shown[-100:])


if __name__ == '__main__':
    sys.exit(main(globals()))
