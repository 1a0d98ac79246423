# SPDX-License-Identifier: MIT
"""What table.py stands on: servers to measure (ours, the floor, Postfix's),
the load on them, and what a tree of processes has used. Servers listen on a
free port of loopback and are stopped by their id."""
import os
import pwd
import shutil
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'system'))
from lib.case import Skip, need, until  # noqa: E402
from lib.daemon import Daemon, Server  # noqa: E402
from lib.pop3 import fill, messages  # noqa: E402
from lib.sink import Sink, free_port  # noqa: E402

for _name in ('floor_epoll', 'bench_scan', 'bench_smtp_in_memory'):
    os.environ.setdefault(_name.upper(), os.path.join(
        os.environ.get('MAILKIT_BUILD', 'build'), 'tests', 'bench', _name))

TICKS = os.sysconf('SC_CLK_TCK')
MANY = 1000000
RCPT = 'alice@example.org'


# What a process and all below it have used.

def stat(pid):
    """(parent, seconds of its own, of the children it has buried)."""
    try:
        with open('/proc/%d/stat' % pid, encoding='latin-1') as f:
            fields = f.read().rpartition(')')[2].split()
    except OSError:
        return None
    ticks = [int(x) / TICKS for x in fields[11:15]]
    return int(fields[1]), ticks[0] + ticks[1], ticks[2] + ticks[3]


def threads_s(pid):
    """The same of its living threads, to the nanosecond: a server of many
    processes that do little each would look idle in whole ticks."""
    total = 0
    try:
        for task in os.listdir('/proc/%d/task' % pid):
            with open('/proc/%d/task/%s/schedstat' % (pid, task),
                      encoding='ascii') as f:
                total += int(f.read().split()[0])
    except OSError:
        pass  # gone meanwhile, or not in this kernel
    return total / 1e9


def tree(root):
    below = {}
    for name in os.listdir('/proc'):
        found = name.isdigit() and stat(int(name))
        if found:
            below.setdefault(found[0], []).append(int(name))
    pids = [root]
    for pid in pids:  # grows while it is walked
        pids += below.get(pid, [])
    return pids


def cpu_s(root):
    total = 0
    for pid in tree(root):
        found = stat(pid)
        if found:
            total += max(found[1], threads_s(pid)) + found[2]
    return total


def pss_bytes(root):
    total = 0
    for pid in tree(root):
        try:
            with open('/proc/%d/smaps_rollup' % pid, encoding='ascii') as f:
                total += sum(int(line.split()[1]) for line in f
                             if line.startswith('Pss:'))
        except OSError:
            pass  # gone meanwhile
    return total * 1024


# Servers. Each has a port, the pid of its root, left() (messages that it has
# accepted and not yet done with) and stop().

class Ours:
    """sink_uv, mailkitd or the floor."""

    def __init__(self, server):
        self.server = server.start()
        self.port, self.pid = server.port, server.process.pid

    @staticmethod
    def left():
        return 0

    def stop(self):
        if self.server.process.poll() is None:
            self.server.process.terminate()
        self.server.wait()


def floor(scratch, *directory):
    if not os.access(os.environ['FLOOR_EPOLL'], os.X_OK):
        raise Skip('floor_epoll is not built')
    return Ours(Server(scratch, 'floor_epoll', ['0', *directory]))


def durable_floor(scratch):
    return floor(scratch, scratch.dir('floor'))


def sink_uv(scratch):
    return Ours(Server(scratch, 'sink_uv', ['0']))


def mailkitd(scratch):
    return Ours(Daemon(scratch, '--max-messages-per-connection', MANY,
                       '--max-connections', 20000,
                       '--max-connections-per-address', 20000))


def mailkitd_pop3(scratch):
    """It has a maildrop of 100 messages for alice, and none for bob."""
    server = Daemon(scratch, '--allow-clear-auth', '--max-connections', 20000,
                    '--max-connections-per-address', 20000,
                    listen='pop3=127.0.0.1:0')
    fill(server.box().path, messages(100))
    return Ours(server)


class SmtpSink:
    def __init__(self, scratch):
        self.sink = Sink(scratch, '-m', '20000', dump=False)
        self.sink.__enter__()  # pylint: disable=unnecessary-dunder-call
        self.port, self.pid = self.sink.port, self.sink.process.pid
        self.left = Ours.left

    def stop(self):
        self.sink.__exit__()


SERVICES = '''127.0.0.1:%d inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
'''
SETTINGS = '''compatibility_level = 3.6
queue_directory = %s/spool
data_directory = %s/data
daemon_directory = %s
command_directory = %s
myhostname = mx.example.org
mydestination =
virtual_mailbox_domains = example.org
virtual_mailbox_maps = static:all
virtual_transport = discard
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
default_process_limit = 150
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
smtpd_recipient_restrictions = permit_mynetworks, reject
'''


