# SPDX-License-Identifier: MIT
"""A relay on loopback that carries octets between a client and a server, and
cuts or holds the server's side after so many of them."""
import socket
import threading

from lib.case import SLOW


class Cutter:
    """A context; `port` stands for the server's. After `after` octets of the
    server's it cuts both sides, or (`hold`) carries nothing more and sets
    `held`."""

    def __init__(self, port, after=None, hold=False):
        self.to, self.after, self.hold = port, after, hold
        self.held, self.sockets = threading.Event(), []
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()
        for one in self.sockets:
            one.close()

    def _accept(self):
        try:
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(('127.0.0.1', self.to),
                                                  10 * SLOW)
                self.sockets += [client, server]
                for pair in ((client, server, None),
                             (server, client, self.after)):
                    threading.Thread(target=self._carry, args=pair,
                                     daemon=True).start()
        except OSError:
            pass

    def _carry(self, source, sink, left):
        try:
            while left is None or left > 0:
                got = source.recv(16384 if left is None else min(left, 16384))
                if not got:
                    break
                sink.sendall(got)
                left = None if left is None else left - len(got)
        except OSError:
            pass
        if left == 0 and self.hold:
            self.held.set()
            return
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
