#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""THREATS 50 and 51 over TCP: three failures end a session, each takes longer
than the one before, and nobody learns who exists; others log in meanwhile."""
import base64
import sys
import time

from lib.case import Scratch, main, same, true
from lib.secure import Secure, b64, plain


def check_sec_051_a_thousand_on_one_connection():
    """In one go, as a program that guesses would: who does not wait for
    replies does not get to the third."""
    with Scratch() as scratch, Secure(scratch) as daemon:
        with daemon.wire() as wire:
            began = time.monotonic()
            for n in range(1000):
                if not wire.send(plain('alice', 'guess%d' % n).encode() +
                                 b'\r\n'):
                    break
            codes = [code for code, _ in wire.rest()]
            true(codes[-1] in (554, 421) and len(codes) <= 3 and
                 set(codes[:-1]) == {535}, codes)
        true(daemon.stderr().count(b'fault=E_AUTH') <= 3, 'three at most')
        true(time.monotonic() - began > 1.9, 'it takes time')


def check_sec_051_three_failures():
    with Scratch() as scratch, Secure(scratch) as daemon:
        with daemon.wire() as wire:
            times = []
            for want in (535, 535, 421):
                began = time.monotonic()
                wire.login('alice', 'wrong', want)
                times.append(time.monotonic() - began)
            same(wire.rest(), [])
        for n, took in enumerate(times, 1):
            true(took > 2 * n - 0.2, '%d. after %.1f s' % (n, took))
        daemon.said(b'login=<alice> mechanism=PLAIN tls=yes fault=E_AUTH')


def check_sec_051_others_meanwhile():
    """Twenty that guess keep nobody waiting."""
    with Scratch() as scratch, Secure(scratch) as daemon:
        guessers = [daemon.wire() for _ in range(20)]
        for wire in guessers:
            wire.send(plain('alice', 'wrong').encode() + b'\r\n')
        with daemon.wire() as wire:
            began = time.monotonic()
            wire.login()
            wire.deliver()
            true(time.monotonic() - began < 2, 'others wait')
        for wire in guessers:
            same(wire.reply()[0], 535)
            wire.socket.close()


def check_sec_051_new_sessions():
    """A name is in the log, for those who count; a session that failed once
    may still succeed."""
    with Scratch() as scratch, Secure(scratch) as daemon:
        with daemon.wire() as wire:
            wire.login('mallory', 'x', 535)
            wire.expect('AUTH NTLM', 504)
            wire.expect('AUTH PLAIN =', 535)
            wire.login()
        daemon.said(b'login=<mallory>')


def check_sec_050_equal_answers():
    """A user who exists and one who does not, by each mechanism."""
    with Scratch() as scratch, Secure(scratch) as daemon:
        found = set()
        for user in ('alice', 'nobody', 'robot'):
            with daemon.wire() as wire:
                found.add(wire.say(plain(user, 'wrong')))
            with daemon.wire() as wire:
                wire.expect('AUTH LOGIN', 334)
                wire.expect(b64(user), 334)
                found.add(wire.say(b64('wrong')))
        same(len(found), 1, found)
        salts = []
        for user in ('alice', 'nobody', 'nobody', 'alice'):
            with daemon.wire() as wire:
                text = wire.expect('AUTH SCRAM-SHA-256 ' + b64(
                    'n,,n=%s,r=abcdefghijklmnopqrstuv' % user), 334)
            text = base64.b64decode(text).decode()
            salts.append(text.partition(',s=')[2])
        same(salts[0], salts[3], 'the salt of one')
        same(salts[1], salts[2], 'the salt of nobody')
        true(salts[0] != salts[1], salts)
        same({s.partition(',')[2] for s in salts}, {'i=10000'})


if __name__ == '__main__':
    sys.exit(main(globals()))
