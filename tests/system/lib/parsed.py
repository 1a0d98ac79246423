# SPDX-License-Identifier: MIT
"""`mailkit parse` and what it has told, read strictly."""
import json

from lib import case


def run(*args, given=b'', code=0, **more):
    """stdout, stderr."""
    got, out, err = case.run([case.program('mailkit'), 'parse', *args],
                             stdin=given, seconds=40, **more)
    case.same(got, code, err.decode('latin-1'))
    return out, err


def object_of(line):
    """One line: UTF-8 (RFC 8259 8.1) without lone surrogates, no key twice, no
    NaN."""
    def pairs(members):
        case.same(len(dict(members)), len(members), 'keys of %r' % members)
        return dict(members)

    def never(what):
        raise ValueError(what)

    told = json.loads(line.decode('utf-8'), object_pairs_hook=pairs,
                      parse_constant=never)
    json.dumps(told, ensure_ascii=False).encode('utf-8')
    return told


def lines_of(out):
    """Each ends with LF, and nothing is behind the last."""
    *lines, rest = out.split(b'\n')
    case.same(rest, b'', 'a line that is cut')
    return [object_of(line) for line in lines]


def told_by(*args, **more):
    return lines_of(run(*args, **more)[0])
