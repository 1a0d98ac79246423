#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`mailkit send` hands mail to Postfix over verified STARTTLS and TLS from the
first octet, logged in by each mechanism that Dovecot judges for it."""
import json
import os
import sys

from lib.case import Scratch, has, main, program, run, same, true, until
from lib.dovecot import Dovecot
from lib.postfix import Postfix
from lib.sink import free_port
from lib.tls import Authority

PROTOCOL, REFUSED_LOGIN, REFUSED = 76, 77, 69
MECHANISMS = ('PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-1', 'SCRAM-SHA-256')
MAIN = """
smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = {cert}
smtpd_tls_key_file = {key}
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {socket}
smtpd_tls_auth_only = yes
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_delay_reject = yes
smtpd_peername_lookup = no
smtpd_client_restrictions =
smtpd_error_sleep_time = 0
virtual_mailbox_domains = example.org
virtual_mailbox_base = {mail}
virtual_mailbox_maps = static:box/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
"""
MASTER = """127.0.0.1:{plain} inet n - n - - smtpd
127.0.0.1:{wrapped} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
"""


class House:
    """Postfix, Dovecot, and what mailkit needs to know of them."""

    def __enter__(self):
        self.scratch = Scratch()
        self.scratch.__enter__()
        try:
            return self._open()
        except BaseException:
            self.scratch.__exit__(None, None, None)
            raise

    def _open(self):
        scratch = self.scratch
        self.ca = Authority(scratch)
        self.mail = scratch.dir('mail')
        os.chmod(self.mail, 0o777)
        self.dovecot = Dovecot(scratch, ' '.join(MECHANISMS).lower(),
                               'alice:{PLAIN}correct horse::::::\n')
        cert, key = self.ca.issue()
        self.ports = {'starttls': free_port(), 'implicit': free_port()}
        self.postfix = Postfix(
            scratch, MAIN.format(cert=cert, key=key, mail=self.mail,
                                 socket=self.dovecot.socket),
            MASTER.format(plain=self.ports['starttls'],
                          wrapped=self.ports['implicit']))
        self.password = scratch.file('password', b'correct horse\n')
        os.chmod(self.password, 0o600)
        self.dovecot.__enter__()
        try:
            self.postfix.__enter__()
        except BaseException:
            self.dovecot.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *why):
        self.postfix.__exit__(*why)
        self.dovecot.__exit__(*why)
        self.scratch.__exit__(*why)

    def send(self, tls, *more, trust=None, host='localhost'):
        code, out, err = run(
            [program('mailkit'), 'send', '--server', '%s:%d' % (
                host, self.ports[tls]), '--tls', tls, '--tls-trust',
             trust or self.ca.pem, '--from', 'alice@example.org', '--to',
             'bob@example.org', '--json', *more],
            b'Subject: to Postfix\n\nhello\n')
        return code, json.loads(out), err

    def login(self, *more):
        return ['--user', 'alice', '--password-file', self.password, *more]

    def taken(self, count):
        """The messages in the mailbox, once there are that many."""
        def there():
            try:
                names = os.listdir(self.mail + '/box/new')
            except FileNotFoundError:
                names = []
            return len(names) == count and names
        texts = []
        for name in until(there, 20, '%d messages' % count):
            with open('%s/box/new/%s' % (self.mail, name), 'rb') as f:
                texts.append(f.read())
        return texts


def check_each_mechanism():
    with House() as house:
        count = 0
        for tls in ('starttls', 'implicit'):
            for mechanism in (*MECHANISMS, None):
                more = ['--auth', mechanism] if mechanism else []
                code, told, err = house.send(tls, *house.login(*more))
                same((code, err), (0, b''), (tls, mechanism))
                same(told['login'], mechanism or 'SCRAM-SHA-256')
                same((told['tls']['verified'], told['delivered']), (True, 1))
                count += 1
        for text in house.taken(count):
            has(text, b'with ESMTPSA')
            has(text, b'\nSubject: to Postfix\n')
            true(text.endswith(b'\n\nhello\n'), text)


def check_refusals():
    with House() as house:
        other = Authority(house.scratch, 'other')
        wrong = house.scratch.file('wrong', b'correct hors\n')
        os.chmod(wrong, 0o600)
        for tls in ('starttls', 'implicit'):
            for mechanism in MECHANISMS:
                code, told, _ = house.send(
                    tls, '--user', 'alice', '--password-file', wrong,
                    '--auth', mechanism)
                same((code, told['login']), (REFUSED_LOGIN, None), mechanism)
                same(told['recipients'][0]['code'], 535)
            # no login: Postfix relays and delivers for nobody
            code, told, _ = house.send(tls)
            same((code, told['tls']['verified']), (REFUSED, True))
            # somebody else's Postfix
            code, told, err = house.send(tls, *house.login(), trust=other.pem)
            same((code, told['tls']), (PROTOCOL, None))
            has(err, b'not signed by a trusted')
        code, told, _ = house.send('starttls', '--hostname', 'c.example',
                                   host='127.0.0.1', *house.login())
        same(code, 0)
        same(len(house.taken(1)), 1)
        true('sasl_username=alice' in house.postfix.log(),
             house.postfix.log()[-2000:])


if __name__ == '__main__':
    sys.exit(main(globals()))
