#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Our figures beside peers and floors, all of them in turn in the same run:
only ratios within one table mean anything. Medians of interleaved rounds are
printed, ratios with the least and the most of any round. The floor is
tests/bench/floor_epoll.c; smtp-sink and Postfix are measured where they are
installed. Asserts nothing about speed.

usage: MAILKIT_BUILD=DIR table.py [--short] [--markdown] [--dir DIR] [TABLE…]
tables: volatile durable idle beside scan parse memory pop3 client link; all of
them by default.
--short: fewer rounds, and not what the other benchmarks print already.
--dir: where messages are kept; on a disk, or durable means nothing."""
import argparse
import os
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import parsing
import rig
import sending
from rig import Skip  # puts tests/system on the path
from lib.case import Scratch, program

# (octets, sessions)
VOLATILE = [(1024, 20), (102400, 20), (1024, 100), (1024, 1)]
DURABLE = [(1024, 20), (102400, 20), (1024, 100), (1024, 1)]
IDLE, BESIDE = 3000, 10000


class Print:
    def __init__(self, markdown):
        self.markdown = markdown

    def table(self, title, head, rows):
        rows = [[str(cell) for cell in row] for row in [head] + rows]
        width = [max(len(row[i]) for row in rows) for i in range(len(head))]
        if self.markdown:
            print('**%s**\n' % title)
        else:
            print(title)
        for n, row in enumerate(rows):
            if self.markdown:
                print('| %s |' % ' | '.join(row))
                if n == 0:
                    print('|' + '---|' * len(head))
            else:
                print('  ' + '  '.join(
                    cell.ljust(w) if i == 0 else cell.rjust(w)
                    for i, (cell, w) in enumerate(zip(row, width))))
        print(flush=True)

    def note(self, text):
        print(('%s\n' if self.markdown else '  %s\n') % text, flush=True)


class Field:
    """Servers that are up at the same time and measured in turn."""

    def __init__(self, makers, out):
        self.makers, self.out = makers, out
        self.live, self.scratches = {}, []

    def __enter__(self):
        for name, maker in self.makers:
            scratch = Scratch().__enter__()
            self.scratches.append(scratch)
            try:
                self.live[name] = maker(scratch)
            except Skip as why:
                self.out.note('%s: not measured here (%s)' % (name, why))
        return self.live

    def __exit__(self, *_):
        for server in self.live.values():
            server.stop()
        for scratch in self.scratches:
            scratch.__exit__()


def enough(server, octets, sessions, seconds):
    """A warm-up; how many messages last that long."""
    count, took = max(30, sessions), 0
    while took < 0.1:
        count *= 2
        took = rig.pour(server.port, sessions, octets, count)
    rig.drain(server)
    return max(sessions, 20, min(60000, int(count / took * seconds)))


def once(server, octets, sessions, count):
    """(messages a second until they were accepted, CPU microseconds each)."""
    before = rig.cpu_s(server.pid)
    took = rig.pour(server.port, sessions, octets, count)
    rig.drain(server)
    used = rig.cpu_s(server.pid) - before
    return count / took, used / count * 1e6


def ratio(runs, base, column):
    """Median (least-most) of what each round was to the floor's in the same
    round: what disturbs the machine disturbs neighbours alike."""
    found = [run[column] / first[column]
             for run, first in zip(runs, base or []) if first[column] > 0]
    if not found or runs is base:
        return '1' if found else '-'
    return '%.2f (%.2f-%.2f)' % (statistics.median(found), min(found),
                                 max(found))


def loads(options, out, title, makers, scenes):
    """The first maker is the floor. CPU and messages, and both as ratios."""
    rows = []
    with Field(makers, out) as live:
        for octets, sessions in scenes:
            counts = {name: enough(server, octets, sessions, options.seconds)
                      for name, server in live.items()}
            seen = {name: [] for name in live}
            for _ in range(options.rounds):
                for name, server in live.items():
                    seen[name].append(once(server, octets, sessions,
                                           counts[name]))
            base = seen.get(makers[0][0])
            for name, runs in seen.items():
                rate, cpu = (statistics.median(x) for x in zip(*runs))
                rows.append(['%d KiB, %d session%s' % (
                    octets // 1024, sessions, 's'[:sessions > 1]), name,
                             '%.0f' % rate, ratio(runs, base, 0),
                             '%.0f' % cpu, ratio(runs, base, 1)])
    out.table(title, ['load', 'server', 'messages/s', 'x floor',
                      'CPU us/message', 'x floor'], rows)


def volatile(options, out):
    loads(options, out, 'Accept and discard',
          [('floor', rig.floor), ('sink_uv', rig.sink_uv),
           ('smtp-sink', rig.SmtpSink)],
          VOLATILE[:2] if options.short else VOLATILE)


def durable(options, out):
    loads(options, out, 'Durable before the 250 (Postfix: in its queue)',
          [('floor', rig.durable_floor), ('mailkitd', rig.mailkitd),
           ('Postfix', rig.Postfix)],
          DURABLE[:1] if options.short else DURABLE)


def room_for(count):
    """As many connections as descriptors allow, for the clients' side."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY:
        hard = 65536
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(count, hard - 200)


