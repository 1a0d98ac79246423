#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The command line, the INI file and the users file of mailkitd: what is wrong
is refused before anything listens, with 64 (usage) or 78 (configuration) and
one message that names the place; what is right does what it says."""
import os
import re
import sys

from lib.case import Scratch, has, main, program, run, same, true
from lib.daemon import USERS, Daemon
from lib.wire import Wire

USAGE, DATA_ERROR, NO_INPUT, CANNOT_CREATE, CONFIG = 64, 65, 66, 73, 78
OPTIONS = ('--config', '--hostname', '--domain', '--mail-root', '--users',
           '--listen', '--max-message-bytes', '--max-connections',
           '--max-connections-per-address', '--max-messages-per-connection',
           '--max-recipients', '--max-hops', '--postmaster', '--syslog',
           '--check', '--command-timeout', '--workers', '--drain-time',
           '--user', '--trusted', '--no-extension', '--no-soliciting',
           '--vrfy', '--greeting-delay', '--help', '--version')


def basic(scratch, **changes):
    """A good command line as a list; None leaves an option out."""
    options = {'hostname': 'mx.example.org', 'domain': 'example.org',
               'mail-root': scratch.dir('mail'),
               'users': scratch.file('users', USERS),
               'listen': 'smtp=127.0.0.1:0', 'domain2': 'example.net'}
    options.update({k.replace('_', '-'): v for k, v in changes.items()})
    argv = [program('mailkitd')]
    for name, value in options.items():
        if value is not None:
            argv += ['--' + name.rstrip('2'), str(value)]
    return argv


def bad(argv, codes, *parts):
    """It ends with one of the codes, says why, and never listened."""
    code, out, err = run(argv, seconds=5)
    text = err.decode('latin-1')
    true(code in codes, '%r ended %d: %s' % (argv[1:], code, text))
    same(out, b'', 'stdout of %r' % (argv[1:],))
    true(text.startswith('mailkitd: '), 'message %r' % text)
    for part in parts:
        has(text, part, 'message of %r' % (argv[1:],))


def check_help_and_version():
    code, out, err = run([program('mailkitd'), '--help'])
    same((code, err), (0, b''))
    for option in OPTIONS:
        true(re.search(rb'(^|[\s\[])%s\b' % option.encode(), out),
             '%s in --help:\n%s' % (option, out.decode()))
    true(all(len(line) <= 80 for line in out.split(b'\n')), 'lines of 80')
    code, out, err = run([program('mailkitd'), '--version'])
    same((code, err), (0, b''))
    true(re.match(rb'mailkitd (\(mailkit\) )?\d+\.\d+\.\d+\n', out), out)


def check_usage():
    with Scratch() as scratch:
        good = basic(scratch)
        for argv, part in ((good + ['--no-such-option'], 'no-such-option'),
                           (good + ['--listen'], 'listen'),
                           (good + ['stray'], 'stray'),
                           (good + ['-x'], 'x')):
            bad(argv, (USAGE,), part)


def check_missing():
    with Scratch() as scratch:
        for name in ('hostname', 'mail_root', 'users', 'listen'):
            bad(basic(scratch, **{name: None}), (USAGE, CONFIG),
                name.replace('_', '-'))
        bad(basic(scratch, domain=None, domain2=None), (USAGE, CONFIG),
            'domain')


def check_values():
    with Scratch() as scratch:
        for name, value in (
                ('listen', 'smtp'), ('listen', 'smtp=127.0.0.1'),
                ('listen', 'smtp=127.0.0.1:70000'),
                ('listen', 'smtp=127.0.0.1:x'), ('listen', 'gopher=[::1]:0'),
                ('listen', 'smtp=mx.example.org:0'), ('listen', ''),
                ('listen', 'smtp=127.0.0.1:-1'), ('listen', 'smtp=[::1:0'),
                ('max_message_bytes', '0'), ('max_message_bytes', '-1'),
                ('max_message_bytes', '1x'), ('max_message_bytes', ''),
                ('max_message_bytes', '99999999999999999999999'),
                ('max_recipients', '0'), ('workers', '0'), ('workers', '65'),
                ('drain_time', '0'), ('command_timeout', '0'), ('user', ''),
                ('max_connections', '0'),
                ('max_connections', '1e3'), ('hostname', ''),
                ('hostname', 'two words'), ('hostname', 'a\nb'),
                ('domain', '../x'), ('domain', ''), ('domain', '.'),
                ('domain', '\xff.example'.encode('latin-1').decode(
                    'utf-8', 'surrogateescape')),
                ('listen', 'lmtp=127.0.0.1:25'), ('listen', 'lmtp=[::1]:25'),
                ('listen', 'smtp+tls=127.0.0.1:0'),
                ('trusted', 'localhost'), ('trusted', '127.0.0.1/8'),
                ('trusted', '127.0.0.0/33'), ('trusted', ''),
                ('no_extension', 'STARTTLS'), ('no_extension', 'x'),
                ('no_soliciting', 'a,,b'), ('no_soliciting', ',a'),
                ('no_soliciting', 'a,'), ('no_soliciting', '1a'),
                ('no_soliciting', 'a b'), ('no_soliciting', 'a' * 1001),
                ('vrfy', 'yes'), ('greeting_delay', '60001'),
                ('greeting_delay', '-1')):
            bad(basic(scratch, **{name: value}), (USAGE, CONFIG),
                name.replace('_', '-'))


def check_files_that_are_not_there():
    with Scratch() as scratch:
        gone = os.path.join(scratch.path, 'gone')
        codes = (NO_INPUT, CANNOT_CREATE, CONFIG)
        bad(basic(scratch, users=gone), codes, gone)
        bad(basic(scratch, users=scratch.path), codes, scratch.path)
        bad(basic(scratch, config=gone), codes, gone)
        plain = scratch.file('plain', b'x')
        bad(basic(scratch, mail_root=plain), codes, plain)
        bad(basic(scratch, mail_root=gone), codes, gone)


def check_users_file():
    rows = (
        ('alice:{PLAIN}x\nbob\n', 2), ('# x\n\n:{PLAIN}x\n', 3),
        ('alice:{PLAIN}x\nalice:{PLAIN}y\n', 2), ('a:{MD5}x\n', 1),
        ('alice:{PLAIN}\n', 1), ('alice:x\n', 1), ('../a:{PLAIN}x\n', 1),
        ('a/b:{PLAIN}x\n', 1), ('a@other.example:{PLAIN}x\n', 1),
        ('ok:{PLAIN}x\nno:{PLAIN}x:mbox\n', 2), ('.a:{PLAIN}x\n', 1),
        ('ALICE:{PLAIN}x\nalice@Example.ORG:{PLAIN}y\n', 2),
        ('a\0b:{PLAIN}x\n', 1), ('a' * 300 + ':{PLAIN}x\n', 1))
    for text, line in rows:
        with Scratch() as scratch:
            path = scratch.file('bad-users', text)
            bad(basic(scratch, users=path), (CONFIG, DATA_ERROR),
                '%s:%d:' % (path, line))


def deliver(port, to, code=250):
    with Wire(port) as wire:
        wire.expect('EHLO client.example.com', 250)
        wire.expect('MAIL FROM:<eve@example.com>', 250)
        wire.expect('RCPT TO:<%s>' % to, code)
        if code == 250:
            wire.expect('DATA', 354)
            wire.expect('Subject: x\r\n\r\nx\r\n.', 250)
        wire.quit()


def check_users_that_are_right():
    users = ('# users\r\n\r\nAlice:{PLAIN}x\r\n'
             'dora@EXAMPLE.net:{PLAIN}a:b\nmaildir:{PLAIN}x:maildir\n'
             'last@example.org:{PLAIN}x')
    with Scratch() as scratch, Daemon(scratch, users=users) as daemon:
        for to in ('alice@example.org', 'ALICE@EXAMPLE.ORG',
                   '"alice"@example.org', 'dora@example.net',
                   'maildir@example.org', 'last@example.org', 'Postmaster',
                   'POSTMASTER@example.net', 'abuse@example.org'):
            deliver(daemon.port, to)
        for to in ('alice@example.net', 'dora@example.org', 'x@example.org',
                   '#@example.org'):
            deliver(daemon.port, to, 550)
        same(daemon.box('alice').count(), 3)
        same(daemon.box('postmaster').count(), 3)


def check_ini():
    """Each option is a key of the same name; lists are repeated keys; the
    command line stands above the file."""
    with Scratch() as scratch:
        users = scratch.file('users', USERS)
        path = scratch.file('mailkitd.ini', (
            '; a comment\nhostname = mx.example.org\ndomain = example.org\n'
            'domain=example.net\nmail-root = %s\nusers = %s\n'
            'listen = smtp=127.0.0.1:0\nlisten = smtp=127.0.0.1:0\n'
            'max-message-bytes = 5000\n' % (scratch.dir('mail'), users)))
        daemon = Daemon(scratch)
        daemon.argv = [program('mailkitd'), '--config', path]
        with daemon:
            same(len([x for x in daemon.lines if x.startswith(
                'listening smtp 127.0.0.1:')]), 2, 'listeners')
            deliver(daemon.port, 'alice@example.org')
            deliver(daemon.port, 'carol@example.net')
            with Wire(daemon.port) as wire:
                has(wire.expect('EHLO a.example', 250), 'SIZE 5000')
        daemon = Daemon(scratch)
        daemon.argv = [program('mailkitd'), '--config', path,
                       '--max-message-bytes', '7000']
        with daemon:
            with Wire(daemon.port) as wire:
                has(wire.expect('EHLO a.example', 250), 'SIZE 7000')


def check_bad_ini():
    with Scratch() as scratch:
        for text, line in (('hostname = mx.example.org\nno-such = 1\n', 2),
                           ('what is this\n', 1),
                           ('max-recipients = many\n', 1),
                           ('\n\nlisten = smtp=nowhere\n', 3)):
            path = scratch.file('bad.ini', text)
            bad(basic(scratch, config=path), (CONFIG,),
                '%s:%d:' % (path, line))


def check_limits():
    with Scratch() as scratch, Daemon(
            scratch, '--max-recipients', 3, '--max-message-bytes', 1000,
            '--max-messages-per-connection', 2, '--max-connections',
            4) as daemon:
        with Wire(daemon.port) as wire:
            has(wire.expect('EHLO a.example', 250), 'SIZE 1000')
            wire.expect('MAIL FROM:<e@example.com>', 250)
            for _ in range(3):
                wire.expect('RCPT TO:<alice@example.org>', 250)
            has(wire.expect('RCPT TO:<bob@example.org>', 452), '4.5.3')
            wire.expect('DATA', 354)
            wire.expect('x' * 70 + '\r\n.', 250)
            wire.expect('MAIL FROM:<e@example.com>', 250)
            wire.expect('RCPT TO:<alice@example.org>', 250)
            wire.expect('DATA', 354)
            wire.expect(('x' * 70 + '\r\n') * 20 + '.', 552)
        with Wire(daemon.port) as wire:
            for _ in range(2):
                wire.open()
                wire.expect('x\r\n.', 250)
            got = wire.say('MAIL FROM:<e@example.com>')
            true(got and got[0] in (421, 452), 'the third message: %r' % (
                got,))


def check_command_timeout():
    with Scratch() as scratch, Daemon(scratch, '--command-timeout',
                                      1) as daemon:
        with Wire(daemon.port) as wire:
            wire.expect('EHLO a.example', 250)
            same([code for code, _ in wire.rest()], [421])


def check_hops():
    """RFC 5321 6.3: a message that goes round in a loop ends."""
    hop = 'Received: from a by b; Sat, 21 Nov 2026 21:00:00 +0000\r\n'
    with Scratch() as scratch, Daemon(scratch, '--max-hops', 5) as daemon:
        for count, code in ((4, 250), (5, 250), (6, 554), (500, 554)):
            with Wire(daemon.port) as wire:
                wire.open()
                wire.expect(hop * count + 'Subject: x\r\n\r\n' + hop + '.',
                            code)
        same(daemon.box().count(), 2)


def check_check():
    """--check looks at everything and does nothing."""
    with Scratch() as scratch:
        good = basic(scratch)
        same(run(good + ['--check']), (0, b'', b''))
        bad(basic(scratch, users=scratch.file('u', 'a\n')) + ['--check'],
            (CONFIG, DATA_ERROR), ':1:')
        bad(good + ['--check', '--max-hops', '0'], (USAGE,), 'max-hops')
        for address in ('127.0.0.1.1', '127.0.0.256', '[::1::]', '[127.0.0.1]'):
            bad(good + ['--check', '--listen', 'smtp=%s:0' % address],
                (USAGE,), 'listen')
        same(run(['ls', '-A', scratch.dir('mail')])[1], b'')


def check_postmaster():
    with Scratch() as scratch, Daemon(scratch, '--postmaster',
                                      'bob@example.org') as daemon:
        for to in ('postmaster', 'PostMaster@example.net',
                   'abuse@example.org'):
            deliver(daemon.port, to)
        same(daemon.box('bob').count(), 3)


def check_ipv6():
    with Scratch() as scratch:
        with Daemon(scratch, listen='smtp=[::1]:0') as daemon:
            true(re.match(r'listening smtp \[::1\]:\d+$', daemon.lines[0]),
                 daemon.lines)
            with Wire(daemon.port, host='::1') as wire:
                wire.open()
                wire.expect('Subject: x\r\n\r\nx\r\n.', 250)
                wire.quit()
            has(daemon.box().only(), b'([IPv6:::1])')


if __name__ == '__main__':
    sys.exit(main(globals()))
