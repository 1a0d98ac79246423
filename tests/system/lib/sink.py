# SPDX-License-Identifier: MIT
"""Servers for tests of clients: Postfix's smtp-sink on a free port, and a
scripted one that says exactly what it is told."""
import os
import pwd
import socket
import subprocess
import threading
import time

from lib.case import SLOW, Skip, need, until


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Sink:
    """Postfix's smtp-sink with these options; its messages are in `dumps`."""

    def __init__(self, scratch, *options, dump=True):
        self.program = need('smtp-sink')
        self.dir = scratch.dir('sink')
        self.options = list(options)
        if dump:
            self.options += ['-d', self.dir + '/m.']
        if os.geteuid() == 0:
            try:
                owner = pwd.getpwnam('nobody')
            except KeyError:
                raise Skip('no user nobody') from None
            os.chown(self.dir, owner.pw_uid, owner.pw_gid)
            os.chmod(scratch.path, 0o711)
            self.options += ['-u', 'nobody']

    def __enter__(self):
        for _ in range(5):
            self.port = free_port()
            self.process = subprocess.Popen(
                [self.program, *self.options,
                 '127.0.0.1:%d' % self.port, '100'], cwd=self.dir,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE)
            end = time.monotonic() + 5 * SLOW
            while self.process.poll() is None and time.monotonic() < end:
                with socket.socket() as s:
                    if s.connect_ex(('127.0.0.1', self.port)) == 0:
                        return self
                time.sleep(0.02)
            self.__exit__()
        raise Skip('smtp-sink does not start')

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stderr.close()

    def server(self):
        return '127.0.0.1:%d' % self.port

    def dumps(self, count):
        """The octets of that many messages, once they are there."""
        def whole():
            found = []
            for name in sorted(os.listdir(self.dir)):
                with open(os.path.join(self.dir, name), 'rb') as f:
                    found.append(f.read())
            return len(found) == count and all(found) and found
        return until(whole, 5, '%d messages in the sink' % count)


class Script:
    """A server that answers each line by the first rule that matches, once
    per connection: rules are (prefix, reply or None to close)."""

    def __init__(self, rules, greeting=b'220 script ESMTP\r\n'):
        self.rules, self.greeting = rules, greeting
        self.seen = []
        self.socket = socket.create_server(('127.0.0.1', 0))
        self.port = self.socket.getsockname()[1]

    def __enter__(self):
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.socket.close()

    def server(self):
        return '127.0.0.1:%d' % self.port

    def _serve(self):
        try:
            while True:
                peer, _ = self.socket.accept()
                with peer, peer.makefile('rb') as lines:
                    peer.settimeout(10 * SLOW)
                    self._talk(peer, lines)
        except OSError:
            pass

    def _talk(self, peer, lines):
        if self.greeting is None:
            return
        peer.sendall(self.greeting)
        body = False
        for line in lines:
            self.seen.append(line)
            if body and line != b'.\r\n':
                continue
            key = line.rstrip(b'\r\n').upper()
            reply = next((r for p, r in self.rules
                          if key.startswith(p)), b'250 ok\r\n')
            if reply is None:
                return
            peer.sendall(reply)
            body = key == b'DATA' and reply.startswith(b'354')
            if key == b'QUIT':
                return
