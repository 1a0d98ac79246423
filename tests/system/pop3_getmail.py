#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""getmail fetches a Maildir of 200 messages from mailkitd; it forks for each
of them, so it has a test of its own beside pop3_clients.py."""
import sys

from lib import pop3_clients as clients
from lib.case import main
from lib.pop3 import HARD, messages
from pop3_clients import every_way


def check_getmail():
    every_way(clients.getmail, messages(hard=HARD))  # its lines are bounded


if __name__ == '__main__':
    sys.exit(main(globals()))
