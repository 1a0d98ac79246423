# SPDX-License-Identifier: MIT
"""Mail servers that we did not write, on loopback with directories of their
own: each keeps what comes for box.example.org, octet for octet, and hands all
else to the server of its `relay` port, some by LMTP if so told. Stopped by
their ids."""
import os
import signal
import socket
import subprocess
import sys

from lib.case import SLOW, Skip, need, until
from lib.dovecot import UNPRIVILEGED
from lib.postfix import Postfix
from lib.sink import free_port
from lib.unpacked import inside, run, tree

DOMAIN = 'box.example.org'
NOBODY = 65534


class Peer:
    """A context: it runs inside. `port` is where it listens, `kept()` what it
    has kept."""

    def __init__(self, scratch, relay=1, is_lmtp=False):
        os.chmod(scratch.path, 0o711)
        self.scratch, self.relay, self.port = scratch, relay, free_port()
        self.is_lmtp = is_lmtp
        self.box = scratch.dir('box')
        os.chmod(self.box, 0o777)
        self.output = os.path.join(scratch.path, 'peer.log')

    def start(self, argv, env=None):
        with open(self.output, 'wb') as out:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, env=env, start_new_session=True)
        try:
            until(self._answers, 20, '%s to serve: %s' % (
                type(self).__name__, self.log()[-500:]))
        except BaseException:
            self.__exit__(AssertionError)
            raise
        return self

    def _answers(self):
        if self.process.poll() is not None:
            if 'error while loading shared libraries' in self.log():
                raise Skip(self.log().strip()[-200:])
            raise AssertionError('%s ends: %s' % (type(self).__name__,
                                                  self.log()[-2000:]))
        with socket.socket() as s:
            s.settimeout(5)
            return (s.connect_ex(('127.0.0.1', self.port)) == 0 and
                    s.recv(3) == b'220')

    def __exit__(self, kind, *_):
        if kind is not None:
            print('%s: %s' % (type(self).__name__, self.log()[-3000:]))
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:  # the group is its own: whatever it started goes with it
                os.killpg(self.process.pid, number)
                self.process.wait(5 * SLOW)
            except subprocess.TimeoutExpired:
                continue
            except ProcessLookupError:
                break

    def log(self):
        with open(self.output, encoding='latin-1') as f:
            return f.read()

    def server(self):
        return '127.0.0.1:%d' % self.port

    def kept(self):
        """All messages, once no file of them is being written."""
        found = []
        for top, _, names in os.walk(self.box):
            if os.path.basename(top) != 'tmp':
                for name in names:
                    with open(os.path.join(top, name), 'rb') as f:
                        found.append(f.read())
        return found


EXIM = """exim_user = nobody
exim_group = nogroup
primary_hostname = exim.example.org
spool_directory = {dir}/spool
log_file_path = {dir}/spool/%slog
pid_file_path = {dir}/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
tls_advertise_hosts =
host_lookup =
rfc1413_hosts =
never_users =
keep_environment =
acl_smtp_rcpt = yes
acl_smtp_data = yes
begin acl
yes:
  accept
begin routers
box:
  driver = accept
  domains = {domain}
  transport = box
on:
  driver = manualroute
  route_list = * 127.0.0.1
  transport = on
  self = send
begin transports
box:
  driver = appendfile
  directory = {box}
  maildir_format
  user = nobody
  group = nogroup
on:
  driver = smtp
  port = {relay}
  protocol = {protocol}
  allow_localhost
  hosts_avoid_tls = *
begin retry
* * F,1m,1s
"""


class Exim(Peer):
    def __enter__(self):
        etc = self.scratch.dir('exim')
        spool = self.scratch.dir('exim/spool')
        os.chown(spool, NOBODY, NOBODY)
        prefix = inside(self.scratch, ['exim4-daemon-light'],
                        ['Debian-exim'])
        conf = self.scratch.file('exim/conf', EXIM.format(
            dir=etc, port=self.port, domain=DOMAIN, box=self.box,
            relay=self.relay, protocol='lmtp' if self.is_lmtp else 'smtp'))
        return self.start([*prefix, '/usr/sbin/exim4', '-C', conf, '-bdf',
                           '-q1s'])

    def log(self):
        text = super().log()
        for name in ('main', 'panic'):
            try:
                with open('%s/exim/spool/%slog' % (self.scratch.path, name),
                          encoding='latin-1') as f:
                    text += f.read()
            except FileNotFoundError:
                pass
        return text


