#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""LMTP (RFC 2033): mailkitd serves it, to `mailkit send --lmtp`, to Python's
smtplib and to single octets; and `mailkit send --lmtp` hands mail over to
Dovecot's, by TCP and by a socket in the file system. Each recipient has an
outcome of its own."""
import json
import os
import smtplib
import stat
import sys

from lib.case import SLOW, Scratch, has, main, need, run, same, true
from lib.daemon import Daemon
from lib.dovecot import UNPRIVILEGED, Dovecot
from lib.listeners import (ALICE, BOB, NOBODY, TEXT, Served, offers, received,
                           reply_to_each, send, verdicts)
from lib.maildir import field, names_in, split
from lib.sink import free_port
from lib.wire import Wire

DOVECOT = """
base_dir = {dir}/run
state_dir = {dir}/run
log_path = {dir}/log
protocols = lmtp
ssl = no
hostname = mx.dovecot.example
postmaster_address = postmaster@example.org
mail_location = maildir:{dir}/mail/%u
auth_mechanisms = {mechanisms}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {dir}/users
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={dir}/mail/%u
}}
service lmtp {{
  chroot =
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
  unix_listener {dir}/lmtp {{
    mode = 0666
  }}
}}
""" + UNPRIVILEGED


class LmtpDovecot(Dovecot):
    """Dovecot's LMTP server for alice and bob at example.org."""

    def __init__(self, scratch):
        if not os.path.exists('/usr/lib/dovecot/lmtp'):
            need('dovecot-lmtpd')
        self.port = free_port()
        super().__init__(scratch, 'plain',
                         '%s:one::::::\n%s:two::::::\n' % (ALICE, BOB),
                         conf=DOVECOT, port=self.port)
        self.socket = self.dir + '/lmtp'
        os.makedirs(self.dir + '/mail')
        os.chmod(self.dir, 0o711)
        os.chown(self.dir + '/mail', 65534, 65534)

    def is_ready(self):
        return (os.path.exists(self.socket) and
                stat.S_ISSOCK(os.stat(self.socket).st_mode))

    def messages(self, user):
        found = []
        top = os.path.join(self.dir, 'mail', user, 'new')
        for name in names_in(top) if os.path.isdir(top) else []:
            with open(os.path.join(top, name), 'rb') as f:
                found.append(f.read().replace(b'\r\n', b'\n'))
        return found


def check_an_outcome_each():
    with Scratch() as scratch, Served(scratch, serve=('lmtp', 'smtp')) as d:
        code, rows, err = send(d.server('lmtp'), '--lmtp',
                               to=(ALICE, NOBODY, BOB))
        same((code, err), (69, ''))
        same(verdicts(rows), [(ALICE, '250'), (NOBODY, '550'), (BOB, '250')])
        for user in ('alice', 'bob'):
            octets = d.box(user).only()
            true(octets.endswith(TEXT), octets)
            same(received(octets)[0], 'LMTP')
            same(field(octets, 'Return-Path'), [b'<eve@example.com>'])
        # it is another protocol than SMTP, both ways
        code, rows, _ = send(d.server('lmtp'))
        true(code in (69, 76), (code, rows))
        code, rows, _ = send(d.server('smtp'), '--lmtp')
        true(code in (69, 76), (code, rows))
        same(d.box().count(), 1)


def check_one_box_is_broken():
    """A file where a mailbox should be: this one is put off, in the same
    transaction the other has its message."""
    with Scratch() as scratch, Served(scratch, serve=('lmtp',)) as d:
        scratch.dir('mail/example.org')
        scratch.file('mail/example.org/bob', b'')
        for n, to in enumerate(((ALICE, BOB), (BOB, ALICE)), 1):
            code, rows, _ = send(d.server(), '--lmtp', to=to)
            found = dict(verdicts(rows))
            same(code, 75, rows)
            same((found[ALICE], found[BOB][0]), ('250', '4'), rows)
            same(d.box().count(), n, 'messages of alice')
        os.unlink(scratch.path + '/mail/example.org/bob')
        code, rows, _ = send(d.server(), '--lmtp', to=(ALICE, BOB))
        same((code, d.box('bob').count()), (0, 1), rows)


def check_json_tells_each():
    with Scratch() as scratch, Served(scratch, serve=('lmtp',)) as d:
        code, rows, _ = send(d.server(), '--lmtp', '--json',
                             to=(ALICE, NOBODY))
        told = json.loads('\n'.join('\t'.join(row) for row in rows))
        same((code, told['delivered']), (69, 1))
        same([(r['verdict'], r['command']) for r in told['recipients']],
             [('delivered', 'end of data'), ('refused', 'RCPT')])


