#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What each SMTP service extension does, seen from outside of mailkitd: what
EHLO offers to whom, replies, files in new/, Received: fields and the log. By
single octets, by swaks, curl and smtplib, and by `mailkit send`."""
import email
import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
import time
from email.message import EmailMessage
from email.policy import SMTPUTF8

from lib.case import SLOW, Scratch, has, main, need, program, run, same, true
from lib.daemon import Daemon
from lib.listeners import (ALICE, BOB, NOBODY, TEXT, USERS, Served, offers,
                           received, reply_to_each, send, verdicts)
from lib.maildir import field, split
from lib.secure import Secure
from lib.wire import Wire

OURS = ('--trusted', '127.0.0.0/8')
ALWAYS = {'PIPELINING', 'SIZE', '8BITMIME', 'ENHANCEDSTATUSCODES', 'CHUNKING',
          'BINARYMIME', 'SMTPUTF8', 'LIMITS', 'MT-PRIORITY', 'DELIVERBY'}


# ---- what is offered ---------------------------------------------------------

def check_offers():
    """By kind of listener, TLS and trust; and nothing that is not honoured."""
    with Scratch() as scratch, Secure(
            scratch, protocols=('smtp', 'smtps', 'submission', 'submissions',
                                'lmtp')) as d:
        for name in ('smtp', 'lmtp', 'submission'):
            with Wire(d.at(name)) as wire:
                same(set(offers(wire, 'LHLO' if name == 'lmtp' else 'EHLO')),
                     ALWAYS | {'STARTTLS'}, name)
        for name, more in (('smtp', set()), ('smtps', {'AUTH', 'CLIENTID'}),
                           ('submission', {'AUTH', 'CLIENTID'}),
                           ('submissions', {'AUTH', 'CLIENTID'})):
            with d.wire(name) as wire:
                same(set(offers(wire)), ALWAYS | {'REQUIRETLS'} | more, name)
    with Scratch() as scratch, Served(
            scratch, *OURS, '--no-soliciting', 'net.example:ADV',
            '--max-messages-per-connection', '7', '--max-recipients', '200',
            serve=('smtp', 'lmtp')) as d:
        for name, hello in (('smtp', 'EHLO'), ('lmtp', 'LHLO')):
            with Wire(d.at(name)) as wire:
                told = offers(wire, hello)
                same(set(told), ALWAYS | {'XCLIENT', 'XFORWARD',
                                          'NO-SOLICITING'}, name)
                same(told['NO-SOLICITING'], 'net.example:ADV')
                true('MAILMAX=7' in told['LIMITS'].split(), told)
                true('RCPTMAX=200' in told['LIMITS'].split(), told)


def check_those_withdrawn():
    """--no-extension, on the command line and in the file."""
    with Scratch() as scratch:
        ini = scratch.file('ini', 'no-extension = CHUNKING\n'
                                  'no-extension = smtputf8\n')
        with Served(scratch, '--config', ini) as d, Wire(d.port) as wire:
            same(set(offers(wire)), ALWAYS - {'CHUNKING', 'BINARYMIME',
                                              'SMTPUTF8'})
            wire.expect('MAIL FROM:<a@example.com> SMTPUTF8', 555)
            wire.expect('MAIL FROM:<a@example.com>', 250)
            wire.expect('RCPT TO:<%s>' % ALICE, 250)
            true(wire.say('BDAT 0 LAST')[0] in (500, 502), 'BDAT')
    with Scratch() as scratch, Served(
            scratch, '--no-extension', 'PIPELINING', '--no-extension',
            'SIZE') as d, Wire(d.port) as wire:
        same(set(offers(wire)), ALWAYS - {'PIPELINING', 'SIZE'})
        code, rows, _ = send(d.server(), to=(ALICE, BOB))
        same((code, verdicts(rows)), (0, [(ALICE, '250'), (BOB, '250')]))
    with Scratch() as scratch:
        for word in ('STARTTLS', 'AUTH', 'NO-SUCH', ''):
            code, _, err = run(Daemon(scratch, '--no-extension', word,
                                      '--check').argv)
            same(code, 64, err)


def check_reload():
    with Scratch() as scratch:
        ini = scratch.file('ini', 'no-extension = CHUNKING\n')
        with Served(scratch, '--config', ini) as d:
            with Wire(d.port) as wire:
                true('CHUNKING' not in offers(wire), 'withdrawn')
            scratch.file('ini', 'no-soliciting = net.example:ADV\n'
                                'trusted = 127.0.0.1\n')
            d.signal(signal.SIGHUP)
            d.said(b'reloaded')
            with Wire(d.port) as wire:
                told = offers(wire)
                true({'CHUNKING', 'NO-SOLICITING', 'XCLIENT'} <= set(told),
                     told)


def check_limits_tell_the_truth():
    """Fewer recipients than SMTP has to take: nothing is told, since LIMITS
    has no word for it."""
    with Scratch() as scratch, Served(scratch, '--max-recipients', '1',
                                      serve=('smtp',)) as d:
        with Wire(d.port) as wire:
            told = offers(wire)
            true('LIMITS' not in told or 'RCPTMAX=1' in told['LIMITS'].split(),
                 told)
        code, rows, _ = send(d.server(), to=(ALICE, BOB))
        same((code, verdicts(rows)), (75, [(ALICE, '250'), (BOB, '452')]))


# ---- bodies ------------------------------------------------------------------

def check_chunks():
    with Scratch() as scratch, Served(scratch) as d:
        with Wire(d.port) as wire:
            offers(wire)
            chunks = (b'Subject: x\r\n\r\n', b'.\r\n..a\r', b'\n.\r\n', b'')
            wire.send(b'MAIL FROM:<eve@example.com> BODY=8BITMIME\r\n'
                      b'RCPT TO:<%s>\r\n' % ALICE.encode())
            for i, chunk in enumerate(chunks):
                wire.send(b'BDAT %d%s\r\n' % (len(chunk), (
                    b'', b' LAST')[i == len(chunks) - 1]) + chunk)
            same(reply_to_each(wire, 6), [250] * 6)
            same(split(d.box().only())[1], b'.\n..a\n.\n')
            # RSET between chunks: none of it is there
            wire.expect('MAIL FROM:<eve@example.com>', 250)
            wire.expect('RCPT TO:<%s>' % ALICE, 250)
            wire.send(b'BDAT 5\r\nabc\r\nRSET\r\nBDAT 2 LAST\r\nxyQUIT\r\n')
            same(reply_to_each(wire, 4), [250, 250, 503, 221])
        same(d.box().count(), 1)


def check_binary_parts():
    """They become base64, which a Maildir can keep (RFC 3030 3, RFC 2045 6.2);
    what is signed cannot, and is refused."""
    data = bytes(range(256)) * 3 + b'\r\n.\r\nend\n'
    part = (b'Content-Type: application/octet-stream\r\n'
            b'Content-Transfer-Encoding: binary\r\n\r\n' + data)
    text = (b'Subject: b\r\nMIME-Version: 1.0\r\nContent-Type: multipart/%s;'
            b' boundary=x\r\n\r\n--x\r\n' + part + b'\r\n--x--\r\n')
    with Scratch() as scratch, Served(scratch, serve=('smtp', 'lmtp')) as d:
        for kind, codes in ((b'mixed', (250,)), (b'signed', (554,))):
            with Wire(d.port) as wire:
                offers(wire)
                whole = text.replace(b'%s', kind)
                wire.expect('MAIL FROM:<eve@example.com> BODY=BINARYMIME',
                            250)
                wire.expect('RCPT TO:<%s>' % ALICE, 250)
                wire.expect('DATA', 503)
                wire.send(b'BDAT 100\r\n' + whole[:100] + b'BDAT %d LAST\r\n'
                          % (len(whole) - 100) + whole[100:])
                reply_to_each(wire, 1)
                true(wire.reply()[0] in codes, kind)
        message = email.message_from_bytes(d.box().only())
        found = message.get_payload()[0]
        same(found['Content-Transfer-Encoding'], 'base64')
        true(found.get_payload(decode=True) == data, 'the octets came whole')


def check_chunks_by_mailkit():
    """BDAT where it is offered, DATA where it is not or is not wanted: the
    same message."""
    with Scratch() as scratch, Served(scratch, serve=('smtp',)) as d:
        for more, verb in (((), 'C: BDAT '), (('--chunking', 'auto'),
                                              'C: BDAT '),
                           (('--chunking', 'no'), 'C: DATA')):
            code, rows, err = send(d.server(), '--dialogue', *more)
            same((code, verdicts(rows)), (0, [(ALICE, '250')]), err)
            has(err, verb)
            true(('BDAT' in err) != ('DATA' in err), err)
        found = d.box().messages()
        same(len(found), 3)
        true(all(m.endswith(TEXT) for m in found), found)
    with Scratch() as scratch, Served(scratch, '--no-extension',
                                      'CHUNKING') as d:
        code, _, err = send(d.server(), '--dialogue')
        same(code, 0)
        has(err, 'C: DATA')


# ---- UTF-8 -------------------------------------------------------------------

UTF8_USERS = USERS + 'jürgen:{PLAIN}four\n'
JUERGEN = 'jürgen@example.org'


def check_utf8_by_mailkit():
    text = 'From: Jürgen <%s>\nSubject: grüße\n\nx\n' % JUERGEN
    with Scratch() as scratch, Served(scratch, users=UTF8_USERS) as d:
        code, rows, err = send(d.server(), '--utf8', to=(JUERGEN,),
                               sender='müller@example.com',
                               stdin=text.encode())
        same((code, err), (0, ''), rows)
        octets = d.box('jürgen').only()
        true(octets.endswith(text.encode()), octets)
        same(field(octets, 'Return-Path'), ['<müller@example.com>'.encode()])
        same(received(octets)[0], 'UTF8SMTP')
        # without the option it is a mistake, without the extension refused
        code, rows, err = send(d.server(), to=(JUERGEN,))
        same((code, rows), (64, []))
        has(err, '--utf8')
    with Scratch() as scratch, Served(scratch, '--no-extension', 'SMTPUTF8',
                                      users=UTF8_USERS) as d:
        code, rows, _ = send(d.server(), '--utf8')
        same((code, verdicts(rows)), (69, [(ALICE, '-')]))
        has(rows[0][3], 'SMTPUTF8')
        same(d.box().count(), 0)


def check_utf8_domain():
    """One domain in both of its spellings (RFC 5890 2.3.2.1)."""
    users = USERS + 'dora@bücher.example:{PLAIN}five\n'
    with Scratch() as scratch, Served(scratch, '--domain', 'bücher.example',
                                      users=users) as d:
        for options, to in ((('--utf8',), 'dora@bücher.example'),
                            ((), 'dora@xn--bcher-kva.example')):
            code, rows, err = send(d.server(), *options, to=(to,))
            same((code, err), (0, ''), rows)
        found = [d.box('dora', name).count() for name in os.listdir(d.root)]
        same(found, [2])


def check_utf8_by_smtplib():
    with Scratch() as scratch, Served(scratch, users=UTF8_USERS) as d:
        client = smtplib.SMTP('127.0.0.1', d.port, timeout=20 * SLOW,
                              local_hostname='client.example.com')
        message = EmailMessage(policy=SMTPUTF8)
        message['From'], message['To'] = 'müller@example.com', JUERGEN
        message['Subject'] = 'grüße'
        message.set_content('äöü\n')
        same(client.send_message(message), {})
        # what is not said to be UTF-8 may not have it
        client.ehlo()
        same(client.docmd('MAIL FROM:<m@example.com>')[0], 250)
        client.command_encoding = 'utf-8'
        true(client.docmd('RCPT TO:<%s>' % JUERGEN)[0] in (501, 553), 'RCPT')
        client.quit()
        octets = d.box('jürgen').only()
        has(octets, 'Subject: grüße\n'.encode())
        same(received(octets)[0], 'UTF8SMTP')


def check_utf8_by_curl():
    curl = need('curl')
    with Scratch() as scratch, Served(scratch, users=UTF8_USERS) as d:
        path = scratch.file('m', 'Subject: grüße\r\n\r\nx\r\n'.encode())
        code, _, err = run([
            curl, '-sS', '-v', '--url', 'smtp://%s/curl.example.com' %
            d.server(), '--mail-from', 'müller@example.com', '--mail-rcpt',
            JUERGEN, '--upload-file', path],
            env=dict(os.environ, LC_ALL='C.UTF-8'))
        same(code, 0, err)
        has(err, b'SMTPUTF8')
        has(d.box('jürgen').only(), 'Subject: grüße\n'.encode())


# ---- what is asked for -------------------------------------------------------

def check_what_is_asked():
    """Each parameter goes out, is taken where it is honoured, and told when it
    is not; what must be honoured and is not is not sent."""
    with Scratch() as scratch, Served(scratch) as d:
        for n, (options, said) in enumerate((
                (('--priority', '-3'), 'MT-PRIORITY=-3'),
                (('--by', '120;N'), 'BY=120;N'),
                (('--by', '120;RT'), 'BY=120;RT'),
                (('--by', '-60'), 'BY=-60;N')), 1):
            code, rows, err = send(d.server(), '--dialogue', *options)
            same((code, verdicts(rows)), (0, [(ALICE, '250')]), err)
            has(err, said)
            same(d.box().count(), n)
        code, rows, err = send(d.server(), '--dsn-notify', 'success,delay',
                               '--dsn-ret', 'hdrs', '--dsn-envid', 'a b')
        same((code, verdicts(rows)), (0, [(ALICE, '250')]))
        has(err, 'DSN')
        count = d.box().count()
        for options, word in ((('--hold-for', '60'), 'FUTURERELEASE'),
                              (('--hold-until', '2036-12-24T18:00:00Z'),
                               'FUTURERELEASE')):
            code, rows, _ = send(d.server(), *options)
            same((code, verdicts(rows)), (69, [(ALICE, '-')]))
            has(rows[0][3], word)
        same(d.box().count(), count)
    with Scratch() as scratch, Served(scratch, '--no-extension',
                                      'DELIVERBY') as d:
        same(send(d.server(), '--by', '120;N')[0], 0)
        code, rows, _ = send(d.server(), '--by', '120;R')
        same(code, 69)
        has(rows[0][3], 'DELIVERBY')


def check_usage():
    with Scratch() as scratch:
        path = scratch.file('m', TEXT)
        for options in (('--priority', '10'), ('--priority', '--'),
                        ('--priority', '1', '--priority', '1'),
                        ('--by', '0;R'), ('--by', '5;X'), ('--by', 'x'),
                        ('--by', '1000000000'), ('--dsn-ret', 'some'),
                        ('--dsn-notify', 'never,success'),
                        ('--dsn-notify', 'success,'), ('--dsn-notify', ''),
                        ('--dsn-envid', 'x' * 101), ('--dsn-envid', ''),
                        ('--dsn-envid', 'a\nb'), ('--hold-for', '0'),
                        ('--hold-for', '9', '--hold-until',
                         '2036-12-24T18:00:00Z'),
                        ('--hold-until', 'tomorrow'), ('--chunking', 'yes'),
                        ('--require-tls',), ('--require-tls', '--tls', 'may'),
                        ('--xclient', ''), ('--xclient', 'NAME'),
                        ('--xclient', 'NAME='), ('--xclient', 'COLOR=red'),
                        ('--xclient', 'NAME=a NAME=b'),
                        ('--xclient', 'IDENT=x'), ('-', '-')):
            code, rows, err = send('127.0.0.1:1', *options, path)
            same((code, rows), (64, []), options)
            true(err.startswith('mailkit: '), err)


def check_require_tls():
    with Scratch() as scratch, Secure(scratch, protocols=('smtp',)) as d:
        code, rows, err = send('localhost:%d' % d.port, '--require-tls',
                               '--tls', 'starttls', '--tls-trust', d.ca.pem,
                               '--dialogue')
        same(code, 0, err)
        has(err, ' REQUIRETLS')
        with Wire(d.port) as wire:  # in clear it is none
            wire.expect('EHLO a.example', 250)
            true(wire.say('MAIL FROM:<a@example.com> REQUIRETLS')[0] in
                 (530, 555), 'REQUIRETLS in clear')
        same(d.box().count(), 1)
    with Scratch() as scratch, Secure(scratch, '--no-extension', 'REQUIRETLS',
                                      protocols=('smtp',)) as d:
        code, rows, _ = send('localhost:%d' % d.port, '--require-tls',
                             '--tls', 'starttls', '--tls-trust', d.ca.pem)
        same(code, 69)
        has(rows[0][3], 'REQUIRETLS')
        same(d.box().count(), 0)


def check_deliver_by_that_is_over():
    """A by-time that passes before the end of the message: R has it
    refused, N delivered (RFC 2852 4.1.4)."""
    with Scratch() as scratch, Served(scratch) as d:
        for mode, code in (('R', 5), ('N', 2)):
            with Wire(d.port) as wire:
                offers(wire)
                wire.expect('MAIL FROM:<a@example.com> BY=1;' + mode, 250)
                wire.expect('RCPT TO:<%s>' % ALICE, 250)
                wire.expect('DATA', 354)
                time.sleep(2.2)
                same(wire.say('Subject: x\r\n\r\nx\r\n.')[0] // 100, code,
                     mode)
        same(d.box().count(), 1)


def check_no_soliciting():
    with Scratch() as scratch, Served(
            scratch, '--no-soliciting',
            'net.example:ADV,org.example:ADV:ADLT') as d:
        with Wire(d.port) as wire:
            told = offers(wire)
            same(told['NO-SOLICITING'], 'net.example:ADV,org.example:ADV:ADLT')
            wire.expect('MAIL FROM:<a@example.com> '
                        'SOLICIT=org.example:ADV:ADLT', 550)
            wire.expect('MAIL FROM:<a@example.com> SOLICIT=com.example:ADV',
                        250)
        code, _, err = run(Daemon(scratch, '--check', '--no-soliciting',
                                  'ADV,').argv)
        same(code, 64, err)


def check_vrfy():
    for word, codes in (('ambiguous', (252, 252, 252)),
                        ('refuse', (502, 502, 502)),
                        ('answer', (250, 550, 252)),
                        ('login', (252, 252, 252))):
        with Scratch() as scratch, Served(scratch, '--vrfy', word) as d, \
                Wire(d.port) as wire:
            wire.expect('EHLO a.example', 250)
            same(tuple(wire.say('VRFY ' + who)[0] for who in (
                ALICE, NOBODY, 'x@elsewhere.example')), codes, word)
    with Scratch() as scratch, Secure(scratch, '--vrfy', 'login',
                                      protocols=('submission',)) as d, \
            d.wire() as wire:
        wire.login()
        same(wire.say('VRFY ' + ALICE)[0], 250)
        same(wire.say('VRFY ' + NOBODY)[0], 550)
    with Scratch() as scratch:
        code, _, err = run(Daemon(scratch, '--vrfy', 'maybe', '--check').argv)
        same(code, 64)
        has(err, b'it is not ambiguous')


def check_greeting_delay():
    """Strangers wait; users, and servers of ours, do not."""
    with Scratch() as scratch, Served(scratch, '--greeting-delay', '1500',
                                      '--allow-clear-auth',
                                      serve=('smtp', 'submission',
                                             'lmtp')) as d:
        for name, least in (('smtp', 1.4), ('submission', 0), ('lmtp', 0)):
            began = time.monotonic()
            with Wire(d.at(name)) as wire:
                took = time.monotonic() - began
                same(wire.greeting[0], 220)
                true(took >= least, '%s: %.2f s' % (name, took))
                true(least or took < 1.4, '%s: %.2f s' % (name, took))


def check_sec_011_greeting_delay():
    """Who talks while it lasts is turned away when it is over."""
    with Scratch() as scratch, Served(scratch, '--greeting-delay',
                                      '300') as d:
        for early in (b'EHLO x.example\r\n', b'E', b'\x16\x03\x01'):
            with socket.create_connection(('127.0.0.1', d.port), 10) as s:
                s.sendall(early)
                said = s.makefile('rb').read()
                has(said, b'\r\n554 5.5.0 ', early)
        with Wire(d.port) as wire:
            same(wire.greeting[0], 220)
            same(wire.say('NOOP')[0], 250)


# ---- who the peer is ---------------------------------------------------------

def check_xclient_by_swaks():
    swaks = need('swaks')
    argv = ['--server', '127.0.0.1', '--helo', 'swaks.example.com', '--from',
            'eve@example.com', '--to', ALICE, '--xclient-addr',
            '198.51.100.7', '--xclient-name', 'client.example.net',
            '--xclient-helo', 'helo.example.net']
    with Scratch() as scratch, Served(scratch, *OURS) as d:
        code, out, err = run([swaks, '--port', d.port, *argv])
        same(code, 0, out[-900:] + err)
        has(received(d.box().only())[1], '[198.51.100.7]')
        d.said(b'[198.51.100.7]')
    with Scratch() as scratch, Served(scratch, '--trusted',
                                      '192.0.2.0/24') as d:
        code, _, err = run([swaks, '--port', d.port, *argv])
        true(code != 0, err)
        has(err, b'did not advertise XCLIENT')
        with Wire(d.port) as wire:
            offers(wire)
            true(wire.say('XCLIENT ADDR=198.51.100.7')[0] in (500, 502, 550),
                 'XCLIENT of somebody')
            wire.open()
            wire.expect('Subject: x\r\n\r\nx\r\n.', 250)
        has(received(d.box().only())[1], '[127.0.0.1]')
        true(b'198.51.100.7' not in d.stderr(), 'believed')


def check_xclient_by_mailkit():
    with Scratch() as scratch, Served(scratch, *OURS) as d:
        code, rows, err = send(
            d.server(), '--xclient', 'ADDR=198.51.100.7 NAME=[UNAVAILABLE]'
            ' HELO=helo.example.net', '--dialogue', to=(ALICE, NOBODY))
        same((code, verdicts(rows)), (69, [(ALICE, '250'), (NOBODY, '550')]),
             err)
        has(err, 'C: XCLIENT ')
        has(received(d.box().only())[1], '[198.51.100.7]')
    with Scratch() as scratch, Served(scratch) as d:
        code, rows, _ = send(d.server(), '--xclient', 'ADDR=198.51.100.7')
        same((code, verdicts(rows)), (69, [(ALICE, '-')]))
        has(rows[0][3], 'XCLIENT')
        same(d.box().count(), 0)
    with Scratch() as scratch, Served(scratch, *OURS) as d:
        code, rows, _ = send(d.server(), '--xclient', 'ADDR=here')
        same((code, verdicts(rows)), (69, [(ALICE, '501')]))
        same(d.box().count(), 0)


def check_xforward():
    """It is for the log, and changes nobody."""
    with Scratch() as scratch, Served(scratch, *OURS) as d:
        with Wire(d.port) as wire:
            has(offers(wire)['XFORWARD'], 'ADDR')
            wire.expect('XFORWARD NAME=client.example.net '
                        'ADDR=198.51.100.9', 250)
            wire.expect('MAIL FROM:<eve@example.com>', 250)
            wire.expect('RCPT TO:<%s>' % ALICE, 250)
            wire.expect('DATA', 354)
            wire.expect('Subject: x\r\n\r\nx\r\n.', 250)
            wire.quit()
        has(received(d.box().only())[1], '[127.0.0.1]')
        d.said(b'198.51.100.9')
    with Scratch() as scratch, Served(scratch) as d, Wire(d.port) as wire:
        offers(wire)
        true(wire.say('XFORWARD ADDR=198.51.100.9')[0] >= 500, 'untrusted')


# ---- submission --------------------------------------------------------------

def check_fields_that_are_missing():
    """RFC 6409 8.2, 8.3: of users, and of nobody else."""
    with Scratch() as scratch, Secure(
            scratch, protocols=('submission', 'smtp')) as d:
        with d.wire() as wire:
            wire.login()
            wire.deliver(text='From: a@example.org\r\nSubject: x\r\n\r\nx\r\n.')
            octets = d.box('bob').only()
            same(len(field(octets, 'Date')), 1, octets)
            true(re.match(rb'<\S+@\S+>$', field(octets, 'Message-ID')[0]),
                 octets)
            wire.deliver(text='From: a@example.org\r\nMessage-Id: <1@a>\r\n'
                              'date: Thu, 1 Jan 1970 00:00:00 +0000\r\n\r\nx'
                              '\r\n.')
            kept = [m for m in d.box('bob').messages() if b'<1@a>' in m][0]
            same((field(kept, 'Date'), field(kept, 'Message-ID')),
                 ([b'Thu, 1 Jan 1970 00:00:00 +0000'], [b'<1@a>']))
        with Wire(d.at('smtp')) as wire:
            wire.open()
            wire.expect('Subject: x\r\n\r\nx\r\n.', 250)
        octets = d.box().only()
        same((field(octets, 'Date'), field(octets, 'Message-ID')), ([], []))


# ---- many, and big -----------------------------------------------------------

def check_many_messages():
    """More than a connection may have: mailkit comes again for the others."""
    with Scratch() as scratch, Served(
            scratch, '--max-messages-per-connection', '3') as d:
        names = [scratch.file('m%d' % i, b'Subject: %d\n\nx\n' % i)
                 for i in range(8)]
        for more in ((), ('--chunking', 'no')):
            code, rows, err = send(d.server(), *more, *names)
            same((code, err), (0, ''), rows)
            same([(row[0], row[2]) for row in rows],
                 [(name, '250') for name in names])
        same(sorted(field(m, 'Subject')[0] for m in d.box().messages()),
             sorted([b'%d' % i for i in range(8)] * 2))


def peak_of(pid):
    """The most memory that a process had so far, in KiB; 0: it is gone."""
    try:
        with open('/proc/%d/status' % pid, encoding='latin-1') as f:
            found = re.match(r'Name:\s*mailkit\n.*VmHWM:\s*(\d+)', f.read(),
                             re.S)
            return int(found.group(1)) if found else 0
    except OSError:
        return 0


def peak_of_send(server, path, *more):
    """The most memory that `mailkit send` had, looked at until it ends."""
    peak = 0
    while peak == 0:  # it may have been too quick to be looked at
        child = subprocess.Popen(
            [program('mailkit'), 'send', '--server', server, '--from',
             'eve@example.com', '--to', ALICE, *more, path],
            stdout=subprocess.DEVNULL)
        while child.poll() is None:
            peak = max(peak, peak_of(child.pid))
            time.sleep(0.005 if peak else 0)
        same(child.returncode, 0, 'mailkit send')
    return peak


def check_big():
    """A message streams: neither side's memory grows with it."""
    line = bytes(33 + i % 90 for i in range(998)) + b'\n'
    size = int(os.environ.get('MAILKIT_BIG_MIB', '16')) << 20
    # what was freed is not kept: there it would look like growth
    env = {'ASAN_OPTIONS': 'quarantine_size_mb=1'}
    with Scratch(in_memory=True) as scratch, Served(
            scratch, '--max-message-bytes', str(2 * size), env=env) as d:
        small = scratch.file('small', b'Subject: s\n\n' + line * 2048)
        big = scratch.file('big', b'Subject: b\n\n' + line * (size // 999))
        peaks = []
        for path in (small, big, big):
            more = ('--chunking', 'no') if len(peaks) == 2 else ()
            sender = peak_of_send(d.server(), path, *more)
            peaks.append((sender, d.peak_kib()))
        print('peaks of mailkit and mailkitd, KiB:', peaks)
        grown = [big - small for big, small in zip(peaks[2], peaks[0])]
        true(max(grown) < 4096, 'grown by %r KiB: %r' % (grown, peaks))
        with open(big, 'rb') as f:
            want = f.read()
        found = [m for m in d.box().messages() if len(m) > len(want)]
        true(len(found) >= 2 and all(m.endswith(want) for m in found), 'whole')


if __name__ == '__main__':
    sys.exit(main(globals()))
