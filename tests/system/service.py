#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""mailkitd under a service manager: who it runs as, sockets that are passed,
words to the manager, and units that name only what exists."""
import ctypes
import grp
import os
import pwd
import re
import signal
import socket
import sys

from lib.case import (Scratch, Skip, has, main, need, program, run, same, true,
                      until)
from lib.daemon import Daemon
from lib.wire import Wire

USAGE, NO_PERMISSION, CONFIG = 64, 77, 78
UNITS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..',
                     'examples', 'mailkitd')


def root():
    if os.geteuid() != 0:
        raise Skip('only root can become another user')
    return pwd.getpwnam('nobody')


def opened(scratch, user, before=None):
    """A directory that the user may pass, and mail that is theirs."""
    os.chmod(scratch.path, 0o755)
    os.chown(scratch.dir('mail'), user.pw_uid, user.pw_gid)
    daemon = Daemon(scratch, '--user', user.pw_name, before=before)
    os.chmod(scratch.path + '/users', 0o644)
    return daemon


def deliver(port):
    with Wire(port) as wire:
        wire.open()
        wire.expect('Subject: x\r\n\r\nx\r\n.', 250)
        wire.quit()


def status(pid):
    with open('/proc/%d/status' % pid, encoding='latin-1') as f:
        return dict(line.rstrip('\n').split(':\t', 1) for line in f
                    if ':\t' in line)


# ---- who it runs as --------------------------------------------------------


def check_root_is_given_up():
    """All ids, all groups, all capabilities, for good; in every process, also
    in one that comes later."""
    user = root()
    with Scratch() as scratch, opened(
            scratch, user, lambda: os.setgroups([0, 1, 2])) as daemon:
        os.kill(daemon.workers()[0], signal.SIGKILL)
        daemon.said(b'was ended by signal 9')
        until(daemon.workers, 10, 'a worker again')
        daemon.signal(signal.SIGHUP)
        daemon.said(b'reloaded')
        same(len(daemon.family()) in (2, 3), True)
        for pid in daemon.family():
            got = status(pid)
            same(got['Uid'].split(), [str(user.pw_uid)] * 4)
            same(got['Gid'].split(), [str(user.pw_gid)] * 4)
            same(set(got['Groups'].split()) <= {str(user.pw_gid)}, True)
            for name in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb'):
                same(int(got[name], 16), 0, name)
            same(got['NoNewPrivs'], '1')
        deliver(daemon.port)
        name, = daemon.box().names()
        entry = os.stat(os.path.join(daemon.box().path, 'new', name))
        same((entry.st_uid, entry.st_mode & 0o777), (user.pw_uid, 0o600))
        true(b'running as root' not in daemon.stderr(), 'no warning')


def check_a_group_by_name():
    user = root()
    group = grp.getgrnam('daemon')
    with Scratch() as scratch:
        daemon = opened(scratch, user)
        daemon.argv[daemon.argv.index('--user') + 1] = 'nobody:daemon'
        with daemon:
            for pid in daemon.family():
                same(status(pid)['Gid'].split(), [str(group.gr_gid)] * 4)


def check_a_port_that_only_root_may_bind():
    """It is bound before root is given up. Without a low port (they are other
    people's) the limit is raised in a network of our own."""
    user = root()
    unshare = ctypes.CDLL(None, use_errno=True).unshare
    with Scratch() as scratch:
        daemon = opened(scratch, user)
        daemon.argv[daemon.argv.index('--listen') + 1] = 'smtp=127.0.0.1:2525'

        def alone():
            if unshare(0x40000000) != 0:  # CLONE_NEWNET
                os._exit(126)
            os.system('ip link set lo up')
            with open('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'w',
                      encoding='ascii') as f:
                f.write('3000')

        if not os.path.exists('/proc/self/ns/net'):
            raise Skip('no networks of our own')
        need('ip')
        daemon.before = alone
        with daemon:
            same(daemon.port, 2525)
            same(status(daemon.pid())['Uid'].split()[1], str(user.pw_uid))


def check_users_that_cannot_be():
    with Scratch() as scratch:
        rows = [('no-such-user', CONFIG, 'there is no such user'),
                ('nobody:no-such-group', CONFIG, 'there is no such group'),
                (':daemon', CONFIG, 'NAME:GROUP'), ('root', CONFIG, 'root')]
        for name, want, part in rows:
            for more in ([], ['--check']):
                daemon = Daemon(scratch, '--user', name, *more)
                code, out, err = run(daemon.argv, seconds=5)
                same((code, out), (want, b''), name)
                has(err.decode(), part)


def check_files_that_the_user_may_not_touch():
    """--check and the start tell what root would not have seen."""
    user = root()
    for what in ('mail', 'users', 'mailkitd.ini'):
        for more in ([], ['--check']):
            with Scratch() as scratch:
                daemon = opened(scratch, user)
                ini = scratch.file('mailkitd.ini', 'workers = 1\n')
                os.chmod(ini, 0o644)
                daemon.argv += ['--config', ini]
                os.chown(os.path.join(scratch.path, what), 0, 0)
                os.chmod(os.path.join(scratch.path, what),
                         0o755 if what == 'mail' else 0o600)
                code, out, err = run(daemon.argv + more, seconds=5)
                true(code in (66, 78), '%s: %d' % (what, code))
                same(out, b'')
                has(err.decode(), os.path.join(scratch.path, what))


def check_not_root():
    """Another user is an error; oneself is none."""
    user = root()
    with Scratch() as scratch:
        daemon = opened(scratch, user)

        def become():
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)

        for name, want in (('nobody', 0), ('daemon', NO_PERMISSION)):
            daemon.argv[daemon.argv.index('--user') + 1] = name
            code, _, err = run(daemon.argv + ['--check'], seconds=5,
                               preexec_fn=become)
            same(code, want, err.decode())