def check_octets():
    with Scratch() as scratch, Served(scratch, serve=('lmtp',)) as d:
        with Wire(d.port) as wire:
            for line in ('HELO x.example', 'EHLO x.example'):
                true(wire.say(line)[0] in (500, 502), line)
            told = offers(wire, 'LHLO')
            for keyword in ('PIPELINING', 'ENHANCEDSTATUSCODES', '8BITMIME',
                            'CHUNKING'):
                true(keyword in told, told)
            # nobody is taken: DATA is refused, and no reply follows
            wire.expect('MAIL FROM:<eve@example.com>', 250)
            wire.expect('RCPT TO:<%s>' % NOBODY, 550)
            wire.expect('DATA', 503)
            wire.expect('RSET', 250)
            # all at once; the same mailbox twice is asked for twice
            wire.send(b'MAIL FROM:<eve@example.com>\r\nRCPT TO:<%s>\r\n'
                      b'RCPT TO:<%s>\r\nRCPT TO:<%s>\r\nRCPT TO:<%s>\r\n'
                      b'DATA\r\n' % tuple(map(str.encode, (
                          ALICE, NOBODY, BOB, ALICE))))
            same(reply_to_each(wire, 6), [250, 250, 550, 250, 250, 354])
            wire.send(b'Subject: x\r\n\r\nx\r\n.\r\nNOOP\r\nQUIT\r\n')
            same(reply_to_each(wire, 5), [250, 250, 250, 250, 221])
        same((d.box().count(), d.box('bob').count()), (1, 1))


def check_chunks():
    """BDAT LAST has a reply for each too (RFC 2033 4.3, RFC 3030 2)."""
    with Scratch() as scratch, Served(scratch, serve=('lmtp',)) as d:
        with Wire(d.port) as wire:
            offers(wire, 'LHLO')
            wire.send(b'MAIL FROM:<eve@example.com>\r\nRCPT TO:<%s>\r\n'
                      b'RCPT TO:<%s>\r\nBDAT 14\r\nSubject: x\r\n\r\n'
                      b'BDAT 3 LAST\r\nx\r\nQUIT\r\n' % (ALICE.encode(),
                                                         BOB.encode()))
            same(reply_to_each(wire, 7), [250, 250, 250, 250, 250, 250, 221])
        for user in ('alice', 'bob'):
            same(split(d.box(user).only())[1], b'x\n')


def check_smtplib():
    with Scratch() as scratch, Served(scratch, serve=('lmtp',)) as d:
        client = smtplib.LMTP('127.0.0.1', d.port, timeout=20 * SLOW,
                              local_hostname='client.example.com')
        same(client.sendmail('eve@example.com', [ALICE],
                             TEXT.replace(b'\n', b'\r\n')), {})
        try:
            client.sendmail('eve@example.com', [NOBODY], TEXT)
        except smtplib.SMTPRecipientsRefused as why:
            same(why.recipients[NOBODY][0], 550)
        else:
            raise AssertionError('an unknown user was accepted')
        same(client.quit()[0], 221)
        same(received(d.box().only())[0], 'LMTP')


def check_swaks():
    swaks = need('swaks')
    with Scratch() as scratch, Served(scratch, serve=('lmtp',)) as d:
        code, out, err = run([
            swaks, '--protocol', 'LMTP', '--server', '127.0.0.1', '--port',
            d.port, '--helo', 'swaks.example.com', '--from',
            'eve@example.com', '--to', ALICE, '--body', 'by swaks'])
        same(code, 0, err + out)
        has(d.box().only(), b'\n\nby swaks\n')


def check_never_on_port_25():
    with Scratch() as scratch:
        daemon = Daemon(scratch, '--check', listen='lmtp=127.0.0.1:25')
        code, out, err = run(daemon.argv)
        same((code, out), (64, b''))
        has(err, b'LMTP is not served on port 25')
        code, rows, err = send('127.0.0.1:25', '--lmtp')
        same((code, rows), (64, []))
        has(err, 'port 25')


def check_dovecot():
    with Scratch() as scratch, LmtpDovecot(scratch) as dovecot:
        for n, place in enumerate(('127.0.0.1:%d' % dovecot.port,
                                   'unix:' + dovecot.socket), 1):
            code, rows, err = send(place, '--lmtp', to=(ALICE, NOBODY, BOB))
            same((code, err), (69, ''), rows)
            same(verdicts(rows), [(ALICE, '250'), (NOBODY, '550'),
                                  (BOB, '250')])
            for user in (ALICE, BOB):
                found = dovecot.messages(user)
                same(len(found), n, user)
                true(all(m.endswith(TEXT) for m in found), found)
        # several on one connection, with and without chunks
        names = [scratch.file('m%d' % i, b'Subject: %d\n\nx\n' % i)
                 for i in range(5)]
        for chunking in ('auto', 'no'):
            code, rows, err = send('unix:' + dovecot.socket, '--lmtp',
                                   '--chunking', chunking, *names,
                                   to=(ALICE, BOB))
            same((code, err, len(rows)), (0, '', 10))
        same(sorted(field(m, 'Subject')[0] for m in dovecot.messages(BOB)),
             sorted([b'hello'] * 2 + [b'%d' % i for i in range(5)] * 2))


def check_no_such_socket():
    with Scratch() as scratch:
        path = os.path.join(scratch.path, 'gone')
        code, rows, err = send('unix:' + path, '--lmtp')
        same((code, verdicts(rows)), (75, [(ALICE, '-')]))
        has(err, path)
        for argv, why in ((['--tls', 'starttls'], '--tls none'),
                          (['--user', 'x', '--password-file', path],
                           '--allow-clear-auth')):
            code, rows, err = send('unix:' + path, '--lmtp', *argv)
            same((code, rows), (64, []))
            has(err, why)
        code, _, err = send('unix:/' + 'x' * 200, '--lmtp')
        same(code, 64, err)


if __name__ == '__main__':
    sys.exit(main(globals()))
