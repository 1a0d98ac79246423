#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sessions of POP3 with mailkitd as a client of single octets sees them: what is
deleted and when, what several sessions see of one maildrop, logins, the order
of pipelined replies, large messages."""
import base64
import json
import os
import socket
import struct
import sys
import threading

from lib import pop3_clients as clients
from lib.case import SLOW, Scratch, has, main, program, run, same, true
from lib.pop3 import HARD, LONG, Pop3Daemon, left, messages, whole


def wire(text):
    return whole(text).replace(b'\n', b'\r\n')


def header(text):
    """With the empty line behind it."""
    head, empty, _ = (b'\r\n' + wire(text)).partition(b'\r\n\r\n')
    return (head + empty)[2:] if empty else wire(text)


class Session:
    """Octets in, lines out."""

    def __init__(self, server, user='alice', password='one'):
        self.socket = socket.create_connection(('127.0.0.1', server.port),
                                               15 * SLOW)
        self.rest = b''
        self.greeting = self.line()
        if user:
            has(self.ask('USER ' + user), b'+OK')
            has(self.ask('PASS ' + password), b'+OK')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, octets):
        self.socket.sendall(octets)

    def line(self):
        while b'\r\n' not in self.rest:
            got = self.socket.recv(65536)
            if not got:
                return None
            self.rest += got
        line, _, self.rest = self.rest.partition(b'\r\n')
        return line

    def ask(self, command):
        self.send(command.encode() + b'\r\n')
        return self.line()

    def body(self):
        """A reply of several lines, behind its first: octets, unstuffed."""
        lines = []
        while True:
            line = self.line()
            true(line is not None, 'a reply that breaks off')
            if line == b'.':
                return b''.join(one + b'\r\n' for one in lines)
            lines.append(line[1:] if line.startswith(b'.') else line)

    def all(self):
        """What is said up to the end of the connection."""
        while True:
            try:
                got = self.socket.recv(65536)
            except ConnectionResetError:
                got = b''
            if not got:
                return self.rest
            self.rest += got

    def reset(self):
        """As when the network breaks."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               struct.pack('ii', 1, 0))
        self.socket.close()


def check_deleted_at_quit_only():
    texts = messages(12)
    with Scratch() as scratch, Pop3Daemon(scratch, texts) as server:
        for leave in (Session.reset, lambda s: s.socket.close(),
                      lambda s: s.send(b'QUIT\r'),
                      lambda s: (s.ask('RSET'), s.ask('QUIT'))):
            with Session(server) as s:
                for n in range(1, 13):
                    has(s.ask('DELE %d' % n), b'+OK')
                same(s.ask('STAT'), b'+OK 0 0')
                leave(s)
            server.quiet()
            same(len(server.left()), 12)
        with Session(server) as s:
            for n in (1, 5, 12):
                has(s.ask('DELE %d' % n), b'+OK')
            has(s.ask('RETR 5'), b'-ERR')
            has(s.ask('DELE 5'), b'-ERR')
            same(len(server.left()), 12)
            has(s.ask('QUIT'), b'+OK')
            same(s.line(), None)
        same(server.left(), sorted(t for n, t in enumerate(texts)
                                   if n not in (0, 4, 11)))


def check_what_a_session_sees():
    """New mail is for the next session; what is moved or flagged meanwhile is
    found, what is gone is told."""
    texts = messages(6)
    with Scratch() as scratch, Pop3Daemon(scratch, texts) as server:
        with Session(server) as s:
            ids = []
            has(s.ask('UIDL'), b'+OK')
            ids = s.body().split()
            new, cur = server.mail() + '/new/', server.mail() + '/cur/'
            with open(new + '1900000000.M1.there', 'wb') as f:
                f.write(b'Subject: new\n\nnew\n')
            for name in os.listdir(new):
                if name.startswith('1700000001'):  # read by another program
                    os.rename(new + name, cur + name + ':2,RS')
            for name in os.listdir(cur):
                if name.startswith('1700000003'):
                    os.unlink(cur + name)
            same(s.ask('STAT').split()[1], b'6')
            has(s.ask('RETR 2'), b'+OK')
            same(s.body(), wire(texts[1]))
            has(s.ask('RETR 4'), b'-ERR')
            has(s.ask('QUIT'), b'+OK')
        with Session(server) as s:
            has(s.ask('UIDL'), b'+OK')
            again = s.body().split()
            same(again[1::2][:5], [i for n, i in enumerate(ids[1::2])
                                   if n != 3])
            same(len(again), 12)


