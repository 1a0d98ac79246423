# SPDX-License-Identifier: MIT
"""mailkitd for tests: started on loopback with port 0 and directories of its
own, stopped by its id, and always looked after: what it wrote to stderr is
kept, and a sanitizer's report there fails the test."""
import os
import queue
import re
import signal
import subprocess
import threading
import time

from lib.case import SLOW, program, sane, true, until
from lib.maildir import Box

LISTENING = re.compile(r'listening ([\w+]+) (\S+):(\d+)$')
USERS = 'alice:{PLAIN}one\nbob:{PLAIN}two\ncarol@example.net:{PLAIN}three\n'


def running(pid):
    """There, and no zombie that somebody else has to wait for."""
    try:
        with open('/proc/%d/stat' % pid, encoding='latin-1') as f:
            return f.read().rpartition(') ')[2][0] not in 'ZX'
    except OSError:
        return False


class Server:
    """A program that prints `listening …` and `ready`. A context: running
    inside, stopped and sane after it."""

    def __init__(self, scratch, name, argv, wrap=(), env=None, before=None):
        self.scratch, self.name = scratch, name
        self.argv = [str(a) for a in [*wrap, program(name), *argv]]
        self.env = dict(os.environ, **(env or {}))
        self.before, self.pass_fds = before, ()
        self.lines, self.code, self.port = [], None, None
        self.process = None
        self.err_path = os.path.join(scratch.path, 'stderr')
        self.queue = queue.Queue()

    def spawn(self):
        """Start it; waits for nothing."""
        with open(self.err_path, 'ab') as err:
            self.process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=err, env=self.env, preexec_fn=self.before,
                pass_fds=self.pass_fds)
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def _read(self):
        for line in self.process.stdout:
            self.queue.put(line.decode('latin-1').rstrip('\n'))
        self.queue.put(None)

    def start(self):
        """Start it and wait for its `ready`."""
        return self.spawn().ready()

    def ready(self):
        """Wait until it serves."""
        while not self.lines or self.lines[-1] != 'ready':
            try:
                line = self.queue.get(timeout=20 * SLOW)
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError('no "ready" but %r; stderr:\n%s' % (
                    self.lines, self.stderr().decode('latin-1')))
            self.lines.append(line)
        for line in self.lines:
            found = LISTENING.match(line)
            if found and self.port is None:
                self.port = int(found.group(3))
        true(self.port, 'a listening line: %r' % self.lines)
        self.listeners = self._sockets()
        return self

    def pid(self):
        """The daemon's own id, below a wrapper such as strace."""
        pid = self.process.pid
        name = os.path.basename(program(self.name))[:15]
        while True:
            with open('/proc/%d/comm' % pid, encoding='latin-1') as f:
                if f.read().strip() == name:
                    return pid
            with open('/proc/%d/task/%d/children' % (pid, pid),
                      encoding='ascii') as f:
                pid = int(f.read().split()[0])

    def workers(self):
        """The ids of the processes that serve, below the daemon's own."""
        pid = self.pid()
        with open('/proc/%d/task/%d/children' % (pid, pid),
                  encoding='ascii') as f:
            return [int(child) for child in f.read().split()]

    def family(self):
        return [self.pid(), *self.workers()]

    def signal(self, number):
        os.kill(self.pid(), number)

    def wait(self, seconds=15):
        """Its exit code; killed and failed when it does not end."""
        if self.code is None:
            try:
                self.code = self.process.wait(seconds * SLOW)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(
                    'the daemon does not end; stderr:\n' +
                    self.stderr().decode('latin-1')[-4000:]) from None
        return self.code

    def kill(self):
        """All of it, at once; returns when all is gone."""
        if self.process and self.process.poll() is None:
            try:
                family = self.family()
            except (OSError, IndexError, ValueError):
                family = []
            for pid in family:
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
            self.process.kill()
            self.process.wait()
            until(lambda: not any(map(running, family)), 5, 'its end')

    def stop(self, seconds=15):
        """SIGTERM, its end, and a look at what it said."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        code = self.wait(seconds)
        sane(self.stderr())
        return code

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                code = self.stop()
                true(code == 0, 'exit code %r; stderr:\n%s' % (
                    code, self.stderr().decode('latin-1')[-4000:]))
            else:
                print('daemon: ' + self.stderr().decode('latin-1')[-3000:])
        finally:
            self.kill()

    def stderr(self):
        with open(self.err_path, 'rb') as f:
            return f.read()

    def said(self, octets, seconds=5):
        until(lambda: octets in self.stderr(), seconds,
              '%r in the log' % octets)

    def server(self):
        return '127.0.0.1:%d' % self.port

    def peak_kib(self):
        """The most memory that its processes ever had."""
        total = 0
        for pid in self.family():
            with open('/proc/%d/status' % pid, encoding='latin-1') as f:
                total += int(re.search(r'VmHWM:\s*(\d+)', f.read()).group(1))
        return total

    def connections(self):
        """Sockets beyond those that it had before anybody came."""
        return self._sockets() - self.listeners

    def _links(self):
        """What the descriptors of all its processes are."""
        found = []
        for pid in self.family():
            for fd in os.listdir('/proc/%d/fd' % pid):
                try:
                    found.append(os.readlink('/proc/%d/fd/%s' % (pid, fd)))
                except OSError:
                    pass  # closed meanwhile
        return found

    def _sockets(self):
        return sum(link.startswith('socket') for link in self._links())

    def quiet(self):
        """Its descriptors once all connections are closed and what workers
        clean up behind them is done."""
        until(lambda: self.connections() == 0, 5, 'connections to be closed')
        count = None
        while count != self.descriptors():
            count = self.descriptors()
            time.sleep(0.15)
        return count

    def at_most(self, count):
        """It comes back to that many descriptors."""
        until(lambda: self.descriptors() <= count, 10,
              'back to %d descriptors' % count)

    def descriptors(self):
        return len(self._links())


class Daemon(Server):
    """mailkitd for example.org (alice, bob) and example.net (carol)."""

    def __init__(self, scratch, *options, users=USERS,
                 listen='smtp=127.0.0.1:0', root='mail', **more):
        self.root = root if root.startswith('/') else scratch.dir(root)
        super().__init__(scratch, 'mailkitd', [
            '--hostname', 'mx.example.org', '--domain', 'example.org',
            '--domain', 'example.net', '--mail-root', self.root, '--users',
            scratch.file('users', users), '--listen', listen, *options],
            **more)

    def box(self, user='alice', domain='example.org'):
        return Box(os.path.join(self.root, domain, user))
