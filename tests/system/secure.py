#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Settings of TLS and logins: protocols and what they need, certificates by
name and their reload, keys and who can read them, senders, mechanisms; each
wrong one is told."""
import base64
import os
import pwd
import shutil
import signal
import ssl
import sys
import time

from lib.case import (Scratch, Skip, has, main, program, run, same, true,
                      until)
from lib.daemon import Daemon
from lib.secure import PROTOCOLS, Secure, TlsWire, b64, plain
from lib.tls import Authority

USAGE, CONFIG, NO_INPUT = 64, 78, 66


def reload(daemon, word=b'reloaded'):
    had = daemon.stderr().count(word)
    daemon.signal(signal.SIGHUP)
    until(lambda: daemon.stderr().count(word) > had, 10, word.decode())


# ---- protocols ---------------------------------------------------------------


def check_protocols():
    """What each says before and behind TLS."""
    with Scratch() as scratch, Secure(scratch) as daemon:
        same([line.split()[1] for line in daemon.lines[:-1]],
             list(PROTOCOLS), 'listening lines')
        for protocol, starttls, auth, mail in (
                ('smtp', True, False, 250), ('smtps', False, True, 250),
                ('submission', True, True, 530),
                ('submissions', False, True, 530)):
            if starttls:
                with daemon.wire(protocol, tls=False) as wire:
                    text = wire.expect('EHLO a.example', 250)
                    has(text, 'STARTTLS')
                    true('AUTH' not in text, text)
                    wire.expect(plain('alice', 'one'), 538 if auth else 500)
                    wire.expect('AUTH SCRAM-SHA-256', 538 if auth else 500)
                    wire.expect('MAIL FROM:<eve@example.com>', mail)
            with daemon.wire(protocol) as wire:
                true('STARTTLS' not in wire.offers, wire.offers)
                same(bool(wire.mechanisms()), auth, protocol)
                wire.expect('MAIL FROM:<eve@example.com>', mail)
                if auth:
                    wire.expect('RSET', 250)
                    wire.login()
                    wire.deliver()


def check_clear_when_allowed():
    with Scratch() as scratch, Secure(
            scratch, '--allow-clear-auth', tls=False,
            protocols=('submission', 'smtp')) as daemon:
        with daemon.wire(tls=False) as wire:
            text = wire.expect('EHLO a.example', 250)
            true('STARTTLS' not in text, text)
            has(text, ' PLAIN')
            wire.expect('STARTTLS', 500)
            wire.expect('MAIL FROM:<alice@example.org>', 530)
            wire.login()
            wire.deliver()


def check_turned_away():
    """Whom there is no room for is told in clear where that is spoken, and
    hears nothing where it is not."""
    with Scratch() as scratch, Secure(
            scratch, '--max-connections-per-address', 1) as daemon:
        with daemon.wire('smtp'):
            for protocol in PROTOCOLS:
                with TlsWire(daemon.at(protocol), greet=False) as wire:
                    while wire._more():
                        pass
                    same(wire.octets[:4], b'' if protocol.endswith('s') else
                         b'421 ', protocol)


# ---- senders -----------------------------------------------------------------


def check_senders():
    with Scratch() as scratch, Secure(scratch,
                                      '--login-sender-check') as daemon:
        with daemon.wire() as wire:
            wire.login()
            for sender, want in (('bob@example.org', 553),
                                 ('alice@example.net', 553),
                                 ('alice@example.com', 553),
                                 ('Alice@Example.ORG', 250), ('', 250)):
                wire.expect('MAIL FROM:<%s>' % sender, want)
                if want == 250:
                    wire.expect('RSET', 250)
            wire.expect('MAIL FROM:<alice@example.org>', 250)
            text = wire.expect('RCPT TO:<x@example.com>', 550)
            has(text, 'relaying to other domains is not available here')
        with daemon.wire('smtp') as wire:
            wire.deliver('bob@example.org')
    with Scratch() as scratch, Secure(scratch) as daemon:
        with daemon.wire() as wire:
            wire.login()
            wire.deliver('bob@example.org')


# ---- mechanisms --------------------------------------------------------------

KEYS = ('{SCRAM-SHA-256}4096$c2FsdCBvZiBjYXJsIDE2Lg==$sZ0uCs+1rVB5n57D+bE4q+I3'
        'VovxcgKQ8dU8V9arB+M=$yQ+luHhezK+CISpmFRFMaaNjg12zvzZxetRZp+4p0zA=')
KEYS_1 = ('{SCRAM-SHA-1}4096$c2FsdCBvZiBjYXJsIDE2Lg==$L/U5z67vJ8DW8qnt5aO8TFb'
          'CAwo=$vS+vjG4VBilDQ/QIUZ2QHaNT9G0=')
SCRAM_256 = {'SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS'}
SCRAM_1 = {'SCRAM-SHA-1', 'SCRAM-SHA-1-PLUS'}
CLEAR = {'PLAIN', 'LOGIN'}
TOKENS = {'OAUTHBEARER', 'XOAUTH2'}


def check_mechanisms():
    for users, options, want in (
            ('a:{PLAIN}x\n', (), CLEAR | SCRAM_1 | SCRAM_256 | {'CRAM-MD5'}),
            ('a:%s\n' % KEYS, (), CLEAR | SCRAM_256),
            ('a:%s\nb:{PLAIN}x\n' % KEYS, (), CLEAR | SCRAM_256),
            ('a:%s\nb:{PLAIN}x\n' % KEYS_1, (), CLEAR | SCRAM_1),
            ('a:%s\nb:%s\n' % (KEYS_1, KEYS), (), CLEAR),
            ('a:{BEARER}x\n', (), TOKENS),
            ('a:{PLAIN}x\nb:{BEARER}x\n', (),
             CLEAR | SCRAM_1 | SCRAM_256 | TOKENS | {'CRAM-MD5'}),
            ('a:{BEARER}x\nb:%s\n' % KEYS, (), CLEAR | SCRAM_256 | TOKENS),
            ('', (), CLEAR | SCRAM_1 | SCRAM_256),
            ('a:%s\n' % KEYS, ('--auth', 'cram-md5', '--auth', 'PLAIN'),
             {'CRAM-MD5', 'PLAIN'})):
        with Scratch() as scratch, Secure(
                scratch, *options, users=users,
                protocols=('submissions',)) as daemon:
            with daemon.wire('submissions') as wire:
                same(set(wire.mechanisms()), want, users)


# ---- certificates ------------------------------------------------------------


def shown(daemon, name, protocol='smtps', ca=None):
    context = ssl.create_default_context(cafile=(ca or daemon.ca).pem)
    with TlsWire(daemon.at(protocol), greet=False) as wire:
        wire.start(context, name)
        same(wire.reply()[0], 220)
        return wire.certificate()


def check_names():
    """Several certificates: the first whose names fit is shown, and the first
    of all to all others."""
    with Scratch() as scratch:
        ca = Authority(scratch, 'other')
        pairs = [ca.issue('DNS:a.example.org,DNS:*.b.example.org'),
                 ca.issue('DNS:c.example.org', key='rsa:2048')]
        more = []
        for pem, key in pairs:
            more += ['--tls-cert', pem, '--tls-key', key]
        with Secure(scratch, *more) as daemon:
            # options stand in front of its own pair: the first is pairs[0]
            first = shown(daemon, 'a.example.org', ca=ca)
            same(shown(daemon, 'x.b.example.org', ca=ca), first)
            true(shown(daemon, 'c.example.org', ca=ca) != first, 'another')
            true(shown(daemon, 'localhost') != first, 'another')
            with TlsWire(daemon.at('smtps'), greet=False) as wire:
                context = ssl.create_default_context(cafile=ca.pem)
                context.check_hostname = False
                wire.start(context, 'unknown.example.com')
                same(wire.certificate(), first, 'for others')


def check_key_in_the_same_file():
    with Scratch() as scratch:
        ca = Authority(scratch)
        both = b''
        for path in ca.issue():
            with open(path, 'rb') as f:
                both += f.read()
        path = scratch.file('both.pem', both)
        os.chmod(path, 0o600)
        with Daemon(scratch, '--tls-cert', path,
                    listen='smtps=127.0.0.1:0') as daemon:
            with TlsWire(daemon.port, greet=False) as wire:
                wire.start(ssl.create_default_context(cafile=ca.pem))
                same(wire.reply()[0], 220)


def check_reload():
    """A renewed certificate is shown from SIGHUP on; a session in TLS goes on;
    one that is no good changes nothing."""
    with Scratch() as scratch, Secure(scratch) as daemon:
        old = shown(daemon, 'localhost')
        with daemon.wire() as wire:
            wire.login()
            wire.expect('MAIL FROM:<alice@example.org>', 250)
            wire.expect('RCPT TO:<bob@example.org>', 250)
            wire.expect('DATA', 354)
            for path, fresh in zip(daemon.pair, daemon.ca.issue()):
                shutil.copyfile(fresh, path)
            reload(daemon)
            new = shown(daemon, 'localhost')
            true(new != old, 'another serial')
            with daemon.wire() as other:
                same(other.certificate(), new)
                other.login()
            wire.expect('Subject: x\r\n\r\nx\r\n.', 250)
            wire.deliver()
            same(wire.certificate(), old)
        # the key of another certificate
        shutil.copyfile(daemon.ca.issue()[1], daemon.pair[1])
        reload(daemon, b'no reload: ')
        has(daemon.stderr(), b'the key is not that of the first certificate')
        same(shown(daemon, 'localhost'), new)
        os.unlink(daemon.pair[1])
        reload(daemon, b'no reload: ')
        same(shown(daemon, 'localhost'), new)


def check_expired_meanwhile():
    """A certificate that was good when it was looked at serves on, also in a
    worker that is started anew; a reload tells."""
    with Scratch() as scratch:
        ca = Authority(scratch)
        pem, key = ca.issue(until=12 / 86400)
        end = time.time() + 13
        with Daemon(scratch, '--tls-cert', pem, '--tls-key', key,
                    listen='smtps=127.0.0.1:0') as daemon:
            time.sleep(max(0, end - time.time()))
            old, = daemon.workers()
            os.kill(old, signal.SIGKILL)
            until(lambda: daemon.workers() not in ([], [old]), 10, 'another')
            context = ssl.create_default_context(cafile=ca.pem)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            with TlsWire(daemon.port, greet=False) as wire:
                wire.start(context)
                same(wire.reply()[0], 220)
            reload(daemon, b'no reload: ')
            has(daemon.stderr(), b'it has expired')


def check_workers_agree():
    """All show the same certificate, and the same salts of who is not there."""
    with Scratch() as scratch, Secure(scratch, '--workers', 3,
                                      users='a:{PLAIN}x\n') as daemon:
        serials, salts = set(), set()
        for _ in range(12):
            with daemon.wire() as wire:
                serials.add(wire.certificate())
                text = wire.expect('AUTH SCRAM-SHA-256 ' + b64(
                    'n,,n=nobody,r=abcdefghijklmnop'), 334)
                text = base64.b64decode(text).decode()
                salts.add(text.partition(',s=')[2])
        same((len(serials), len(salts)), (1, 1), salts)


# ---- what is wrong ----------------------------------------------------------


def fails(scratch, code, part, *options, listen='submissions=127.0.0.1:0'):
    """Alike at the start and with --check."""
    daemon = Daemon(scratch, *options, listen=listen)
    for more in ((), ('--check',)):
        got, out, err = run([*daemon.argv, *more])
        same((got, out), (code, b''), err)
        has(err.decode(), part)


def check_wrong_settings():
    with Scratch() as scratch:
        ca = Authority(scratch)
        pem, key = ca.issue()
        tls = ('--tls-cert', pem, '--tls-key', key)
        fails(scratch, CONFIG, '--listen submissions: it needs --tls-cert')
        fails(scratch, CONFIG, 'it needs --tls-cert, or --allow-clear-auth',
              listen='submission=127.0.0.1:0')
        fails(scratch, CONFIG, 'it needs --tls-cert', '--allow-clear-auth',
              listen='smtps=127.0.0.1:0')
        fails(scratch, USAGE, 'its protocol is not smtp, ',
              listen='pop9=127.0.0.1:0')
        fails(scratch, USAGE, 'it is not PROTOCOL=ADDR:PORT',
              listen='127.0.0.1:0')
        fails(scratch, USAGE, '--tls-key: 2 for 1 --tls-cert', *tls,
              '--tls-key', key)
        for name in ('NTLM', 'EXTERNAL', 'ANONYMOUS', 'PLAIN LOGIN', 'x'):
            fails(scratch, USAGE, 'no mechanism that users can log in by',
                  *tls, '--auth', name)
        gone = scratch.path + '/gone'
        fails(scratch, NO_INPUT, '--tls-key %s: No such file' % gone,
              '--tls-cert', pem, '--tls-key', gone)
        fails(scratch, CONFIG, 'it holds no certificate', '--tls-cert', key,
              '--tls-key', key)
        fails(scratch, CONFIG, 'it holds no private key', '--tls-cert', pem)
        fails(scratch, CONFIG, 'it holds no private key', '--tls-cert', pem,
              '--tls-key', pem)


def check_wrong_certificates():
    with Scratch() as scratch:
        ca = Authority(scratch)
        pem, key = ca.issue()
        for part, pair in (
                ('the key is not that of', (pem, ca.issue()[1])),
                ('expired', ca.issue(since=-20, until=-1)),
                ('or is not valid yet', ca.issue(since=1, until=9)),
                ('is weaker than peers accept', ca.issue(key='rsa:1024')),
                ('it is not one for servers', ca.issue(use='clientAuth')),
                ('cannot be understood', (scratch.file(
                    'x.pem', '-----BEGIN CERTIFICATE-----\nMIIB\n'
                    '-----END CERTIFICATE-----\n'), key))):
            fails(scratch, CONFIG, '--tls-cert %s: ' % pair[0], '--tls-cert',
                  pair[0], '--tls-key', pair[1])
            fails(scratch, CONFIG, part, '--tls-cert', pair[0], '--tls-key',
                  pair[1])
        code, _, err = run([ca.openssl, 'pkey', '-in', key, '-aes256',
                            '-passout', 'pass:x', '-out', key + '.enc'])
        same(code, 0, err)
        fails(scratch, CONFIG, 'the key is encrypted', '--tls-cert', pem,
              '--tls-key', key + '.enc')


# ---- who can read the key ---------------------------------------------------


def check_key_for_everybody():
    with Scratch() as scratch, Secure(scratch) as daemon:
        os.chmod(daemon.pair[1], 0o640)
        argv = [*daemon.argv, '--check']
        same(run(argv), (0, b'', b''))
        os.chmod(daemon.pair[1], 0o644)
        code, _, err = run(argv)
        same(code, 0)
        has(err.decode(), 'everybody on this machine can read the key')


def check_key_of_root():
    """It is read before root is given up; that a reload will not succeed is
    told, and it does not."""
    if os.geteuid() != 0:
        raise Skip('not root')
    try:
        nobody = pwd.getpwnam('nobody')
    except KeyError:
        raise Skip('there is no user nobody') from None
    with Scratch() as scratch:
        os.chmod(scratch.path, 0o711)
        daemon = Secure(scratch, '--user', 'nobody')
        os.chown(daemon.root, nobody.pw_uid, nobody.pw_gid)
        os.chmod(scratch.path + '/users', 0o644)
        os.chmod(daemon.ca.dir, 0o711)
        os.chmod(daemon.pair[0], 0o644)
        with daemon:
            has(daemon.stderr().decode(), '--tls-key %s: it cannot be read '
                'any more' % daemon.pair[1])
            with daemon.wire() as wire:
                wire.login()
                wire.deliver()
            reload(daemon, b'no reload: ')
            has(daemon.stderr().decode(), '--tls-key %s: Permission denied' %
                daemon.pair[1])
            os.chown(daemon.pair[1], nobody.pw_uid, nobody.pw_gid)
            reload(daemon)
            with daemon.wire() as wire:
                wire.login()


if __name__ == '__main__':
    sys.exit(main(globals()))
