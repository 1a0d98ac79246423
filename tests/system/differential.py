#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same inputs to mailkitd and to Postfix, with equal settings as far as
there are any: the first digit of each reply, where the connection ends, and
what is delivered. differential.txt lists what differs, with the section that
says who is right; a difference that is not listed fails, and so does one that
is listed and gone.

`differential.py print` prints the differences as that file wants them."""
import concurrent.futures
import os
import re
import sys

from lib.case import SLOW, Scratch, main, same, true, until
from lib.daemon import Daemon
from lib.postfix import Postfix
from lib.sink import free_port
from lib.smtp_inputs import build
from lib.wire import Wire

LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    'differential.txt')
USERS = {'alice': 'example.org', 'bob': 'example.org', 'carol': 'example.net'}
MAIN = """
mynetworks = 192.0.2.1
mydestination =
local_transport = error:nobody is here
default_transport = discard:
virtual_mailbox_domains = example.org example.net
virtual_mailbox_maps = texthash:{dir}/boxes
virtual_mailbox_base = {mail}
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_alias_maps = texthash:{dir}/aliases
myhostname = mx.example.org
smtpd_helo_required = yes
smtpd_relay_restrictions = reject_unauth_destination
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 100
smtpd_hard_error_limit = 100
smtpd_junk_command_limit = 100
smtpd_client_connection_count_limit = 0
smtpd_forbid_bare_newline = reject
smtpd_forbid_bare_newline_exclusions =
strict_rfc821_envelopes = yes
message_size_limit = 26214400
virtual_mailbox_limit = 0
local_header_rewrite_clients =
smtpd_timeout = 30s
"""
TRACE = re.compile(rb'(Return-Path|X-Original-To|Delivered-To|Received):',
                   re.I)
ORIGIN = re.compile(rb'\bn(\d+)\.example\.com')


class Theirs(Postfix):
    def __init__(self, scratch):
        self.port = free_port()
        self.mail = scratch.dir('theirs')
        os.chmod(self.mail, 0o777)
        scratch.dir('postfix')
        scratch.file('postfix/boxes', ''.join(
            '%s@%s %s/\n' % (user, domain, user)
            for user, domain in USERS.items()))
        scratch.file('postfix/aliases', ''.join(
            'postmaster@%s alice@example.org\n' % domain
            for domain in ('mx.example.org', 'example.org')))
        super().__init__(
            scratch, MAIN.format(dir=scratch.path + '/postfix',
                                 mail=self.mail),
            '127.0.0.1:%d inet n - n - - smtpd\n' % self.port)

    def boxes(self):
        """Of each user, once nothing is under way: new/."""
        until(lambda: not any(
            files for part in ('incoming', 'active', 'deferred', 'maildrop')
            for _, _, files in os.walk('%s/spool/%s' % (self.dir, part))), 20,
              'an empty queue')
        return {user: '%s/%s/new' % (self.mail, user) for user in USERS}


def ours_boxes(daemon):
    return {user: '%s/%s/%s/new' % (daemon.root, domain, user)
            for user, domain in USERS.items()}


def converse(port, steps):
    """First digits of the replies; x: the server ended it."""
    with Wire(port, seconds=10) as wire:
        said = [wire.greeting[0] // 100]
        for step in steps:
            if isinstance(step, tuple):
                wire.send(step[0])
                try:
                    wire.socket.shutdown(1)
                except OSError:
                    pass
                said += [code // 100 for code, _ in wire.rest()] + ['x']
                break
            wire.send(step + b'\r\n')
            got = wire.reply()
            said.append(got[0] // 100 if got else 'x')
            if got is None:
                break
    return ''.join(map(str, said))


def plain(octets):
    """Without the trace fields on top."""
    lines = octets.split(b'\n')
    at = 0
    while at < len(lines) and (TRACE.match(lines[at]) or
                               (at > 0 and lines[at][:1] in (b' ', b'\t'))):
        at += 1
    return b'\n'.join(lines[at:])


def delivered(boxes):
    """Input number: [(user, message)], sorted."""
    found = {}
    for user, path in boxes.items():
        for name in os.listdir(path) if os.path.isdir(path) else []:
            with open(os.path.join(path, name), 'rb') as f:
                octets = f.read()
            origin = ORIGIN.search(octets)
            true(origin, octets[:500])
            found.setdefault(int(origin.group(1)), []).append(
                (user, plain(octets)))
    return {n: sorted(texts) for n, texts in found.items()}


def all_of(port, inputs):
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        return dict(zip(inputs, pool.map(
            lambda steps: converse(port, steps), inputs.values())))


def differences():
    """Name: (ours, theirs), for what differs."""
    inputs = build()
    with Scratch(in_memory=True) as scratch, Theirs(scratch) as postfix, \
            Daemon(scratch, '--max-connections-per-address', '64') as daemon:
        ours, theirs = all_of(daemon.port, inputs), all_of(postfix.port,
                                                           inputs)
        kept = delivered(ours_boxes(daemon)), delivered(postfix.boxes())
    found = {}
    for n, name in enumerate(inputs):
        mine, other = (side.get(n, []) for side in kept)
        if mine != other:
            ours[name] += '+%d' % len(mine)
            theirs[name] += '+%d' % len(other)
            if len(mine) == len(other):
                theirs[name] += '!'  # the same number of other octets
        if ours[name] != theirs[name]:
            found[name] = (ours[name], theirs[name])
    return found, len(inputs)


def reviewed():
    """Rows of the file: pattern of a name, ours, theirs."""
    rows = []
    with open(LIST, encoding='ascii') as f:
        reason = False
        for line in f:
            line = line.rstrip('\n')
            if line.startswith('#'):
                reason = True
            elif line.strip():
                true(reason, 'no reason above ' + line)
                ours, theirs, name = line.split(' ', 2)
                rows.append((name, ours, theirs))
            else:
                reason = False
    return rows


def fits(text, pattern):
    """`*` stands for anything, all else for itself."""
    return re.fullmatch(re.escape(pattern).replace('\\*', '.*'), text)


def listed(rows, name, pair):
    return any(fits(name, pattern) and fits(pair[0], ours) and
               fits(pair[1], theirs) for pattern, ours, theirs in rows)


def check_as_postfix_does():
    found, count = differences()
    rows = reviewed()
    new = {name: pair for name, pair in found.items()
           if not listed(rows, name, pair)}
    gone = [row for row in rows
            if not any(listed([row], name, pair)
                       for name, pair in found.items())]
    print('%d inputs, %d differ, %d rows' % (count, len(found), len(rows)))
    same((new, gone), ({}, []), 'differences (new, gone)')


if __name__ == '__main__':
    if sys.argv[1:] == ['print']:
        for name, pair in differences()[0].items():
            print(*pair, name)
        sys.exit(0)
    sys.exit(main(globals(), seconds=100 * SLOW))
