#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The PROXY protocol in front of mailkitd's listeners (HAProxy's
proxy-protocol.txt, versions 1 and 2): from trusted networks it is needed, and
whom it names is the peer for Received:, log and limits; from others it is
nothing. Headers by hand, by swaks and by curl."""
import socket
import struct
import sys
import time

from lib.case import SLOW, Scratch, has, main, need, run, same, true
from lib.daemon import Daemon
from lib.listeners import ALICE, Served, received
from lib.secure import Secure, TlsWire
from lib.wire import Wire

OURS = ('--trusted', '127.0.0.0/8')
SIGNATURE = b'\r\n\r\n\0\r\nQUIT\n'


def v1(peer='198.51.100.7', family='TCP4', own='192.0.2.1', port=40000):
    return ('PROXY %s %s %s %d 25\r\n' % (family, peer, own, port)).encode()


def v2(peer='198.51.100.7', command=1, own='192.0.2.1', port=40000,
       more=b''):
    kind = socket.AF_INET6 if ':' in peer else socket.AF_INET
    body = (socket.inet_pton(kind, peer) + socket.inet_pton(kind, own) +
            struct.pack('!HH', port, 25) + more)
    return SIGNATURE + struct.pack('!BBH', 0x20 | command,
                                   0x21 if ':' in peer else 0x11,
                                   len(body)) + body


def through(port, header, cut=None):
    """A wire whose connection begins with a header, before the greeting; cut:
    sent in two pieces."""
    wire = Wire(port, greet=False)
    if cut is not None:
        wire.send(header[:cut])
        time.sleep(0.05)
        header = header[cut:]
    wire.send(header)
    wire.greeting = wire.reply()
    return wire


def deliver(wire):
    wire.open()
    wire.expect('Subject: x\r\n\r\nx\r\n.', 250)
    wire.quit()


def check_peers_that_are_named():
    with Scratch() as scratch, Served(scratch, *OURS,
                                      serve=('smtp+proxy',)) as d:
        for n, (header, peer) in enumerate((
                (v1(), '[198.51.100.7]'),
                (v1('2001:db8::7', 'TCP6', '2001:db8::1'),
                 '[IPv6:2001:db8::7]'),
                (v2('203.0.113.9'), '[203.0.113.9]'),
                (v2('2001:db8::9', own='2001:db8::1'),
                 '[IPv6:2001:db8::9]'),
                # extensions behind the addresses are passed over
                (v2('203.0.113.10', more=b'\x04\0\x03abc\x01\0\x02h2'),
                 '[203.0.113.10]'),
                (v2('::ffff:203.0.113.11', own='::ffff:192.0.2.1'),
                 '[203.0.113.11]')), 1):
            for cut in (None, 1, len(header) - 1):
                with through(d.port, header, cut) as wire:
                    same(wire.greeting[0], 220, header)
                    deliver(wire)
            found = [received(m)[1] for m in d.box().messages()]
            same(sum(peer + ')' in one for one in found), 3, (peer, found))
            same(len(found), 3 * n)
            d.said(b'peer=%s:40000' % peer.encode())


def check_whom_a_proxy_does_not_know():
    """LOCAL is the proxy itself; UNKNOWN is nobody, and not the proxy, whose
    word is trusted."""
    with Scratch() as scratch, Served(scratch, *OURS,
                                      serve=('smtp+proxy',)) as d:
        with through(d.port, v2(command=0)) as wire:
            true('XCLIENT' in wire.expect('EHLO a.example', 250), 'LOCAL')
            deliver(wire)
        has(received(d.box().only())[1], '[127.0.0.1]')
        with through(d.port, b'PROXY UNKNOWN\r\n') as wire:
            true('XCLIENT' not in wire.expect('EHLO a.example', 250),
                 'UNKNOWN')
            deliver(wire)
        same(sum('127.0.0.1' in received(m)[1] for m in d.box().messages()),
             1, 'named as the proxy')


def check_what_is_no_header():
    """Closed without a word, at the first octet that no header can have."""
    with Scratch() as scratch, Served(scratch, *OURS,
                                      serve=('smtp+proxy',)) as d:
        for octets in (b'EHLO a.example\r\n', b'PROXY\r\n',
                       b'PROXY TCP4 198.51.100.7 192.0.2.1 0x1 25\r\n',
                       b'PROXY TCP4 198.51.100.7\r\n', v1()[:-2] + b'\n',
                       b'PROXY TCP4 ' + b'9' * 200, SIGNATURE + b'\x31\x11',
                       SIGNATURE + b'\x21\x11\xff\xff' + b'x' * 100,
                       b'\x16\x03\x01\x02\0\x01', b'GET / HTTP/1.1\r\n'):
            with Wire(d.port, greet=False) as wire:
                wire.send(octets)
                same(wire.rest(), [], octets)
                same(wire.octets, b'', octets)
        # cut off, or never begun: five seconds
        began = time.monotonic()
        with Wire(d.port, greet=False) as idle, \
                Wire(d.port, greet=False) as half:
            half.send(v1()[:10])
            same((idle.rest(), half.rest()), ([], []))
        true(3 < time.monotonic() - began < 6 + 5 * SLOW, 'the header is late')
        with through(d.port, v1()) as wire:  # the others are served
            same(wire.greeting[0], 220)


def check_who_is_not_trusted():
    """Served as who they are; a header is no command. And at a listener
    without +proxy so is everybody."""
    with Scratch() as scratch, Served(scratch, '--trusted', '192.0.2.0/24',
                                      serve=('smtp+proxy', 'smtp')) as d:
        for name in ('smtp+proxy', 'smtp'):
            with Wire(d.at(name)) as wire:
                true(wire.say(v1()[:-2].decode())[0] in (500, 502), name)
                deliver(wire)
        for octets in d.box().messages():
            has(received(octets)[1], '[127.0.0.1]')
    with Scratch() as scratch, Served(scratch, *OURS, serve=('smtp',)) as d:
        with Wire(d.port) as wire:
            true(wire.say(v1()[:-2].decode())[0] in (500, 502), 'smtp')


def check_limits_are_of_whom_is_named():
    with Scratch() as scratch, Served(
            scratch, *OURS, '--max-connections-per-address', '1',
            serve=('smtp+proxy',)) as d:
        with through(d.port, v1()) as first, \
                through(d.port, v1('198.51.100.8')) as second, \
                through(d.port, v1()) as third:
            same([w.greeting and w.greeting[0] for w in (first, second)],
                 [220, 220])
            same(third.greeting[0], 421, 'a second one of the same')


def check_before_tls():
    """The header comes before the first octet of TLS, and before POP3."""
    with Scratch() as scratch, Secure(
            scratch, *OURS, protocols=('submissions+proxy', 'pop3+proxy',
                                       'smtp')) as d:
        wire = TlsWire(d.at('submissions+proxy'), greet=False)
        with wire:
            wire.send(v2())
            wire.start(d.trust())
            same(wire.reply()[0], 220)
            wire.expect('EHLO client.example.com', 250)
            wire.login()
            wire.deliver()
            wire.quit()
        has(received(d.box('bob').only())[1], '[198.51.100.7]')
        with socket.create_connection(('127.0.0.1', d.at('pop3+proxy')),
                                      10 * SLOW) as pop3:
            pop3.sendall(v1() + b'QUIT\r\n')
            octets = b''
            while octets.count(b'\r\n') < 2:
                got = pop3.recv(4096)
                true(got, octets)
                octets += got
        true(octets.startswith(b'+OK') and b'\r\n+OK' in octets, octets)


def check_swaks():
    swaks = need('swaks')
    with Scratch() as scratch, Served(scratch, *OURS,
                                      serve=('smtp+proxy',)) as d:
        for version in ('1', '2'):
            code, out, err = run([
                swaks, '--server', '127.0.0.1', '--port', d.port, '--helo',
                'swaks.example.com', '--from', 'eve@example.com', '--to',
                ALICE, '--proxy-version', version, '--proxy-family',
                'TCP4' if version == '1' else 'AF_INET', *(
                    [] if version == '1' else ['--proxy-protocol', 'STREAM',
                                               '--proxy-command', 'PROXY']),
                '--proxy-source', '198.51.100.%s' % version,
                '--proxy-source-port', '40000', '--proxy-dest', '192.0.2.1',
                '--proxy-dest-port', '25'])
            same(code, 0, out[-500:] + err)
        same(sorted(received(m)[1].partition('[')[2][:12]
                    for m in d.box().messages()),
             ['198.51.100.1', '198.51.100.2'])


def check_settings():
    with Scratch() as scratch:
        for listen, options, code, why in (
                ('smtp+proxy', (), 78, b'it needs --trusted'),
                ('smtp+prox', OURS, 64, b'its protocol is not smtp'),
                ('smtp+', OURS, 64, b'its protocol is not smtp'),
                ('smtp', ('--trusted', '127.0.0.1/8'), 64, b'bits behind'),
                ('smtp', ('--trusted', 'localhost'), 64, b'it is not'),
                ('smtp+proxy', ('--trusted', '::1'), 0, b'')):
            daemon = Daemon(scratch, '--check', *options,
                            listen=listen + '=127.0.0.1:0')
            got, _, err = run(daemon.argv)
            same(got, code, (listen, options, err))
            has(err, why)


if __name__ == '__main__':
    sys.exit(main(globals()))
