# SPDX-License-Identifier: MIT
"""An SMTP client of single octets: it sends exactly what it is told, cut as it
is told, reads replies by RFC 5321 4.2, and notices the end."""
import select
import socket
import time

from lib.case import SLOW


class Wire:
    def __init__(self, port, greet=True, seconds=15, host='127.0.0.1',
                 source=None):
        self.socket = socket.create_connection((host, port), seconds * SLOW,
                                               source and (source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.octets = b''
        self.ended = False
        if greet:
            self.greeting = self.reply()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, octets):
        """All of it; False when the peer has closed."""
        try:
            self.socket.sendall(octets)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def send_slowly(self, octets):
        """One octet a packet, as far as TCP lets us."""
        return all(self.send(octets[i:i + 1]) for i in range(len(octets)))

    def _more(self):
        try:
            got = self.socket.recv(65536)
        except ConnectionResetError:
            got = b''
        self.ended = not got
        self.octets += got
        return got

    def reply(self):
        """One reply: (code, text of all lines joined by LF); None at the
        end of the connection."""
        lines = []
        while True:
            while b'\n' not in self.octets:
                if not self._more():
                    if lines or self.octets:
                        raise AssertionError('cut reply %r %r' % (
                            lines, self.octets))
                    return None
            line, _, self.octets = self.octets.partition(b'\n')
            if not line.endswith(b'\r') or not line[:3].isdigit():
                raise AssertionError('not a reply line: %r' % line)
            lines.append(line[:-1].decode('latin-1'))
            if line[3:4] != b'-':
                return int(line[:3]), '\n'.join(x[4:] for x in lines)

    def say(self, line):
        """One command and its reply."""
        self.send(line.encode('latin-1') + b'\r\n')
        return self.reply()

    def expect(self, line, code):
        got = self.say(line)
        if got is None or got[0] != code:
            raise AssertionError('%s: %r, not %d' % (line, got, code))
        return got[1]

    def open(self, *to, sender='eve@example.com', name='client.example.com'):
        """Up to and with the 354."""
        self.expect('EHLO ' + name, 250)
        self.expect('MAIL FROM:<%s>' % sender, 250)
        for mailbox in to or ('alice@example.org',):
            self.expect('RCPT TO:<%s>' % mailbox, 250)
        self.expect('DATA', 354)
        return self

    def rest(self):
        """All replies until the end of the connection."""
        found = []
        while True:
            got = self.reply()
            if got is None:
                return found
            found.append(got)

    def quit(self):
        self.expect('QUIT', 221)
        if self.rest():
            raise AssertionError('octets after 221')


def flood(wire, chunk, total, listen=True, seconds=60):
    """Send `chunk` again and again until `total` octets are sent or the peer
    ends it; read meanwhile if `listen`. Returns the octets sent."""
    sock = wire.socket
    sock.setblocking(False)
    view = memoryview(chunk * max(1, 262144 // len(chunk)))
    sent, at, end = 0, 0, time.monotonic() + seconds * SLOW
    while sent < total and not wire.ended:
        if time.monotonic() > end:
            raise AssertionError('the flood does not end: %d sent' % sent)
        readable, writable, _ = select.select([sock] if listen else [],
                                              [sock], [], 5)
        if readable:
            wire._more()
            continue
        if not writable:
            if listen:
                continue
            break  # the peer reads no more, and so do we
        try:
            n = sock.send(view[at:at + total - sent])
        except BlockingIOError:
            continue
        except (BrokenPipeError, ConnectionResetError):
            break
        sent, at = sent + n, (at + n) % len(view)
    sock.settimeout(15 * SLOW)
    return sent
