# SPDX-License-Identifier: MIT
"""mailkitd with certificates of an authority of its own, and a client of single
octets that can do TLS (by Python's ssl) and log in."""
import base64
import ssl
import subprocess

from lib.case import need
from lib.daemon import LISTENING, Daemon
from lib.tls import Authority
from lib.wire import Wire

PROTOCOLS = ('smtp', 'smtps', 'submission', 'submissions')
USERS = ('alice:{PLAIN}one\nbob:{PLAIN}two\ncarol@example.net:{PLAIN}three\n'
         'robot:{BEARER}ya29.T0ken-of_robot\n')
NAMES = 'DNS:localhost,DNS:mx.example.org,IP:127.0.0.1'


def b64(text):
    return base64.b64encode(text.encode()).decode()


def plain(user, password):
    return 'AUTH PLAIN ' + b64('\0%s\0%s' % (user, password))


class Secure(Daemon):
    """Serves all protocols; `at` tells the port of one. Its certificate is for
    localhost and mx.example.org."""

    def __init__(self, scratch, *options, users=USERS, protocols=PROTOCOLS,
                 tls=True, **more):
        self.ca = Authority(scratch)
        self.pair = self.ca.issue(NAMES) if tls else None
        listen = ['%s=127.0.0.1:0' % p for p in protocols]
        options = list(options)
        if tls:
            options += ['--tls-cert', self.pair[0], '--tls-key', self.pair[1]]
        for one in listen[1:]:
            options += ['--listen', one]
        super().__init__(scratch, *options, users=users, listen=listen[0],
                         **more)

    def at(self, protocol):
        for line in self.lines:
            found = LISTENING.match(line)
            if found and found.group(1) == protocol:
                return int(found.group(3))
        raise AssertionError('%s is not served: %r' % (protocol, self.lines))

    def trust(self):
        return ssl.create_default_context(cafile=self.ca.pem)

    def wire(self, protocol='submission', tls=True, **more):
        """A session of this protocol, behind TLS and its EHLO, unless tls is
        False: in clear, behind its greeting."""
        if protocol.endswith('s'):
            wire = TlsWire(self.at(protocol), greet=False, **more)
            wire.start(self.trust())
            wire.greeting = wire.reply()
        else:
            wire = TlsWire(self.at(protocol), **more)
        if tls and not wire.is_tls:
            wire.expect('EHLO client.example.com', 250)
            wire.expect('STARTTLS', 220)
            wire.start(self.trust())
        if tls:
            wire.offers = wire.expect('EHLO client.example.com', 250)
        return wire


class TlsWire(Wire):
    is_tls, offers = False, ''

    def start(self, context, name='localhost', session=None):
        self.socket = context.wrap_socket(self.socket, server_hostname=name,
                                          session=session)
        self.is_tls = True
        return self

    def certificate(self):
        """The serial number of what the server showed."""
        done = subprocess.run(
            [need('openssl'), 'x509', '-inform', 'DER', '-noout', '-serial'],
            input=self.socket.getpeercert(True), stdout=subprocess.PIPE,
            timeout=30, check=True)
        return done.stdout.decode().strip().partition('=')[2]

    def mechanisms(self):
        """What EHLO offers to log in by."""
        for line in self.offers.split('\n'):
            if line.startswith('AUTH '):
                return line.split()[1:]
        return []

    def login(self, user='alice', password='one', code=235):
        return self.expect(plain(user, password), code)

    def deliver(self, sender='alice@example.org', to='bob@example.org',
                text='Subject: x\r\n\r\nx\r\n.'):
        self.expect('MAIL FROM:<%s>' % sender, 250)
        self.expect('RCPT TO:<%s>' % to, 250)
        self.expect('DATA', 354)
        return self.expect(text, 250)
