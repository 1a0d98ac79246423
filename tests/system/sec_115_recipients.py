#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""THREATS 115 over TCP: a million recipients of one message. Most of the time
it waits for replies that are delayed."""
import sys
from concurrent.futures import ThreadPoolExecutor

from lib.case import main, same, true
from sec_010_floods import attack, mail


def recipients_of_one():
    """One line again and again: accepted up to the limit, then 452 4.5.3,
    then the end."""
    _, replies = attack(mail, b'RCPT TO:<alice@example.org>\r\n', 29000000,
                        (421,), options=('--max-recipients', 100))
    same(len([r for r in replies if r[0] == 250]), 100, 'accepted')
    true([r for r in replies if r[0] == 452 and '4.5.3' in r[1]], '452 4.5.3')


def recipients_of_nobody():
    _, replies = attack(mail, b'RCPT TO:<nobody@example.org>\r\n', 29000000,
                        (421,))
    true(len(replies) <= 30, '%d replies' % len(replies))


def check_sec_115_a_million_recipients():
    """Both at once: each waits a minute for replies that are delayed."""
    with ThreadPoolExecutor(2) as pool:
        for attacked in [pool.submit(recipients_of_one),
                         pool.submit(recipients_of_nobody)]:
            attacked.result()


if __name__ == '__main__':
    sys.exit(main(globals(), seconds=150))
