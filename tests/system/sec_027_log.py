#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""THREATS 27: what a peer says comes into the log and into Received: only as
far as it can do no harm; and each message leaves one line a recipient."""
import re
import sys

from lib.case import Scratch, has, main, same, true
from lib.daemon import Daemon
from lib.maildir import field, split
from lib.wire import Wire

LINE = re.compile(
    rb'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z id=([A-Z2-7]{21}|-) '
    rb'from=<([^<>]*)> to=<([^<>]*)> size=(\d+) outcome="([^"]*)" '
    rb'delay=\d+ms peer=\[127\.0\.0\.1\]:\d+( \w+=("[^"]*"|[\w-]+))*$')
NAMES = (b'\x1b[2Jmx', b'a" id=FORGED outcome="250', b'a b\tc', b'%s%n%x',
         b'$(id)', b'`id`', b'\xff\xfe\x80', b'x' * 500, b'a)(b', b'[1.2.3.4',
         b'a;\\', b"'", b'<a>')


def lines(daemon):
    """The log without its first words; all of it is printable."""
    octets = daemon.stderr()
    true(not re.search(rb'[^\x20-\x7e\n]', octets), octets)
    found = []
    for line in octets.splitlines():
        if line.endswith((b' ready', b' stopping', b' stopped',
                          b' gives root up')):
            continue
        match = LINE.match(line)
        true(match, 'a log line %r' % line)
        found.append(match.groups())
    return found


def check_one_line_a_recipient():
    with Scratch() as scratch, Daemon(scratch) as daemon:
        with Wire(daemon.port) as wire:
            wire.open('alice@example.org', 'bob@example.org')
            text = wire.expect('Subject: x\r\n\r\nx\r\n.', 250)
            wire.quit()
        daemon.quiet()
        found = lines(daemon)
        same([row[1:5] for row in found], [
            (b'eve@example.com', to, b'17', b'250 ' + text.encode())
            for to in (b'alice@example.org', b'bob@example.org')])
        has(text, found[0][0].decode())


def check_hostile_names():
    with Scratch() as scratch, Daemon(scratch) as daemon:
        for name in NAMES:
            for verb in (b'EHLO ', b'HELO '):
                with Wire(daemon.port) as wire:
                    wire.send(verb + name + b'\r\n')
                    if wire.reply()[0] != 250:
                        continue
                    wire.expect('MAIL FROM:<eve@example.com>', 250)
                    wire.expect('RCPT TO:<nobody@example.org>', 550)
                    wire.expect('RCPT TO:<alice@example.org>', 250)
                    wire.expect('DATA', 354)
                    wire.expect('Subject: x\r\n\r\nx\r\n.', 250)
                    wire.quit()
        true(len(lines(daemon)) >= 4, 'lines')
        for octets in daemon.box().messages():
            fields = split(octets)[0]
            same([n for n, _ in fields], ['Return-Path', 'Received',
                                          'Subject'])
            trace = field(octets, 'Received')[0]
            true(not re.search(rb'[^\x20-\x7e\t]', trace), trace)
            has(trace, b' by mx.example.org (mailkit) with ')


def check_hostile_paths():
    with Scratch() as scratch, Daemon(scratch) as daemon:
        for path in (b'"a\\" outcome=\\"x"@b.example', b'"a> to=<b"@c.example',
                     b'"\x1b[2J"@b.example', b'a\x80@b.example',
                     b'%n@b.example', b'"a\\<b"@c.example'):
            with Wire(daemon.port) as wire:
                wire.expect('EHLO a.example', 250)
                wire.send(b'MAIL FROM:<' + path + b'>\r\n')
                code = wire.reply()[0]
                wire.send(b'RCPT TO:<' + path + b'>\r\n')
                wire.reply()
                if code == 250:
                    wire.expect('RCPT TO:<alice@example.org>', 250)
                    wire.expect('DATA', 354)
                    wire.expect('Subject: x\r\n\r\nx\r\n.', 250)
        daemon.quiet()
        true(lines(daemon), 'lines')
        for octets in daemon.box().messages():
            same([n for n, _ in split(octets)[0]],
                 ['Return-Path', 'Received', 'Subject'])


if __name__ == '__main__':
    sys.exit(main(globals()))
