#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`mailkit relaytest` (RFC 2505 2.1, THREATS 26): mailkitd is closed to each
case, a Postfix that trusts the network is open, one that does not is closed;
and a server that takes one case alone is found out by that case."""
import json
import sys

from lib.case import Scratch, has, main, program, run, same, true
from lib.daemon import Daemon
from lib.postfix import Postfix
from lib.sink import Script, Sink, free_port
from lib.tls import Authority

OPEN, USAGE, UNAVAILABLE, TEMPFAIL, PROTOCOL = 1, 64, 69, 75, 76
TO, NAME, ADDRESS = 'probe@victim.example', 'mx.example.org', '[127.0.0.1]'
CASES = (
    (TO, TO), ('', TO), ('probe@' + NAME, TO), ('postmaster@' + NAME, TO),
    ('probe@' + ADDRESS, TO), ('probe@localhost', TO), ('probe', TO),
    (TO, TO + '.'), (TO, '"%s"' % TO), (TO, 'probe%victim.example'),
    (TO, '"probe%victim.example"'), (TO, 'victim.example!probe'),
    (TO, 'probe@[192.0.2.1]'),
    (TO, '"%s"@%s' % (TO, NAME)), (TO, 'probe%victim.example@' + NAME),
    (TO, '"probe%victim.example"@' + NAME),
    (TO, 'victim.example!probe@' + NAME), (TO, '@%s:%s' % (NAME, TO)),
    (TO, '@%s,@victim.example:%s' % (NAME, TO)), (TO, TO + '@' + NAME),
    (TO, 'victim.example!probe%%%s@%s' % (NAME, NAME)),
    (TO, '"%s"@%s' % (TO, ADDRESS)), (TO, 'probe%victim.example@' + ADDRESS),
    (TO, 'victim.example!probe@' + ADDRESS), (TO, '@%s:%s' % (ADDRESS, TO)),
    (TO, TO + '@' + ADDRESS),
    (TO, 'probe%%victim.example@%s.' % NAME), (TO, '%s@%s.' % (TO, NAME)),
    (TO, 'probe%victim.example@localhost'), (TO, 'probe%victim.example@'),
    (TO, TO + '@'),
    ('probe@' + NAME, 'probe%victim.example@' + NAME),
    ('', '@%s:%s' % (NAME, TO)))
MAIN = """
mydestination = relay.example.com
local_recipient_maps = inline:{{{{nobody = x}}}}
local_transport = error:nobody
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
smtpd_relay_restrictions = {relay}
mynetworks = {networks}
relayhost = [127.0.0.1]:{sink}
"""


class Choosy(Script):
    """Takes nothing but one pair of sender and recipient."""

    def __init__(self, pair, limit=100, refusal=b'550 5.7.1 no\r\n',
                 end=b'250 taken\r\n'):
        super().__init__([], b'220 %s ESMTP\r\n' % NAME.encode())
        self.pair, self.limit = pair, limit
        self.refusal, self.end = refusal, end
        self.pairs, self.connections, self.messages = [], 0, []

    def _talk(self, peer, lines):
        self.connections += 1
        peer.sendall(self.greeting)
        said, sender = 0, None
        for line in lines:
            text = line.decode('latin-1').rstrip('\r\n')
            reply = b'250 ok\r\n'
            if text.startswith('MAIL FROM:<'):
                sender = text[11:-1]
            elif text.startswith('RCPT TO:<'):
                said += 1
                if said > self.limit:
                    peer.sendall(b'421 4.7.0 enough\r\n')
                    return
                self.pairs.append((sender, text[9:-1]))
                if self.pairs[-1] != self.pair:
                    reply = self.refusal
            elif text == 'DATA':
                peer.sendall(b'354 go\r\n')
                self.messages.append(b''.join(iter(lines.__next__,
                                                   b'.\r\n')))
                reply = self.end
            peer.sendall(reply)
            if text == 'QUIT':
                return


def relaytest(server, *more):
    """Exit code, rows, the last line, stderr."""
    code, out, err = run([program('mailkit'), 'relaytest', server, '--to', TO,
                          '--hostname', 'client.example.com', *more],
                         seconds=30)
    lines = out.decode().splitlines()
    rows = [line.split('\t') for line in lines[:-1]]
    return code, rows, lines[-1] if lines else '', err.decode()


def pairs(rows):
    return [(row[3][1:-1], row[4][1:-1]) for row in rows]


def check_sec_026_mailkitd_is_closed():
    with Scratch() as scratch, Daemon(scratch) as daemon:
        code, rows, last, err = relaytest(daemon.server())
        same((code, last, err),
             (0, 'closed: %d of %d cases refused' % (2 * (len(CASES),)), ''))
        same(pairs(rows), list(CASES))
        for row in rows:
            same((row[0], row[1][0], row[2][0]), ('closed', '5', '5'), row)
        same(daemon.box().count(), 0)


def check_sec_026_each_case_alone():
    for n, pair in enumerate(CASES):
        with Choosy(pair) as server:
            code, rows, last, _ = relaytest(server.server())
            same((code, last), (OPEN, 'open relay: 1 of %d cases accepted' %
                                len(CASES)), pair)
            same([i for i, row in enumerate(rows) if row[0] == 'open'], [n])
            same((server.pairs, server.messages), (list(CASES), []))
            # eight a connection: a server that counts refusals serves them
            same(server.connections, -(-len(CASES) // 8))


class Relay(Postfix):
    """A Postfix that sends on to a sink what it takes."""

    def __init__(self, scratch, relay, networks, sink=1):
        self.port = free_port()
        super().__init__(
            scratch, MAIN.format(relay=relay, networks=networks, sink=sink),
            '127.0.0.1:%d inet n - n - - smtpd\n' % self.port)

    def server(self):
        return '127.0.0.1:%d' % self.port


def check_sec_026_an_open_postfix():
    with Scratch() as scratch, Sink(scratch) as sink, \
            Relay(scratch, 'permit_mynetworks, reject_unauth_destination',
                  '127.0.0.0/8', sink.port) as postfix:
        code, rows, last, err = relaytest(postfix.server())
        same((code, err), (OPEN, ''))
        has(last, 'open relay: ')
        opened = [pair for pair, row in zip(pairs(rows), rows)
                  if row[0] == 'open']
        true(set(CASES[:2]) <= set(opened), opened)
        true((TO, '@relay.example.com:' + TO) in opened, opened)
        true('queue active' not in postfix.log(),
             'something was sent: ' + postfix.log()[-2000:])
        code, rows, last, err = relaytest(postfix.server(), '--data')
        same((code, err), (OPEN, ''))
        count = sum(row[0] == 'open' for row in rows)
        true(count >= 3, rows)
        for text in sink.dumps(count):
            has(text, b'Subject: relay test of relay.example.com')
            has(text, b'RCPT TO:<')


def check_sec_026_a_closed_postfix():
    with Scratch() as scratch, \
            Relay(scratch, 'reject_unauth_destination', '192.0.2.1') as \
            postfix:
        for more in ((), ('--data',)):
            code, rows, last, err = relaytest(postfix.server(), *more)
            same((code, err), (0, ''), rows)
            same(len(rows), len(CASES))
            has(last, 'closed: ')


def check_what_decides():
    none = ('nobody', 'nobody')
    with Choosy(none, refusal=b'450 4.7.1 later\r\n') as server:
        code, rows, last, _ = relaytest(server.server())
        same((code, last), (TEMPFAIL, 'undecided: %d of %d cases' % (
            2 * (len(CASES),))))
        same({row[0] for row in rows}, {'undecided'})
    with Choosy(CASES[3], refusal=b'450 4.7.1 later\r\n') as server:
        same(relaytest(server.server())[0], OPEN)
    # taken by RCPT, refused at the end of the message
    with Choosy(CASES[4], end=b'550 5.7.1 no\r\n') as server:
        same(relaytest(server.server())[0], OPEN)
        same(server.messages, [])
        same(relaytest(server.server(), '--data')[0], 0)
        same(len(server.messages), 1)
    with Choosy(CASES[4]) as server:
        code, rows, _, _ = relaytest(server.server(), '--data')
        same((code, rows[4][0], len(server.messages)), (OPEN, 'open', 1))
        has(server.messages[0], b'\r\nMAIL FROM:<probe@[127.0.0.1]>\r\n')
    # refused by DATA, which is said in no other case
    with Script([(b'DATA', b'550 5.7.1 no\r\n')],
                b'220 mx.example.org\r\n') as server:
        code, rows, _, _ = relaytest(server.server(), '--data')
        same((code, {tuple(row[:3]) for row in rows}),
             (0, {('closed', '550', '5.7.1')}))
    # refused by MAIL already
    with Script([(b'MAIL', b'550 5.7.1 no\r\n')],
                b'220 mx.example.org\r\n') as server:
        same(relaytest(server.server())[0], 0)
        true(not any(line.startswith(b'RCPT') for line in server.seen),
             server.seen)


def check_a_server_that_has_enough():
    """A case that met 421 is asked again: none is lost, none counted twice."""
    for limit in (1, 3, 8):
        with Choosy(('nobody', 'nobody'), limit) as server:
            code, rows, _, _ = relaytest(server.server())
            same((code, pairs(rows)), (0, list(CASES)), limit)
            same(server.pairs, list(CASES))
            same(server.connections, -(-len(CASES) // limit))
    with Choosy(('nobody', 'nobody'), 0) as server:  # not even one
        code, rows, _, _ = relaytest(server.server())
        same((code, {row[1] for row in rows}), (TEMPFAIL, {'421'}))


def check_sessions_that_do_not_come_to_be():
    for greeting, want in ((b'554 no\r\n', UNAVAILABLE),
                           (b'421 later\r\n', TEMPFAIL),
                           (b'220 -\r\n', PROTOCOL), (b'+OK\r\n', PROTOCOL),
                           (None, TEMPFAIL)):
        with Script([], greeting) as server:
            code, rows, last, err = relaytest(server.server())
            same((code, rows), (want, []), greeting)
            true(err, greeting)
            has(last, 'undecided: ')
    with Script([(b'RCPT', b'550 no\r\n')], b'220 -\r\n') as server:
        code, rows, _, _ = relaytest(server.server(), '--their-name', NAME)
        same((code, pairs(rows)), (0, list(CASES)))
    with Script([(b'RCPT', None)], b'220 mx.example.org\r\n') as server:
        code, rows, _, _ = relaytest(server.server())
        same((code, {row[0] for row in rows}), (TEMPFAIL, {'undecided'}))
    same(relaytest('127.0.0.1:%d' % free_port())[0], TEMPFAIL)


def check_the_command_line():
    for argv in ([], ['h'], ['h', '--to', 'x'], ['h', '--to', '"a"@b'],
                 ['h', '--to', 'a@[192.0.2.1]'], ['h', 'g', '--to', 'a@b'],
                 ['h', '--to', 'a@b', '--to', 'a@b'], ['--to', 'a@b'],
                 ['h', '--to', 'a@b', '--their-name', 'a b'],
                 ['h', '--to', 'a@b', '--user', 'x'],
                 ['h', '--to', 'a@b', '--from', 'x'],
                 ['h', '--to', 'a@b', '--tls-trust', '/']):
        code, out, err = run([program('mailkit'), 'relaytest', *argv])
        same((code, out), (USAGE, b''), argv)
        true(err.startswith(b'mailkit: '), err)
    same(run([program('mailkit'), 'relaytest', '--help'])[0], 0)


def check_json():
    with Choosy(CASES[1]) as server:
        code, out, _ = run([program('mailkit'), 'relaytest', server.server(),
                            '--to', TO, '--json'], seconds=30)
        told = json.loads(out)
        same((code, told['exit'], told['open'], told['closed'],
              told['undecided']), (OPEN, OPEN, 1, len(CASES) - 1, 0))
        same([(c['sender'], c['recipient']) for c in told['cases']],
             list(CASES))
        same(told['cases'][1]['verdict'], 'open')
        same((told['cases'][0]['code'], told['cases'][0]['enhanced'],
              told['cases'][0]['text']), (550, '5.7.1', 'no'))


def check_behind_tls():
    with Scratch() as scratch:
        ca = Authority(scratch)
        cert, key = ca.issue()
        with Daemon(scratch, '--tls-cert', cert, '--tls-key', key) as daemon:
            code, rows, _, err = relaytest(
                'localhost:%d' % daemon.port, '--tls', 'starttls',
                '--tls-trust', ca.pem, '--dialogue')
            same((code, len(rows)), (0, len(CASES)))
            has(err, '-- TLS')
            has(err, 'C: RCPT TO:<%s@%s.>' % (TO, NAME))
            code, rows, _, err = relaytest(
                '127.0.0.1:%d' % daemon.port, '--tls', 'starttls',
                '--tls-trust', Authority(scratch, 'other').pem)
            same((code, rows), (PROTOCOL, []))


if __name__ == '__main__':
    sys.exit(main(globals()))
