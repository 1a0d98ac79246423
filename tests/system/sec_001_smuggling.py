#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""THREATS 1, 2 and 3 over TCP: whatever looks like an end of data but is not
CRLF.CRLF never yields a second message, however it is cut into packets; the
body gets a 5xx at its true end and the session is over."""
import sys
import time

from lib.case import Scratch, has, main, same, true
from lib.daemon import Daemon
from lib.wire import Wire

ENDS = (
    # THREATS 1: bare LF
    b'\n.\n', b'\n.\r\n', b'\r\n.\n',
    # THREATS 2: bare CR, NUL, doubled CR
    b'\n.\r', b'\r.\n', b'\r.\r', b'\r.\r\n', b'\r\n.\r', b'\r\n.\r\r\n',
    b'\r\r\n.\r\r\n', b'\r\r\n.\r\n', b'\r\n\0.\r\n', b'\r\n.\0\r\n',
    b'\r\n.\r\0\n', b'\n\n.\n\n', b'\n\r.\n\r', b'\r\n\n.\r\n',
)
SMUGGLED = (b'MAIL FROM:<smuggler@example.com>\r\n'
            b'RCPT TO:<bob@example.org>\r\nDATA\r\n'
            b'Subject: smuggled\r\n\r\nsmuggled\r\n')
TRUE_END = b'.\r\n'


def probe(daemon, payload, send, what):
    """One message that must be refused, and the end of the session."""
    with Wire(daemon.port) as wire:
        wire.open()
        send(wire, payload)
        replies = wire.rest()
        same(len(replies), 1, 'replies to %s: %r' % (what, replies))
        code, text = replies[0]
        true(500 <= code <= 599, '%s: %r' % (what, replies))
        has(text, '5.5.2', what)
    for user in ('alice', 'bob'):
        same(daemon.box(user).names(), [], '%s: messages of %s' % (what, user))
        same(daemon.box(user).names('tmp'), [], what + ': tmp/')


def whole(wire, payload):
    wire.send(payload)


def bytewise(wire, payload):
    wire.send_slowly(payload)


def payloads():
    for end in ENDS:
        for before in (b'Subject: outer\r\n\r\nfirst', b''):
            yield repr(before + end), before + end + SMUGGLED + TRUE_END
    # Twice in one body, and the probe as the very end.
    yield 'all', b'first' + b'second'.join(ENDS) + SMUGGLED + TRUE_END


def check_whole():
    with Scratch() as scratch, Daemon(scratch) as daemon:
        for what, payload in payloads():
            probe(daemon, payload, whole, what)
        same(daemon.stderr().count(b'outcome="250'), 0, 'log')


def check_bytewise():
    with Scratch() as scratch, Daemon(scratch) as daemon:
        for what, payload in payloads():
            probe(daemon, payload, bytewise, what + ' bytewise')


def check_cut_within_the_end():
    """Each split point of the sequence, with a pause between packets."""
    with Scratch() as scratch, Daemon(scratch) as daemon:
        for end in ENDS:
            for cut in range(1, len(end)):
                def cut_send(wire, payload, at=5 + cut):
                    wire.send(payload[:at])
                    time.sleep(0.01)
                    wire.send(payload[at:])
                probe(daemon, b'first' + end + SMUGGLED + TRUE_END, cut_send,
                      '%r cut at %d' % (end, cut))


def check_bare_octets_anywhere():
    """A bare CR, LF or NUL anywhere in header or body: refused as well."""
    with Scratch() as scratch, Daemon(scratch) as daemon:
        for bare in (b'\r', b'\n', b'\0'):
            for before, after in ((b'', b'x'), (b'Sub', b'ject: x\r\n\r\n'),
                                  (b'A: b\r\n\r\nbody', b'more'),
                                  (b'A: b\r\n\r\nbody', b''),
                                  (b'A: b\r\n\r\n' + b'x' * 65000, b'y')):
                probe(daemon, before + bare + after + b'\r\n' + TRUE_END,
                      whole, repr(before[:20] + bare))


def check_what_is_legal_passes():
    """The control: the same words, stuffed, are one message."""
    body = SMUGGLED + b'..\r\n...\r\n..x\r\n'
    for send in (whole, bytewise):
        with Scratch() as scratch, Daemon(scratch) as daemon:
            with Wire(daemon.port) as wire:
                wire.open()
                send(wire, b'Subject: outer\r\n\r\n' + body + TRUE_END)
                same(wire.reply()[0], 250)
                wire.quit()
            octets = daemon.box().only()
            true(octets.endswith(b'\n\n' + SMUGGLED.replace(b'\r\n', b'\n') +
                                 b'.\n..\n.x\n'), octets)
            same(daemon.box('bob').count(), 0)


def check_early_talk_before_354():
    """Body bytes sent in the same packet as DATA are never a command, and
    never a second message."""
    with Scratch() as scratch, Daemon(scratch) as daemon:
        with Wire(daemon.port) as wire:
            wire.expect('EHLO client.example.com', 250)
            wire.send(b'MAIL FROM:<e@example.com>\r\n'
                      b'RCPT TO:<alice@example.org>\r\nDATA\r\n'
                      b'Subject: early\r\n\r\n' + SMUGGLED + TRUE_END +
                      b'QUIT\r\n')
            replies = [code for code, _ in wire.rest()]
        true(daemon.box('bob').count() == 0, 'smuggled: %r' % replies)
        true(daemon.box().count() <= 1, 'doubled: %r' % replies)
        same(daemon.box().count(), replies[2:].count(250), replies)


if __name__ == '__main__':
    sys.exit(main(globals()))
