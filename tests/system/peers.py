#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Real peers in both directions: Exim, OpenSMTPD, Sendmail and Postfix carry
messages to mailkitd, two of them by LMTP too, as do swaks, curl and msmtp;
`mailkit send` delivers to each server, to aiosmtpd, and to Dovecot by LMTP.
What comes to rest is what was sent, octet for octet, below the trace fields
that each host puts on top."""
import re
import smtplib
import sys

from lib import peers
from lib.case import SLOW, Scratch, main, need, program, run, same, true
from lib.case import until
from lib.daemon import Daemon

HEAD = (b'From: Eve <eve@example.com>\nTo: bob@box.example.org\n'
        b'Date: Sun, 22 Nov 2026 10:00:00 +0000\n'
        b'Message-ID: <%d@example.com>\nSubject: number %d\n')
MIME = b'MIME-Version: 1.0\nContent-Type: text/plain; charset=%s\n' \
       b'Content-Transfer-Encoding: 8bit\n'
BODIES = (
    (b'', b'one\ntwo\n'),
    (b'', b'.\n..\n...\n.a\na.\n.\n'),
    (b'', b''),
    (b'', b'\n\n\n'),
    (b'', b'a \nb\t\n \n'),
    (b'', b'From here\n>From there\n'),
    (b'', b'x' * 990 + b'\n' + b'.' + b'y' * 988 + b'\n'),
    (b'', b'a line of the body\n' * 3000),
    (MIME % b'utf-8', 'äöü \u20ac \U0001f600\n'.encode()),
    (MIME % b'iso-8859-1', bytes(range(0xa0, 0x100)) + b'\n'),
    (b'X-Folded: a\n b\n\tc\n', b'x\n'),
    (b'X-Many: ' + b'y' * 900 + b'\n', b'x\n'),
)
TRACE = re.compile(rb'(Return-Path|Received|Delivered-To|X-Original-To|'
                   rb'X-Peer|Envelope-To|Delivery-Date): ?.', re.I)
TEXTS = [HEAD % (n, n) + extra + b'\n' + body
         for n, (extra, body) in enumerate(BODIES)]


def arrived(found, what, texts=TEXTS):
    """Each of them once, below fields of trace alone."""
    left = list(texts)
    for octets in found:
        octets = octets.replace(b'\r\n', b'\n')
        text = next((t for t in left if octets.endswith(t)), None)
        true(text is not None, '%s: not what was sent: %r' % (
            what, octets[:1500]))
        left.remove(text)
        top = octets[:len(octets) - len(text)]
        for line in top.split(b'\n')[:-1]:
            true(TRACE.match(line) or line[:1] in (b' ', b'\t'),
                 '%s: another field: %r' % (what, line))
    same(left, [], what)


def wire(text):
    return text.replace(b'\n', b'\r\n')


def hand_over(peer, to):
    """All messages into a server, by Python's smtplib."""
    with smtplib.SMTP('127.0.0.1', peer.port, 'client.example.com',
                      timeout=20 * SLOW) as client:
        for text in TEXTS:
            client.sendmail('eve@example.com', [to], wire(text),
                            ['BODY=8BITMIME'])


def into_mailkitd(kind, protocol='smtp'):
    with Scratch() as scratch, Scratch() as other, \
            Daemon(scratch, listen=protocol + '=127.0.0.1:0') as daemon, \
            kind(other, daemon.port, protocol == 'lmtp') as peer:
        hand_over(peer, 'alice@example.org')
        until(lambda: daemon.box().count() >= len(TEXTS), 20, 'the messages')
        arrived(daemon.box().messages(), kind.__name__)


def from_mailkit(kind, *more):
    with Scratch() as scratch, kind(scratch) as peer:
        for n, text in enumerate(TEXTS):
            code, out, err = run([
                program('mailkit'), 'send', '--server', peer.server(),
                '--from', 'eve@example.com', '--to',
                'bob@' + peers.DOMAIN, *more,
                scratch.file('m%d' % n, text)])
            same((code, err), (0, b''), (n, out))
        until(lambda: len(peer.kept()) >= len(TEXTS), 20, 'the messages')
        arrived(peer.kept(), kind.__name__)


def check_exim_sends():
    into_mailkitd(peers.Exim)


def check_exim_sends_by_lmtp():
    into_mailkitd(peers.Exim, 'lmtp')


def check_exim_takes():
    from_mailkit(peers.Exim)


def check_opensmtpd_sends():
    into_mailkitd(peers.Opensmtpd)


def check_opensmtpd_takes():
    from_mailkit(peers.Opensmtpd)


def check_sendmail_sends():
    into_mailkitd(peers.Sendmail)


def check_sendmail_takes():
    from_mailkit(peers.Sendmail)


def check_postfix_sends():
    into_mailkitd(peers.PostfixPeer)


def check_postfix_sends_by_lmtp():
    into_mailkitd(peers.PostfixPeer, 'lmtp')


def check_postfix_takes():
    from_mailkit(peers.PostfixPeer)


def check_aiosmtpd_takes():
    from_mailkit(peers.Aiosmtpd)


def check_dovecot_takes():
    from_mailkit(peers.DovecotLmtp, '--lmtp')


def by_tool(argv, texts=TEXTS, added=b''):
    """A command a message; FILE stands for it, PORT for the server's. `added`
    is what the command adds at the end."""
    with Scratch() as scratch, Daemon(scratch) as daemon:
        for n, text in enumerate(texts):
            text = text[:len(text) - len(added)]
            path = scratch.file('m%d' % n, text)
            code, out, err = run(
                [a.replace('FILE', path).replace('PORT', str(daemon.port))
                 for a in argv], text)
            same(code, 0, (n, out[-500:], err[-500:]))
        arrived(daemon.box().messages(), argv[0], texts)


def check_curl_sends():
    by_tool([need('curl'), '-sS', '--crlf', '--mail-from', 'eve@example.com',
             '--mail-rcpt', 'alice@example.org', '-T', 'FILE',
             'smtp://127.0.0.1:PORT/client.example.com'])


def check_msmtp_sends():
    by_tool([need('msmtp'), '--file=/dev/null', '--host=127.0.0.1',
             '--port=PORT', '--domain=client.example.com', '--timeout=20',
             '--from=eve@example.com', '--', 'alice@example.org'])


def check_swaks_sends():
    # it takes a last line of one dot for the end, and adds to empty bodies
    texts = [text for text in TEXTS
             if not text.endswith((b'\n.\n', b'\n\n'))]
    by_tool([need('swaks'), '--server', '127.0.0.1', '--port', 'PORT',
             '--helo', 'client.example.com', '--from', 'eve@example.com',
             '--to', 'alice@example.org', '--data', '@FILE'],
            texts, b'\n')


if __name__ == '__main__':
    sys.exit(main(globals()))