def check_root_is_warned():
    root()
    with Scratch() as scratch, Daemon(scratch) as daemon:
        daemon.said(b'running as root: --user NAME gives root up')


# ---- sockets that are passed -----------------------------------------------


# Moves the descriptors named first to 3 and on, and becomes the rest.
LAUNCH = """
import os, sys
fds = [int(fd) for fd in sys.argv[1].split(',')]
high = [os.dup2(fd, 100 + n) for n, fd in enumerate(fds)]
for fd in fds:
    os.close(fd)
for n, fd in enumerate(high):
    os.dup2(fd, 3 + n)
    os.close(fd)
os.environ.setdefault('LISTEN_PID', str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""


def passing(daemon, sockets, names, pid=None):
    """As systemd does it: descriptors from 3 on, told in the environment."""
    fds = [s.fileno() for s in sockets]
    daemon.argv = [sys.executable, '-c', LAUNCH, ','.join(map(str, fds)),
                   *daemon.argv]
    daemon.pass_fds = fds
    daemon.env['LISTEN_FDS'] = str(len(sockets))
    if names is not None:
        daemon.env['LISTEN_FDNAMES'] = names
    if pid is not None:
        daemon.env['LISTEN_PID'] = pid
    return daemon


def without_listen(scratch, *options):
    daemon = Daemon(scratch, *options)
    at = daemon.argv.index('--listen')
    del daemon.argv[at:at + 2]
    return daemon


def check_sockets_are_taken():
    """Those of the manager alone, or beside --listen; they stay at a reload
    with whoever waits in their queue."""
    with Scratch() as scratch, socket.create_server(
            ('127.0.0.1', 0)) as one, socket.create_server(
                ('::1', 0), family=socket.AF_INET6) as two:
        ports = [one.getsockname()[1], two.getsockname()[1]]
        with passing(without_listen(scratch, '--workers', 2), [one, two],
                     'smtp:smtp') as daemon:
            same(daemon.lines, ['listening smtp 127.0.0.1:%d' % ports[0],
                                'listening smtp [::1]:%d' % ports[1],
                                'ready'])
            deliver(ports[0])
            for fd in (3, 4):
                with open('/proc/%d/fdinfo/%d' % (daemon.pid(), fd),
                          encoding='ascii') as f:
                    flags = re.search(r'flags:\s*(\d+)', f.read()).group(1)
                true(int(flags, 8) & 0o2000000, 'close on exec')
            daemon.signal(signal.SIGHUP)
            daemon.said(b'reloaded')
            deliver(ports[0])
            with Wire(ports[1], host='::1', source='::1') as wire:
                wire.expect('EHLO a.example', 250)
        # they are the manager's: still there, and a new start serves them
        with passing(Daemon(scratch), [one], 'smtp') as daemon:
            same(len(daemon.lines), 3)
            deliver(ports[0])
            deliver(daemon.port)


def check_sockets_by_their_names():
    """Each serves the protocol that it is named after, also after a reload, and
    what that needs is asked for."""
    with Scratch() as scratch, socket.create_server(
            ('127.0.0.1', 0)) as one, socket.create_server(
                ('127.0.0.1', 0)) as two:
        ports = [one.getsockname()[1], two.getsockname()[1]]
        with passing(without_listen(scratch, '--allow-clear-auth'),
                     [one, two], 'smtp:submission') as daemon:
            same(daemon.lines[1], 'listening submission 127.0.0.1:%d' %
                 ports[1])
            for _ in range(2):
                for port, code in zip(ports, (250, 530)):
                    with Wire(port) as wire:
                        wire.expect('EHLO a.example', 250)
                        wire.expect('MAIL FROM:<e@example.com>', code)
                daemon.signal(signal.SIGHUP)
                daemon.said(b'reloaded')
        daemon = passing(without_listen(scratch), [one, two],
                         'smtp:submission')
        daemon.err_path += '2'
        daemon.spawn()
        same(daemon.wait(), CONFIG)
        has(daemon.stderr().decode(), '--listen submission: it needs --tls-cert')


def check_sockets_for_somebody_else():
    """LISTEN_PID of another process: they are not ours."""
    with Scratch() as scratch, socket.create_server(
            ('127.0.0.1', 0)) as one:
        with passing(Daemon(scratch), [one], 'smtp', pid='1') as daemon:
            same(len(daemon.lines), 2)
        daemon = passing(without_listen(scratch), [one], 'smtp', pid='1')
        daemon.spawn()
        same(daemon.wait(), USAGE)
        has(daemon.stderr().decode(), '--listen is missing')


def check_sockets_that_cannot_be():
    with Scratch() as scratch, socket.create_server(
            ('127.0.0.1', 0)) as good, socket.socket() as deaf, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, \
            socket.socket(socket.AF_UNIX) as local:
        local.bind(scratch.path + '/local')
        local.listen()
        rows = [(good, 'imap', 'imap'), (good, None, 'FileDescriptorName'),
                (good, '', 'FileDescriptorName'), (deaf, 'smtp', 'socket 3'),
                (datagrams, 'smtp', 'socket 3'), (local, 'smtp', 'socket 3')]
        for n, (given, names, part) in enumerate(rows):
            daemon = passing(without_listen(scratch), [given], names)
            daemon.err_path += str(n)
            daemon.spawn()
            same(daemon.wait(), CONFIG, 'row %d' % n)
            has(daemon.stderr().decode(), part)


# ---- words to the manager --------------------------------------------------


class Manager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, name):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(name)
        self.socket.settimeout(15)

    def heard(self):
        return self.socket.recv(4096).decode().split('\n')


def check_words_to_the_manager():
    for abstract in (False, True):
        with Scratch() as scratch:
            path = scratch.path + '/notify'
            manager = Manager('\0' + path if abstract else path)
            daemon = Daemon(scratch, '--workers', 2, env={
                'NOTIFY_SOCKET': ('@' if abstract else '') + path})
            with daemon:
                same(manager.heard(), ['READY=1',
                                       'MAINPID=%d' % daemon.pid()])
                scratch.file('users', 'alice:{PLAIN}x\n')
                daemon.signal(signal.SIGHUP)
                words = manager.heard()
                same(words[0], 'RELOADING=1')
                true(re.match(r'MONOTONIC_USEC=\d+$', words[1]), words)
                same(manager.heard(), ['READY=1'])
                daemon.said(b'reloaded')
                scratch.file('users', 'bad\n')
                daemon.signal(signal.SIGHUP)
                same(manager.heard()[0], 'RELOADING=1')
                same(manager.heard(), ['READY=1'])
            same(manager.heard(), ['STOPPING=1'])
            manager.socket.close()


def check_nobody_to_tell():
    """A manager that is not there, or a name that cannot be."""
    with Scratch() as scratch:
        for name in ('', '/', scratch.path + '/gone', 'relative', '@',
                     '/' + 'x' * 200):
            with Daemon(scratch, env={'NOTIFY_SOCKET': name}) as daemon:
                deliver(daemon.port)


# ---- units -----------------------------------------------------------------


def check_units():
    """Every option is one that this systemd knows."""
    tool = need('systemd-analyze')
    with Scratch() as scratch:
        paths = []
        for name in ('mailkitd.service', 'mailkitd.socket'):
            with open(os.path.join(UNITS, name), encoding='ascii') as f:
                text = f.read().replace('/usr/bin/mailkitd',
                                        program('mailkitd'))
            paths.append(scratch.file(name, text))
        code, out, err = run([tool, '--man=no', 'verify', *paths])
        text = (out + err).decode()
        told = [line for line in text.split('\n') if 'mailkitd' in line]
        same((code, told), (0, []), 'systemd-analyze verify')
        # and it would have told
        with open(paths[0], 'a', encoding='ascii') as f:
            f.write('[Service]\nProtectNothing=yes\n')
        _, out, err = run([tool, '--man=no', 'verify', paths[0]])
        has((out + err).decode(), 'ProtectNothing')


# ---- --check ---------------------------------------------------------------


def check_all_errors_are_told():
    """Each by file and line, not only the first."""
    with Scratch() as scratch:
        users = scratch.file('bad-users', 'alice:{PLAIN}x\n\nbob\n')
        gone = scratch.path + '/gone'
        path = scratch.file('x.ini', 'hostname = a b\nno-such = 1\n'
                            'max-hops = 0\nlisten = smtp=x\n')
        code, out, err = run([program('mailkitd'), '--config', path,
                              '--check'])
        same((code, out), (CONFIG, b''))
        for line, key in enumerate(('hostname', 'no-such', 'max-hops',
                                    'listen'), 1):
            has(err.decode(), '%s:%d: %s: ' % (path, line, key))
        path = scratch.file('x.ini', (
            'hostname = a.example\ndomain = a.example\nmail-root = %s\n'
            'users = %s\nlisten = smtp=127.0.0.1:0\n' % (gone, users)))
        code, out, err = run([program('mailkitd'), '--config', path,
                              '--check'])
        same((code, out), (CONFIG, b''))
        for part in ('--mail-root %s: ' % gone, users + ':3: '):
            has(err.decode(), part)


def check_check_binds_nothing():
    with Scratch() as scratch, Daemon(scratch) as daemon:
        argv = list(daemon.argv)
        argv[argv.index('--listen') + 1] = 'smtp=127.0.0.1:%d' % daemon.port
        same(run(argv + ['--check']), (0, b'', b''))
        at = argv.index('--listen')
        code, _, err = run(argv[:at] + ['--check'])
        same(code, 0)
        has(err.decode(), '--listen is missing')


if __name__ == '__main__':
    sys.exit(main(globals()))
