#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""F1: the whole daemon is killed at random moments under load and started
again on the same mail root. What got its 250 is there, once and whole; what
did not is there whole or not at all (G1 to G4).

MAILKIT_KILLS=N moments (30; tests/run full: 200), MAILKIT_SEED=N others."""
import os
import sys
import threading
import time

from outside import FULL, Life, SEED, age, dice, message, numbers, send
from lib.case import Scratch, main, same, true

KILLS = int(os.environ.get('MAILKIT_KILLS', '200' if FULL else '30'))
SESSIONS = 15
TO = ('alice@example.org', 'bob@example.org', 'carol@example.net')
SIZES = (60, 200, 900, 3000, 3000, 20000, 70000, 400000)  # some are spilled


class Sent:
    """What became of one message, as its client knows it."""

    def __init__(self, to):
        self.to = to
        self.tries = 0  # that may have come to rest
        self.acked = False


class Load:
    """Clients that live outside of what is killed and remember."""

    def __init__(self, life, retry):
        self.life, self.retry = life, retry
        self.lock = threading.Lock()
        self.sent = []
        self.wrong = []
        self.acked_now = 0
        self.port = None
        self.over = False
        self.threads = [threading.Thread(target=self._client, args=(n,))
                        for n in range(SESSIONS)]

    def _client(self, which):
        chance = dice('client %d' % which)
        while not self.over:
            if self.port is None:  # nobody serves at present
                time.sleep(0.003)
                continue
            to = TO if chance.random() < 0.2 else (chance.choice(TO),)
            with self.lock:
                number = len(self.sent)
                sent = Sent(to)
                self.sent.append(sent)
            octets = message(number, chance.choice(SIZES))
            while not self.over and not sent.acked:
                self._attempt(sent, octets)
                if not self.retry:
                    break

    def _attempt(self, sent, octets):
        port = self.port
        if port is None:
            time.sleep(0.003)
            return
        sent.tries += 1
        reply = send(port, octets, *sent.to)
        if reply is None:
            return
        if reply[0] == 250:
            sent.acked = True
            with self.lock:
                self.acked_now += 1
        else:  # nothing is wrong but that it dies
            self.wrong.append(reply)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over = True
        for thread in self.threads:
            thread.join()


def judge(life, load):
    """Each mailbox against what the clients know; (acked, extra copies)."""
    same(load.wrong, [], 'replies other than 250')
    acked = extra = 0
    for mailbox in TO:
        have = numbers(life.box(*mailbox.split('@')))
        for number, sent in enumerate(load.sent):
            copies = have.pop(number, 0)
            if mailbox not in sent.to:
                same(copies, 0, 'message %d in %s' % (number, mailbox))
                continue
            what = 'message %d, acked %r, tried %d times, in %s %d times' % (
                number, sent.acked, sent.tries, mailbox, copies)
            true(copies >= sent.acked, 'lost: ' + what)
            true(copies <= sent.tries, 'too often: ' + what)
            acked += sent.acked
            extra += max(0, copies - 1)
        same(have, {}, 'messages nobody sent')
    return acked, extra


def swept(life):
    """What lies in tmp/ is what crashes left; it goes after 36 hours, and
    only then (G4). Returns how much that was."""
    left = 0
    boxes = [life.box(*mailbox.split('@')) for mailbox in TO]
    first = [box.names('tmp') for box in boxes]
    number = 10 ** 9
    same(send(life.daemon.port, message(number, 60), *TO)[0], 250)
    same([box.names('tmp') for box in boxes], first, 'young ones stay')
    for box in boxes:
        left += age(box)
    time.sleep(1.2)  # boxes lie open for a second (docs/maildir.md)
    same(send(life.daemon.port, message(number, 60), *TO)[0], 250)
    for box in boxes:
        same(box.names('tmp'), [], 'tmp/ of ' + box.path)
        same(numbers(box)[number], 2)
    return left


def campaign(kills, retry):
    chance = dice('moments %r' % retry)
    began = time.monotonic()
    with Scratch() as scratch, Life(scratch) as life:
        life.box()
        empty = 0
        with Load(life, retry) as load:
            for _ in range(kills):
                load.acked_now = 0
                load.port = life.daemon.port
                time.sleep(chance.uniform(0.01, 0.35))
                load.port = None
                life.crash()
                empty += load.acked_now == 0
                if chance.random() < 0.15:  # and while it starts (F2)
                    life.begin()
                    time.sleep(chance.uniform(0, 0.05))
                    life.crash()
                life.start()
            load.port = life.daemon.port
            if retry:
                time.sleep(1)
        acked, extra = judge(life, load)
        left = swept(life)
    took = time.monotonic() - began
    print('%d kills (seed %d, %s): %d messages, %d copies acknowledged, '
          '0 lost, 0 torn, %d extra of retries, %d left in tmp/ and swept, '
          '%d moments before the first 250, %.2f s a kill' % (
              kills, SEED, 'with retry' if retry else 'without retry',
              len(load.sent), acked, extra, left, empty, took / kills))
    true(empty < kills or kills < 3, 'a load: nothing was ever acknowledged')
    if not retry:
        same(extra, 0, 'copies')


def check_fault_f01_kill_without_retry():
    campaign((KILLS + 1) // 2, False)


def check_fault_f01_kill_with_retry():
    campaign(KILLS // 2, True)


if __name__ == '__main__':
    sys.exit(main(globals(), seconds=60 + 3 * KILLS))
