#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`mailkit send` with TLS and a login against servers over Python's ssl: who
is not verified learns nothing, who strips or injects gets nothing, and a
secret shows in no dialogue."""
import base64
import hashlib
import hmac
import json
import os
import socket
import sys

from lib.case import Scratch, has, main, program, run, same, true
from lib.sink import Script
from lib.tls import Authority, Talker, server_context

USAGE, NO_INPUT, LATER, PROTOCOL, REFUSED_LOGIN = 64, 66, 75, 76, 77
TEXT = b'Subject: hello\n\none\n'
PASSWORD = b'correct horse'
SECRETS = (PASSWORD, b'Y29ycmVjdCBob3', b'29ycmVjdCBob3', b'Nvcn', b'jb3JyZWN0')


class Case:
    """Certificates, a password, and a mailkit that is told of both."""

    def __enter__(self):
        self.scratch = Scratch()
        self.scratch.__enter__()
        self.ca = Authority(self.scratch)
        self.password = self.scratch.file('password', PASSWORD + b'\nnotes\n')
        os.chmod(self.password, 0o600)
        return self

    def __exit__(self, *why):
        self.scratch.__exit__(*why)

    def login(self, *more):
        return ['--user', 'alice', '--password-file', self.password, *more]

    def good(self):
        return server_context(self.ca.issue())

    def send(self, server, *more, trust=True):
        """Exit code, what --json told, and stderr."""
        argv = [program('mailkit'), 'send', '--server', server, '--from',
                'eve@example.com', '--to', 'alice@example.org', '--hostname',
                'c.example', '--json', *more]
        if trust:
            argv += ['--tls-trust', self.ca.pem]
        code, out, err = run(argv, TEXT)
        return code, json.loads(out) if out else None, err


def smtp(line, offers=(b'AUTH PLAIN',), judge=None):
    """From EHLO to the end; judge(line, command) answers AUTH: True, False."""
    while True:
        command = line.line()
        if command is None:
            return
        word = command.split(b' ')[0].upper()
        if word == b'EHLO':
            names = [b's.example', *offers]
            line.send(b''.join(
                b'250%s%s\r\n' % (b' ' if n + 1 == len(names) else b'-', name)
                for n, name in enumerate(names)))
        elif word == b'AUTH':
            line.send(b'235 2.7.0 welcome\r\n' if judge and judge(
                line, command) else b'535 5.7.8 no\r\n')
        elif word == b'DATA':
            line.send(b'354 go\r\n')
            while line.line() not in (b'.', None):
                pass
            line.send(b'250 2.0.0 taken\r\n')
        elif word == b'QUIT':
            line.send(b'221 2.0.0 bye\r\n')
            return
        else:
            line.send(b'250 2.0.0 ok\r\n')


def implicit(**more):
    def talk(line):
        line.start_tls()
        line.send(b'220 s.example ESMTP\r\n')
        smtp(line, **more)
    return talk


def to_starttls(line, behind=b''):
    """Up to the go-ahead, and what is in the packet behind it."""
    line.send(b'220 s ESMTP\r\n')
    line.line()
    line.send(b'250-s\r\n250 STARTTLS\r\n')
    line.line()
    line.send(b'220 go\r\n' + behind)


def starttls(before=(b'STARTTLS',), **more):
    def talk(line):
        line.send(b'220 s.example ESMTP\r\n')
        line.line()
        line.send(b''.join(b'250-%s\r\n' % o for o in (b's.example', *before)) +
                  b'250 HELP\r\n')
        if line.line() == b'STARTTLS':
            line.send(b'220 2.0.0 go\r\n')
            line.start_tls()
            smtp(line, **more)
    return talk


WAYS = (('implicit', implicit), ('starttls', starttls))


def plain(line, command):
    return command == b'AUTH PLAIN ' + base64.b64encode(
        b'\0alice\0' + PASSWORD)


def silent(octets, what):
    """Nothing of a login, and nothing of the message."""
    for word in (b'AUTH', b'MAIL', b'RCPT', b'DATA', b'hello', *SECRETS):
        true(word not in octets, '%s: %r was said' % (what, octets))


# ---- what works --------------------------------------------------------------

def check_verified_and_logged_in():
    with Case() as c:
        directory = c.scratch.dir('trust')
        with open(c.ca.pem, 'rb') as f:
            c.scratch.file('trust/own.pem', f.read())
        for word, way in WAYS:
            for host in ('localhost', '127.0.0.1'):
                with Talker(way(judge=plain), c.good()) as server:
                    code, told, err = c.send(
                        server.server(host), '--tls', word, '--tls-trust',
                        directory, *c.login(), trust=False)
                    same((code, err), (0, b''), (word, host))
                    same((told['login'], told['delivered'],
                          told['tls']['verified'], told['tls']['why']),
                         ('PLAIN', 1, True, None))
                    true(told['tls']['version'].startswith('TLSv1.'), told)
                    true('WITH' in told['tls']['cipher'] or
                         'AES' in told['tls']['cipher'], told)
                    clear, inside = server.said()
                    silent(clear, word)
                    has(inside, b'Subject: hello')
                    same(server.errors, [])


def check_login_wants_starttls():
    """A password alone is enough to ask for TLS; no login asks for none."""
    with Case() as c:
        with Talker(starttls(judge=plain), c.good()) as server:
            same(c.send(server.server(), *c.login())[0], 0)

        def talk(line):
            line.send(b'220 s.example ESMTP\r\n')
            smtp(line, offers=[b'STARTTLS'])
        with Talker(talk, c.good()) as server:
            code, told, _ = c.send(server.server(), trust=False)
            same((code, told['tls'], told['login']), (0, None, None))
            has(server.said()[0], b'MAIL FROM')


def check_usage():
    with Case() as c:
        for options in (['--tls', 'some'], ['--tls', 'may', '--tls', 'may'],
                        ['--user', 'a'], ['--password-file', c.password],
                        ['--user', '', '--password-file', c.password],
                        ['--oauth'], ['--auth', 'plain'],
                        ['--allow-clear-auth'], ['--tls-trust', c.ca.pem],
                        c.login('--password-command', 'true'),
                        c.login('--auth', 'no-such'),
                        c.login('--auth', 'ntlm'),
                        c.login('--auth', 'anonymous'),
                        c.login('--tls', 'none'),
                        ['--user', 'a', '--password-command', ' '],
                        ['--user', 'a' * 256, '--password-file', c.password]):
            code, told, err = c.send('127.0.0.1:1', *options, trust=False)
            same((code, told), (USAGE, None), options)
            true(err.startswith(b'mailkit: '), err)
        for options in (['--tls', 'starttls', '--tls-trust', '/no/such'],
                        ['--tls', 'starttls', '--tls-trust', c.password],
                        ['--tls', 'starttls', '--tls-trust', '/proc/self'],
                        ['--user', 'a', '--password-file', '/no/such']):
            code, told, err = c.send('127.0.0.1:1', *options, trust=False)
            same((code, told), (NO_INPUT, None), options)
            true(err.startswith(b'mailkit: '), err)


# ---- where the secret comes from ----------------------------------------------

def check_passwords():
    with Case() as c:
        script = c.scratch.file('pass', b'#!/bin/sh\ncat\necho "$1 $2"\n'
                                b'echo more; exit "$3"\n')
        os.chmod(script, 0o700)
        for command, code in ((script + ' correct  horse 0', 0),
                              (script + '\tcorrect horse 3', NO_INPUT),
                              (script + ' wrong horse 0', REFUSED_LOGIN),
                              (script + ' "correct horse" 0', REFUSED_LOGIN),
                              ('printf correct\\040horse\\nx', 0),
                              ('printf abc\\003', NO_INPUT),
                              ('printf', NO_INPUT), ('true', NO_INPUT),
                              (script + '-gone', NO_INPUT),
                              ('head -c 9000 /dev/zero', NO_INPUT)):
            with Talker(implicit(judge=plain), c.good()) as server:
                got = c.send(server.server(), '--tls', 'implicit', '--user',
                             'alice', '--password-command', command)
                same(got[0], code, (command, got))
                has(b'' if code == NO_INPUT else server.said()[1],
                    b'' if code else b'Subject: hello')
        for octets, code in ((PASSWORD, 0), (PASSWORD + b'\r\n', 0),
                             (b'\n' + PASSWORD, NO_INPUT), (b'', NO_INPUT),
                             (PASSWORD + b'\0\n', NO_INPUT),
                             (b'x' * 256, NO_INPUT),
                             (PASSWORD + b' \n', REFUSED_LOGIN)):
            path = c.scratch.file('password', octets)
            os.chmod(path, 0o600)
            with Talker(implicit(judge=plain), c.good()) as server:
                got = c.send(server.server(), '--tls', 'implicit',
                             *c.login())
                same(got[0], code, (octets, got))


def check_password_that_others_can_read():
    with Case() as c:
        for mode, is_open in ((0o600, False), (0o400, False), (0o644, True),
                              (0o640, True)):
            os.chmod(c.password, mode)
            with Talker(implicit(judge=plain), c.good()) as server:
                code, _, err = c.send(server.server(), '--tls', 'implicit',
                                      *c.login())
                same((code, b'others can read' in err), (0, is_open), mode)


def check_dialogue_hides_secrets():
    with Case() as c:
        for mechanism, judge in (('PLAIN', plain), ('LOGIN', login)):
            for word, way in WAYS:
                with Talker(way(offers=[b'AUTH ' + mechanism.encode()],
                                judge=judge), c.good()) as server:
                    code, _, err = c.send(server.server(), '--tls', word,
                                          '--dialogue', *c.login())
                    same(code, 0, err)
                has(err, b'C: AUTH ' + mechanism.encode())
                has(err, b'****\n')
                has(err, b'verified: localhost\n')
                has(err, b'S: 235 2.7.0 welcome\n')
                has(err, b'C: MAIL FROM:<eve@example.com>\n')
                has(err, b'C: QUIT\n')
                true((b'\n-- TLS begins\n' in err) == (word == 'starttls'),
                     err)
                for secret in (*SECRETS, b'YWxpY2U'):
                    true(secret not in err, err)

        def hasty(line):  # a verdict before there was anything to judge
            line.start_tls()
            line.send(b'220 s\r\n')
            line.line()
            line.send(b'250-s\r\n250 AUTH LOGIN\r\n')
            line.line()
            line.send(b'334 VXNlcm5hbWU6\r\n235 ok\r\n334 UGFzc3dvcmQ6\r\n')
        with Talker(hasty, c.good()) as server:
            code, told, err = c.send(server.server(), '--tls', 'implicit',
                                     '--dialogue', *c.login())
            true(code in (LATER, PROTOCOL) and not told['delivered'], told)
            for secret in (*SECRETS, b'YWxpY2U'):
                true(secret not in err, err)


# ---- mechanisms ------------------------------------------------------------------

def login(line, command):
    if command != b'AUTH LOGIN':
        return False
    line.send(b'334 VXNlcm5hbWU6\r\n')
    name = base64.b64decode(line.line())
    line.send(b'334 UGFzc3dvcmQ6\r\n')
    return (name, base64.b64decode(line.line())) == (b'alice', PASSWORD)


def cram(line, _):
    challenge = b'<1.2@s.example>'
    line.send(b'334 ' + base64.b64encode(challenge) + b'\r\n')
    name, _, digest = base64.b64decode(line.line()).partition(b' ')
    return name == b'alice' and digest.decode() == hmac.new(
        PASSWORD, challenge, 'md5').hexdigest()


def scram(digest, honest=True):
    """RFC 5802 by hashlib."""
    def judge(line, command):
        mac = lambda key, text: hmac.new(key, text, digest).digest()
        first = base64.b64decode(command.split(b' ')[2])
        head, bare = first[:3], first[3:]
        nonce = bare.partition(b',r=')[2] + b'abcdef'
        salt = os.urandom(16)
        given = b'r=%s,s=%s,i=4096' % (nonce, base64.b64encode(salt))
        line.send(b'334 ' + base64.b64encode(given) + b'\r\n')
        last = base64.b64decode(line.line())
        without, _, proof = last.partition(b',p=')
        true(without == b'c=%s,r=%s' % (base64.b64encode(head), nonce), last)
        salted = hashlib.pbkdf2_hmac(digest, PASSWORD, salt, 4096)
        key = mac(salted, b'Client Key')
        text = b','.join((bare, given, without))
        sign = mac(hashlib.new(digest, key).digest(), text)
        if bytes(a ^ b for a, b in zip(key, sign)) != base64.b64decode(proof):
            return False
        word = mac(mac(salted, b'Server Key'), text)
        word = word if honest else word[::-1]
        line.send(b'334 ' + base64.b64encode(
            b'v=' + base64.b64encode(word)) + b'\r\n')
        return line.line() == b''
    return judge


def xoauth2(_, command):
    return command == b'AUTH XOAUTH2 ' + base64.b64encode(
        b'user=alice\x01auth=Bearer ' + b'tok3n' + b'\x01\x01')


def bearer(_, command):
    got = base64.b64decode(command.split(b' ')[2])
    return (command.startswith(b'AUTH OAUTHBEARER ') and
            got.startswith(b'n,a=alice,\x01') and
            b'\x01host=localhost\x01port=' in got and
            got.endswith(b'\x01auth=Bearer tok3n\x01\x01'))


def check_mechanisms():
    with Case() as c:
        token = c.scratch.file('token', b'tok3n\n')
        os.chmod(token, 0o600)
        oauth = ['--user', 'alice', '--password-file', token, '--oauth']
        everything = b'AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256'
        for offer, judge, name, options in (
                (b'AUTH LOGIN', login, 'LOGIN', c.login()),
                (b'AUTH CRAM-MD5', cram, 'CRAM-MD5', c.login()),
                (b'AUTH SCRAM-SHA-1', scram('sha1'), 'SCRAM-SHA-1',
                 c.login()),
                (everything, scram('sha256'), 'SCRAM-SHA-256', c.login()),
                (everything, cram, 'CRAM-MD5', c.login('--auth', 'cram-md5')),
                (everything, plain, 'PLAIN', c.login('--auth', 'LOGIN',
                                                     '--auth', 'plain')),
                (b'AUTH PLAIN XOAUTH2', xoauth2, 'XOAUTH2', oauth),
                (b'AUTH XOAUTH2 OAUTHBEARER', bearer, 'OAUTHBEARER', oauth)):
            with Talker(implicit(offers=[offer], judge=judge),
                        c.good()) as server:
                code, told, err = c.send(server.server(), '--tls', 'implicit',
                                         *options)
                same((code, told['login'], err), (0, name, b''), offer)
                same(server.errors, [])


def check_login_refused():
    with Case() as c:
        for reply, want, verdict in (
                (b'535 5.7.8 no\r\n', REFUSED_LOGIN, 'refused'),
                (b'454 4.7.0 later\r\n', LATER, 'deferred'),
                (b'421 4.7.0 go away\r\n', LATER, 'deferred')):
            def judge(line, _, reply=reply):
                line.send(reply)
                line.line()
                return False
            with Talker(implicit(judge=judge), c.good()) as server:
                code, told, _ = c.send(server.server(), '--tls', 'implicit',
                                       *c.login())
                row = told['recipients'][0]
                same((code, row['code'], row['verdict'], told['login']),
                     (want, int(reply[:3]), verdict, None))
                true(b'MAIL' not in server.said()[1], 'no mail')


def check_sec_047_server_that_does_not_know_the_password():
    with Case() as c:
        liars = (scram('sha256', honest=False), lambda *_: True,
                 lambda line, _: (line.send(b'334 dj1hYmNk\r\n'),
                                  line.line() is not None)[1])
        for judge in liars:
            with Talker(implicit(offers=[b'AUTH SCRAM-SHA-256'],
                                 judge=judge), c.good()) as server:
                code, told, err = c.send(server.server(), '--tls', 'implicit',
                                         *c.login())
                true(code in (PROTOCOL, REFUSED_LOGIN), (code, err))
                same(told['delivered'], 0)
                true(b'MAIL' not in server.said()[1], 'no mail')


def check_openssl_in_its_place():
    """Another TLS library behind the same engine: the one-page example."""
    with Case() as c:
        other = Authority(c.scratch, 'other')
        for pair, want, text in (
                (c.ca.issue(), 0, b'success'),
                (other.issue(), 1, b'not signed by a trusted one'),
                (c.ca.issue('DNS:other.example'), 1, b'another name')):
            with Talker(starttls(), server_context(pair)) as server:
                code, out, err = run(
                    [program('tls_openssl'), 'localhost', server.port,
                     c.ca.pem, 'eve@example.com', 'alice@example.org'],
                    TEXT.replace(b'\n', b'\r\n'))
                same((code, err), (want, b''))
                has(out, text)
                clear, inside = server.said()
                silent(clear, text)
                same(b'hello' in inside, want == 0)

        def talk(line):
            to_starttls(line, b'250 AUTH PLAIN\r\n')
        with Talker(talk) as server:
            code, out, _ = run([program('tls_openssl'), 'localhost',
                                server.port, c.ca.pem, 'eve@example.com',
                                'alice@example.org'], TEXT)
            same(code, 1)
            has(out, b'clear text')
            silent(server.said()[0], 'injected')


def check_openssl_body():
    """A body of any size is whole, and one that may not go out is over."""
    with Case() as c:
        def send(body):
            taken = []

            def talk(line):
                to_starttls(line)
                line.start_tls()
                while (command := line.line()) not in (b'QUIT', None):
                    line.send(b'354 go\r\n' if command == b'DATA'
                              else b'250 ok\r\n')
                    while command == b'DATA':
                        got = line.line()
                        if got in (b'.', None):
                            line.send(b'250 ok\r\n')
                            break
                        taken.append(got + b'\r\n')
                line.send(b'221 bye\r\n')
            with Talker(talk, c.good()) as server:
                code, _, err = run(
                    [program('tls_openssl'), 'localhost', server.port,
                     c.ca.pem, 'eve@example.com', 'alice@example.org'], body)
                same(err, b'')
                server.said()
            return code, b''.join(taken)
        for lines in (0, 1, 1024, 1025):  # of 64 octets
            body = (b'x' * 62 + b'\r\n') * lines
            same(send(body), (0, body))
        for body in (b'bare\nLF\r\n', b'x' * 70000 + b'\r.\r\n',
                     b'nul\0\r\n'):
            same(send(body)[0], 1, body[-9:])


def check_openssl_garbage():
    """What is no TLS inside of it ends the session at once."""
    with Case() as c:
        for junk in (b'\x17\x03\x03\x00\x20' + b'\0' * 32, b'250 ok\r\n',
                     b'\x15\x03\x03\x00\x02\x02\x28'):
            def talk(line):
                to_starttls(line)
                line.start_tls()
                line.line()
                with socket.socket(fileno=os.dup(
                        line.socket.fileno())) as below:
                    below.sendall(junk)
                    while below.recv(4096):  # it is the client that ends it
                        pass
            with Talker(talk, c.good()) as server:
                code, out, err = run(
                    [program('tls_openssl'), 'localhost', server.port,
                     c.ca.pem, 'eve@example.com', 'alice@example.org'],
                    TEXT.replace(b'\n', b'\r\n'))
                same((code, err), (1, b''))
                has(out, b'TLS', junk)


# ---- threats -------------------------------------------------------------------

def each_bad_certificate(c):
    other = Authority(c.scratch, 'other')
    for pair, text in (
            (c.ca.issue(use='clientAuth'), b'not meant for this use'),
            (c.ca.issue(use='codeSigning'), b'not meant for this use'),
            (c.ca.self_signed(), b'not signed by a trusted'),
            (other.issue(), b'not signed by a trusted'),
            (c.ca.issue('DNS:other.example'), b'for another name'),
            (c.ca.issue('DNS:l*host'), b'for another name'),
            (c.ca.issue('DNS:localhost.other.example'), b'for another name'),
            (c.ca.issue('IP:127.0.0.1'), b'for another name'),
            (c.ca.issue(until=-0.5), b'expired or is not yet valid'),
            (c.ca.issue(since=1), b'expired or is not yet valid'),
            (c.ca.issue(key='rsa:512'), b'too weak'),
            (c.ca.issue(key='rsa:1024'), b'too weak'),
            (c.ca.issue(digest='sha1'), b'too weak')):
        yield server_context(pair, weak=True), text


def check_sec_035_certificates_of_others():
    """Also THREATS 34: each fails with its own words, in both ways, and the
    server learns no name, no secret and nothing of the message."""
    with Case() as c:
        for context, text in each_bad_certificate(c):
            for word, way in WAYS:
                with Talker(way(judge=plain), context) as server:
                    code, told, err = c.send(server.server(), '--tls', word,
                                             *c.login())
                    same((code, told['delivered']), (PROTOCOL, 0), text)
                    has(err, text)
                    has(told['recipients'][0]['text'].encode(), text)
                    clear, inside = server.said()
                    silent(clear, text)
                    same(inside, b'', text)


def check_sec_034_name_and_address():
    with Case() as c:
        for names, host, want in (('DNS:localhost', 'localhost', 0),
                                  ('DNS:localhost', '127.0.0.1', PROTOCOL),
                                  ('IP:127.0.0.1', '127.0.0.1', 0),
                                  ('DNS:127.0.0.1', '127.0.0.1', PROTOCOL),
                                  ('IP:127.0.0.2', '127.0.0.1', PROTOCOL)):
            with Talker(implicit(), server_context(
                    c.ca.issue(names))) as server:
                code, told, _ = c.send(server.server(host), '--tls',
                                       'implicit')
                same((code, told['delivered']), (want, int(not want)), names)


def check_sec_036_encrypted_is_not_verified():
    """--tls may sends the message and says so; a login wants more."""
    with Case() as c:
        for context, text in each_bad_certificate(c):
            with Talker(starttls(), context) as server:
                code, told, _ = c.send(server.server(), '--tls', 'may')
                same((code, told['tls']['verified']), (0, False), text)
                has(told['tls']['why'].encode(), text)
            with Talker(starttls(judge=plain), context) as server:
                code, told, _ = c.send(server.server(), '--tls', 'may',
                                       *c.login())
                same((code, told['delivered'], told['login']),
                     (PROTOCOL, 0, None), text)
                for octets in server.said():
                    silent(octets, text)


STRIPPED = (
    b'', b'454 4.7.0 not now\r\n', b'502 5.5.1 no\r\n', b'250 ok\r\n',
    b'220 go\r\n', b'220 go\r\n250-s.example\r\n250 AUTH PLAIN\r\n',
    b'220 go\r\n250 ok\r\n' * 20, b'220 go\r\n220 go\r\n')


def check_sec_030_stripping():
    """Also THREATS 29: STARTTLS is not offered, refused, or answered and
    followed by clear text at once or later."""
    with Case() as c:
        for reply in STRIPPED:
            for after in (b'250-s\r\n250 AUTH PLAIN\r\n235 ok\r\n', None):
                def talk(line, reply=reply, after=after):
                    line.send(b'220 s ESMTP\r\n')
                    line.line()
                    line.send(b'250-s\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n'
                              if reply else b'250-s\r\n250 AUTH PLAIN\r\n')
                    if line.line() == b'QUIT':
                        line.send(b'221 bye\r\n')
                        return
                    line.send(reply)
                    if after is None:
                        line.socket.shutdown(socket.SHUT_WR)
                    elif line.socket.recv(1, socket.MSG_PEEK):  # it goes on
                        line.send(after)
                for options in (c.login(), ['--tls', 'starttls'],
                                c.login('--tls', 'starttls')):
                    with Talker(talk) as server:
                        code, told, _ = c.send(server.server(), *options)
                        true(code in (PROTOCOL, LATER), (code, reply))
                        true(after is None or code == PROTOCOL, (code, reply))
                        same((told['tls'], told['delivered']), (None, 0))
                        silent(server.said()[0], reply)


def check_sec_029_replies_before_tls():
    """What stands behind the 220 in one packet is not taken for a reply to
    what is said within TLS."""
    with Case() as c:
        for extra in (b'250-s\r\n250 AUTH PLAIN\r\n', b'2', b'\x16\x03\x03'):
            def talk(line, extra=extra):
                to_starttls(line, extra)
                line.start_tls()
                smtp(line, judge=plain)
            for options in (c.login(), ['--tls', 'starttls'],
                            ['--tls', 'may']):
                with Talker(talk, c.good()) as server:
                    code, told, err = c.send(server.server(), *options)
                    same((code, told['tls'], told['delivered']),
                         (PROTOCOL, None, 0), (extra, options))
                    has(err, b'clear text')
                    silent(server.said()[0], extra)


def check_sec_032_stale_capabilities():
    with Case() as c:
        # a login that was offered in clear only is not offered
        for offers in ([], [b'AUTH'], [b'AUTH X-OTHER']):
            with Talker(starttls([b'STARTTLS', b'AUTH PLAIN LOGIN'],
                                 offers=offers, judge=plain),
                        c.good()) as server:
                code, told, err = c.send(server.server(), *c.login())
                same((code, told['delivered']), (REFUSED_LOGIN, 0), offers)
                has(err, b'no way to log in')
                silent(server.said()[1], offers)
        # a limit said in clear does not bind, and one within TLS does
        with Talker(starttls([b'STARTTLS', b'SIZE 1'], judge=plain),
                    c.good()) as server:
            same(c.send(server.server(), *c.login())[0], 0)
        message = c.scratch.file('m', TEXT)
        for before, after, want in ((b'SIZE 1', b'SIZE 1000', 0),
                                    (b'SIZE 1000', b'SIZE 1', 69)):
            with Talker(starttls([b'STARTTLS', before], offers=[after]),
                        c.good()) as server:
                same(c.send(server.server(), '--tls', 'starttls',
                            message)[0], want)


def check_sec_041_no_secret_in_clear():
    """Nor after the strongest mechanism has failed."""
    with Case() as c:
        for offer in (b'AUTH PLAIN LOGIN', b'AUTH LOGIN', b'AUTH=PLAIN',
                      b'AUTH SCRAM-SHA-256 PLAIN'):
            rules = [(b'EHLO', b'250-s\r\n250 ' + offer + b'\r\n')]
            for options in (c.login(), c.login('--tls', 'may')):
                with Script(rules) as server:
                    code, told, _ = c.send(server.server(), *options)
                    true(code in (PROTOCOL, REFUSED_LOGIN), code)
                    same(told['delivered'], 0)
                    silent(b''.join(server.seen), offer)
            with Script([*rules, (b'AUTH', b'535 5.7.8 no\r\n')]) as server:
                code, _, _ = c.send(server.server(), *c.login(
                    '--tls', 'none', '--allow-clear-auth'), trust=False)
                same(code, REFUSED_LOGIN)  # as asked for
        tried = []

        def judge(line, command):
            tried.append(command.split(b' ')[1])
            return False
        with Talker(implicit(offers=[b'AUTH PLAIN LOGIN SCRAM-SHA-256'],
                             judge=judge), c.good()) as server:
            same(c.send(server.server(), '--tls', 'implicit', *c.login())[0],
                 REFUSED_LOGIN)
            same(tried, [b'SCRAM-SHA-256'])
        with Talker(implicit(judge=judge), c.good()) as server:
            code, _, err = c.send(server.server(), '--tls', 'implicit',
                                  *c.login('--auth', 'scram-sha-256'))
            same((code, len(tried)), (REFUSED_LOGIN, 1))


def check_sec_046_iterations():
    with Case() as c:
        for count in (b'1', b'0', b'4294967295', b'+4096', b'4096x', b''):
            def judge(line, command, count=count):
                first = base64.b64decode(command.split(b' ')[2])
                nonce = first.partition(b',r=')[2] + b'abc'
                line.send(b'334 ' + base64.b64encode(
                    b'r=%s,s=c2FsdA==,i=%s' % (nonce, count)) + b'\r\n')
                same(line.line(), b'*')
                return False
            with Talker(implicit(offers=[b'AUTH SCRAM-SHA-256'],
                                 judge=judge), c.good()) as server:
                code, told, _ = c.send(server.server(), '--tls', 'implicit',
                                       *c.login())
                true(code and not told['delivered'], (count, code))
                same(server.errors, [])


def check_sec_039_truncation():
    """An end without close_notify: no success before the whole reply came,
    and none is taken back after it."""
    with Case() as c:
        for end, is_orderly, want in (
                (b'', False, LATER), (b'', True, LATER),
                (b'250 2.0.0 ta', False, LATER), (b'250 2.0.0 ta', True, LATER),
                (b'250-2.0.0 ta\r\n', False, LATER),
                (b'250 2.0.0 taken\r\n', False, 0),
                (b'250 2.0.0 taken\r\n', True, 0)):
            def talk(line, end=end, is_orderly=is_orderly):
                line.start_tls()
                line.send(b'220 s\r\n')
                for reply in (b'250 s', b'250 ok', b'250 ok', b'354 go'):
                    line.line()
                    line.send(reply + b'\r\n')
                while line.line() != b'.':
                    pass
                line.send(end)
                if is_orderly:
                    line.socket = line.socket.unwrap()
                line.socket.shutdown(socket.SHUT_WR)
            with Talker(talk, c.good()) as server:
                code, told, _ = c.send(server.server(), '--tls', 'implicit')
                row = told['recipients'][0]
                same((code, row['verdict']),
                     (want, 'unknown' if want else 'delivered'), end)


if __name__ == '__main__':
    sys.exit(main(globals()))
