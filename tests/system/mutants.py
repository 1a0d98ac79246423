#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mutated messages: 2,000, or 100,000 with MAILKIT_FULL=1; the same ones each
time. Seeds are the goldens and, where they are, the messages of shared/corpora
beside this repository. Each mutant goes through fuzz_message.c (the same events
at every cut, a tree always, texts that are UTF-8) and through `mailkit parse
--json` (a line of JSON with a tree): no crash, no leak, no hang. A mutant that
fails is looked for alone and printed in base64.

`mutants.py write N FOLDER` writes the first N."""
import base64
import glob
import os
import random
import re
import subprocess
import sys
import time

from lib.case import SLOW, Scratch, Skip, main, program, true
from lib.parsed import object_of

HERE = os.path.dirname(os.path.abspath(__file__))
CORPORA = os.environ.get('MAILKIT_CORPORA') or os.path.join(
    HERE, '../../../shared/corpora')
SEEDS = (HERE + '/../golden/*.eml', CORPORA + '/mail-parser/eml/*/*.eml',
         CORPORA + '/mime4j/testmsgs/*.msg',
         CORPORA + '/dsn-sisimai/[dn]o[st]/*.eml')
DICTIONARY = HERE + '/../../fuzz/message.dict'
COUNT = 100000 if os.environ.get('MAILKIT_FULL') else 2000
BATCH = 1000
SEED_BYTES = 4096  # of a longer seed a window


def seeds():
    out = []
    for pattern in SEEDS:
        for path in sorted(glob.glob(pattern)):
            with open(path, 'rb') as f:
                out.append(f.read())
        if not glob.glob(pattern):
            print('skipped: no seeds of ' + pattern)
    return out


def words():
    with open(DICTIONARY, encoding='latin-1') as f:
        found = re.findall(r'^"(.*)"$', f.read(), re.M)
    return [word.encode('latin-1').decode('unicode_escape').encode('latin-1')
            for word in found]


# ---- one change each: text, dice, seeds, words ------------------------------

def span(text, dice, most):
    at = dice.randrange(len(text) + 1)
    return at, at + dice.randrange(most)


def one_octet(text, dice, *_):
    at = dice.randrange(len(text) + 1)
    text[at:at + 1] = bytes([dice.choice(
        (0, 9, 10, 13, 32, 34, 40, 45, 58, 61, 127, 128, 255,
         dice.randrange(256)))])


def one_bit(text, dice, *_):
    if text:
        text[dice.randrange(len(text))] ^= 1 << dice.randrange(8)


def removed(text, dice, *_):
    at, end = span(text, dice, 80)
    del text[at:end]


def noise(text, dice, *_):
    at, _ = span(text, dice, 1)
    text[at:at] = dice.randbytes(dice.randrange(1, 20))


def repeated(text, dice, *_):
    at, end = span(text, dice, 120)
    text[at:at] = text[at:end] * dice.randrange(1, 4)


def word(text, dice, _, dictionary):
    at, _ = span(text, dice, 1)
    text[at:at] = dice.choice(dictionary)


def moved_line(text, dice, *_):
    lines = text.splitlines(keepends=True)
    if lines:
        line = lines.pop(dice.randrange(len(lines)))
        lines.insert(dice.randrange(len(lines) + 1), line)
        text[:] = b''.join(lines)


def cut_off(text, dice, *_):
    del text[dice.randrange(len(text) + 1):]


def spliced(text, dice, all_seeds, _):
    at, _ = span(text, dice, 1)
    text[at:] = window(dice, all_seeds)


def other_ends(text, dice, *_):
    text[:] = text.replace(b'\r\n', dice.choice((b'\n', b'\r', b'\r\r\n')))


CHANGES = (one_octet, one_octet, one_bit, removed, removed, noise, repeated,
           word, word, word, moved_line, moved_line, cut_off, spliced,
           other_ends)


def window(dice, all_seeds):
    seed = dice.choice(all_seeds)
    at = dice.randrange(max(1, len(seed) - SEED_BYTES))
    return seed[at if dice.randrange(4) == 0 else 0:][:SEED_BYTES]


def mutants(first, count, all_seeds, dictionary):
    """Each from its number alone; the two last octets of some are settings of
    fuzz_message.c."""
    for number in range(first, first + count):
        dice = random.Random(number)
        text = bytearray(window(dice, all_seeds))
        for _ in range(dice.choice((1, 2, 3, 5, 8, 20))):
            dice.choice(CHANGES)(text, dice, all_seeds, dictionary)
        if dice.randrange(3) == 0:
            text += dice.randbytes(2)
        yield '%06d' % number, bytes(text)


def write(folder, *which):
    os.makedirs(folder, exist_ok=True)
    for name, text in mutants(*which, seeds(), words()):
        with open(os.path.join(folder, name), 'wb') as f:
            f.write(text)


# ---- both programs over a folder --------------------------------------------

def complaint(argv, seconds, judge):
    """None, or what is wrong."""
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False,
                              timeout=seconds * SLOW)
    except subprocess.TimeoutExpired:
        return '%s hangs' % argv[0]
    if done.returncode or b'Sanitizer' in done.stderr or \
            b'runtime error' in done.stderr:
        return '%s ends with %d: %s' % (argv[0], done.returncode,
                                        done.stderr.decode('latin-1')[-4000:])
    return judge(done.stdout)


def has_trees(count):
    def judge(out):
        try:
            told = [object_of(line) for line in out.splitlines()]
        except (ValueError, AssertionError) as why:
            return 'no JSON: %s' % why
        if len(told) != count:
            return '%d lines for %d messages' % (len(told), count)
        if not all(t['parts']['type'] for t in told):
            return 'no tree'
        return None
    return judge


def ran(count):
    return lambda out: None if out == b'%d inputs\n' % count else repr(out)


def wrong_of(programs, paths, folder=None):
    for kind, argv in programs.items():
        judge = (has_trees if kind == 'parse' else ran)(len(paths))
        said = complaint(argv + ([folder] if folder else paths),
                         10 + len(paths) // 20, judge)
        if said:
            return said
    return None


def find(programs, paths):
    """The first that is wrong alone, by halves."""
    while len(paths) > 1:
        half = paths[:len(paths) // 2]
        paths = half if wrong_of(programs, half) else paths[len(half):]
    with open(paths[0], 'rb') as f:
        return '%s: %s\n%s' % (os.path.basename(paths[0]),
                               wrong_of(programs, paths),
                               base64.encodebytes(f.read()).decode())


def programs_built():
    found = {'parse': [program('mailkit'), 'parse', '--json']}
    replay = os.path.join(os.environ.get('MAILKIT_BUILD', 'build'),
                          'fuzz/replay_message')
    if not os.access(replay, os.X_OK):
        raise Skip('replay_message is not built')
    found['replay'] = [replay, '--once']
    return found


def check_mutants():
    programs = programs_built()
    all_seeds, dictionary = seeds(), words()
    true(len(all_seeds) > 30 and len(dictionary) > 40, 'seeds and words')
    began, octets = time.monotonic(), 0
    for first in range(0, COUNT, BATCH):
        with Scratch(in_memory=True) as scratch:
            paths = []
            for name, text in mutants(first, min(BATCH, COUNT - first),
                                      all_seeds, dictionary):
                paths.append(scratch.file(name, text))
                octets += len(text)
            if wrong_of(programs, paths, scratch.path):
                raise AssertionError(find(programs, paths))
    print('%d mutants of %d seeds, %d octets, %d s' % (
        COUNT, len(all_seeds), octets, time.monotonic() - began))


if __name__ == '__main__':
    if sys.argv[1:2] == ['write']:
        write(sys.argv[3], 0, int(sys.argv[2]))
    else:
        sys.exit(main(globals(), seconds=3600 if COUNT > 2000 else 80 * SLOW))
