#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""THREATS 28 and 32 over TCP: what is pipelined behind STARTTLS is never read,
in clear or in TLS, and what was said in clear is forgotten."""
import sys

from lib.case import Scratch, has, main, same, true
from lib.secure import PROTOCOLS, Secure, TlsWire, plain

INJECTED = (b'EHLO x\r\n', b'N', b'\r\n', b'RSET\r\nMAIL FROM:<a@b.example>\r\n',
            plain('alice', 'one').encode() + b'\r\n', b'\x16', b'x' * 70000)
STARTTLS = [p for p in PROTOCOLS if not p.endswith('s')]


def check_sec_028_one_segment():
    with Scratch() as scratch, Secure(scratch) as daemon:
        for protocol in STARTTLS:
            for octets in INJECTED:
                with daemon.wire(protocol, tls=False) as wire:
                    wire.expect('EHLO a.example', 250)
                    wire.send(b'STARTTLS\r\n' + octets)
                    codes = [code for code, _ in wire.rest()]
                    true(codes in ([220], []), 'answered: %r' % codes)
        daemon.said(b'fault=E_CLEARTEXT')
        with daemon.wire() as wire:
            wire.login()
            wire.deliver()


def check_sec_028_behind_the_220():
    """The go-ahead has come, and then something else than TLS."""
    with Scratch() as scratch, Secure(scratch) as daemon:
        for protocol in STARTTLS:
            for octets in INJECTED[:-1]:
                with daemon.wire(protocol, tls=False) as wire:
                    wire.expect('EHLO a.example', 250)
                    wire.expect('STARTTLS', 220)
                    wire.send(octets)
                    wire.socket.shutdown(1)
                    while wire._more():
                        pass
                    true(b'250' not in wire.octets, wire.octets)


def check_sec_028_clear_at_implicit_tls():
    with Scratch() as scratch, Secure(scratch) as daemon:
        for protocol in PROTOCOLS:
            if protocol in STARTTLS:
                continue
            with TlsWire(daemon.at(protocol), greet=False) as wire:
                wire.send(b'EHLO a.example\r\nMAIL FROM:<a@b.example>\r\n')
                while wire._more():
                    pass
                true(b'mx.example.org' not in wire.octets, wire.octets)


def check_sec_032_forgotten():
    with Scratch() as scratch, Secure(scratch, '--allow-clear-auth') as daemon:
        with daemon.wire(tls=False) as wire:
            wire.expect('EHLO a.example', 250)
            wire.login()
            wire.expect('MAIL FROM:<alice@example.org>', 250)
            wire.expect('STARTTLS', 220)
            wire.start(daemon.trust())
            wire.expect('RCPT TO:<bob@example.org>', 530)
            wire.expect('MAIL FROM:<alice@example.org>', 530)
            text = wire.expect('EHLO b.example', 250)
            true('STARTTLS' not in text, text)
            has(text, 'AUTH ')
            wire.expect('STARTTLS', 503)
            wire.expect('MAIL FROM:<alice@example.org>', 530)
            wire.login('bob', 'two')
            wire.deliver('bob@example.org', 'alice@example.org')
        same(daemon.box('alice').count(), 1)


if __name__ == '__main__':
    sys.exit(main(globals()))
