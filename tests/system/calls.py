#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How often a message asks the kernel: one wait, one recv and one send for each
reply that the peer waits for, as in the smallest loop that there can be, and
nothing else. Time is noisy, calls are not."""
import os
import sys

from lib.case import Scratch, main, need, same, true
from lib.daemon import Server
from lib.wire import Wire

COUNT = 200
ROUNDS = 4  # MAIL, RCPT, DATA, end of data
SLACK = 60  # one connection, the start and the end


class SinkUv(Server):
    def __init__(self, scratch):
        self.trace = os.path.join(scratch.path, 'trace')
        super().__init__(
            scratch, 'sink_uv', ['127.0.0.1:0'],
            wrap=[need('strace'), '-f', '-c', '-U', 'calls,name', '-o',
                  self.trace],
            env={'ASAN_OPTIONS': 'detect_leaks=0'})

    def calls(self):
        """How often each call was made, once it has ended."""
        found = {}
        with open(self.trace, encoding='ascii') as f:
            for line in f:
                words = line.split()
                if len(words) == 2 and words[0].isdigit():
                    found[words[1]] = int(words[0])
        return found


def count(body):
    with Scratch() as scratch:
        with SinkUv(scratch) as sink:
            with Wire(sink.port) as wire:
                wire.expect('EHLO client.example.com', 250)
                for _ in range(COUNT):
                    wire.expect('MAIL FROM:<a@example.com>', 250)
                    wire.expect('RCPT TO:<b@example.org>', 250)
                    wire.expect('DATA', 354)
                    wire.send(body)
                    same(wire.reply()[0], 250)
                wire.quit()
        return sink.calls()


def check_small_messages():
    calls = count(b'Subject: x\r\n\r\n' + b'x' * 70 + b'\r\n.\r\n')
    for name in ('epoll_wait', 'recvfrom', 'sendto'):
        made = sum(n for call, n in calls.items()
                   if call in (name, name.replace('wait', 'pwait')))
        true(COUNT * ROUNDS <= made <= COUNT * ROUNDS + SLACK,
             '%s: %d calls' % (name, made))
    for name in ('epoll_ctl', 'setsockopt', 'timerfd_settime', 'futex'):
        true(calls.get(name, 0) <= SLACK, '%s: %r' % (name, calls))


def check_large_messages():
    """The body is taken in large pieces; nothing is asked in between."""
    body = b'Subject: x\r\n\r\n' + (b'x' * 70 + b'\r\n') * 1400 + b'.\r\n'
    calls = count(body)
    pieces = len(body) // 8192 + 1
    true(calls['recvfrom'] <= COUNT * (ROUNDS - 1 + pieces) + SLACK, calls)
    true(calls['sendto'] <= COUNT * ROUNDS + SLACK, calls)
    true(calls['epoll_ctl'] <= SLACK, calls)


if __name__ == '__main__':
    sys.exit(main(globals()))
