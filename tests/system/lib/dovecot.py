# SPDX-License-Identifier: MIT
"""A Dovecot that does nothing but judge logins, for a Postfix: settings and
socket in the scratch directory, stopped by its id. It needs root."""
import os
import signal
import subprocess

from lib.case import SLOW, Skip, need, until

# What may not chroot when nobody is root, at the end of each configuration.
UNPRIVILEGED = """service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""

CONF = """
base_dir = {dir}/run
state_dir = {dir}/run
log_path = {dir}/log
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = {mechanisms}
auth_verbose = yes
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {dir}/users
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={dir}
}}
service auth {{
  unix_listener {dir}/auth {{
    mode = 0666
  }}
}}
""" + UNPRIVILEGED


class Dovecot:
    """A context: it runs inside; `socket` is for smtpd_sasl_path."""

    def __init__(self, scratch, mechanisms, users, conf=CONF, **values):
        self.program = need('dovecot')
        if os.geteuid() != 0:
            raise Skip('dovecot needs root')
        os.chmod(scratch.path, 0o711)
        self.dir = scratch.dir('dovecot')
        self.socket = self.dir + '/auth'
        scratch.file('dovecot/users', users)
        os.chmod(self.dir + '/users', 0o644)
        self.conf = scratch.file('dovecot/conf', conf.format(
            dir=self.dir, mechanisms=mechanisms, **values))

    def is_ready(self):
        return os.path.exists(self.socket)

    def __enter__(self):
        self.process = subprocess.Popen(
            [self.program, '-F', '-c', self.conf], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(lambda: self.is_ready() or self.process.poll(), 10,
                  'a Dovecot that serves')
        except BaseException as why:
            self.__exit__(type(why))
            raise
        if self.process.poll() is not None:
            raise AssertionError('dovecot ends: ' + self.log())
        return self

    def kill(self):
        """All of it, at once."""
        found = [self.process.pid]
        for pid in found:
            with open('/proc/%d/task/%d/children' % (pid, pid),
                      encoding='ascii') as f:
                found += map(int, f.read().split())
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def __exit__(self, kind, *_):
        self.process.terminate()
        try:
            self.process.wait(10 * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if kind is not None:
            print('dovecot: ' + self.log()[-3000:])

    def log(self):
        try:
            with open(self.dir + '/log', encoding='latin-1') as f:
                return f.read()
        except FileNotFoundError:
            return ''
