#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`mailkit passwd`: its lines by Python's own PBKDF2, its manners at a
terminal, and that mailkitd takes what it prints."""
import base64
import hashlib
import hmac
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import time

from lib.case import SLOW, Scratch, has, main, program, run, same, true
from lib.daemon import Daemon
from lib.wire import Wire

USAGE, UNFIT, NO_INPUT = 64, 65, 66
LINE = re.compile(rb'ann:\{SCRAM-SHA-256\}(\d+)\$([^$]+)\$([^$]+)\$([^$]+)\n$')
PASSWORD = 'pass wörd:maildir'.encode()


def passwd(*argv, stdin=PASSWORD + b'\n'):
    return run([program('mailkit'), 'passwd', *argv], stdin)


def proven(line, password, iterations):
    """The keys are those of this password (RFC 5802 3)."""
    count, *rest = LINE.match(line).groups()
    salt, stored, server = (base64.b64decode(x, validate=True) for x in rest)
    same((int(count), len(salt)), (iterations, 16))
    salted = hashlib.pbkdf2_hmac('sha256', password, salt, iterations)
    key = hmac.digest(salted, b'Client Key', 'sha256')
    same(stored, hashlib.sha256(key).digest())
    same(server, hmac.digest(salted, b'Server Key', 'sha256'))
    return salt


def check_keys():
    salts = set()
    for options, count in (((), 10000), (('--iterations', '4096'), 4096),
                           (('--scheme', 'SCRAM-SHA-256'), 10000)):
        for stdin in (PASSWORD, PASSWORD + b'\r\nmore\n'):
            code, out, err = passwd(*options, 'ann', stdin=stdin)
            same((code, err), (0, b''))
            true(PASSWORD not in out, out)
            salts.add(proven(out, PASSWORD, count))
    same(len(salts), 6)


def check_plain():
    for password, line in ((b'one', b'ann:{PLAIN}one\n'),
                           (b' a b ', b'ann:{PLAIN} a b \n'),
                           (b'a:mbox', b'ann:{PLAIN}a:mbox:maildir\n'),
                           (PASSWORD, b'ann:{PLAIN}%s:maildir\n' % PASSWORD)):
        same(passwd('--scheme', 'plain', 'ann', stdin=password),
             (0, line, b''))


def check_mailkitd_takes_them():
    with Scratch() as scratch:
        lines = b''
        for argv in (('ann',), ('--scheme', 'plain', 'bob@example.net'),
                     ('--iterations', '5000', "o'hara+x@example.org")):
            code, out, err = passwd(*argv)
            same((code, err), (0, b''))
            lines += out
        with Daemon(scratch, users=lines.decode()) as daemon:
            with Wire(daemon.port) as wire:
                wire.open('ann@example.org', 'bob@example.net',
                          "o'hara+x@example.org")


def check_usage():
    for argv in ((), ('a', 'b'), ('--scheme', 'md5', 'a'), ('--no-such', 'a'),
                 ('--iterations', '4095', 'a'), ('--iterations', 'x', 'a'),
                 ('--iterations', '1000001', 'a'), ('--iterations',),
                 ('--scheme', 'plain', '--iterations', '5000', 'a'),
                 ('--scheme', 'plain', '--scheme', 'plain', 'a'),
                 ('',), ('#a',), ('a:b',), ('a/b',), ('.a',), ('a b',),
                 ('a\nb',), ('a\x1b[2J',), ('a\udcff',), ('x' * 65,),
                 ('x' * 3000,)):
        code, out, err = passwd(*argv)
        same((code, out), (USAGE, b''), argv)
        true(err.startswith(b'mailkit: ') and b'\x1b' not in err, err)
    for stdin, want in ((b'', NO_INPUT), (b'\n', NO_INPUT),
                        (b'a\0b\n', NO_INPUT), (b'a\x1bb\n', NO_INPUT),
                        (b'x' * 9000, NO_INPUT), (b'x' * 256, UNFIT)):
        for scheme in ('plain', 'scram-sha-256'):
            code, out, err = passwd('--scheme', scheme, 'a', stdin=stdin)
            same((code, out), (want, b''), stdin[:9])
            true(stdin[:200] not in err or not stdin.strip(), err)
    code, out, err = passwd('--help')
    same((code, err), (0, b''))
    for option in (b'--scheme', b'--iterations', b'--help'):
        has(out, option)


# ---- a terminal --------------------------------------------------------------

class Terminal:
    """passwd at a terminal of its own."""

    def __enter__(self):
        self.ours, self.theirs = pty.openpty()
        self.child = subprocess.Popen(
            [program('mailkit'), 'passwd', 'ann'], stdin=self.theirs,
            stdout=subprocess.PIPE, stderr=self.theirs, start_new_session=True)
        self.shown = b''
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        self.child.stdout.close()
        os.close(self.ours)
        os.close(self.theirs)

    def has_echo(self):
        return bool(termios.tcgetattr(self.theirs)[3] & termios.ECHO)

    def wait_for(self, prompt):
        end = time.monotonic() + 20 * SLOW
        while prompt not in self.shown:
            true(time.monotonic() < end, self.shown)
            self.shown += os.read(self.ours, 4096)

    def answer(self, prompt, octets):
        self.wait_for(prompt)
        same(self.has_echo(), False)
        os.write(self.ours, octets)

    def end(self):
        """Exit code and what it printed; the terminal is as before."""
        out = self.child.stdout.read()
        code = self.child.wait(20 * SLOW)
        same(self.has_echo(), True)
        os.set_blocking(self.ours, False)
        try:
            self.shown += os.read(self.ours, 4096)
        except BlockingIOError:
            pass
        true(b'secret' not in self.shown, self.shown)
        return code, out


def check_terminal():
    for first, second, want in ((b'secret\n', b'secret\n', 0),
                                (b'secret\n', b'secret1\n', NO_INPUT),
                                (b'secret\n', b'secre', NO_INPUT),
                                (b'secret\x03', None, NO_INPUT),
                                (b'\x03', None, NO_INPUT),
                                (b'\n', None, NO_INPUT)):
        with Terminal() as terminal:
            terminal.answer(b'Password: ', first)
            if second is not None:
                terminal.answer(b'Again: ', second)
                if not second.endswith(b'\n'):
                    os.write(terminal.ours, b'\x03')
            code, out = terminal.end()
            same(code, want, (first, second))
            if code == 0:
                proven(out, b'secret', 10000)
            else:
                same(out, b'')


def check_ended_from_outside():
    """The terminal's echo comes back before a SIGTERM is obeyed."""
    with Terminal() as terminal:
        terminal.wait_for(b'Password: ')
        terminal.child.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        same(terminal.child.poll(), None)
        os.write(terminal.ours, b'secret\n')
        same(terminal.end(), (-signal.SIGTERM, b''))


if __name__ == '__main__':
    sys.exit(main(globals()))