def check_pipelined():
    """All commands in one write, or octet by octet: replies in order."""
    texts = messages(40, hard=HARD + LONG)
    with Scratch() as scratch, Pop3Daemon(scratch, texts) as server:
        asked = b''.join(b'RETR %d\r\nTOP %d 0\r\nDELE %d\r\n' % (n, n, n)
                         for n in range(1, 41)) + b'STAT\r\nRSET\r\nQUIT\r\n'
        for slowly in (False, True):
            with Session(server) as s:
                part = asked if not slowly else asked[:400]
                count = 40 if not slowly else asked[:400].count(b'DELE')
                for i in range(0, len(part), 1 if slowly else len(part)):
                    s.send(part[i:i + (1 if slowly else len(part))])
                for text in texts[:count]:
                    has(s.line(), b'+OK')
                    same(s.body(), wire(text))
                    has(s.line(), b'+OK')
                    same(s.body(), header(text))
                    has(s.line(), b'+OK')
                if not slowly:
                    same(s.line(), b'+OK 0 0')
                    has(s.line(), b'+OK')
                    has(s.line(), b'+OK')
                    same(s.line(), None)


def check_sizes_are_those_of_the_wire():
    texts = messages(30, hard=HARD + LONG)
    with Scratch() as scratch, Pop3Daemon(scratch, texts) as server:
        with Session(server) as s:
            has(s.ask('LIST'), b'+OK')
            rows = s.body().split()
            same([int(x) for x in rows[1::2]], [len(wire(t)) for t in texts])
            same(s.ask('STAT'), b'+OK 30 %d' % sum(
                len(wire(t)) for t in texts))


def check_wrong_logins():
    """A wrong name and a wrong password look alike; nothing is open behind
    them; the mailbox of nobody else is."""
    texts = messages(3)
    with Scratch() as scratch, Pop3Daemon(scratch, texts) as server:
        said = set()
        for user, password in (('alice', 'two'), ('mallory', 'one'),
                               ('alice', 'onee'), ('bob', '')):
            with Session(server, user=None) as s:
                has(s.ask('USER ' + user), b'+OK')
                said.add(s.ask('PASS ' + password) if password else None)
                has(s.ask('STAT'), b'-ERR')
                has(s.ask('RETR 1'), b'-ERR')
        said.discard(None)
        same(len(said), 1, said)
        has(said.pop(), b'-ERR')
        with Session(server, user=None) as s:
            plain = base64.b64encode(b'\0alice\0one').decode()
            has(s.ask('AUTH PLAIN ' + plain), b'+OK')
            same(s.ask('STAT').split()[1], b'3')


def check_sec_041_login_in_clear():
    """Without --allow-clear-auth nothing that shows a password is offered, or
    taken, before TLS; behind STLS it is."""
    with Scratch() as scratch, Pop3Daemon(scratch, messages(3),
                                          clear=False) as server:
        with Session(server, user=None) as s:
            has(s.ask('CAPA'), b'+OK')
            capa = s.body()
            for word in (b'USER', b'PLAIN', b'LOGIN\r', b'OAUTH'):
                true(word not in capa, capa)
            has(capa, b'STLS\r\n')
            has(s.ask('USER alice'), b'-ERR')
            has(s.ask('AUTH PLAIN ' + base64.b64encode(
                b'\0alice\0one').decode()), b'-ERR')
            has(s.ask('STAT'), b'-ERR')
        for mode in clients.MODES[1:]:
            same(len(clients.python(None, server, mode, 'user', keep=True)), 3)
        try:
            clients.python(None, server, clients.CLEAR, 'user', keep=True)
            true(False, 'a password was taken in clear')
        except clients.Refused:
            pass
        # and what was said before STLS is not heard behind it (THREATS 28)
        with Session(server, user=None) as s:
            s.send(b'STLS\r\nUSER alice\r\nPASS one\r\nSTAT\r\n')
            lines = [s.line() for _ in range(2)]
            true(not any(x and x.startswith(b'+OK 3') for x in lines), lines)


