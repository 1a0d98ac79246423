# SPDX-License-Identifier: MIT
"""What strace -f -y wrote, as a list of calls in order: each with the place
where it began and where it ended, so that calls of several threads that
overlap are told apart."""
import re
from collections import namedtuple

Call = namedtuple('Call', 'name args result began ended')
WHOLE = re.compile(r'(\w+)\((.*)\)\s+= (-?\d+)')
BEGUN = re.compile(r'(\w+)\((.*) <unfinished \.\.\.>$')
RESUMED = re.compile(r'<\.\.\. (\w+) resumed>(.*)\)\s+= (-?\d+)')


def read(path):
    calls, open_calls = [], {}
    with open(path, encoding='latin-1') as f:
        for n, line in enumerate(f):
            pid, _, text = line.rstrip('\n').partition(' ')
            text = text.strip()
            found = RESUMED.match(text)
            if found:
                name, args, began = open_calls.pop(pid, (found.group(1), '',
                                                         n))
                calls.append(Call(name, args + found.group(2),
                                  int(found.group(3)), began, n))
                continue
            found = BEGUN.match(text)
            if found:
                open_calls[pid] = (found.group(1), found.group(2), n)
                continue
            found = WHOLE.match(text)
            if found:
                calls.append(Call(found.group(1), found.group(2),
                                  int(found.group(3)), n, n))
    for name, args, began in open_calls.values():
        calls.append(Call(name, args, None, began, began))
    return calls


def paths(call):
    """Paths of the descriptors among the arguments (strace -y)."""
    return re.findall(r'\d+<([^>]*)>', call.args)


def strings(call):
    return re.findall(r'"((?:[^"\\]|\\.)*)"', call.args)