class Postfix:
    """A Postfix of its own that queues durably, then discards."""

    def __init__(self, scratch):
        self.program = need('postfix')
        if os.geteuid() != 0:
            raise Skip('Postfix starts as root only')
        top = scratch.dir('postfix')
        os.chmod(scratch.path, 0o755)
        self.port = free_port()
        for name in ('etc', 'spool', 'data'):
            scratch.dir('postfix/' + name)
        owner = pwd.getpwnam('postfix')
        os.chown(os.path.join(top, 'data'), owner.pw_uid, owner.pw_gid)
        where = [subprocess.check_output(
            [need('postconf'), '-d', '-h', name], text=True).strip()
                 for name in ('daemon_directory', 'command_directory')]
        scratch.file('postfix/etc/main.cf',
                     SETTINGS % (top, top, where[0], where[1]))
        scratch.file('postfix/etc/master.cf', SERVICES % self.port)
        self.etc = os.path.join(top, 'etc')
        self.spool = os.path.join(top, 'spool')
        self._tell('start')
        with open(os.path.join(self.spool, 'pid', 'master.pid'),
                  encoding='ascii') as f:
            self.pid = int(f.read())

    def _tell(self, word):
        done = subprocess.run([self.program, '-c', self.etc, word],
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, timeout=30, check=False)
        if word == 'start' and done.returncode != 0:
            raise Skip('Postfix: %s' % done.stderr.decode('latin-1')[-300:])

    def left(self):
        return sum(len(names) for queue in ('incoming', 'active', 'deferred')
                   for _, _, names in os.walk(os.path.join(self.spool, queue)))

    def stop(self):
        self._tell('stop')


# The load.

def converse(port, count, octets, failures):
    """One session of the generator that is used without smtp-source."""
    try:
        with socket.create_connection(('127.0.0.1', port), 20) as peer:
            lines = peer.makefile('rb')

            def say(what):
                if what:
                    peer.sendall(what)
                while lines.readline()[3:4] == b'-':
                    pass
            say(b'')
            say(b'EHLO client.example\r\n')
            for _ in range(count):
                say(b'MAIL FROM:<bob@client.example>\r\n')
                say(b'RCPT TO:<%s>\r\n' % RCPT.encode())
                say(b'DATA\r\n')
                say(octets)
            say(b'QUIT\r\n')
    except OSError as why:
        failures.append(str(why))


def own_load(port, sessions, length, count):
    line = b'x' * 78 + b'\r\n'
    octets = line * max(1, length // len(line)) + b'.\r\n'
    failures = []
    threads = [threading.Thread(target=converse, args=(
        port, count // sessions + (i < count % sessions), octets, failures))
               for i in range(sessions)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failures:
        raise AssertionError(failures[0])


def pour(port, sessions, length, count):
    """Seconds that `count` messages took, many on each connection."""
    source = shutil.which('smtp-source', path=os.environ.get('PATH', '') +
                          ':/usr/sbin')
    began = time.monotonic()
    if source is None:
        own_load(port, sessions, length, count)
    else:
        done = subprocess.run(
            [source, '-d', '-s', str(min(sessions, count)), '-m', str(count),
             '-l', str(length), '-f', 'bob@client.example', '-t', RCPT,
             '127.0.0.1:%d' % port], stderr=subprocess.PIPE, timeout=120,
            check=False)
        if done.returncode != 0:
            raise AssertionError(done.stderr.decode('latin-1')[-300:])
    return time.monotonic() - began


def generator():
    return 'smtp-source' if shutil.which(
        'smtp-source', path=os.environ.get('PATH', '') + ':/usr/sbin') \
        else 'a generator of its own (Python)'


def drain(server):
    until(lambda: server.left() == 0, 20, 'the queue to be empty')


EHLO = (b'220', (b'EHLO client.example\r\n',))


def idle(port, count, talk=EHLO):
    """That many connections that were greeted and have said these lines, or as
    many as could be."""
    greeting, lines = talk
    peers = []
    try:
        while len(peers) < count:
            batch = []
            for _ in range(min(100, count - len(peers))):
                peer = socket.create_connection(('127.0.0.1', port), 10)
                peers.append(peer)
                batch.append(peer)
            for peer in batch:
                if not peer.recv(512).startswith(greeting):
                    raise OSError('no greeting')
            for line in lines:
                for peer in batch:
                    peer.sendall(line)
                for peer in batch:
                    if peer.recv(2048)[:1] in (b'', b'-'):
                        raise OSError('closed or refused')
    except OSError:
        hang_up(batch)
        peers = peers[:len(peers) - len(batch)]
    return peers


def hang_up(peers):
    for peer in peers:
        peer.close()
