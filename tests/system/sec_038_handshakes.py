#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""THREATS 38 over TCP: handshakes that are begun and not ended keep nobody
waiting who does not want TLS, end in time, and are bounded in number; of the
names that peers ask for nothing is kept."""
import os
import socket
import ssl
import sys
import time

from lib.case import SLOW, Scratch, main, same, true, until
from lib.secure import Secure
from lib.wire import Wire

MANY = ('--max-connections', 2000, '--max-connections-per-address', 2000)
HANDSHAKE_S = 30
GROWTH_KIB = 6 * 1024
ENV = {'ASAN_OPTIONS': 'quarantine_size_mb=1:thread_local_quarantine_size_kb='
                       '64:malloc_context_size=3'}


def hello(name='localhost'):
    """A whole ClientHello, as Python's ssl begins."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    out = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


def halves(daemon, count):
    """Silent ones, halves of a ClientHello, whole ones, at both kinds of
    ports."""
    octets = hello()
    parts = (b'', octets[:60], octets)
    found = []
    for n in range(count):
        if n % 2 == 0:
            sock = socket.create_connection(('127.0.0.1', daemon.at('smtps')),
                                            15 * SLOW)
        else:
            wire = Wire(daemon.at('smtp'))
            wire.expect('EHLO a.example', 250)
            wire.expect('STARTTLS', 220)
            sock = wire.socket
        sock.sendall(parts[n % 3])
        if n % 3 == 2:
            true(sock.recv(1), 'its ServerHello')
        found.append(sock)
    return found


def plain_seconds(daemon, count=40):
    """The median of how long a session in clear takes."""
    took = []
    for _ in range(count):
        began = time.monotonic()
        with Wire(daemon.at('smtp')) as wire:
            wire.open()
            wire.expect('Subject: x\r\n\r\nx\r\n.', 250)
            wire.quit()
        took.append(time.monotonic() - began)
    return sorted(took)[count // 2]


def is_over(sock):
    """The server has closed it."""
    sock.setblocking(False)
    try:
        while True:
            if not sock.recv(65536):
                return True
    except BlockingIOError:
        return False
    except OSError:
        return True


def check_sec_038_half_handshakes():
    with Scratch() as scratch, Secure(scratch, *MANY, env=ENV) as daemon:
        alone = plain_seconds(daemon)
        began = time.monotonic()
        crowd = halves(daemon, 500)
        among = plain_seconds(daemon)
        true(among < 2 * alone + 0.01,
             'a session takes %.4f s, and %.4f among halves' % (alone, among))
        with daemon.wire() as wire:  # and TLS is still to be had
            wire.login()
            wire.deliver()
        true(time.monotonic() - began < HANDSHAKE_S - 1,
             'this machine is too slow to tell')
        true(not any(map(is_over, crowd)), 'they are still there')
        left = began + HANDSHAKE_S - time.monotonic()
        time.sleep(max(0, left))
        until(lambda: all(map(is_over, crowd)), 10, 'all of them to be over')
        for sock in crowd:
            sock.close()
        daemon.quiet()


def check_sec_038_a_cap():
    """Half of all connections may be on their way to TLS. Beyond that whoever
    wants TLS is turned away, and nobody else."""
    with Scratch() as scratch, Secure(
            scratch, '--max-connections', 100,
            '--max-connections-per-address', 100, env=ENV) as daemon:
        crowd = [socket.create_connection(('127.0.0.1', daemon.at('smtps')))
                 for _ in range(70)]
        until(lambda: sum(map(is_over, crowd)) == 19, 5, '19 turned away')
        with Wire(daemon.at('smtp')) as wire:
            wire.open()
            wire.expect('Subject: x\r\n\r\nx\r\n.', 250)
            wire.expect('STARTTLS', 220)
            wire.send(hello())
            while wire._more():
                pass
            same(wire.octets, b'', 'not a word in clear')
        for sock in crowd:
            sock.close()
        daemon.quiet()
        with daemon.wire('smtps') as wire:
            wire.deliver()


def check_sec_038_random_names():
    with Scratch() as scratch, Secure(scratch, *MANY, env=ENV) as daemon:
        context = daemon.trust()
        context.check_hostname = False

        def ask(count):
            for _ in range(count):
                name = os.urandom(60).hex()[:60] + '.example.com'
                with Wire(daemon.at('smtps'), greet=False) as wire:
                    wire.socket = context.wrap_socket(wire.socket,
                                                      server_hostname=name)
                    same(wire.reply()[0], 220)

        ask(40)
        before = daemon.peak_kib()
        ask(300)
        grown = daemon.peak_kib() - before
        true(grown < GROWTH_KIB, '%d KiB more' % grown)
        daemon.quiet()


if __name__ == '__main__':
    sys.exit(main(globals(), 200))
