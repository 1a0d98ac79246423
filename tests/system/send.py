#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`mailkit send` against mailkitd, against Postfix's smtp-sink that refuses or
vanishes at every command, and against servers that say what nobody should: the
exit code and the line of each recipient tell what happened, exactly."""
import json
import os
import re
import subprocess
import sys

from lib.case import Scratch, has, main, program, run, same, true
from lib.daemon import Daemon
from lib.maildir import field, split
from lib.sink import Script, Sink, free_port
from lib.terminal import on_terminal
from lib.tls import Talker

USAGE, UNFIT, NO_INPUT, NO_HOST, REFUSED, LATER, PROTOCOL = (
    64, 65, 66, 68, 69, 75, 76)
TEXT = b'Subject: hello\n\none\n.\n..two\nthree\n'
ALICE, BOB = 'alice@example.org', 'bob@example.org'


def send(server, *more, stdin=TEXT, to=(ALICE,), sender='eve@example.com',
         **other):
    argv = [program('mailkit'), 'send', '--server', server, '--from', sender]
    for mailbox in to:
        argv += ['--to', mailbox]
    return run([*argv, *more], stdin, **other)


def rows(out):
    """The lines of stdout as (address, code, enhanced, text)."""
    found = [tuple(line.split('\t')) for line in
             out.decode('ascii').splitlines()]
    true(all(len(row) == 4 for row in found), found)
    return found


def verdicts(out):
    return [(address, code) for address, code, _, _ in rows(out)]


def check_stdin_to_mailkitd():
    with Scratch() as scratch, Daemon(scratch) as daemon:
        code, out, err = send(daemon.server())
        same((code, err), (0, b''))
        octets = daemon.box().only()
        ident = field(octets, 'Received')[0].split(b' id ')[1].split()[0]
        (address, code, enhanced, text), = rows(out)
        same((address, code, enhanced), (ALICE, '250', '2.0.0'))
        has(text, ident.decode())
        true(octets.endswith(TEXT), octets)
        same(field(octets, 'Return-Path'), [b'<eve@example.com>'])


def check_files():
    with Scratch() as scratch, Daemon(scratch) as daemon:
        for n, (name, octets) in enumerate((
                ('lf', TEXT), ('crlf', TEXT.replace(b'\n', b'\r\n')),
                ('mixed', b'Subject: m\r\n\nx\r\ny\n'), ('-dash', TEXT),
                ('no-end', b'Subject: n\n\nno line end'), ('empty', b''),
                ('8bit', 'Subject: 8\n\nÄöü€\n'.encode()),
                ('big', b'Subject: b\n\n' + (b'.' + b'x' * 70 + b'\n') *
                 90000))):
            scratch.file(name, octets)
            code, out, err = send(daemon.server(), '--', name,
                                  cwd=scratch.path)
            same((code, err), (0, b''), name)
            same(verdicts(out), [(ALICE, '250')])
            want = octets.replace(b'\r\n', b'\n')
            want += b'' if want.endswith(b'\n') or not want else b'\n'
            messages = daemon.box().messages()
            same(len(messages), n + 1)
            true(any(m.endswith(want) and
                     len(split(m)[0]) == len(split(want)[0]) + 2
                     for m in messages), name + ' came whole')


def check_several_recipients():
    with Scratch() as scratch, Daemon(scratch) as daemon:
        to = (ALICE, 'nobody@example.org', BOB, 'x@elsewhere.example')
        code, out, err = send(daemon.server(), to=to)
        same((code, err), (REFUSED, b''))
        same(verdicts(out), list(zip(to, ('250', '550', '250', '550'))))
        same([row[2] for row in rows(out)], ['2.0.0', '5.1.1', '2.0.0',
                                             '5.7.1'])
        same((daemon.box().count(), daemon.box('bob').count()), (1, 1))
        # many at once, pipelined
        many = [BOB] * 900
        code, out, _ = send(daemon.server(), to=many)
        same(code, 0)
        same(verdicts(out), [(BOB, '250')] * 900)
        same(daemon.box('bob').count(), 2)
        # more than the server takes at once (RFC 9422): several messages
    with Scratch() as scratch, Daemon(scratch, '--max-recipients',
                                      '100') as daemon:
        path = scratch.file('m', TEXT)
        code, out, err = send(daemon.server(), path, to=[BOB] * 250)
        same((code, err), (0, b''))
        same(verdicts(out), [(BOB, '250')] * 250)
        same(daemon.box('bob').count(), 3)
        code, out, _ = send(daemon.server(), to=[BOB] * 101)  # from a pipe
        same((code, verdicts(out)),
             (REFUSED, [(BOB, '250')] * 100 + [(BOB, '-')]))
        same(daemon.box('bob').count(), 4)
        # nobody is taken: no DATA, nothing
        code, out, _ = send(daemon.server(), to=('nobody@example.org',))
        same((code, verdicts(out)), (REFUSED, [('nobody@example.org',
                                                '550')]))


def check_json():
    with Scratch() as scratch, Daemon(scratch) as daemon:
        code, out, _ = send(daemon.server(), '--json',
                            to=(ALICE, 'nobody@example.org'))
        got = json.loads(out)
        same((code, got['exit'], got['delivered']), (REFUSED, REFUSED, 1))
        same([(r['address'], r['verdict'], r['code'], r['enhanced'])
              for r in got['recipients']],
             [(ALICE, 'delivered', 250, '2.0.0'),
              ('nobody@example.org', 'refused', 550, '5.1.1')])
    # A server's text cannot break out of the string.
    evil = b'550 5.1.1 "},{\\ \x1b[2J \xff\xc3\xa9\r\n'
    with Script([(b'RCPT', evil)]) as server:
        code, out, _ = send(server.server(), '--json')
        text = json.loads(out)['recipients'][0]['text']
        has(text, '"},{\\ \x1b[2J')
        true(b'\x1b' not in out, out)
        code, out, _ = send(server.server())
        true(b'\x1b' not in out and b'\xff' not in out, out)


def check_dialogue():
    with Scratch() as scratch, Daemon(scratch) as daemon:
        code, out, err = send(daemon.server(), '--dialogue', '--hostname',
                              'client.example.com', '--chunking', 'no')
        same((code, verdicts(out)), (0, [(ALICE, '250')]))
        lines = err.decode('ascii').splitlines()
        at = 0
        for part in ('S: 220 mx.example.org', 'C: EHLO client.example.com',
                     'S: 250-mx.example.org', 'C: MAIL FROM:<eve@example.com>',
                     'C: RCPT TO:<%s>' % ALICE, 'C: DATA', 'S: 250 2.1.0',
                     'S: 250 2.1.5', 'S: 354 ', 'C: Subject: hello', 'C: .',
                     'S: 250 2.0.0 ', 'C: QUIT', 'S: 221 '):
            while at < len(lines) and not lines[at].startswith(part):
                at += 1
            true(at < len(lines), '%r in order in\n%s' % (part, '\n'.join(
                lines)))
        true(all(re.match('[CS]: ', x) for x in lines), lines)
        octets = daemon.box().only()
        has(field(octets, 'Received')[0], b'from client.example.com ')


def check_usage():
    with Scratch() as scratch:
        path = scratch.file('m', TEXT)
        server = '127.0.0.1:1'
        base = [program('mailkit'), 'send']
        for argv in ([], ['--server', server],
                     ['--server', server, '--from', 'a@b.example'],
                     ['--server', server, '--to', ALICE],
                     ['--from', 'a@b.example', '--to', ALICE],
                     ['--server', server, '--from', 'a@b.example', '--to',
                      ALICE, '-', path, '-'],
                     ['--server', server, '--from', 'a@b.example', '--to',
                      'ä@example.org', path],
                     ['--server', server, '--from', 'a@b.example', '--to',
                      ALICE, '--no-such'],
                     ['--server']):
            code, out, err = run(base + argv)
            same((code, out), (USAGE, b''), argv)
            true(err.startswith(b'mailkit: '), err)
        good = {'--server': server, '--from': 'a@b.example', '--to': ALICE}
        for option, values in (
                ('--server', ('', ':25', '127.0.0.1:0', '127.0.0.1:65536',
                              '127.0.0.1:x', '[::1', '[::1]25')),
                ('--from', ('x', '<a@b.example>', 'a@b@c', 'a b@c.example',
                            'a@b.example\r\nRCPT TO:<c@d.example>')),
                ('--to', ('', 'x', 'a@', '@b.example', 'a@b.example\n',
                          'a@b.example>,<c@d.example', 'a@-b.example',
                          'ä@example.org'))):
            for value in values:
                argv = list(base)
                for name, usual in good.items():
                    argv += [name, value if name == option else usual]
                code, out, err = run(argv)
                same((code, out), (USAGE, b''), (option, value))
                true(err.count(b'\n') == 1, err)
        code, out, err = run(base + ['--help'])
        same((code, err), (0, b''))
        for option in (b'--server', b'--from', b'--to', b'--hostname',
                       b'--dialogue', b'--json', b'--help'):
            has(out, option)
        same(run([program('mailkit'), '--help'])[0], 0)
        same(run([program('mailkit'), '--version'])[0], 0)
        same(run([program('mailkit'), 'no-such'])[0], USAGE)
        same(run([program('mailkit')])[0], USAGE)


def check_input_that_is_unfit():
    with Scratch() as scratch, Daemon(scratch) as daemon:
        gone = os.path.join(scratch.path, 'gone')
        for argument in (gone, scratch.path):
            code, out, err = send(daemon.server(), argument)
            same((code, out), (NO_INPUT, b''))
            has(err, argument.encode())
        for octets in (b'x\ry\n', b'x\0y\n', b'x\n\r', b'x' * 100000 + b'\r',
                       b'x\n.\ry\n'):
            path = scratch.file('bare', octets)
            code, out, err = send(daemon.server(), path)
            same(code, UNFIT, octets[-9:])
            # from a pipe it shows on the way: no final dot, no message
            code, out, err = send(daemon.server(), stdin=octets)
            same(code, UNFIT, octets[-9:])
        same(daemon.box().names(), [])


def check_a_file_that_changes_on_the_way():
    """One that is cut short behind DATA is no whole message and gets no end;
    of one that grows there is sent what was there before."""
    whole = b'Subject: big\r\n\r\n' + b'x' * 70 * 4000 + b'\r\n'

    def talk_of(path, length, keywords, seen):
        def talk(line):
            in_body = False
            line.send(b'220 x ESMTP\r\n')
            while (got := line.line()) is not None:
                seen.append(got)
                word = got[:4].upper()
                if word == b'RCPT' and not in_body:
                    os.truncate(path, length)
                while word == b'BDAT' and len(line.rest) < int(got.split()[1]):
                    line.rest += line.socket.recv(65536)
                if word == b'BDAT':
                    line.rest = line.rest[int(got.split()[1]):]
                if in_body and got != b'.':
                    continue
                in_body = word == b'DATA'
                line.send(keywords if word == b'EHLO' else
                          b'354 go\r\n' if in_body else b'250 ok\r\n')
        return talk
    for keywords in (b'250 x\r\n', b'250-x\r\n250 PIPELINING\r\n',
                     b'250-x\r\n250 CHUNKING\r\n'):
        for length in (0, 100, len(whole) - 1):
            with Scratch() as scratch:
                path, seen = scratch.file('big', whole), []
                with Talker(talk_of(path, length, keywords, seen)) as server:
                    code, out, _ = send(server.server(), path)
                same((code, verdicts(out)), (NO_INPUT, [(ALICE, '-')]),
                     (keywords, length))
                true(b'.' not in seen, seen[-1:])
                true(all(b'LAST' not in x for x in seen if x), seen[-1:])
    with Scratch() as scratch:
        path, seen = scratch.file('big', whole), []
        with Talker(talk_of(path, 2 * len(whole), b'250 x\r\n',
                            seen)) as server:
            same(send(server.server(), path)[0], 0)
        body = seen[seen.index(b'DATA') + 1:seen.index(b'.')]
        same(sum(len(x) + 2 for x in body), len(whole))


def check_nobody_there():
    port = free_port()
    for server, code in (('127.0.0.1:%d' % port, LATER),
                         ('[::1]:%d' % port, LATER),
                         ('no-such-host.invalid:2525', NO_HOST)):
        got, out, err = send(server, to=(ALICE, BOB))
        if code == NO_HOST and got == LATER:
            continue  # no resolver here, so it may yet exist
        same(got, code, server)
        same(verdicts(out), [(ALICE, '-'), (BOB, '-')], server)
        true(err.startswith(b'mailkit: '), err)


def check_sink_takes_it():
    with Scratch() as scratch:
        for options in ((), ('-8',), ('-e',), ('-E',), ('-p',), ('-P',),
                        ('-a', '-C', '-F', '-N')):
            with Scratch() as inner, Sink(inner, *options) as sink:
                code, out, err = send(sink.server(), to=(ALICE, BOB))
                same((code, err), (0, b''), options)
                same(verdicts(out), [(ALICE, '250'), (BOB, '250')], options)
                has(sink.dumps(1)[0], b'\nSubject: hello\n\none\n.\n..two\n'
                    b'three\n', options)
        path = scratch.file('8bit', 'Subject: 8\n\nÄ\n'.encode())
        for options in (('-8',), ('-e',)):  # 8-bit octets, no 8BITMIME
            with Scratch() as inner, Sink(inner, *options) as sink:
                code, out, _ = send(sink.server(), path)
                same((code, verdicts(out)), (REFUSED, [(ALICE, '-')]),
                     options)


def each_command(option, replies):
    """One command after the other refused by smtp-sink."""
    for command, (code, reply) in replies.items():
        with Scratch() as scratch, Sink(scratch, option, command) as sink:
            got, out, _ = send(sink.server(), to=(ALICE, BOB))
            same(got, code, (option, command, out))
            if option == '-Q' and command == 'rcpt':
                out = out.replace(b'\t-\t', b'\t421\t')  # it was not asked
            same(verdicts(out), [(ALICE, reply), (BOB, reply)],
                 (option, command))


def check_sink_refuses_for_good():
    each_command('-f', {'connect': (REFUSED, '500'), 'mail': (REFUSED, '500'),
                        'rcpt': (REFUSED, '500'), 'data': (REFUSED, '500'),
                        '.': (REFUSED, '500'), 'ehlo': (0, '250'),
                        'quit': (0, '250')})


def check_sink_refuses_for_now():
    each_command('-r', {'mail': (LATER, '450'), 'rcpt': (LATER, '450'),
                        'data': (LATER, '450'), '.': (LATER, '450'),
                        'connect': (LATER, '450'), 'quit': (0, '250')})


def check_sink_vanishes():
    each_command('-q', {'connect': (LATER, '-'), 'ehlo': (LATER, '-'),
                        'mail': (LATER, '-'), 'rcpt': (LATER, '-'),
                        'data': (LATER, '-'), '.': (LATER, '-'),
                        'quit': (0, '250')})


def check_sink_says_421():
    each_command('-Q', {'ehlo': (LATER, '421'), 'mail': (LATER, '421'),
                        'rcpt': (LATER, '421'), 'data': (LATER, '421'),
                        '.': (LATER, '421'), 'quit': (0, '250')})


def check_servers_that_lie():
    """What is no reply is never a success, nor a refusal by the server."""
    go = (b'DATA', b'354 go\r\n')
    for rules, greeting, codes in (
            ([], b'HTTP/1.1 400 Bad Request\r\n\r\n', (PROTOCOL,)),
            ([], b'220 ' + b'x' * 100000, (PROTOCOL,)),
            ([], b'999 what\r\n', (PROTOCOL,)),
            ([], b'\r\n', (PROTOCOL,)), ([], None, (LATER,)),
            ([(b'EHLO', b'250-one\r\n500 two\r\n')], None, (PROTOCOL, LATER)),
            ([(b'MAIL', b'250 ok\n')], b'220 x\r\n', (0, PROTOCOL)),
            ([(b'RCPT', b'25 no\r\n')], b'220 x\r\n', (PROTOCOL,)),
            ([(b'DATA', b'250 go\r\n')], b'220 x\r\n', (PROTOCOL, REFUSED,
                                                        LATER)),
            ([go, (b'.', b'354 more\r\n')], b'220 x\r\n', (PROTOCOL, LATER)),
            ([go, (b'.', b'abc\r\n')], b'220 x\r\n', (PROTOCOL, LATER))):
        with Script(rules, greeting) as server:
            code, out, _ = send(server.server())
            true(code in codes, (rules, greeting, code, out))
            if code:
                true(all(c != '250' for _, c in verdicts(out)), out)


def check_refused_and_broken():
    """One refused for good, then the connection breaks: nobody may take it
    for a message that a second try would bring to all."""
    for rules in ([(b'RCPT TO:<BOB', b'550 no\r\n'), (b'DATA', None)],
                  [(b'RCPT TO:<BOB', b'550 no\r\n'),
                   (b'DATA', b'354 go\r\n'), (b'.', None)]):
        with Script(rules) as server:
            code, out, _ = send(server.server(), to=(ALICE, BOB))
            same((code, verdicts(out)),
                 (REFUSED, [(ALICE, '-'), (BOB, '550')]))
    with Script([(b'DATA', None)]) as server:
        same(send(server.server(), to=(ALICE, BOB))[0], LATER)


def check_exact_bytes():
    """What goes over the wire, octet by octet."""
    with Script([(b'DATA', b'354 go\r\n')]) as server:
        same(send(server.server(), '--hostname', 'c.example')[0], 0)
        same(b''.join(server.seen),
             b'EHLO c.example\r\nMAIL FROM:<eve@example.com>\r\n'
             b'RCPT TO:<alice@example.org>\r\nDATA\r\nSubject: hello\r\n\r\n'
             b'one\r\n..\r\n...two\r\nthree\r\n.\r\nQUIT\r\n')
    with Script([(b'DATA', b'354 go\r\n')]) as server:
        same(send(server.server(), sender='', stdin=b'')[0], 0)
        has(b''.join(server.seen), b'MAIL FROM:<>\r\n')
        has(b''.join(server.seen), b'DATA\r\n.\r\nQUIT\r\n')


def check_several_files():
    """In order, over one connection, each with its outcome; and one that
    cannot be sent is found before anything is."""
    with Scratch() as scratch, Daemon(scratch) as daemon:
        names = [scratch.file('m%d' % n, b'Subject: %d\n\nx\n' % n)
                 for n in range(5)]
        names.insert(2, '-')
        code, out, err = send(daemon.server(), *names, to=(
            ALICE, 'nobody@example.org'))
        same((code, err), (REFUSED, b''))
        found = [line.split('\t') for line in out.decode().splitlines()]
        same([row[:3] for row in found],
             [row for name in names for row in (
                 [name, ALICE, '250'], [name, 'nobody@example.org', '550'])])
        same(sorted(field(m, 'Subject')[0]
                    for m in daemon.box().messages()),
             [b'0', b'1', b'2', b'3', b'4', b'hello'])
        same(len(set(re.findall(rb'peer=(\S+)', daemon.stderr()))), 1)
        code, out, _ = send(daemon.server(), '--json', *names)
        told = [json.loads(x + ']}')
                for x in out.decode().split('\n]}\n')[:-1]]
        same([(t['file'], t['exit'], t['delivered']) for t in told],
             [(name, 0, 1) for name in names])
        count = daemon.box().count()
        bad = scratch.file('bad', b'x\ry\n')
        for name, why in ((bad, UNFIT), (bad + '-gone', NO_INPUT)):
            code, out, err = send(daemon.server(), names[0], name)
            same((code, out), (why, b''))
            has(err, name.encode())
        same(daemon.box().count(), count)


def check_files_are_joined():
    """RFC 2920 3.1: a message begins before the reply to the one before it
    came; without PIPELINING it does not."""
    def talk_of(first):
        def talk(line):
            line.send(b'220 x ESMTP\r\n')
            true(line.line().startswith(b'EHLO '), 'EHLO')
            line.send(first)
            for n in range(3):
                for command, reply in ((b'MAIL ', b'250 ok'),
                                       (b'RCPT ', b'250 ok'),
                                       (b'DATA', b'354 go')):
                    got = held if n and command == b'MAIL ' else line.line()
                    true(got.startswith(command), got)
                    line.send(reply + b'\r\n')
                while line.line() != b'.':
                    pass
                held = line.line() if n < 2 else None  # before our reply
                line.send(b'250 taken %d\r\n' % n)
        return talk
    with Scratch() as scratch:
        names = [scratch.file('m%d' % n, b'Subject: %d\n\nx\n' % n)
                 for n in range(3)]
        with Talker(talk_of(b'250-x\r\n250 PIPELINING\r\n')) as server:
            code, out, err = send(server.server(), *names)
            same((code, err), (0, b''), server.errors)
            same([line.rpartition(b'\t')[2] for line in out.splitlines()],
                 [b'taken 0', b'taken 1', b'taken 2'])
        with Script([(b'DATA', b'354 go\r\n')]) as server:
            same(send(server.server(), *names)[0], 0)
            same(sum(x.startswith(b'MAIL') for x in server.seen), 3)


def check_some_of_the_files():
    """Refused, too large, not reached: the others go on."""
    with Scratch() as scratch:
        names = [scratch.file('m%d' % n, b'Subject: %d\n\nx\n' % n)
                 for n in range(4)]
        names[1] = scratch.file('large', b'x' * 70 + b'\n' * 4000)
        with Daemon(scratch, '--max-message-bytes', '2000') as daemon:
            code, out, _ = send(daemon.server(), *names)
            same(code, REFUSED)
            found = [line.split('\t') for line in out.decode().splitlines()]
            same([(row[0], row[2]) for row in found],
                 list(zip(names, ('250', '-', '250', '250'))))
            same(daemon.box().count(), 3)
    # a pipe breaks in the middle: what is behind it is sent all the same
    with Scratch() as scratch, Daemon(scratch) as daemon:
        names = [scratch.file('m%d' % n, b'Subject: %d\n\nx\n' % n)
                 for n in range(4)]
        names[2] = '-'
        code, out, _ = send(daemon.server(), *names, stdin=b'x: y\n\nz\rz\n')
        same(code, UNFIT)
        found = [line.split('\t') for line in out.decode().splitlines()]
        same([(row[0], row[2]) for row in found],
             list(zip(names, ('250', '250', '-', '250'))))
        same(daemon.box().count(), 3)


def check_a_server_that_ends_sessions():
    """421 between messages: the next connection has the others. It is not
    tried again for ever: each must bring one to its end."""
    with Scratch() as scratch:
        names = [scratch.file('m%d' % n, b'Subject: %d\n\nx\n' % n)
                 for n in range(7)]
        with Daemon(scratch, '--max-messages-per-connection', '2') as daemon:
            code, out, err = send(daemon.server(), *names)
            same((code, err), (0, b''), out)
            same(sorted(field(m, 'Subject')[0]
                        for m in daemon.box().messages()),
                 [b'%d' % n for n in range(7)])
            same(len(set(re.findall(rb'peer=(\S+)', daemon.stderr()))), 4)
        for rules in ([(b'MAIL', b'421 no\r\n')], [(b'MAIL', None)]):
            with Script(rules) as server:
                code, out, _ = send(server.server(), *names)
                same((code, len(out.splitlines())), (LATER, 7))
                same(sum(x.startswith(b'EHLO') for x in server.seen), 1)


def check_progress_on_a_terminal():
    """Long work tells a terminal how far it is, and nobody else."""
    body = b'Subject: p\n\n' + (b'x' * 76 + b'\n') * 150000
    with Scratch() as scratch, Daemon(scratch) as daemon:
        path = scratch.file('big', body)
        same(send(daemon.server(), path)[2], b'')
        code, shown = on_terminal(
            [program('mailkit'), 'send', '--server', daemon.server(),
             '--from', 'a@b.example', '--to', ALICE, path])
        same(code, 0)
        true(re.search(rb'\r\d+\.\d of 11\.\d MiB sent', shown), shown)
        true(shown.endswith(b'\r'), shown)
        same(daemon.box().count(), 2)


def check_output_that_cannot_be_written():
    with Scratch() as scratch, Daemon(scratch) as daemon:
        with open('/dev/full', 'wb') as full:
            done = subprocess.run(
                [program('mailkit'), 'send', '--server', daemon.server(),
                 '--from', 'a@b.example', '--to', ALICE], input=TEXT,
                stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
        same(done.returncode, 74, done.stderr)
        same(daemon.box().count(), 1)


if __name__ == '__main__':
    sys.exit(main(globals()))
