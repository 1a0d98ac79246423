# SPDX-License-Identifier: MIT
"""mailkitd seen from outside: started with a session of its own, so that it
dies whole; traced by strace thread by thread; its mail looked at as it lies on
disk. Messages carry a number and a checksum, so that each is known again."""
import hashlib
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'system'))

# pylint: disable=wrong-import-position
from lib.case import Skip, need, run, sane, true, until  # noqa: E402
from lib.daemon import Daemon  # noqa: E402
from lib.maildir import Box, field, split  # noqa: E402
from lib.wire import Wire  # noqa: E402

SEED = int(os.environ.get('MAILKIT_SEED', '1'))
FULL = bool(os.environ.get('MAILKIT_FULL'))
TMP_AGE_S = 37 * 3600  # beyond the 36 hours of docs/maildir.md


def dice(what):
    """Chance that is the same in every run of this seed."""
    return random.Random('%d %s' % (SEED, what))


# ---- the daemon -------------------------------------------------------------

def parent_and_session(pid):
    with open('/proc/%d/stat' % pid, encoding='latin-1') as f:
        words = f.read().rpartition(')')[2].split()
    return int(words[1]), int(words[3])


def eldest_first(first, ids):
    """Process or thread ids in the order of their making: `first` was made
    first, and the kernel begins again at the bottom behind pid_max."""
    with open('/proc/sys/kernel/pid_max', encoding='latin-1') as f:
        pid_max = int(f.read())
    return sorted(ids, key=lambda n: (n - first) % pid_max)


def family(leader):
    """The living processes of a session, parents first."""
    found = []
    for name in os.listdir('/proc'):
        try:
            if name.isdigit() and parent_and_session(int(name))[1] == leader:
                found.append(int(name))
        except (OSError, IndexError):
            pass  # gone meanwhile
    return eldest_first(leader, found)


def threads(pid):
    return eldest_first(pid, map(int, os.listdir('/proc/%d/task' % pid)))


class Victim(Daemon):
    """A daemon that leads a session of its own, however many processes that
    is. `alive` is a pipe whose other end all of them hold."""

    def __init__(self, scratch, *options, **more):
        more.setdefault('env', {})
        # A tracer and the leak check would want the same ptrace; one worker
        # makes the calls of a delivery countable.
        asan = os.environ.get('ASAN_OPTIONS', '')
        more['env'].setdefault('ASAN_OPTIONS', asan + ':detect_leaks=0')
        super().__init__(scratch, *options, **more)

    def spawn(self):
        self.alive, held = os.pipe()
        with open(self.err_path, 'ab') as err:
            self.process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=err, env=self.env, preexec_fn=self.before,
                start_new_session=True, pass_fds=(held,))
        os.close(held)
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def family(self):
        return family(self.process.pid)

    def threads(self):
        """All threads of all its processes, in an order that is the same
        after a restart."""
        return [t for pid in self.family() for t in threads(pid)]

    def crash(self):
        """SIGKILL for all of it; back when nothing of it is left."""
        if self.alive is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.read(self.alive, 1)  # the end comes when the last has died
        os.close(self.alive)
        self.alive = None
        self.process.stdout.close()

    kill = crash

    def cpu_s(self):
        """Seconds of processor time that its processes have had."""
        ticks = 0
        for pid in self.family():
            with open('/proc/%d/stat' % pid, encoding='latin-1') as f:
                words = f.read().rpartition(')')[2].split()
            ticks += int(words[11]) + int(words[12])
        return ticks / os.sysconf('SC_CLK_TCK')


class Life:
    """One mail root and the daemons that serve it one after the other."""

    def __init__(self, scratch, *options, one_worker=False, **more):
        self.scratch, self.options, self.more = scratch, options, more
        if one_worker:
            self.more['env'] = {'UV_THREADPOOL_SIZE': '1'}
        self.daemon = None
        self.deaths = 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        if self.daemon is None:
            return
        try:
            if kind is None or kind is Skip:
                true(self.daemon.stop() == 0, 'it ends in order')
            else:
                print('daemon: ' + self.daemon.stderr().decode('latin-1')
                      [-3000:])
        finally:
            self.daemon.crash()

    def begin(self):
        """Start the next one, without waiting for its `ready`."""
        more = dict(self.more, env=dict(self.more.get('env', {})))
        self.daemon = Victim(self.scratch, *self.options, **more).spawn()

    def start(self):
        self.begin()
        try:
            self.daemon.ready()
        except BaseException:
            self.daemon.crash()
            raise
        return self.daemon

    def crash(self):
        self.daemon.crash()
        sane(self.daemon.stderr())
        self.deaths += 1

    def again(self):
        self.crash()
        return self.start()

    def box(self, user='alice', domain='example.org'):
        return self.daemon.box(user, domain)


# ---- messages ---------------------------------------------------------------

def message(number, size):
    """A message that can be told from all others and from half of itself."""
    rest = random.Random(number)
    lines, had = [], 0
    while had < size:
        line = b'%06d ' % len(lines) + b'%x' % rest.getrandbits(240)
        lines.append(line)
        had += len(line) + 2
    body = b'\n'.join(lines) + b'\n'
    head = b'X-Number: %d\nX-Sum: %s\nSubject: x\n\n' % (
        number, hashlib.sha256(body).hexdigest().encode())
    return (head + body).replace(b'\n', b'\r\n')


