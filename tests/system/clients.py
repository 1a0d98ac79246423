#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Clients that we did not write deliver through mailkitd: swaks, curl and
Python's smtplib. What they sent is compared with what came to rest."""
import os
import re
import smtplib
import sys

from lib.case import SLOW, Scratch, has, main, need, run, same, true
from lib.daemon import Daemon
from lib.maildir import field, split

LONG = SLOW * 20
RECEIVED = re.compile(
    rb'from (\S+) \(\[127\.0\.0\.1\]\) by mx\.example\.org \(mailkit\) '
    rb'with (E?SMTP) id ([A-Z2-7]{21})(?: for <(\S+)>)?; '
    rb'(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d? \w{3} \d{4} \d\d:\d\d:\d\d '
    rb'\+0000$')


def trace(octets, sender, to, helo=None, kind='ESMTP'):
    """Return-Path: on top, one Received: below it (RFC 5321 4.4); `to` is
    None when there are several recipients, which it must not tell (7.6)."""
    fields = split(octets)[0]
    same(fields[0], ('Return-Path', b'<%s>' % sender.encode()), 'first field')
    same(fields[1][0], 'Received', 'second field')
    found = RECEIVED.match(fields[1][1])
    true(found, 'Received: %r' % fields[1][1])
    same(found.group(4), to and to.encode(), 'for')
    same(found.group(2).decode(), kind, 'with')
    if helo:
        same(found.group(1).decode(), helo, 'from')


def connect(daemon, name='client.example.com'):
    return smtplib.SMTP('127.0.0.1', daemon.port, local_hostname=name,
                        timeout=LONG)


def check_swaks():
    swaks = need('swaks')
    with Scratch() as scratch, Daemon(scratch) as daemon:
        code, out, err = run([
            swaks, '--server', '127.0.0.1', '--port', daemon.port, '--helo',
            'swaks.example.com', '--from', 'eve@example.com', '--to',
            'alice@example.org', '--header', 'Subject: from swaks', '--body',
            'one\n.\n..two\nthree'])
        same(code, 0, err)
        has(out, b'250 2.0.0')
        octets = daemon.box().only()
        trace(octets, 'eve@example.com', 'alice@example.org',
              'swaks.example.com')
        same(field(octets, 'Subject'), [b'from swaks'])
        has(octets, b'\n\none\n.\n..two\nthree\n')
        # A user that is not there, a domain that is not ours: swaks says 24.
        for to, why in (('nobody@example.org', b'550 5.1.1'),
                        ('alice@example.invalid', b'550 5.7.1')):
            code, out, _ = run([swaks, '--server', '127.0.0.1', '--port',
                                daemon.port, '--helo', 'a.example', '--to',
                                to, '--from', 'eve@example.com'])
            same(code, 24, 'swaks to ' + to)
            has(out, why)
        same(daemon.box().count(), 1)


def check_swaks_pipelines():
    swaks = need('swaks')
    with Scratch() as scratch, Daemon(scratch) as daemon:
        code, out, err = run([
            swaks, '--server', '127.0.0.1', '--port', daemon.port, '--helo',
            'swaks.example.com', '--pipeline', '--from', '<>', '--to',
            'alice@example.org,bob@example.org,carol@example.net',
            '--body', 'to three'])
        same(code, 0, err + out)
        for user, domain in (('alice', 'example.org'), ('bob', 'example.org'),
                             ('carol', 'example.net')):
            octets = daemon.box(user, domain).only()
            same(field(octets, 'Return-Path'), [b'<>'])
            has(octets, b'to three')


def check_curl():
    curl = need('curl')
    with Scratch() as scratch, Daemon(scratch) as daemon:
        text = b'Subject: from curl\r\n\r\n.\r\n..\r\n.dots\r\nend\r\n'
        path = scratch.file('message', text)
        code, _, err = run([
            curl, '-sS', '-v', '--url', 'smtp://%s/curl.example.com' %
            daemon.server(), '--mail-from', 'eve@example.com', '--mail-rcpt',
            'alice@example.org', '--mail-rcpt', 'bob@example.org',
            '--upload-file', path])
        same(code, 0, err)
        for user in ('alice', 'bob'):
            octets = daemon.box(user).only()
            trace(octets, 'eve@example.com', None, 'curl.example.com')
            true(octets.endswith(text.replace(b'\r\n', b'\n')), octets)
        # The size is stated in MAIL (RFC 1870) and refused there.
        big = scratch.file('big', b'x' * 78 + b'\r\n')
        os.truncate(big, 30 << 20)
        code, _, err = run([
            curl, '-sS', '-v', '--url', 'smtp://%s/curl.example.com' %
            daemon.server(), '--mail-from', 'eve@example.com', '--mail-rcpt',
            'alice@example.org', '--upload-file', big])
        true(code != 0, 'curl must fail')
        has(err, b'SIZE=')
        has(err, b'< 552 5.3.4')
        # VRFY, NOOP and HELP as curl says them.
        code, out, err = run([
            curl, '-sS', '-v', '--url', 'smtp://' + daemon.server(),
            '--mail-rcpt', 'alice'])
        has(err, b'< 252 ')


