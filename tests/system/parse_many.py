#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`mailkit parse --json` over a directory of thousands of messages: one process
whose memory does not grow with their number, and a line of valid JSON for each,
in order. The messages are mutants of the goldens (mutants.py), among them long
ones, so that the memory of the largest is needed in both runs."""
import os
import subprocess
import sys

from lib.case import SLOW, Scratch, main, program, same, true
from lib.parsed import object_of
from mutants import mutants, seeds, words

FEW, MANY = 600, 6000
LONG_BYTES = 1 << 18  # one in a hundred


def messages(scratch):
    """600 files in few/, each ten times in many/."""
    few, many = scratch.dir('few'), scratch.dir('many')
    for name, text in mutants(0, FEW, seeds(), words()):
        if name.endswith('50'):
            text += b'\nx' * (LONG_BYTES // 2)
        path = scratch.file('few/' + name, text)
        for n in range(MANY // FEW):
            os.link(path, os.path.join(many, '%d-%s' % (n, name)))
    return few, many


def high_water_kib(pid):
    """0 when it has ended."""
    with open('/proc/%d/status' % pid, encoding='ascii') as f:
        return next((int(line.split()[1]) for line in f
                     if line.startswith('VmHWM')), 0)


def lines_and_peak(folder):
    """Reads line by line, so that the process is at most a pipe ahead, and
    looks at its memory all along."""
    peak = 0
    # AddressSanitizer keeps what was freed, which is not ours to measure.
    options = ':'.join(filter(None, (os.environ.get('ASAN_OPTIONS'),
                                     'quarantine_size_mb=0',
                                     'thread_local_quarantine_size_kb=0')))
    with subprocess.Popen([program('mailkit'), 'parse', '--json', folder],
                          stdout=subprocess.PIPE, pipesize=4096,
                          env={**os.environ,
                               'ASAN_OPTIONS': options}) as process:
        names = []
        for line in process.stdout:
            told = object_of(line)
            true(line.endswith(b'\n') and told['parts']['type'], line[:200])
            names.append(os.path.basename(told['path']))
            if len(names) % 20 == 0:
                peak = max(peak, high_water_kib(process.pid))
        same(process.wait(timeout=20 * SLOW), 0)
    same(names, sorted(os.listdir(folder)), 'a line for each, in order')
    return peak


def check_memory_is_that_of_one():
    with Scratch(in_memory=True) as scratch:
        few, many = messages(scratch)
        less, more = lines_and_peak(few), lines_and_peak(many)
        print('%d KiB for %d files, %d KiB for %d' % (less, FEW, more, MANY))
        true(less > 1024 and more < less * 1.1, '%d and %d' % (less, more))


if __name__ == '__main__':
    sys.exit(main(globals(), seconds=100 * SLOW))