def cost(server, count, talk=rig.EHLO):
    """(connections, MiB before them, KiB of each)."""
    rig.hang_up(rig.idle(server.port, 200, talk))  # what is made once is there
    time.sleep(0.5)
    before = rig.pss_bytes(server.pid)
    peers = rig.idle(server.port, count, talk)
    time.sleep(0.5)
    grown = rig.pss_bytes(server.pid) - before
    rig.hang_up(peers)
    time.sleep(0.5)
    return ['%d' % len(peers), '%.1f' % (before / 2 ** 20),
            '%.2f' % (grown / 1024 / max(1, len(peers)))]


def login(user, password):
    return b'+OK', (b'USER %s\r\n' % user, b'PASS %s\r\n' % password)


def idle(options, out):
    del options
    count, rows = room_for(IDLE), []
    makers = [('floor', rig.floor), ('sink_uv', rig.sink_uv),
              ('mailkitd', rig.mailkitd), ('smtp-sink', rig.SmtpSink)]
    with Field(makers, out) as live:
        for name, server in live.items():
            rig.pour(server.port, 20, 1024, 100)
            rows.append([name, *cost(server, count)])
    for name, talk in (('greeted', (b'+OK', ())),
                       ('no message', login(b'bob', b'two')),
                       ('100 messages', login(b'alice', b'one'))):
        with Field([('mailkitd, POP3, ' + name, rig.mailkitd_pop3)],
                   out) as live:
            for title, server in live.items():
                rows.append([title, *cost(server, count, talk)])
    out.table('Idle connections', ['server', 'connections',
                                   'PSS MiB without', 'KiB each'], rows)


def beside(options, out):
    """How much of a load is lost while many do nothing beside it."""
    count, rows = room_for(BESIDE), []
    makers = [('floor', rig.floor), ('mailkitd', rig.mailkitd)]
    with Field(makers, out) as live:
        for name, server in live.items():
            messages = enough(server, 1024, 20, options.seconds)
            alone, with_them = [], []
            for _ in range(options.rounds):
                alone.append(once(server, 1024, 20, messages))
                peers = rig.idle(server.port, count)
                with_them.append(once(server, 1024, 20, messages))
                rig.hang_up(peers)
                time.sleep(0.3)
            rate, cpu = (statistics.median(x) for x in zip(*alone))
            rate_2, cpu_2 = (statistics.median(x) for x in zip(*with_them))
            rows.append([name, len(peers), '%.0f' % rate, '%.0f' % rate_2,
                         ratio(with_them, alone, 0), '%.0f' % cpu,
                         '%.0f' % cpu_2, ratio(with_them, alone, 1)])
    out.table('1 KiB, 20 sessions, beside idle connections',
              ['server', 'idle', 'messages/s alone', 'beside them', 'x',
               'CPU us/message alone', 'beside them', 'x'], rows)


