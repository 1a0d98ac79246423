#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What GMime reads in a message, as the facts of mail_facts.py: a program of
its own, because its bindings belong to the system's Python and because it may
die. Paths come on standard input, a line each; a line of JSON goes out."""
import hashlib
import json
import sys

import gi
gi.require_version('GMime', '3.0')
from gi.repository import GMime  # noqa: E402 pylint: disable=wrong-import-position


def content_of(part):
    content = part.get_content()
    if content is None:
        return b''
    out = GMime.StreamMem.new()
    content.write_to_stream(out)
    array = out.get_byte_array()
    return bytes(array) if array is not None else b''


def children_of(part):
    if isinstance(part, GMime.Multipart):
        return [part.get_part(i) for i in range(part.get_count())]
    if isinstance(part, GMime.MessagePart):
        message = part.get_message()
        return [message.get_mime_part()] if message else []
    return []


def tree_of(part):
    if part is None:
        return ''
    children = children_of(part)
    inner = ','.join(tree_of(child) for child in children)
    kind = part.get_content_type().get_mime_type().lower()
    return kind + ('(%s)' % inner if children else '')


def leaves_of(part):
    children = children_of(part)
    if children:
        return [leaf for child in children for leaf in leaves_of(child)]
    octets = content_of(part) if isinstance(part, GMime.Part) else b''
    return [[len(octets), hashlib.sha256(octets).hexdigest()]]


def addresses_of(found):
    out = []
    for i in range(found.length() if found else 0):
        one = found.get_address(i)
        if isinstance(one, GMime.InternetAddressGroup):
            out += addresses_of(one.get_members())
        else:
            out.append(one.get_addr())
    return out


def facts_of(path):
    with open(path, 'rb') as f:
        stream = GMime.StreamMem.new_with_buffer(f.read())
    message = GMime.Parser.new_with_stream(stream).construct_message(None)
    if message is None:
        return {'tree': None}
    top = message.get_mime_part()
    date = message.get_date()
    return {'tree': tree_of(top), 'leaves': leaves_of(top) if top else [],
            'subject': message.get_subject(),
            'from': addresses_of(message.get_from()),
            'to': addresses_of(message.get_to()),
            'date': date.to_unix() if date else None}


def main():
    GMime.init()
    print(json.dumps('%d.%d.%d' % (GMime.MAJOR_VERSION, GMime.MINOR_VERSION,
                                   GMime.MICRO_VERSION)), flush=True)
    for line in sys.stdin:
        print(json.dumps(facts_of(line.rstrip('\n'))), flush=True)


if __name__ == '__main__':
    main()