def check_large_messages_stream():
    """Eight readers of 40 MB, one of whom does not read: memory stays."""
    big = b'Subject: big\n\n' + (b'.' + b'x' * 76 + b'\n') * 520000
    with Scratch() as scratch, Pop3Daemon(
            scratch, [b'Subject: small\n\n.\n', big]) as server:
        with Session(server) as s:
            has(s.ask('RETR 1'), b'+OK')
            s.body()
            before = server.peak_kib()
        lazy = Session(server)
        lazy.send(b'RETR 2\r\n')
        found = []

        def read():
            c = clients.connect(server, clients.CLEAR)
            clients.login(c, 'user', 'one')
            found.append(sum(map(len, c.retr(2)[1])))
            c.quit()
        threads = [threading.Thread(target=read) for _ in range(3)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(60 * SLOW)
        same(found, [len(big) - big.count(b'\n')] * 3)
        true(server.peak_kib() - before < 16 * 1024,
             '%d KiB more' % (server.peak_kib() - before))
        lazy.reset()


def check_our_own_client():
    """`mailkit fetch`, also by mechanisms that nobody else knows."""
    texts = messages(60, hard=HARD + LONG)
    with Scratch() as scratch, Pop3Daemon(scratch, texts) as server:
        word = scratch.file('word', 'one\n')
        os.chmod(word, 0o600)
        for n, (mode, auth) in enumerate((
                (clients.CLEAR, 'CRAM-MD5'), (clients.STARTTLS, 'SCRAM-SHA-256'),
                (clients.IMPLICIT, 'SCRAM-SHA-1'),
                (clients.STARTTLS, 'SCRAM-SHA-256-PLUS'),
                (clients.IMPLICIT, 'SCRAM-SHA-1-PLUS'), (clients.STARTTLS, ''))):
            box = '%s/box%d' % (scratch.path, n)
            keep = ['--keep', '--auth', auth] if auth else []
            code, out, err = run([
                program('mailkit'), 'fetch', '%s://alice@localhost:%d/' % (
                    'pop3s' if mode == clients.IMPLICIT else 'pop3',
                    clients.port_of(server, mode)), '--into', 'maildir:' + box,
                '--password-file', word, '--json', *keep,
                *(('--tls', 'none', '--allow-clear-auth')
                  if mode == clients.CLEAR else
                  ('--tls-trust', server.ca.pem))], seconds=30)
            same((code, err), (0, b''), (mode, auth))
            told = json.loads(out)
            same((told['fetched'], told['login']),
                 (60, auth or 'SCRAM-SHA-256-PLUS'))
            same(left(box), sorted(map(whole, texts)))
        same(server.left(), [])


def check_sec_012_other_protocols():
    """They are told nothing that they could use, and the connection ends."""
    with Scratch() as scratch, Pop3Daemon(scratch, messages(1)) as server:
        for octets in (b'GET /<script> HTTP/1.1\r\nHost: x\r\n\r\n',
                       b'POST /<script> HTTP/1.1\r\n\r\nUSER alice\r\n',
                       b'CONNECT script:25 HTTP/1.1\r\n\r\n',
                       b'\x16\x03\x01\x02\x00\x01\x00\x01\xfcscript\r\n',
                       b'SSH-2.0-OpenSSH_9.2 script\r\n'):
            with Session(server, user=None) as s:
                s.send(octets)
                said = s.all()
                true(b'script' not in said and b'+OK' not in said, said)
                true(said.count(b'-ERR') <= 1, said)


if __name__ == '__main__':
    sys.exit(main(globals()))
