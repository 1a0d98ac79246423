#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""THREATS 39: a connection that ends without close_notify in the middle of a
message leaves none, and neither does one that ends with it."""
import socket
import sys

from lib.case import Scratch, main, same, until
from lib.secure import Secure

BODY = b'Subject: cut\r\n\r\nall of it?\r\n'
CUTS = (BODY, BODY + b'.', BODY + b'.\r', b'', BODY[:-1])


def begin(daemon, protocol):
    wire = daemon.wire(protocol)
    wire.login()
    wire.expect('MAIL FROM:<alice@example.org>', 250)
    wire.expect('RCPT TO:<bob@example.org>', 250)
    wire.expect('DATA', 354)
    return wire


def rests(daemon):
    box = daemon.box('bob')
    until(lambda: not box.names('tmp'), 5, 'tmp/ to be empty')
    return box.count()


def check_sec_039_fin_without_close_notify():
    with Scratch() as scratch, Secure(scratch) as daemon:
        for protocol in ('submission', 'submissions'):
            for octets in CUTS:
                before = daemon.stderr().count(b'fault=E_CUT')
                with begin(daemon, protocol) as wire:
                    if octets:
                        wire.send(octets)
                    # under TLS: a FIN, and no alert before it
                    raw = socket.socket(fileno=wire.socket.detach())
                    raw.settimeout(20)
                    raw.shutdown(socket.SHUT_WR)
                    while raw.recv(65536):
                        pass
                    raw.close()
                until(lambda: daemon.stderr().count(b'fault=E_CUT') > before,
                      5, 'the cut to be told')
        daemon.quiet()
        same(rests(daemon), 0)


def check_sec_039_close_notify():
    """An end in order, in the middle of a message, is no message either."""
    with Scratch() as scratch, Secure(scratch) as daemon:
        for protocol in ('submission', 'submissions'):
            for octets in CUTS:
                with begin(daemon, protocol) as wire:
                    if octets:
                        wire.send(octets)
                    wire.socket.settimeout(20)
                    try:
                        raw = wire.socket.unwrap()
                    except OSError:  # it does not wait for ours
                        continue
                    raw.close()
        daemon.quiet()
        same(rests(daemon), 0)


def check_sec_039_behind_the_end():
    """What comes behind close_notify is not read (THREATS 9)."""
    with Scratch() as scratch, Secure(scratch) as daemon:
        with begin(daemon, 'submission') as wire:
            wire.send(BODY)
            wire.socket.settimeout(20)
            try:
                raw = wire.socket.unwrap()
                raw.sendall(b'.\r\nRSET\r\n')
                while raw.recv(65536):
                    pass
                raw.close()
            except OSError:
                pass
        daemon.quiet()
        same(rests(daemon), 0)
        with begin(daemon, 'submission') as wire:
            wire.expect('Subject: whole\r\n\r\nx\r\n.', 250)
        same(rests(daemon), 1)


if __name__ == '__main__':
    sys.exit(main(globals()))
