# SPDX-License-Identifier: MIT
"""Clients, one at a time, into smtp-sink (or sink_uv without it), and over a
link that delays: the tables client and link of table.py."""
import asyncio
import os
import resource
import shutil
import statistics
import subprocess
import sys
import threading
import time

import rig

BUILD = os.environ.get('MAILKIT_BUILD', 'build')
DELAY_S = 0.01  # each way
LINK_MESSAGES = 20
SMTPLIB = '''
import smtplib, sys
port, n, size, many = map(int, sys.argv[1:])
text = ('From: a@bench.test\\r\\nTo: b@bench.test\\r\\nSubject: x\\r\\n\\r\\n'
        + ('X' * 78 + '\\r\\n') * (size // 80)).encode()
for i in range(1 if many else n):
    peer = smtplib.SMTP('127.0.0.1', port)
    for k in range(n if many else 1):
        peer.sendmail('a@bench.test', ['b@bench.test'], text)
    peer.quit()
'''


def clients():
    """name -> argv of (port, messages, octets, on one connection); the first is
    the floor."""
    def built(name):
        path = os.path.join(BUILD, 'tests', 'bench', name)
        return lambda *numbers: [path, *map(str, numbers)]

    def source(port, count, octets, many):
        return ['smtp-source', *(['-d'] if many else []), '-s', '1',
                '-m', str(count), '-l', str(octets), '-f', 'a@bench.test',
                '-t', 'b@bench.test', '127.0.0.1:%d' % port]

    found = {'floor': built('floor_send'), 'mailkit': built('bench_smtp_send')}
    if shutil.which('smtp-source'):
        found['smtp-source'] = source
    found['smtplib'] = lambda *numbers: [sys.executable, '-c', SMTPLIB,
                                         *map(str, numbers)]
    return found


def go(argv):
    """(seconds, seconds of CPU)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    subprocess.run(argv, check=True, timeout=120, stdout=subprocess.DEVNULL)
    took = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, (after.ru_utime + after.ru_stime - before.ru_utime -
                  before.ru_stime)


def run(client, port, count, octets, many):
    """(messages a second, CPU microseconds each) without the start-up."""
    first, first_cpu = go(client(port, 1, octets, many))
    took, cpu = go(client(port, count + 1, octets, many))
    return count / max(took - first, 1e-6), (cpu - first_cpu) / count * 1e6


def messages(client, port, octets, many, seconds):
    count, rate = 20, 0
    while count < 100000:
        count *= 4
        rate = run(client, port, count, octets, many)[0]
        if count / rate > 0.1:
            break
    return max(50, int(rate * seconds))


def into_sink(options, scratch, ratio):
    """Rows of the table client."""
    rows = []
    try:
        sink = rig.SmtpSink(scratch)
    except rig.Skip:
        sink = rig.sink_uv(scratch)
    try:
        scenes = [(1024, 1), (1024, 0), (102400, 1)]
        for octets, many in scenes[:1] if options.short else scenes:
            all_ = clients()
            counts = {name: messages(c, sink.port, octets, many,
                                     options.seconds)
                      for name, c in all_.items()}
            seen = {name: [] for name in all_}
            for _ in range(options.rounds):
                for name, c in all_.items():
                    seen[name].append(run(c, sink.port, counts[name], octets,
                                          many))
            for name, runs in seen.items():
                rate, cpu = (statistics.median(x) for x in zip(*runs))
                rows.append(['%d KiB, %s a connection' % (
                    octets // 1024, 'many' if many else 'one'), name,
                             '%.0f' % rate, ratio(runs, seen['floor'], 0),
                             '%.0f' % cpu, ratio(runs, seen['floor'], 1)])
    finally:
        sink.stop()
    return rows


# A link: what comes in goes out so much later, in order.

async def forward(reader, writer):
    loop = asyncio.get_running_loop()
    try:
        while True:
            octets = await reader.read(1 << 16)
            if not octets:
                break
            loop.call_later(DELAY_S, writer.write, octets)
        loop.call_later(DELAY_S, writer.close)
    except OSError:
        writer.close()


class Link:
    """A port that leads to another one, DELAY_S away."""

    def __init__(self, port):
        self.target, self.loop = port, asyncio.new_event_loop()
        ready = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(ready,),
                                       daemon=True)
        self.thread.start()
        ready.wait(10)

    def _run(self, ready):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(
            self._accept, '127.0.0.1', 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self.loop.run_forever()

    async def _accept(self, reader, writer):
        far, far_writer = await asyncio.open_connection('127.0.0.1',
                                                        self.target)
        await asyncio.gather(forward(reader, far_writer),
                             forward(far, writer))

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)


def over_link(options, scratch):
    """Rows of the table link: everything from the start of the program to its
    end counts, greeting and QUIT too."""
    rows = []
    sink = rig.sink_uv(scratch)
    link = Link(sink.port)
    try:
        for octets in (1024,) if options.short else (1024, 102400):
            for name, client in clients().items():
                took = statistics.median(
                    go(client(link.port, LINK_MESSAGES, octets, 1))[0]
                    for _ in range(3))
                rows.append(['%d KiB' % (octets // 1024), name,
                             '%.0f' % (took * 1000),
                             '%.2f' % (took / LINK_MESSAGES / DELAY_S / 2)])
    finally:
        link.stop()
        sink.stop()
    return rows
