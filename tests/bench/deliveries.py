#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Deliveries a second: Postfix's smtp-source against mailkitd (which makes
each message durable) and, in the same run, against smtp-sink (which throws it
away) and against plain files that are fsynced one by one. Asserts nothing
about speed."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'system'))
from lib.case import Scratch, Skip, main, need, run, same  # noqa: E402
from lib.daemon import Daemon  # noqa: E402
from lib.sink import Sink  # noqa: E402

COUNT = 1000


def pour(server, sessions, length):
    began = time.monotonic()
    code, _, err = run([need('smtp-source'), '-d', '-m', COUNT, '-s', sessions,
                        '-l', length, '-t', 'alice@example.org', server],
                       seconds=60)
    same(code, 0, err)
    return COUNT / (time.monotonic() - began)


def plain_files(scratch, length):
    """One after the other: write, fsync, rename, fsync the directory."""
    top = scratch.dir('files')
    holder = os.open(top, os.O_RDONLY)
    began = time.monotonic()
    for n in range(200):
        path = os.path.join(top, str(n))
        with open(path + '.tmp', 'wb') as f:
            f.write(b'x' * length)
            os.fsync(f.fileno())
        os.rename(path + '.tmp', path)
        os.fsync(holder)
    os.close(holder)
    return 200 / (time.monotonic() - began)


def check_deliveries():
    need('smtp-source')
    print('%8s %8s %12s %12s %12s %8s' % (
        'sessions', 'octets', 'mailkitd/s', 'smtp-sink/s', 'files/s',
        'x files'))
    for sessions, length in ((1, 4096), (20, 4096), (100, 4096), (20, 65536)):
        with Scratch() as scratch:
            with Daemon(scratch, '--max-messages-per-connection', COUNT,
                        '--max-connections-per-address', 200) as daemon:
                ours = pour(daemon.server(), sessions, length)
                same(daemon.box().count(), COUNT)
            files = plain_files(scratch, length)
        with Scratch() as scratch:
            try:
                with Sink(scratch, dump=False) as sink:
                    other = pour(sink.server(), sessions, length)
            except Skip:
                other = 0
        print('%8d %8d %12.0f %12.0f %12.0f %8.2f' % (
            sessions, length, ours, other, files, ours / files))


if __name__ == '__main__':
    sys.exit(main(globals(), seconds=280))