def lines_of(name):
    done = subprocess.run([program(name)], stdout=subprocess.PIPE, text=True,
                          timeout=240, check=True)
    return done.stdout.splitlines()


def scan(options, out):
    if options.short:
        return
    rows, kind = [], ''
    for line in lines_of('bench_scan'):
        if not line.startswith(' '):
            kind = line
        else:
            w = line.split()
            rows.append([kind, w[0], w[1], w[3], w[6]])
    out.table('Looking through a body', ['body', 'how', 'GB/s', 'x memcpy',
                                         'x memchr by line'], rows)


def parse(options, out):
    with Scratch() as scratch:
        rows = parsing.table(options, scratch.path, os.path.join(
            sending.BUILD, 'tests', 'bench', 'bench_parse'))
    out.table('Reading mail; the floor is memchr line by line',
              ['corpus', 'what', 'MB/s', 'x floor', 'messages/s'], rows)


def memory(options, out):
    if options.short:
        return
    head, *rows = [line.split() for line in lines_of('bench_smtp_in_memory')]
    out.table('Both SMTP machines in memory',
              [*head[:-2], ' '.join(head[-2:])], rows)


def pop3(options, out):
    """A share of memcpy's speed, higher is better."""
    if options.short:
        return
    head, *rows = [re.split('  +', line.strip())
                   for line in lines_of('bench_pop3_in_memory')]
    out.table('Both POP3 machines in memory', head, rows)


def client(options, out):
    with Scratch() as scratch:
        rows = sending.into_sink(options, scratch, ratio)
    out.table('Clients into smtp-sink, one connection at a time',
              ['load', 'client', 'messages/s', 'x floor', 'CPU us/message',
               'x floor'], rows)


def link(options, out):
    with Scratch() as scratch:
        rows = sending.over_link(options, scratch)
    out.table('%d messages over one connection, %d ms each way' % (
        sending.LINK_MESSAGES, sending.DELAY_S * 1000),
              ['messages of', 'client', 'ms', 'round trips each'], rows)


TABLES = {f.__name__: f for f in (volatile, durable, idle, beside, scan,
                                  parse, memory, pop3, client, link)}


def machine(out, where):
    model = ''
    with open('/proc/cpuinfo', encoding='latin-1') as f:
        for line in f:
            if line.startswith('model name'):
                model = line.partition(':')[2].strip()
    kind = subprocess.run(['stat', '-f', '-c', '%T', where], text=True,
                          stdout=subprocess.PIPE, check=False).stdout.strip()
    out.note('%d processors (%s), messages on %s, load average %.1f, load by '
             '%s.' % (os.cpu_count(), model, kind, os.getloadavg()[0],
                      rig.generator()))


def main():
    args = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    args.add_argument('--short', action='store_true')
    args.add_argument('--markdown', action='store_true')
    args.add_argument('--dir', default=tempfile.gettempdir())
    args.add_argument('--rounds', type=int)
    args.add_argument('--seconds', type=float)
    args.add_argument('tables', nargs='*', metavar='TABLE')
    options = args.parse_args()
    options.rounds = options.rounds or (2 if options.short else 5)
    options.seconds = options.seconds or (0.4 if options.short else 1.0)
    wrong = [t for t in options.tables if t not in TABLES]
    if wrong:
        args.error('no table %s' % wrong[0])
    tempfile.tempdir = options.dir
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    out = Print(options.markdown)
    machine(out, options.dir)
    for name, table in TABLES.items():
        if not options.tables or name in options.tables:
            try:
                table(options, out)
            except Skip as why:
                out.note('%s: not measured here (%s)' % (name, why))
    return 0


if __name__ == '__main__':
    sys.exit(main())
