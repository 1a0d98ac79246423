#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the built libraries show: only mk_* symbols, a soname, pkg-config
files that work; and what they hide: no object has a writable global (Law 2).

usage: symbols.py ROOT BUILD | --self-test
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

import lintlib

LIBRARIES = ('mailkit', 'mailkit-uv')
# What a toolchain or a sanitizer puts into any shared object.
FOREIGN = re.compile(r'^(_init|_fini|_edata|_end|__bss_start|__end__|'
                     r'__asan_|__odr_asan|__ubsan|__sanitizer|__start_|'
                     r'__stop_|__gcov|__llvm_|__sancov|lprof)')
WRITABLE = 'bBdDcCsSgG'
# The one write-once word that Law 2 allows.
ALLOWED_WRITABLE = ('cpu_features',)
PROGRAM = ('#include <mailkit/base.h>\n#include <string.h>\n'
           'int main(void)\n{\n    return strcmp(mk_err_name(MK_E_LIMIT), '
           '"E_LIMIT") != 0;\n}\n')


def run(*argv, **more):
    return subprocess.run(argv, capture_output=True, text=True, timeout=120,
                          **more)


def nm(path, *flags):
    """(type, name) of each symbol."""
    out = run('nm', *flags, path).stdout
    return [(m.group(1), m.group(2)) for m in
            re.finditer(r'^(?:[0-9a-f]+)?\s*([A-Za-z]) (\S+)$', out, re.M)]


def check_shared(path):
    name = os.path.basename(path)
    for _, symbol in nm(path, '-D', '--defined-only'):
        plain = symbol.split('@')[0]
        if not plain.startswith('mk_') and not FOREIGN.match(plain):
            yield '%s:1: exports %s' % (name, plain)
    soname = re.search(r'\(SONAME\).*\[(.*)\]',
                       run('readelf', '-d', path).stdout)
    want = name.split('.so')[0] + r'\.so\.\d+$'
    if not soname or not re.match(want, soname.group(1)):
        yield '%s:1: soname is %s' % (name, soname and soname.group(1))


def globals_of(root, path, objects):
    """Writable globals of one source, compiled plainly: without -fPIC, a
    table of constants really lies in read-only data. And names that a program
    which links the static library would not expect: any but mk_*."""
    obj = os.path.join(objects, path.replace('/', '_') + '.o')
    made = run('gcc', '-std=c11', '-D_GNU_SOURCE', '-O1', '-fno-pic',
               '-fcommon', '-w', '-I' + os.path.join(root, 'include'),
               '-I' + os.path.join(root, 'lib'), '-c', '-o', obj,
               os.path.join(root, path))
    if made.returncode:
        return ['%s:1: does not compile: %s' % (path, made.stderr[:300])]
    problems = []
    for kind, symbol in nm(obj, '--defined-only'):
        if kind in WRITABLE and symbol not in ALLOWED_WRITABLE:
            problems.append('%s:1: %s is a writable global' % (path, symbol))
        if kind.isupper() and not symbol.startswith('mk_'):
            problems.append('%s:1: %s is not named mk_*' % (path, symbol))
    return problems


def check_globals(root):
    problems = []
    with tempfile.TemporaryDirectory() as tmp:
        for path in lintlib.walk(root, ('lib',), ('.c',)):
            problems += globals_of(root, path, tmp)
    return problems


def check_pkgconfig(build, instrumented):
    flags = []
    for name in ('libmailkit', 'libmailkit-uv'):
        if not os.path.exists(os.path.join(build, 'meson-private',
                                           name + '.pc')):
            if glob.glob(os.path.join(build, 'lib', name + '.so.*')):
                yield '%s.pc:1: was not generated' % name
            continue
        env = dict(os.environ, PKG_CONFIG_PATH=os.path.join(
            build, 'meson-private'))
        valid = run('pkg-config', '--validate', name, env=env)
        if valid.returncode:
            yield '%s.pc:1: %s' % (name, valid.stderr.strip())
        env['PKG_CONFIG_PATH'] = os.path.join(build, 'meson-uninstalled')
        flags = run('pkg-config', '--cflags', '--libs', name,
                    env=env).stdout.split()
        with tempfile.TemporaryDirectory() as tmp:
            source = os.path.join(tmp, 'use.c')
            with open(source, 'w', encoding='ascii') as f:
                f.write(PROGRAM)
            extra = (['-fsanitize=address,undefined'] if instrumented else [])
            made = run('gcc', source, '-o', os.path.join(tmp, 'use'), *extra,
                       *flags)
            if made.returncode:
                yield '%s.pc:1: %s' % (name, made.stderr.strip()[:600])
                continue
            env = dict(os.environ, LD_LIBRARY_PATH=os.path.join(build, 'lib'),
                       ASAN_OPTIONS='detect_leaks=0')
            if run(os.path.join(tmp, 'use'), env=env).returncode:
                yield '%s.pc:1: the program built with it fails' % name


