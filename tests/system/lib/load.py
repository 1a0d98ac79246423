# SPDX-License-Identifier: MIT
"""Clients that send numbered messages one after the other and remember which
got their 250; what a server loses or invents is told afterwards."""
import re
import threading
import time

from lib.case import same, true
from lib.wire import Wire

NUMBER = re.compile(rb'^Subject: load (\d+)$', re.M)


class Load:
    """A context: clients run inside; `acked` and `broken` count. Each session
    sends `messages`, then ends with QUIT and another begins."""

    def __init__(self, port, clients=8, messages=5, pause=0.0, size=3000,
                 to='alice@example.org'):
        self.port, self.messages, self.to = port, messages, to
        self.pause, self.body = pause, b'x' * 76 + b'\r\n'
        self.lines = max(1, size // 78)
        self.lock = threading.Lock()
        self.next, self.acked, self.replies = 0, set(), {}
        self.broken, self.refused, self.sessions = 0, 0, 0
        self.over = False
        self.threads = [threading.Thread(target=self._client)
                        for _ in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over = True
        for thread in self.threads:
            thread.join(60)
        true(not any(t.is_alive() for t in self.threads), 'clients end')

    def _number(self):
        with self.lock:
            self.next += 1
            return self.next

    def _count(self, name):
        with self.lock:
            setattr(self, name, getattr(self, name) + 1)

    def _client(self):
        while not self.over:
            try:
                with Wire(self.port) as wire:
                    if self._session(wire):
                        self._count('sessions')
            except (OSError, AssertionError):
                self._count('broken')
                time.sleep(0.01)

    def _session(self, wire):
        """True when it came to its QUIT."""
        if wire.greeting is None or wire.greeting[0] != 220:
            self._count('refused' if wire.greeting else 'broken')
            return False
        wire.expect('EHLO load.example.com', 250)
        for _ in range(self.messages):
            number = self._number()
            wire.expect('MAIL FROM:<load@example.com>', 250)
            wire.expect('RCPT TO:<%s>' % self.to, 250)
            wire.expect('DATA', 354)
            wire.send(b'Subject: load %d\r\n\r\n' % number)
            for _ in range(self.lines):
                wire.send(self.body)
                if self.pause:
                    time.sleep(self.pause / self.lines)
            wire.send(b'.\r\n')
            got = wire.reply()
            if got is not None and got[0] == 250:
                with self.lock:
                    self.acked.add(number)
            if got is None or got[0] != 250:
                raise AssertionError('after the body: %r' % (got,))
        wire.quit()
        return True

    def check(self, box):
        """Everything with a 250 is there once and whole."""
        found = {}
        for octets in box.messages():
            number = int(NUMBER.search(octets).group(1))
            found[number] = found.get(number, 0) + 1
            same(octets.count(b'\n' + b'x' * 76), self.lines,
                 'lines of message %d' % number)
        same(sorted(self.acked - set(found)), [], 'messages lost')
        same([n for n, times in found.items() if times > 1], [], 'doubles')
        return len(found)