def check_smtplib_many_messages():
    with Scratch() as scratch, Daemon(scratch) as daemon:
        client = connect(daemon)
        for n in range(60):
            client.sendmail('eve@example.com', ['alice@example.org'],
                            'Subject: %d\r\n\r\nnumber %d\r\n' % (n, n))
        client.quit()
        messages = daemon.box().messages()
        same(len(messages), 60)
        same(sorted(int(field(m, 'Subject')[0]) for m in messages),
             list(range(60)))
        same(len({RECEIVED.match(field(m, 'Received')[0]).group(3)
                  for m in messages}), 60, 'ids')


def check_smtplib_recipients():
    with Scratch() as scratch, Daemon(scratch) as daemon:
        client = connect(daemon)
        refused = client.sendmail(
            'eve@example.com',
            ['alice@example.org', 'nobody@example.org', 'BOB@Example.ORG',
             'x@example.invalid', 'postmaster@example.net',
             'carol@example.net'],
            'Subject: some\r\n\r\nbody\r\n')
        same({to: why[0] for to, why in refused.items()},
             {'nobody@example.org': 550, 'x@example.invalid': 550})
        for user, domain in (('alice', 'example.org'), ('bob', 'example.org'),
                             ('carol', 'example.net')):
            has(daemon.box(user, domain).only(), b'\n\nbody\n')
        same(daemon.box('postmaster').count(), 1, 'postmaster')
        # nobody is left: 550 for each, and the session goes on
        try:
            client.sendmail('a@example.com', ['nobody@example.org'], 'x')
        except smtplib.SMTPRecipientsRefused as why:
            same(list(why.recipients), ['nobody@example.org'])
        else:
            raise AssertionError('an unknown user was accepted')
        client.sendmail('', ['alice@example.org'], 'again\r\n')
        same(client.quit()[0], 221)
        same(daemon.box().count(), 2)


def check_smtplib_8bit():
    with Scratch() as scratch, Daemon(scratch) as daemon:
        client = connect(daemon)
        octets = bytes(b for b in range(1, 256) if b not in (10, 13))
        text = b'Subject: all octets\r\n\r\n' + octets + b'\r\n'
        client.ehlo()
        true(client.has_extn('8bitmime'), '8BITMIME is offered')
        client.sendmail('eve@example.com', ['alice@example.org'], text,
                        mail_options=['BODY=8BITMIME'])
        client.quit()
        true(daemon.box().only().endswith(b'\n\n' + octets + b'\n'),
             'all octets arrive')


def check_smtplib_big():
    line = bytes(33 + i % 90 for i in range(998)) + b'\r\n'
    text = b'Subject: big\r\n\r\n' + line * (20 * 1024)
    true(20 << 20 > len(text) > 19 << 20, 'twenty megabytes')
    with Scratch() as scratch, Daemon(scratch) as daemon:
        client = connect(daemon)
        for to in (['alice@example.org'],
                   ['bob@example.org', 'carol@example.net']):
            client.sendmail('eve@example.com', to, text)
        client.quit()
        want = text.replace(b'\r\n', b'\n').partition(b'\n\n')[2]
        for user, domain in (('alice', 'example.org'), ('bob', 'example.org'),
                             ('carol', 'example.net')):
            box = daemon.box(user, domain)
            true(split(box.only())[1] == want, 'whole for ' + user)
            same(box.names('tmp'), [], 'tmp/')


def check_smtplib_dots_and_ends():
    bodies = (b'', b'.', b'.\r\n', b'..\r\n', b'a\r\n.\r\nb\r\n', b'\r\n',
              b'\r\n\r\n', b'.\r\n.\r\n.', b'x' * 5000,
              b'.' + b'y' * 70000 + b'\r\n.')
    with Scratch() as scratch, Daemon(scratch) as daemon:
        client = connect(daemon)
        sent = []
        for n, body in enumerate(bodies[:-1]):
            client.sendmail('a@example.com', ['alice@example.org'],
                            b'Subject: %d\r\n\r\n' % n + body)
            whole = b'\n\n' + body.replace(b'\r\n', b'\n')
            sent.append(whole if whole.endswith(b'\n') else whole + b'\n')
        for octets in daemon.box().messages():
            n = int(field(octets, 'Subject')[0])
            body = b'\n\n' + split(octets)[1]
            same(body, sent[n], 'body %d' % n)
        same(daemon.box().count(), len(sent))
        # Beyond the longest line of text: refused, and nothing comes to rest.
        try:
            client.sendmail('a@example.com', ['bob@example.org'], bodies[-1])
        except smtplib.SMTPDataError as why:
            true(500 <= why.smtp_code < 600, why)
        else:
            raise AssertionError('an endless line was accepted')
        same(daemon.box('bob').count(), 0)


def check_smtplib_helo_and_verbs():
    with Scratch() as scratch, Daemon(scratch) as daemon:
        client = connect(daemon)
        same(client.helo('old.example.com')[0], 250)
        same(client.verify('alice')[0], 252)
        same(client.noop()[0], 250)
        same(client.rset()[0], 250)
        true(client.help(), 'HELP')
        true(client.expn('all')[0] in (252, 502, 550), 'EXPN')
        client.sendmail('eve@example.com', ['<postmaster>'], 'x: y\r\n\r\nz')
        client.quit()
        octets = daemon.box('postmaster').only()
        trace(octets, 'eve@example.com', 'postmaster', 'old.example.com',
              'SMTP')


if __name__ == '__main__':
    sys.exit(main(globals()))
