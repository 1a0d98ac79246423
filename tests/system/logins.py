#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Clients that we did not write log in and hand mail in, over STARTTLS and TLS
from the first octet: swaks, msmtp, curl, Python's smtplib; Postfix delivers
over verified STARTTLS. In clear and with a wrong secret nothing goes."""
import os
import smtplib
import sys

from lib.case import SLOW, Scratch, has, main, need, run, same, true
from lib.daemon import USERS as PASSWORDS
from lib.maildir import field
from lib.postfix import Postfix
from lib.secure import Secure

TEXT = b'Subject: handed in\r\n\r\nhello\r\n'
WAYS = (('submission', '--tls'), ('submissions', '--tls-on-connect'))
REFUSED = 28  # swaks: no login


def swaks(daemon, protocol, mechanism, *more, password='one',
          to='bob@example.org'):
    code, out, err = run([
        need('swaks'), '--server', '127.0.0.1', '--port', daemon.at(protocol),
        '--helo', 'swaks.example.com', '--from', 'alice@example.org', '--to',
        to, '--auth', mechanism, '--auth-user', 'alice', '--auth-password',
        password, '--tls-ca-path', daemon.ca.pem, '--body', 'hello', *more])
    return code, (out + err).decode('latin-1')


def trace(daemon, kind, user='bob'):
    """It rests there, and Received: tells how it came (RFC 3848)."""
    box = daemon.box(user)
    received = field(box.only(), 'Received')[0].decode()
    has(received, ' with %s %s' % (kind, '(TLSv1.' if 'S' in kind[5:]
                                   else 'id '))
    os.unlink(os.path.join(box.path, 'new', box.names()[0]))


def check_swaks():
    with Scratch() as scratch, Secure(scratch, users=PASSWORDS) as daemon:
        for protocol, tls in WAYS:
            for mechanism in ('PLAIN', 'LOGIN', 'CRAM-MD5'):
                code, out = swaks(daemon, protocol, mechanism, tls,
                                  '--tls-verify')
                same(code, 0, mechanism + ': ' + out)
                has(out, ' AUTH ' + mechanism)
                has(out, '<~  235 2.7.0 ')
                trace(daemon, 'ESMTPSA')
        daemon.said(b'login=<alice@example.org> mechanism=CRAM-MD5 tls=yes')


def check_swaks_refused():
    with Scratch() as scratch, Secure(scratch, users=PASSWORDS) as daemon:
        for protocol, tls in WAYS:
            for mechanism in ('PLAIN', 'LOGIN', 'CRAM-MD5'):
                code, out = swaks(daemon, protocol, mechanism, tls,
                                  password='two')
                same(code, REFUSED, out)
                has(out, '<~* 535 5.7.8 ')
        for mechanism in ('PLAIN', 'LOGIN', 'CRAM-MD5'):
            code, out = swaks(daemon, 'submission', mechanism)
            same(code, REFUSED, out)
            has(out, 'Host did not advertise authentication')
        # and on the way of strangers there is no login at all
        code, out = swaks(daemon, 'smtp', 'PLAIN', '--tls')
        same(code, REFUSED, out)
        code, out = swaks(daemon, 'submission', 'PLAIN', '--tls',
                          to='x@example.com')
        same(code, 24, out)
        has(out, '<~* 550 5.7.1 relaying to other domains is not available')
        same(daemon.box('bob').count(), 0)


def check_swaks_in_clear():
    """As told: --allow-clear-auth, with and without a certificate."""
    for tls in (True, False):
        with Scratch() as scratch, Secure(
                scratch, '--allow-clear-auth', users=PASSWORDS, tls=tls,
                protocols=('submission',)) as daemon:
            for mechanism in ('PLAIN', 'LOGIN', 'CRAM-MD5'):
                code, out = swaks(daemon, 'submission', mechanism)
                same(code, 0, out)
                trace(daemon, 'ESMTPA')


def check_swaks_without_login():
    with Scratch() as scratch, Secure(scratch) as daemon:
        for protocol, tls, want in (('submission', '--tls', 23),
                                    ('submissions', '--tls-on-connect', 23),
                                    ('smtps', '--tls-on-connect', 0),
                                    ('smtp', '--tls', 0)):
            code, out, _ = run([
                need('swaks'), '--server', '127.0.0.1', '--port',
                daemon.at(protocol), '--helo', 'a.example', '--from',
                'eve@example.com', '--to', 'bob@example.org', tls])
            same(code, want, protocol)
            if want == 0:
                trace(daemon, 'ESMTPS')
            else:
                has(out, b'530 5.7.0 Authentication required')


TOKEN = 'ya29.T0ken-of_robot'


def msmtp(scratch, daemon, protocol, auth, password='one', user='alice'):
    path = scratch.file('msmtprc', (
        'account default\nhost localhost\nport %d\ntls on\ntls_starttls %s\n'
        'tls_trust_file %s\nauth %s\nuser %s\npassword %s\n'
        'from alice@example.org\n' % (
            daemon.at(protocol), 'on' if protocol == 'submission' else 'off',
            daemon.ca.pem, auth, user, password)))
    os.chmod(path, 0o600)
    return run([need('msmtp'), '-C', path, '--debug', 'bob@example.org'], TEXT,
               env=dict(os.environ, HOME=scratch.path))


def check_msmtp():
    with Scratch() as scratch, Secure(scratch, users=PASSWORDS) as daemon:
        for protocol in ('submission', 'submissions'):
            for auth in ('scram-sha-256', 'scram-sha-1', 'cram-md5', 'plain',
                         'login', 'on'):
                code, out, err = msmtp(scratch, daemon, protocol, auth)
                same(code, 0, (auth, out, err))
                if auth != 'on':
                    has(out, b'--> AUTH ' + auth.upper().encode())
                trace(daemon, 'ESMTPSA')
        code, out, _ = msmtp(scratch, daemon, 'submission', 'scram-sha-256',
                             'two')
        same(code, 77)
        has(out, b'535 5.7.8')


def check_msmtp_stored_keys():
    """Of one user among others: SCRAM-SHA-256 and PLAIN go, and what such keys
    cannot do is not offered."""
    keys = ('alice:{SCRAM-SHA-256}4096$c2FsdCBvZiBjYXJsIDE2Lg==$'
            'sZ0uCs+1rVB5n57D+bE4q+I3VovxcgKQ8dU8V9arB+M=$'
            'yQ+luHhezK+CISpmFRFMaaNjg12zvzZxetRZp+4p0zA=\n'
            'bob:{PLAIN}two\n')
    with Scratch() as scratch, Secure(scratch, users=keys) as daemon:
        for auth in ('scram-sha-256', 'plain', 'on'):
            code, out, err = msmtp(scratch, daemon, 'submission', auth,
                                   'secret')
            same(code, 0, (auth, out, err))
            trace(daemon, 'ESMTPSA')
        with daemon.wire() as wire:
            same(wire.mechanisms(), ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256',
                                     'PLAIN', 'LOGIN'])


def check_msmtp_tokens():
    with Scratch() as scratch, Secure(scratch) as daemon:
        for auth in ('oauthbearer', 'xoauth2'):
            code, out, err = msmtp(scratch, daemon, 'submissions', auth, TOKEN,
                                   'robot')
            same(code, 0, (auth, out, err))
            trace(daemon, 'ESMTPSA')
            for user, token in (('robot', TOKEN[:-1]), ('alice', TOKEN),
                                ('alice', 'one')):
                code, out, _ = msmtp(scratch, daemon, 'submissions', auth,
                                     token, user)
                same(code, 77, (auth, user, token))


def curl(scratch, daemon, protocol, *more):
    scheme = 'smtp' if protocol == 'submission' else 'smtps'
    return run([need('curl'), '-sS', '-v', '--ssl-reqd', '--cacert',
                daemon.ca.pem, '--url', '%s://localhost:%d/curl.example.com' %
                (scheme, daemon.at(protocol)), '--mail-from',
                'robot@example.org', '--mail-rcpt', 'bob@example.org',
                '--upload-file', scratch.file('message', TEXT), *more])


def check_curl():
    with Scratch() as scratch, Secure(scratch) as daemon:
        for protocol in ('submission', 'submissions'):
            for token, want in ((TOKEN, 0), (TOKEN + '=', 67)):
                code, _, err = curl(scratch, daemon, protocol, '--user',
                                    'robot:', '--oauth2-bearer', token,
                                    '--login-options', 'AUTH=OAUTHBEARER')
                same(code, want, err)
                has(err, b'> AUTH OAUTHBEARER')
                if want == 0:
                    trace(daemon, 'ESMTPSA')
            for mechanism in ('PLAIN', 'LOGIN'):
                code, _, err = curl(scratch, daemon, protocol, '--user',
                                    'alice:one', '--login-options',
                                    'AUTH=' + mechanism)
                same(code, 0, err)
                trace(daemon, 'ESMTPSA')
        # whoever is not who they should be hears nothing
        other = daemon.ca.self_signed()[0]
        code, _, err = curl(scratch, daemon, 'submission', '--user',
                            'alice:one', '--cacert', other)
        same(code, 60, err)
        true(b'AUTH' not in err.partition(b'STARTTLS')[2], err)


def check_smtplib():
    with Scratch() as scratch, Secure(scratch, users=PASSWORDS) as daemon:
        for mechanism in ('CRAM-MD5', 'PLAIN', 'LOGIN'):
            client = smtplib.SMTP('localhost', daemon.at('submission'),
                                  'py.example.com', 20 * SLOW)
            client.starttls(context=daemon.trust())
            client.ehlo()
            client.esmtp_features['auth'] = mechanism
            same(client.login('alice', 'one')[0], 235)
            client.sendmail('alice@example.org', ['bob@example.org'], TEXT)
            client.quit()
            trace(daemon, 'ESMTPSA')
        client = smtplib.SMTP_SSL('localhost', daemon.at('submissions'),
                                  'py.example.com', timeout=20 * SLOW,
                                  context=daemon.trust())
        client.ehlo()
        client.esmtp_features['auth'] = 'PLAIN'
        try:
            client.login('alice', 'two')
        except smtplib.SMTPAuthenticationError as why:
            same(why.smtp_code, 535)
        else:
            raise AssertionError('a wrong password')
        same(client.login('alice', 'one')[0], 235)
        client.quit()


def check_postfix_delivers():
    with Scratch() as scratch, Secure(scratch) as daemon:
        relay = 'smtp:[localhost]:%d' % daemon.at('smtp')
        with Postfix(scratch, (
                'smtp_tls_security_level = secure\nsmtp_tls_CAfile = %s\n'
                'smtp_tls_loglevel = 1\ntransport_maps = inline:{ { '
                'example.org = %s } }\n' % (daemon.ca.pem, relay))) as postfix:
            os.chmod(daemon.ca.dir, 0o711)
            os.chmod(daemon.ca.pem, 0o644)
            postfix.submit('eve@example.com', 'bob@example.org', TEXT)
            postfix.said('status=sent (250 2.0.0 ')
            has(postfix.log(), 'Verified TLS connection established to '
                'localhost[127.0.0.1]:%d' % daemon.at('smtp'))
        trace(daemon, 'ESMTPS')


def check_postfix_trusts_nobody_else():
    """Another authority: the message stays in its queue."""
    with Scratch() as scratch, Secure(scratch) as daemon:
        other = daemon.ca.self_signed()[0]
        os.chmod(daemon.ca.dir, 0o711)
        relay = 'smtp:[localhost]:%d' % daemon.at('smtp')
        with Postfix(scratch, (
                'smtp_tls_security_level = secure\nsmtp_tls_CAfile = %s\n'
                'transport_maps = inline:{ { example.org = %s } }\n' % (
                    other, relay))) as postfix:
            postfix.submit('eve@example.com', 'bob@example.org', TEXT)
            postfix.said('status=deferred (Server certificate not verified)')
        same(daemon.box('bob').count(), 0)


if __name__ == '__main__':
    sys.exit(main(globals()))
