# SPDX-License-Identifier: MIT
"""A Postfix of the test's own: queue, settings and log in the scratch
directory, on loopback, stopped by its own command. It needs root, as Postfix
does."""
import os
import pwd
import subprocess

from lib.case import SLOW, Skip, need, run, until

MASTER = '/usr/share/postfix/master.cf.dist'
MAIN = """compatibility_level = 3.6
queue_directory = {dir}/spool
data_directory = {dir}/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {dir}/log
maillog_file_prefixes = {dir}
myhostname = relay.example.com
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
smtp_dns_support_level = disabled
smtp_host_lookup = native
"""
FOREIGN = ('smtp', 'maildrop', 'uucp', 'ifmail', 'bsmtp', 'scalemail-backend',
           'mailman')


class Postfix:
    """A context: it runs inside. `main` are further lines of main.cf, `master`
    of master.cf, which has no smtpd of its own."""

    def __init__(self, scratch, main='', master=''):
        self.postfix = need('postfix')
        if os.geteuid() != 0 or not os.path.exists(MASTER):
            raise Skip('postfix needs root')
        try:
            owner = pwd.getpwnam('postfix')
        except KeyError:
            raise Skip('there is no user postfix') from None
        os.chmod(scratch.path, 0o711)
        self.dir = scratch.dir('postfix')
        self.etc = scratch.dir('postfix/etc')
        scratch.dir('postfix/spool')
        os.chown(scratch.dir('postfix/data'), owner.pw_uid, owner.pw_gid)
        scratch.file('postfix/etc/main.cf', MAIN.format(dir=self.dir) + main)
        scratch.file('postfix/etc/master.cf', self._services() + master)

    @staticmethod
    def _services():
        """As it comes, but for what listens on TCP, and without chroot."""
        lines = ['smtp unix - - n - - smtp']
        with open(MASTER, encoding='ascii') as f:
            for line in f.read().splitlines():
                if line and line[0] not in '# \t':
                    fields = line.split()
                    if fields[0] not in FOREIGN and fields[1] != 'inet':
                        fields[4] = 'n'
                        lines.append(' '.join(fields))
        if not any(line.startswith('postlog ') for line in lines):
            lines.append('postlog unix-dgram n - n - 1 postlogd')
        return '\n'.join(lines) + '\n'

    def _run(self, word):
        return subprocess.run([self.postfix, '-c', self.etc, word],
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=30 * SLOW, check=False)

    def __enter__(self):
        done = self._run('start')
        if done.returncode != 0:
            raise AssertionError(done.stdout.decode('latin-1') + self.log())
        return self

    def __exit__(self, kind, *_):
        self._run('stop')
        if kind is not None:
            print('postfix: ' + self.log()[-3000:])

    def log(self):
        try:
            with open(self.dir + '/log', encoding='latin-1') as f:
                return f.read()
        except FileNotFoundError:
            return ''

    def said(self, part, seconds=20):
        until(lambda: part in self.log(), seconds, '%r in the log' % part)

    def submit(self, sender, to, message):
        """As a user of its machine would."""
        code, _, err = run([need('sendmail'), '-C', self.etc, '-i', '-f',
                            sender, to], message)
        if code != 0:
            raise AssertionError('sendmail: %d %r' % (code, err))
