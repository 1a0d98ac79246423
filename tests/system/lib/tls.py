# SPDX-License-Identifier: MIT
"""Certificates made by the openssl command, good and bad, and a server over
Python's ssl module that says exactly what its script wants: both are other
people's TLS."""
import os
import socket
import ssl
import subprocess
import threading
import time

from lib.case import SLOW, need

CONFIG = """
[ca]
default_ca = own
[own]
database = {dir}/index
new_certs_dir = {dir}
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = dn
[dn]
"""


def stamp(days):
    return time.strftime('%y%m%d%H%M%SZ', time.gmtime(
        time.time() + days * 86400))


class Authority:
    """A certificate authority in a directory of its own."""

    def __init__(self, scratch, name='ca'):
        self.openssl = need('openssl')
        self.dir = scratch.dir(name)
        self.config = scratch.file(name + '.cnf', CONFIG.format(dir=self.dir))
        scratch.file(os.path.join(name, 'index'), b'')
        self.made = 0
        self.pem, self.key = self._path('ca.pem'), self._path('ca.key')
        self._run('req', '-x509', *self._key('ec', self.key), '-subj',
                  '/CN=' + name, '-days', '30', '-out', self.pem, '-addext',
                  'basicConstraints=critical,CA:TRUE')

    def _path(self, name):
        return os.path.join(self.dir, name)

    def _run(self, *argv):
        done = subprocess.run(
            [self.openssl, argv[0], '-config', self.config, *argv[1:]],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=20 * SLOW, check=False)
        if done.returncode:
            raise AssertionError(done.stdout.decode('latin-1'))

    @staticmethod
    def _key(kind, path):
        how = (['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
               if kind == 'ec' else ['-newkey', kind])
        return [*how, '-nodes', '-keyout', path]

    def issue(self, names='DNS:localhost,IP:127.0.0.1', since=-1, until=10,
              use='serverAuth', key='ec', digest='sha256'):
        """A certificate and its key, as paths."""
        self.made += 1
        base = self._path('cert%d' % self.made)
        with open(base + '.ext', 'w', encoding='ascii') as f:
            f.write('[e]\nbasicConstraints=CA:FALSE\nsubjectAltName=%s\n'
                    'extendedKeyUsage=%s\n' % (names, use))
        self._run('req', '-new', *self._key(key, base + '.key'), '-subj',
                  '/CN=test', '-out', base + '.csr')
        self._run('ca', '-batch', '-notext', '-cert', self.pem, '-keyfile',
                  self.key, '-in', base + '.csr', '-out', base + '.pem',
                  '-extfile', base + '.ext', '-extensions', 'e', '-md', digest,
                  '-startdate', stamp(since), '-enddate', stamp(until))
        return base + '.pem', base + '.key'

    def self_signed(self, names='DNS:localhost,IP:127.0.0.1'):
        base = self._path('self')
        self._run('req', '-x509', *self._key('ec', base + '.key'), '-subj',
                  '/CN=self', '-days', '10', '-out', base + '.pem', '-addext',
                  'subjectAltName=' + names)
        return base + '.pem', base + '.key'


def server_context(pair, weak=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if weak:  # what Python would not show of itself
        context.set_ciphers('DEFAULT:@SECLEVEL=0')
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(*pair)
    return context


class Line:
    """One connection of a server: lines in, octets out, TLS at will. `clear`
    and `inside` are what the client said without and within TLS."""

    def __init__(self, sock, context):
        self.socket, self.context = sock, context
        self.clear, self.inside, self.rest = b'', b'', b''
        self.is_tls = False

    def send(self, octets):
        self.socket.sendall(octets)

    def line(self):
        """Without its CRLF; None at the end of the connection."""
        while b'\r\n' not in self.rest:
            got = self.socket.recv(65536)
            if not got:
                return None
            self.rest += got
            if self.is_tls:
                self.inside += got
            else:
                self.clear += got
        line, _, self.rest = self.rest.partition(b'\r\n')
        return line

    def start_tls(self):
        self.socket = self.context.wrap_socket(self.socket, server_side=True)
        self.is_tls = True


class Talker:
    """A server on loopback; talk(line) is called for each connection, and
    whatever goes wrong there is kept."""

    def __init__(self, talk, context=None):
        self.talk, self.context = talk, context
        self.lines, self.errors, self.over = [], [], threading.Event()
        self.socket = socket.create_server(('127.0.0.1', 0))
        self.port = self.socket.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.socket.close()

    def server(self, host='localhost'):
        return '%s:%d' % (host, self.port)

    def said(self):
        """What the client said on its one connection, once that is over:
        (without TLS, within)."""
        if not self.over.wait(20 * SLOW):
            raise AssertionError('the connection does not end')
        if len(self.lines) != 1:
            raise AssertionError('%d connections' % len(self.lines))
        return self.lines[0].clear, self.lines[0].inside

    def _serve(self):
        try:
            while True:
                peer, _ = self.socket.accept()
                peer.settimeout(15 * SLOW)
                line = Line(peer, self.context)
                self.lines.append(line)
                try:
                    self.talk(line)
                    while line.line() not in (None, b'QUIT'):
                        pass
                except OSError as why:  # ssl.SSLError is one
                    self.errors.append(why)
                line.socket.close()
                self.over.set()
        except OSError:
            pass
