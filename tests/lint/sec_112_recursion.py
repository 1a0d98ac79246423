#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""THREATS 112: no function of lib/ reaches itself by direct calls, no stack
frame has a size that depends on input, and the deepest chain of calls stays
far below the 64 KiB of a small thread's stack. Reads the call graph that gcc
writes. Calls through pointers are not in it; the tables of engines, files and
hosts go downward only, and Law 1 keeps it so."""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

import lintlib

FRAME_MAX = 8 * 1024
CHAIN_MAX = 24 * 1024
NODE = re.compile(r'^node: \{ title: "([^"]+)" label: "([^"]*)"', re.M)
EDGE = re.compile(r'^edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"',
                  re.M)
FRAME = re.compile(r'(\d+) bytes \(([\w,]+)')


def graph_of(root, path, flags, tmp):
    """(function -> (octets, kind)), (function -> callees) of one file."""
    base = os.path.join(tmp, path.replace('/', '_') + flags[0])
    made = subprocess.run(
        ['gcc', '-std=c11', '-D_GNU_SOURCE', '-w', *flags,
         '-fcallgraph-info=su', '-I' + os.path.join(root, 'include'),
         '-I' + os.path.join(root, 'lib'), '-c', '-o', base + '.o',
         os.path.join(root, path)], capture_output=True, text=True,
        timeout=120)
    if made.returncode:
        raise ValueError(made.stderr[:300])
    with open(base + '.ci', encoding='utf-8') as f:
        text = f.read().replace(root + '/', '')
    frames = {}
    for name, label in NODE.findall(text):
        m = FRAME.search(label)
        if m:
            frames[name] = (int(m.group(1)), m.group(2))
    calls = {}
    for caller, callee in EDGE.findall(text):
        calls.setdefault(caller, set()).add(callee)
    return frames, calls


def graph(root, flags):
    """The graph of all of lib/."""
    paths = lintlib.walk(root, ('lib',), ('.c',))
    frames, calls = {}, {}
    with tempfile.TemporaryDirectory() as tmp, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for f, c in pool.map(lambda p: graph_of(root, p, flags, tmp), paths):
            frames.update(f)
            calls.update(c)
    return frames, calls


def cycles(calls):
    """One chain for each function that was found to reach itself."""
    done = set()
    found = []
    for start in sorted(calls):
        if start in done:
            continue
        chain, on_chain = [(start, iter(sorted(calls[start])))], {start}
        while chain:
            for callee in chain[-1][1]:
                if callee in on_chain:
                    names = [n for n, _ in chain]
                    found.append(names[names.index(callee):] + [callee])
                elif callee in calls and callee not in done:
                    chain.append((callee, iter(sorted(calls[callee]))))
                    on_chain.add(callee)
                    break
            else:
                name, _ = chain.pop()
                on_chain.discard(name)
                done.add(name)
    return found


def deepest(frames, calls):
    """(octets, names) of the chain that takes most stack. No cycles."""
    depth = {}

    def below(name):
        if name not in depth:
            best = max((below(c) for c in calls.get(name, ())
                        if c in frames), default=(0, []))
            depth[name] = (best[0] + frames[name][0], [name] + best[1])
        return depth[name]
    return max((below(n) for n in frames), default=(0, []))


def check(root):
    if not shutil.which('gcc'):
        raise lintlib.Skip('no gcc on the path')
    root = os.path.abspath(root)
    try:
        # -O0: what the source says, before tail calls become jumps.
        _, calls = graph(root, ['-O0'])
        frames, optimised = graph(root, ['-Os'])
    except ValueError as why:
        return ['lib:1: does not compile: %s' % why]
    found = cycles(calls)
    problems = ['lib:1: recursion: ' + ' -> '.join(chain) for chain in found]
    for name, (octets, kind) in sorted(frames.items()):
        if kind not in ('static', 'dynamic,bounded'):
            problems.append('lib:1: %s: the size of its frame is %s'
                            % (name, kind))
        if octets > FRAME_MAX:
            problems.append('lib:1: %s: a frame of %d octets, more than %d'
                            % (name, octets, FRAME_MAX))
    if not found:
        octets, chain = deepest(frames, optimised)
        print('stack: %d functions; the deepest chain takes %d octets: %s'
              % (len(frames), octets, ' '.join(chain)))
        if octets > CHAIN_MAX:
            problems.append('lib:1: %s take %d octets of stack'
                            % (' '.join(chain), octets))
    return problems


FRAMED = 'int use(char *p);\nint %s(void)\n{\n    char b[%d];\n' \
         '    return use(b)%s;\n}\n'
GOOD = {'lib/a/a.c': 'int mk_b(int n);\nint mk_a(int n);\n'
                     'int mk_a(int n) { return mk_b(n); }\n',
        'lib/a/b.c': 'int mk_b(int n);\nint mk_b(int n) { return n; }\n'}
BAD = [
    ({'lib/a/b.c': 'int mk_a(int n);\nint mk_b(int n);\n'
                   'int mk_b(int n) { return n ? mk_a(n - 1) : 0; }\n'},
     'recursion: mk_a -> mk_b -> mk_a'),
    ({'lib/a/b.c': 'static int f(int n) { return n ? f(n - 1) : 0; }\n'
                   'int mk_b(int n) { return f(n); }\n'}, 'lib/a/b.c:f ->'),
    ({'lib/a/b.c': 'int use(char *p);\nint mk_b(int n)\n{\n    char b[n];\n'
                   '    return use(b);\n}\n'}, 'frame is dynamic'),
    ({'lib/a/b.c': 'int mk_b(int n) { return m; }\n'}, 'not compile'),
    ({'lib/a/b.c': FRAMED % ('mk_b', 9000, '')}, 'more than 8192'),
    ({'lib/a/b.c': ''.join(
        ('int mk_%d(void);\n' % (i + 1)) +
        FRAMED % ('mk_%d' % i, 8000, ' + mk_%d()' % (i + 1))
        for i in range(4))}, 'octets of stack'),
]

if __name__ == '__main__':
    sys.exit(lintlib.main(check, GOOD, BAD))