OPENSMTPD = """table users {{ "bob" = "{id}:{id}:{box}" }}
listen on 127.0.0.1 port {port} hostname osmtpd.example.org
action "box" maildir "{box}" userbase <users>
action "on" relay host smtp://127.0.0.1:{relay}
match from any for domain "{domain}" action "box"
match from any for any action "on"
"""


class Opensmtpd(Peer):
    def __enter__(self):
        prefix = inside(self.scratch, ['opensmtpd'],
                        ['opensmtpd', 'opensmtpq'],
                        ['/var/spool', '/var/lib', '/run'])
        conf = self.scratch.file('osmtpd.conf', OPENSMTPD.format(
            id=NOBODY, box=self.box, port=self.port, relay=self.relay,
            domain=DOMAIN))
        return self.start([*prefix, 'sh', '-c', """mkdir -m 711 /var/spool/smtpd
mkdir -p /var/lib/opensmtpd/empty
exec /usr/sbin/smtpd -d -f "$0" """, conf])


# m4 reads a quote as ` to '
SENDMAIL = """divert(-1)
include(`/usr/share/sendmail/cf/m4/cf.m4')
OSTYPE(`linux')
undefine(`ALIAS_FILE')
define(`QUEUE_DIR', `{dir}/queue')
define(`confPID_FILE', `{dir}/pid')
define(`STATUS_FILE', `{dir}/stats')
define(`confDOMAIN_NAME', `sendmail.example.com')
define(`confDONT_PROBE_INTERFACES', `True')
define(`confCW_FILE', `-o /nonexistent')
define(`confTO_IDENT', `0')
define(`confREFUSE_LA', `10000')
define(`confQUEUE_LA', `10000')
define(`confDELAY_LA', `10000')
define(`RELAY_MAILER_ARGS', `TCP $h {relay}')
FEATURE(`nocanonify')
FEATURE(`accept_unresolvable_domains')
FEATURE(`promiscuous_relay')
FEATURE(`no_default_msa')
DAEMON_OPTIONS(`Name=MTA, Addr=127.0.0.1, Port={port}')
MAILER(`local')
MAILER(`smtp')
MAILER_DEFINITIONS
Mstore,\tP={dir}/store, F=nDFM8u, S=EnvFromSMTP/HdrFromSMTP,
  R=EnvToSMTP, L=0, A=store $u
LOCAL_RULE_0
R$* < @ {domain} > $*\t$#store $@ here $: $1 @ {domain}
R$* < @ {domain}. > $*\t$#store $@ here $: $1 @ {domain}
R$* < @ $+ > $*\t$#relay $@ [127.0.0.1] $: $1 < @ $2 > $3
"""
STORE = """#!/bin/sh
cat > {box}/tmp/$$ && mv {box}/tmp/$$ {box}/new/$$.$(date +%N)
"""


class Sendmail(Peer):
    def __enter__(self):
        prefix = inside(self.scratch, ['sendmail-bin', 'sendmail-cf', 'm4'],
                        ['smmta', 'smmsp'])
        top = self.scratch.dir('sendmail')
        for name, mode in (('sendmail/queue', 0o700), ('box/tmp', 0o777),
                           ('box/new', 0o777)):
            os.chmod(self.scratch.dir(name), mode)
        store = self.scratch.file('sendmail/store',
                                  STORE.format(box=self.box))
        os.chmod(store, 0o755)
        source = self.scratch.file('sendmail/mc', SENDMAIL.format(
            dir=top, relay=self.relay, port=self.port, domain=DOMAIN))
        made = run([*prefix, 'sh', '-c', 'm4 "$0" > "$1"', source,
                    top + '/cf'])
        if made.returncode:
            raise AssertionError(made.stdout.decode('latin-1'))
        os.chmod(top + '/cf', 0o644)
        return self.start([*prefix, '/usr/libexec/sendmail/sendmail', '-C',
                           top + '/cf', '-bD', '-X', top + '/traffic'])

    def log(self):
        try:
            with open(self.scratch.path + '/sendmail/traffic',
                      encoding='latin-1') as f:
                return super().log() + f.read()
        except FileNotFoundError:
            return super().log()


