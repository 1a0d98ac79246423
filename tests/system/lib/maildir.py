# SPDX-License-Identifier: MIT
"""A Maildir as it lies on disk, read without any of our own code."""
import os
import re

SIZES = re.compile(r'^[^,:/.][^,:/]*,S=(\d+),W=(\d+)$')


def by_delivery(name):
    """Seconds come first in a name, microseconds next, and neither has zeros
    before it: the order of numbers, not of letters."""
    return [int(part) if part.isdigit() else part
            for part in re.split('([0-9]+)', name)]


def names_in(path):
    return sorted(os.listdir(path), key=by_delivery)


class Box:
    def __init__(self, path):
        self.path = path

    def names(self, part='new'):
        """The entries of new/, tmp/ or cur/; none when there is no box."""
        try:
            return names_in(os.path.join(self.path, part))
        except FileNotFoundError:
            return []

    def count(self):
        return len(self.names())

    def octets(self, name):
        with open(os.path.join(self.path, 'new', name), 'rb') as f:
            return f.read()

    def messages(self):
        """All messages of new/, each looked at: name, sizes, line ends."""
        found = []
        for name in self.names():
            octets = self.octets(name)
            sizes = SIZES.match(name)
            if not sizes:
                raise AssertionError('a name without sizes: ' + name)
            disk, wire = int(sizes.group(1)), int(sizes.group(2))
            if disk != len(octets):
                raise AssertionError('%s has %d octets' % (name, len(octets)))
            if wire != len(octets) + octets.count(b'\n'):
                raise AssertionError('%s: ,W= is not %d' % (
                    name, len(octets) + octets.count(b'\n')))
            if b'\r' in octets:
                raise AssertionError('%s holds a CR' % name)
            found.append(octets)
        return found

    def only(self):
        """The one message there is."""
        found = self.messages()
        if len(found) != 1:
            raise AssertionError('%d messages in %s, not one' % (
                len(found), self.path))
        return found[0]


def split(octets):
    """(fields, body): fields as a list of (name, unfolded value)."""
    head, _, body = octets.partition(b'\n\n')
    fields = []
    for line in head.split(b'\n'):
        if line[:1] in (b' ', b'\t') and fields:
            fields[-1][1] += b' ' + line.strip()
        elif line:
            name, _, value = line.partition(b':')
            fields.append([name.decode('latin-1'), value.strip()])
    return [(n, v) for n, v in fields], body


def field(octets, name):
    """The values of a field, top first."""
    return [v for n, v in split(octets)[0] if n.lower() == name.lower()]
