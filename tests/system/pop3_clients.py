#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""mpop, fetchmail, curl and Python's poplib fetch a Maildir of 200 messages
from mailkitd, octet for octet, by every mechanism and in every kind of TLS that
they share with it; then each of them deletes. getmail, which takes its time, is
in pop3_getmail.py, the sessions themselves in pop3_sessions.py."""
import sys

from lib import pop3_clients as clients
from lib.case import Scratch, main, same, true
from lib.pop3 import HARD, LONG, Pop3Daemon, messages, whole


def every_way(client, texts):
    """It fetches all and leaves all there, then it fetches and deletes."""
    auths, modes = clients.CLIENTS[client]
    auths = [auth for auth in auths if auth != 'apop']  # mailkitd has none
    expected = clients.looked_at(client, map(whole, texts))
    with Scratch() as scratch, Pop3Daemon(scratch, texts) as server:
        for mode in modes:
            for auth in auths:
                with Scratch(in_memory=True) as own:
                    found = clients.looked_at(client, client(
                        own, server, mode, auth, keep=True))
                true(found == expected, '%s, %s: %d messages' % (
                    mode, auth, len(found)))
        same((len(server.left()), len(server.left('robot'))),
             (len(texts), len(texts)))
        with Scratch(in_memory=True) as own:
            found = clients.looked_at(client, client(own, server, modes[-1],
                                                     auths[0]))
        true(found == expected, 'with deleting')
        same((server.left(), len(server.left('robot'))), ([], len(texts)))
        for mode in modes:
            with Scratch(in_memory=True) as own:
                try:
                    client(own, server, mode, auths[0], password='two')
                except clients.Refused:
                    continue
            true(False, 'a wrong password was taken')


def check_mpop():
    every_way(clients.mpop, messages(hard=HARD + LONG))


def check_fetchmail():
    every_way(clients.fetchmail, messages(hard=HARD))  # it cuts long lines


def check_curl():
    every_way(clients.curl, messages(hard=HARD + LONG))


def check_poplib():
    every_way(clients.python, messages(hard=HARD + LONG))


if __name__ == '__main__':
    sys.exit(main(globals()))