KEEP = """import itertools, os

class Keep:
    def __init__(self, box):
        self.box, self.count = box, itertools.count()

    @classmethod
    def from_cli(cls, parser, box):
        return cls(box)

    async def handle_DATA(self, server, session, envelope):
        name = str(next(self.count))
        with open(os.path.join(self.box, 'tmp', name), 'wb') as f:
            f.write(envelope.content)
        os.rename(os.path.join(self.box, 'tmp', name),
                  os.path.join(self.box, name))
        return '250 kept'
"""


class Aiosmtpd(Peer):
    """It keeps, and hands on nothing."""

    def __enter__(self):
        self.scratch.dir('box/tmp')
        self.scratch.dir('keep')
        self.scratch.file('keep/keep.py', KEEP)
        path = [self.scratch.path + '/keep']
        path += [tree(p) + '/usr/lib/python3/dist-packages' for p in (
            'python3-aiosmtpd', 'python3-attr', 'python3-public')]
        python = '/usr/bin/python3' if os.path.exists(
            '/usr/bin/python3') else sys.executable
        return self.start([python, '-m', 'aiosmtpd', '-n', '-l',
                           '127.0.0.1:%d' % self.port, '-c', 'keep.Keep',
                           self.box],
                          dict(os.environ, PYTHONPATH=':'.join(path)))


POSTFIX = """
mynetworks = 127.0.0.0/8
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {box}
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
local_header_rewrite_clients =
default_transport = {protocol}:[127.0.0.1]:{relay}
"""


class PostfixPeer(Peer):
    def __enter__(self):
        self.postfix = Postfix(
            self.scratch, POSTFIX.format(domain=DOMAIN, box=self.box,
                                         relay=self.relay,
                                         protocol='lmtp' if self.is_lmtp
                                         else 'smtp'),
            '127.0.0.1:%d inet n - n - - smtpd\n' % self.port)
        self.postfix.__enter__()
        return self

    def __exit__(self, *why):
        self.postfix.__exit__(*why)

    def log(self):
        return self.postfix.log()


DOVECOT = """base_dir = {dir}/run
state_dir = {dir}/run
log_path = {dir}/log
protocols = lmtp
ssl = no
mail_location = maildir:{box}/bob
mail_uid = {id}
mail_gid = {id}
first_valid_uid = 1
userdb {{
  driver = static
  args = uid={id} gid={id} home={box} allow_all_users=yes
}}
passdb {{
  driver = static
  args = nopassword=y
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
""" + UNPRIVILEGED


class DovecotLmtp(Peer):
    """It keeps what comes by LMTP, and hands on nothing."""

    def __enter__(self):
        dovecot = need('dovecot')
        if os.geteuid() != 0:
            raise Skip('dovecot needs root')
        prefix = inside(self.scratch, ['dovecot-lmtpd'])
        top = self.scratch.dir('dovecot')
        conf = self.scratch.file('dovecot/conf', DOVECOT.format(
            dir=top, box=self.box, id=NOBODY, port=self.port))
        return self.start([*prefix, dovecot, '-F', '-c', conf])

    def log(self):
        try:
            with open(self.scratch.path + '/dovecot/log',
                      encoding='latin-1') as f:
                return super().log() + f.read()
        except FileNotFoundError:
            return super().log()

    def kept(self):
        found = []
        for top, _, names in os.walk(self.box):
            if os.path.basename(top) in ('new', 'cur'):
                for name in names:
                    with open(os.path.join(top, name), 'rb') as f:
                        found.append(f.read())
        return found