def numbers(box):
    """number -> how often it is in new/. All are looked at: sizes in the
    name, line ends, checksum; links and anything that is no file fail."""
    found = Counter()
    for name in box.names():
        path = os.path.join(box.path, 'new', name)
        st = os.lstat(path)
        true(st.st_nlink == 1 and st.st_mode & 0o177777 == 0o100600,
             '%s: mode %o, %d links' % (path, st.st_mode, st.st_nlink))
    for octets in box.messages():
        number = field(octets, 'X-Number')
        true(len(number) == 1, 'a message without its number: %r' %
             octets[:300])
        want = field(octets, 'X-Sum')
        got = hashlib.sha256(split(octets)[1]).hexdigest().encode()
        true(want == [got], 'message %s is torn' % number[0])
        found[int(number[0])] += 1
    return found


def age(box, seconds=TMP_AGE_S):
    """What lies in tmp/ grows old; how many that are."""
    names = box.names('tmp')
    for name in names:
        then = time.time() - seconds
        os.utime(os.path.join(box.path, 'tmp', name), (then, then))
    return len(names)


def send(port, octets, *to, seconds=20, pause_s=0):
    """One message over a connection of its own, with a pause before its end:
    the reply that ended it, or None when the connection died first."""
    try:
        with Wire(port, seconds=seconds) as wire:
            if wire.greeting is None:
                return None
            for line in ('EHLO client.example.com',
                         'MAIL FROM:<eve@example.com>',
                         *('RCPT TO:<%s>' % x for x in to), 'DATA'):
                got = wire.say(line)
                if got is None or got[0] not in (250, 354):
                    return got
            if pause_s:
                wire.send(octets)
                time.sleep(pause_s)
                octets = b''
            if not wire.send(octets + b'.\r\n'):
                return None
            got = wire.reply()
            wire.say('QUIT')
            return got
    except (OSError, AssertionError) as why:
        if isinstance(why, AssertionError) and 'cut reply' not in str(why):
            raise
        return None


def code(reply):
    """The reply code, and the enhanced code of RFC 3463 behind it."""
    return None if reply is None else (reply[0], reply[1].split(' ')[0])


# ---- strace -----------------------------------------------------------------

class Tracer:
    """strace on threads of a running daemon, while the context lasts."""

    def __init__(self, scratch, tids, *options):
        self.out = os.path.join(scratch.path, 'trace')
        self.err = os.path.join(scratch.path, 'trace.err')
        self.tids = tids
        self.argv = [need('strace'), '-qq', '-y', '-s', '40', '-e',
                     'signal=none', '-o', self.out, *options]
        for tid in tids:
            self.argv += ['-p', str(tid)]

    def __enter__(self):
        with open(self.err, 'wb') as err:
            self.process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stderr=err,
                stdout=subprocess.DEVNULL, start_new_session=True)
        try:
            until(self._attached, 5, 'strace to attach')
        except AssertionError:
            self._end()
            raise
        return self

    def _attached(self):
        if self.process.poll() is not None:
            with open(self.err, encoding='latin-1') as f:
                said = f.read()
            true(said == '', 'strace: ' + said)
            return True  # killed at once, in the call it waited in
        for tid in self.tids:
            try:
                with open('/proc/%d/status' % tid, encoding='latin-1') as f:
                    tracer = re.search(r'TracerPid:\s*(\d+)',
                                       f.read()).group(1)
            except OSError:
                return False  # killed already; strace will end, too
            if int(tracer) != self.process.pid:
                return False
        return True

    def ended(self, seconds):
        """True when whom it traced is dead, at most that much later."""
        try:
            self.process.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            return False

    def _end(self):
        if self.process.poll() is None:
            self.process.terminate()  # it detaches
        self.process.wait()

    def __exit__(self, *_):
        self._end()


def may_trace(scratch):
    """Skips the case where strace is missing or not permitted."""
    strace = need('strace')
    out = os.path.join(scratch.path, 'probe')
    if run([strace, '-f', '-o', out, 'true'])[0] != 0:
        raise Skip('strace may not trace here')


def inject(call, what, when):
    return ['-e', 'trace=' + call, '-e',
            'inject=%s:%s:when=%s' % (call, what, when)]


LINE = re.compile(r'(?:(\d+) +)?(\w+)\((.*)')


def traced(scratch, tids, work):
    """thread index -> list of (call, rest of the line) in order, while
    `work` runs. strace with one -p writes no ids."""
    with Tracer(scratch, tids, '-e', 'trace=all') as tracer:
        work()
    found = {n: [] for n in range(len(tids))}
    with open(tracer.out, encoding='latin-1') as f:
        for line in f:
            m = LINE.match(line)
            if not m:
                continue  # "resumed"
            tid = int(m.group(1)) if m.group(1) else tids[0]
            found[tids.index(tid)].append((m.group(2), m.group(3)))
    return found

