#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The one-page examples do what their first lines say: both machines in
memory, a client on one page, a server that throws away."""
import base64
import os
import signal
import smtplib
import subprocess
import sys

from lib.case import Scratch, has, main, need, program, run, same, true
from lib.daemon import Daemon, Server
from lib.sink import Script, Sink
from lib.wire import Wire

PARTS = (
    b'Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\nMIME-Version: 1.0\r\n'
    b'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n'
    b'Content-Type: text/plain; charset=iso-8859-1\r\n'
    b'Content-Transfer-Encoding: quoted-printable\r\n\r\n'
    b'gr=FC=\r\n=DFe\r\n--b\r\nContent-Type: image/png\r\n'
    b'Content-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b\r\n'
    b'Content-Disposition: attachment\r\n\r\nnot shown\r\n--b--\r\n')
PARTS_TEXT = ('Subject: gr\u00fc\u00dfe\n\n[part 0: multipart/mixed]\n\n'
              '[part 1: text/plain]\ngr\u00fc\u00dfe\n[part 2: image/png]\n\n'
              '[part 3: text/plain]\n').encode()
MESSAGE = b'Subject: one page\r\n\r\nline\r\n.dot\r\n.\r\nend\r\n'


def check_engine_to_engine():
    code, out, err = run([program('engine_to_engine')])
    same((code, err), (0, b''))
    for part in (b'S: 220 ', b'C: EHLO ', b'C: MAIL FROM:<', b'\r\nDATA\r\n',
                 b'\r\n354 ', b'A line that begins with a dot.',
                 b'1 of 2 recipients', b'C: QUIT', b'S: 221 '):
        has(out, part)


def check_send_poll_to_mailkitd():
    with Scratch() as scratch, Daemon(scratch) as daemon:
        argv = [program('send_poll'), '127.0.0.1', daemon.port,
                'eve@example.com', 'alice@example.org']
        code, out, err = run(argv, MESSAGE)
        same(code, 0, out + err)
        has(out, b'250 ')
        true(daemon.box().only().endswith(MESSAGE.replace(b'\r\n', b'\n')),
             'whole')
        # large, so that the body is lent in many pieces
        big = b'Subject: big\r\n\r\n' + (b'.' + b'x' * 75 + b'\r\n') * 60000
        argv[-1] = 'bob@example.org'
        code, out, err = run(argv, big)
        same(code, 0, out + err)
        true(daemon.box('bob').only().endswith(big.replace(b'\r\n', b'\n')),
             'big is whole')


def check_send_poll_refused():
    with Scratch() as scratch, Daemon(scratch) as daemon:
        for to, body, part in (('nobody@example.org', MESSAGE, b'550'),
                               ('alice@example.org', b'bare\nLF\r\n', b'')):
            code, out, _ = run([program('send_poll'), '127.0.0.1',
                                daemon.port, 'eve@example.com', to], body)
            same(code, 1, out)
            has(out, part)
        same(daemon.box().count(), 0)
        port = daemon.port
    # nobody listens; no number; no arguments
    for argv in (['127.0.0.1', port, 'a@b.example', 'c@d.example'], [],
                 ['127.0.0.1', port, 'a@b.example']):
        same(run([program('send_poll'), *argv])[0], 2)


def check_send_poll_cut():
    """The server vanishes at each step: never a success."""
    for cut in (b'EHLO', b'MAIL', b'RCPT', b'DATA', b'.'):
        rules = [(cut, None), (b'DATA', b'354 go\r\n')]
        with Script(rules) as server:
            code, out, _ = run([program('send_poll'), '127.0.0.1',
                                server.port, 'a@b.example', 'c@d.example'],
                               MESSAGE)
            same(code, 1, (cut, out))


def check_send_poll_to_sink():
    with Scratch() as scratch, Sink(scratch) as sink:
        code, out, err = run([program('send_poll'), '127.0.0.1', sink.port,
                              'a@b.example', 'c@d.example'], MESSAGE)
        same(code, 0, out + err)
        has(sink.dumps(1)[0], MESSAGE.replace(b'\r\n', b'\n'))


class SinkUv(Server):
    def __init__(self, scratch):
        super().__init__(scratch, 'sink_uv', ['127.0.0.1:0'])


def check_sink_uv():
    with Scratch() as scratch:
        server = SinkUv(scratch).start()
        try:
            with smtplib.SMTP('127.0.0.1', server.port, 'a.example',
                              60) as client:
                for _ in range(20):
                    client.sendmail('a@b.example', ['c@d.example'], MESSAGE)
            run([program('send_poll'), '127.0.0.1', server.port,
                 'a@b.example', 'c@d.example'], MESSAGE)
            with Wire(server.port) as wire:
                wire.open('anybody@anywhere.example')
                wire.send(b'x\n.\nMAIL FROM:<a@b>\r\n.\r\n')
                same([code // 100 for code, _ in wire.rest()], [5])
            source = need('smtp-source')
            code, _, err = run([source, '-s', 10, '-m', 500, '-l', 4096,
                                server.server()], seconds=30)
            same(code, 0, err)
            server.signal(signal.SIGTERM)
            true(server.wait() in (0, -signal.SIGTERM), server.code)
            server.stop()
        finally:
            server.kill()


def check_sink_uv_usage():
    for argv in ([], ['nonsense'], ['127.0.0.1:99999'], ['1', '2']):
        code, _, err = run([program('sink_uv'), *argv])
        true(code != 0 and err, argv)


def check_mail_text():
    same(run([program('mail_text')], PARTS), (0, PARTS_TEXT, b''))
    # octet by octet, as a slow pipe gives it
    with subprocess.Popen([program('mail_text')], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as p:
        for i in range(len(PARTS)):
            p.stdin.write(PARTS[i:i + 1])
            p.stdin.flush()
        out, _ = p.communicate(timeout=20)
        same((p.returncode, out), (0, PARTS_TEXT))


def check_mail_text_larger_than_its_memory():
    text = b''.join(b'%d of many lines, said again\r\n' % i
                    for i in range(100000))
    head = (b'Long: ' + b'x' * 1000000 + b'\r\nSubject: large\r\n'
            b'Content-Type: text/plain\r\n'
            b'Content-Transfer-Encoding: base64\r\n\r\n')
    code, out, err = run([program('mail_text')],
                         head + base64.encodebytes(text))
    same((code, err), (0, b''))
    same(out, b'Subject: large\n\n[part 0: text/plain]\n' + text)


def check_mail_text_of_nothing_to_nowhere():
    same(run([program('mail_text')])[:2], (0, b'\n[part 0: text/plain]\n'))
    # a folder is no message, and a full disk no place
    folder = os.open('/', os.O_RDONLY)
    try:
        same(run([program('mail_text')], folder)[0], 1)
    finally:
        os.close(folder)
    with open('/dev/full', 'wb') as full:
        done = subprocess.run([program('mail_text')], input=PARTS,
                              stdout=full, timeout=20, check=False)
        same(done.returncode, 1)


if __name__ == '__main__':
    sys.exit(main(globals()))
