#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""THREATS 26 over TCP (RFC 2505): nobody relays through mailkitd, in whatever
form the address comes; THREATS 19: nor does any address run anything."""
import sys

from lib.case import Scratch, main, run, same, true
from lib.daemon import Daemon
from lib.wire import Wire

OUTSIDE = (
    'alice@victim.example', 'alice%victim.example@example.org',
    'victim.example!alice@example.org', '"alice@victim.example"@example.org',
    '@example.org:alice@victim.example', 'alice@victim.example@example.org',
    'alice@[192.0.2.1]', 'alice@[127.0.0.1]', '"alice%victim.example"',
    'alice@example.org.',
    # siblings
    '"alice@victim.example"', 'alice@victim.example.', 'victim.example!alice',
    '@victim.example:nobody@example.org', 'alice%victim.example',
    '@example.org,@b.example:alice@victim.example',
    '"victim.example!alice"@example.org', 'alice@sub.example.org',
    'alice@xexample.org', 'alice@example.org.victim.example',
    '"alice\\@victim.example"@example.org', 'alice@[IPv6:::1]', 'alice@')
COMMANDS = ('<;sleep 66;>', '<${run{/bin/id}}@example.org>',
            '<|touch${IFS}x@example.org>', '<-oQ/tmp@example.org>',
            '<-froot@example.org>', '<`id`@example.org>',
            '<../../alice@example.org>', '<alice/../bob@example.org>',
            '<"../bob"@example.org>', '<.@example.org>', '<..@example.org>',
            '<".."@example.org>')


def refused(wire, line):
    """For what it is, and not because no such user happens to be here."""
    got = wire.say(line)
    true(got and 500 <= got[0] <= 599, '%s: %r' % (line, got))
    true('5.1.1' not in got[1] or 'victim' not in line or 'nobody' in line,
         '%s: %r' % (line, got))


def session(daemon, name='client.example.com', sender='eve@example.com'):
    wire = Wire(daemon.port)
    wire.expect('EHLO ' + name, 250)
    wire.expect('MAIL FROM:<%s>' % sender, 250)
    return wire


def check_outside():
    with Scratch() as scratch, Daemon(scratch) as daemon:
        # As a stranger, as one who says to be of ours, and as a bounce.
        for sender in ('eve@example.com', 'alice@example.org', ''):
            for name in ('client.example.com', 'example.org', '[127.0.0.1]'):
                for to in OUTSIDE:
                    with session(daemon, name, sender) as wire:
                        refused(wire, 'RCPT TO:<%s>' % to)
                        got = wire.say('DATA')
                        true(got and got[0] in (503, 554), 'DATA: %r' % (got,))
        same(daemon.box().count(), 0)


def check_among_good_ones():
    """A good recipient does not make a bad one good."""
    with Scratch() as scratch, Daemon(scratch) as daemon:
        for to in OUTSIDE:
            with session(daemon) as wire:
                wire.expect('RCPT TO:<alice@example.org>', 250)
                refused(wire, 'RCPT TO:<%s>' % to)
                wire.expect('DATA', 354)
                wire.expect('Subject: one\r\n\r\nx\r\n.', 250)
                wire.quit()
        same(daemon.box().count(), len(OUTSIDE))
        same(run(['ls', daemon.root])[1].split(), [b'example.org'])


def check_routes_are_judged_by_their_end():
    """RFC 5321 3.6.1: a source route is ignored, what is left decides."""
    with Scratch() as scratch, Daemon(scratch) as daemon:
        with session(daemon) as wire:
            wire.expect('RCPT TO:<@victim.example,@b.example:'
                        'alice@example.org>', 250)
            wire.expect('DATA', 354)
            wire.expect('Subject: one\r\n\r\nx\r\n.', 250)
            wire.quit()
        daemon.box().only()


def check_sec_019_nothing_runs():
    with Scratch() as scratch, Daemon(scratch) as daemon:
        for text in COMMANDS:
            with session(daemon) as wire:
                refused(wire, 'RCPT TO:' + text)
            with Wire(daemon.port) as wire:  # as a sender it is only text
                wire.expect('EHLO client.example.com', 250)
                got = wire.say('MAIL FROM:' + text)
                true(got and got[0] in (250, 501, 550, 553), '%s: %r' % (
                    text, got))
        same(sorted(n for n in run(['ls', '-A', scratch.path])[1].split()),
             [b'mail', b'stderr', b'users'])
        same(run(['ls', '-A', daemon.root])[1], b'')


if __name__ == '__main__':
    sys.exit(main(globals()))
