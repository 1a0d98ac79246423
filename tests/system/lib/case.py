# SPDX-License-Identifier: MIT
"""Cases of a system test: every function check_* of a script is one. A script
ends 0, 1 when a case failed, or 77 (skipped) when no case could run because a
foreign tool is missing. Everything has a bound in time."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

SLOW = 3  # sanitizers and a busy machine: bounds are generous


class Skip(Exception):
    """The case cannot run here; the text says why."""


def need(*names):
    """The path of the first of these tools; raises Skip when none is there."""
    path = os.environ.get('PATH', '') + ':/usr/sbin:/sbin'
    for name in names:
        found = shutil.which(name, path=path)
        if found:
            return found
    raise Skip(' and '.join(names) + ' not installed')


def program(name):
    """A program of the build: $MAILKITD, $MAILKIT …, set by meson, or found
    below $MAILKIT_BUILD."""
    path = os.environ.get(name.upper())
    if path:
        return path
    top = os.path.join(os.environ.get('MAILKIT_BUILD', 'build'), 'examples')
    for path in (os.path.join(top, name), os.path.join(top, name, name)):
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    raise Skip('%s is not built' % name)


def same(got, want, what=''):
    if got != want:
        raise AssertionError('%s: got %r, want %r' % (what or 'values', got,
                                                      want))


def has(text, part, what=''):
    if part not in text:
        raise AssertionError('%s: %r is not in %r' % (what or 'text', part,
                                                      text[-2000:]))


def true(value, what):
    if not value:
        raise AssertionError(what)


def until(ready, seconds, what):
    """Wait until ready() is true; at most that long."""
    end = time.monotonic() + seconds * SLOW
    while True:
        value = ready()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError('not in time: ' + what)
        time.sleep(0.02)


def run(argv, stdin=b'', seconds=20, env=None, **more):
    """Run a program to its end; (exit code, stdout, stderr) as octets."""
    if isinstance(stdin, bytes):
        more['input'] = stdin
    else:
        more['stdin'] = stdin
    try:
        done = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=env,
                              timeout=seconds * SLOW, check=False, **more)
    except subprocess.TimeoutExpired as why:
        raise AssertionError('%s does not end; stderr: %r' % (
            argv[0], (why.stderr or b'')[-1000:])) from None
    sane(done.stderr)
    return done.returncode, done.stdout, done.stderr


def sane(stderr):
    """No sanitizer had anything to say."""
    for word in (b'Sanitizer', b'runtime error:', b'Assertion'):
        if word in stderr:
            raise AssertionError('a program is unwell:\n' + stderr.decode(
                'latin-1')[-6000:])


class Scratch:
    """A temporary directory that goes when the case ends. In memory, where
    there is such a place: for programs whose syncs are not what is tested."""

    def __init__(self, in_memory=False):
        self.top = '/dev/shm' if in_memory and os.access(
            '/dev/shm', os.W_OK | os.X_OK) else None

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix='mailkit-system.', dir=self.top)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name, octets):
        path = os.path.join(self.path, name)
        with open(path, 'wb') as f:
            f.write(octets if isinstance(octets, bytes) else octets.encode())
        return path

    def dir(self, name):
        path = os.path.join(self.path, name)
        os.makedirs(path, exist_ok=True)
        return path


def main(names, seconds=100):
    """Run the cases of a script (its globals()), or those named as arguments;
    each gets at most `seconds`."""
    cases = [(n, f) for n, f in names.items() if n.startswith('check_')]
    if len(sys.argv) > 1:
        cases = [(n, f) for n, f in cases if n in sys.argv[1:]]
    failed, skipped = 0, 0

    def late(*_):
        raise AssertionError('not done in %d s' % seconds)

    signal.signal(signal.SIGALRM, late)
    # Told to end: what was started is stopped, what was made is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for name, case in cases:
        began = time.monotonic()
        signal.alarm(seconds)
        try:
            case()
            word, why = 'ok', ''
        except Skip as reason:
            word, why = 'skipped', ': %s' % reason
            skipped += 1
        except Exception:  # pylint: disable=broad-except
            word, why = 'FAIL', ':\n' + traceback.format_exc()
            failed += 1
        finally:
            signal.alarm(0)
        print('%s %s (%.1f s)%s' % (word, name, time.monotonic() - began,
                                    why), flush=True)
    if not cases or failed:
        print('%d of %d failed' % (failed, len(cases)))
        return 1
    return 77 if skipped == len(cases) else 0