def check(root, build):
    problems = check_globals(root)
    instrumented = False
    for name in LIBRARIES:
        paths = glob.glob(os.path.join(build, 'lib', 'lib%s.so.*.*.*' % name))
        paths = [p for p in paths if os.path.isfile(p)]
        if not paths and name == 'mailkit':
            problems.append('libmailkit.so:1: was not built')
        for path in paths:
            problems += check_shared(path)
            foreign = ' '.join(s for _, s in nm(path, '-D'))
            instrumented |= '__asan_' in foreign or '__ubsan_' in foreign
    with open(os.path.join(build, 'compile_commands.json'),
              encoding='utf-8') as f:
        clang = re.search(r'"command": "\S*clang', f.read()) is not None
    # A program of gcc cannot link what clang instrumented.
    if not (instrumented and clang) and shutil.which('pkg-config'):
        problems += check_pkgconfig(build, instrumented)
    return problems


BAD_SHARED = [
    ('int helper(void) { return 1; }\n', 'libmailkit.so.0', 'exports helper'),
    ('int mk_a(void) { return 1; }\n', None, 'soname is None'),
    ('int mk_a(void) { return 1; }\n', 'other.so.0', 'soname is other'),
    ('int mk_a(void) { return 1; }\n', 'libmailkit.so.0', None),
]
BAD_SOURCES = [
    ('int mk_a;\n', 'mk_a is a writable'),
    ('static int n;\nint mk_a(void) { return ++n; }\n', 'n is a writable'),
    ('static int n = 3;\nint mk_a(void) { return ++n; }\n', 'n is a writable'),
    ('int mk_a(void) { static int k; return ++k; }\n', 'k.0 is a writable'),
    ('const char *mk_t[] = {"a"};\n', 'mk_t is a writable'),
    ('const char *const mk_t[] = {"a"};\n', None),
    ('int helper(void) { return 1; }\n', 'helper is not named mk_*'),
    ('static int helper(void) { return 1; }\n'
     'int mk_a(void) { return helper(); }\n', None),
    ('static const struct { const char *p; int (*f)(void); } t[] = '
     '{{"a", 0}};\nconst void *mk_a(void) { return t; }\n', None),
]


def self_test():
    failed = 0
    with tempfile.TemporaryDirectory() as tmp:
        for text, soname, want in BAD_SHARED:
            lintlib.make_tree(tmp, {'a.c': text})
            path = os.path.join(tmp, 'libmailkit.so.0.1.0')
            link = ['-Wl,-soname,' + soname] if soname else []
            run('gcc', '-shared', '-fPIC', '-o', path, *link,
                os.path.join(tmp, 'a.c'))
            got = list(check_shared(path))
            failed += mismatch(got, want)
        for text, want in BAD_SOURCES:
            lintlib.make_tree(tmp, {'lib/x/a.c': text})
            failed += mismatch(check_globals(tmp), want)
    print('self-test: %d fixtures, %d failed'
          % (len(BAD_SHARED) + len(BAD_SOURCES), failed))
    return 1 if failed else 0


def mismatch(got, want):
    if any(want in g for g in got) if want else not got:
        return 0
    print('self-test: wanted', repr(want), 'but got', got)
    return 1


def main():
    for tool in ('nm', 'readelf', 'gcc'):
        if not shutil.which(tool):
            print('skipped: no', tool)
            return lintlib.SKIP
    if sys.argv[1:] == ['--self-test']:
        return self_test()
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 64
    problems = check(sys.argv[1], sys.argv[2])
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
