# SPDX-License-Identifier: MIT
"""POP3 for tests: a maildrop of messages that are hard on whoever carries them,
and a Dovecot that serves it on loopback: settings, sockets and mail in the
scratch directory, stopped by its id. Dovecot needs root."""
import os
import random
import socket

from lib.case import need
from lib.dovecot import UNPRIVILEGED, Dovecot
from lib.pop3_clients import NOBODY, TOKEN, give
from lib.secure import Secure
from lib.sink import free_port
from lib.tls import Authority

USERS = 'alice:{PLAIN}one\nrobot:{PLAIN}' + TOKEN + '\n'

CONF = """
base_dir = {dir}/run
state_dir = {dir}/run
log_path = {dir}/log
protocols = pop3
ssl = {ssl}
ssl_cert = <{cert}
ssl_key = <{key}
disable_plaintext_auth = {secure_only}
auth_mechanisms = {mechanisms}
auth_verbose = yes
auth_failure_delay = 0
mail_location = maildir:{dir}/mail/box
mail_max_userip_connections = 100
first_valid_uid = 1
default_process_limit = 20
default_vsz_limit = 512M
pop3_uidl_format = %g
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {dir}/users
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={dir}/home
}}
service pop3-login {{
  chroot =
  service_count = 0
  process_min_avail = 1
  inet_listener pop3 {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener pop3s {{
    address = 127.0.0.1
    port = {secure_port}
    ssl = yes
  }}
}}
""" + UNPRIVILEGED


def answers(port):
    try:
        socket.create_connection(('127.0.0.1', port), 5).close()
        return True
    except OSError:
        return False


# ---- messages ----------------------------------------------------------------

HARD = (
    b'Subject: dots\n\n.\n..\n...\n.a\n. b\n\n.\n',
    b'Subject: no last line end\n\nhello',
    b'Subject: ends with a dot\n\n.',
    b'Subject: nothing behind\n\n',
    b'Subject: a header alone\n',
    b'\nno header\n',
    b'Subject: From\n\nFrom somebody Mon Jan  1 00:00:00 2024\n>From him\n',
    b'Subject: octets\n\n' + bytes(range(0x80, 0x100)) * 3 + b'\n',
    'Subject: Grüße\n\nzażółć gęślą jaźń\n'.encode(),
    b'Subject: blanks\n\n  \n\t\n trailing \t \n\n\n\n',
    b'Subject: +OK\n\n+OK\n-ERR no\n+ \n+OK 3 messages\n',
    b'Subject: folded\n\ton\n the next\n\nbody\n',
    b'Subject: formfeed\n\n\x0c\x0b\x7f\x1b[31mred\n',
)
# What some clients cannot carry.
LONG = (b'Subject: long\n\n' + b'x' * 20000 + b'\n.' + b'y' * 9000 + b'\n',)
BARE = (b'Subject: lone CR\n\na\rb\n\r\rc\n.\r.\n',)


def messages(count=200, hard=HARD + LONG):
    """That many, all different, the same in each run."""
    dice = random.Random(1939)
    made = [b'Message-ID: <hard%d@example.com>\n%s' % (n, text)
            if not text.startswith(b'\n') else text
            for n, text in enumerate(hard)]
    while len(made) < count:
        lines = [bytes(dice.choices(b'abc .XYZ\xe4\xf6', k=dice.randrange(78)))
                 for _ in range(dice.randrange(60))]
        made.append(b'Message-ID: <%d@example.com>\nSubject: number %d\n\n'
                    b'%s\n' % (len(made), len(made), b'\n'.join(lines)))
    return made[:count]


def whole(text):
    """As it comes out of a protocol of lines."""
    return text if text.endswith(b'\n') else text + b'\n'


def fill(path, texts, owner=None):
    """A Maildir that holds them, in order; gives its path."""
    for part in ('', 'new', 'cur', 'tmp'):
        os.makedirs(os.path.join(path, part), mode=0o700, exist_ok=True)
    for n, text in enumerate(texts):
        part, tail = ('new', '') if n % 3 else ('cur', ':2,S')
        name = '%d.M%06dP7Q%d.there,S=%d,W=%d%s' % (
            1700000000 + n, n, n, len(text), len(text) + text.count(b'\n'),
            tail)
        with open(os.path.join(path, part, name), 'wb') as f:
            f.write(text)
    if owner is not None:
        give(path, owner)
    return path


def left(path):
    """The messages that are in a Maildir, in no order."""
    found = []
    for part in ('new', 'cur'):
        top = os.path.join(path, part)
        for name in os.listdir(top):
            with open(os.path.join(top, name), 'rb') as f:
                found.append(f.read())
    return sorted(found)


class Pop3Dovecot(Dovecot):
    """Serves alice and robot the same maildrop: `port` is POP3 with STLS,
    `secure_port` POP3 within TLS."""

    def __init__(self, scratch, texts, mechanisms='plain', ssl='yes',
                 secure_only='no', users=USERS):
        self.ca = Authority(scratch)
        cert, key = self.ca.issue()
        self.port, self.secure_port = free_port(), free_port()
        if ssl == 'no':
            self.secure_port = 0
        self.texts = texts
        super().__init__(scratch, mechanisms, users, conf=CONF, ssl=ssl, cert=cert, key=key,
            secure_only=secure_only, port=self.port,
            secure_port=self.secure_port)
        need('/usr/lib/dovecot/pop3')
        for name in ('home', 'mail'):
            os.chown(scratch.dir('dovecot/' + name), NOBODY, NOBODY)
        os.chmod(self.dir, 0o711)
        self.mail = fill(self.dir + '/mail/box', texts, NOBODY)

    def is_ready(self):
        return all(answers(p) for p in (self.port, self.secure_port) if p)

    def left(self):
        return left(self.mail)


class Pop3Daemon(Secure):
    """mailkitd, likewise."""

    MECHANISMS = ('PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-1', 'SCRAM-SHA-256',
                  'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256-PLUS', 'OAUTHBEARER',
                  'XOAUTH2')

    def __init__(self, scratch, texts, *options, clear=True, **more):
        self.texts = texts
        options = list(options)
        for mechanism in self.MECHANISMS:
            options += ['--auth', mechanism]
        if clear:
            options.append('--allow-clear-auth')
        more.setdefault('protocols', ('pop3', 'pop3s'))
        more.setdefault('users', 'alice:{PLAIN}one\nrobot:{BEARER}%s\n' % TOKEN)
        super().__init__(scratch, *options, **more)
        for user in ('alice', 'robot'):
            os.makedirs(self.root + '/example.org', 0o700, exist_ok=True)
            fill(self.mail(user), texts)

    def mail(self, user='alice'):
        return '%s/example.org/%s' % (self.root, user)

    def ready(self):
        super().ready()
        self.port = self.at('pop3')
        if self.pair:
            self.secure_port = self.at('pop3s')
        return self

    def left(self, user='alice'):
        return left(self.mail(user))
