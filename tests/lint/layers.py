#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Laws 1 to 3: who may include whom, which doors lead to the world, and in
which room each third party lives. ARCHITECTURE.md holds the tables that
people read; the numbers here are the law, and both must agree."""
import os
import re
import sys

import lintlib

LAYERS = {
    'base': 0, 'wire': 1, 'crypto': 1,
    'message': 2, 'dns': 2, 'sasl': 2, 'disk': 2, 'tls': 2,
    'smtp': 3, 'pop3': 3, 'imap': 3, 'milter': 3, 'store': 3, 'verify': 3,
    'filter': 4, 'queue': 4, 'agent': 5, 'net': 6,
}
SHARED_INTERNALS = ('base', 'wire')

# Headers of the C library that hold no door to the world.
PURE = {'stdarg.h', 'stdbool.h', 'stddef.h', 'stdint.h', 'stdalign.h',
        'stdnoreturn.h', 'inttypes.h', 'limits.h', 'string.h', 'assert.h',
        'float.h', 'iso646.h', 'immintrin.h', 'cpuid.h'}
# Headers with a door, and the rooms that hold it.
DOORS = {
    'stdlib.h': ('base', 'disk', 'net'),
    'errno.h': ('disk', 'net', 'message'), 'stdio.h': ('disk', 'net'),
    'fcntl.h': ('disk', 'net'), 'unistd.h': ('disk', 'net'),
    'dirent.h': ('disk',), 'sys/stat.h': ('disk', 'net'),
    'sys/types.h': ('disk', 'net'), 'sys/file.h': ('disk',),
    'sys/mman.h': ('disk',), 'sys/syscall.h': ('disk',),
    'linux/fs.h': ('disk',), 'sys/statvfs.h': ('disk',),
    'sys/random.h': ('crypto', 'net'),
    'time.h': ('net',), 'sys/time.h': ('net',), 'poll.h': ('net',),
    'sys/socket.h': ('net',), 'sys/uio.h': ('disk', 'net'),
    'sys/un.h': ('net',), 'netdb.h': ('net',), 'arpa/inet.h': ('net',),
    'netinet/in.h': ('net',), 'netinet/tcp.h': ('net',),
}
# Calls, and the rooms that may make them.
CALLS = [
    (('disk', 'net'), 'open openat creat read pread readv write pwrite writev '
     'close lseek ftruncate unlink unlinkat rename renameat renameat2 link '
     'linkat symlink mkdir mkdirat rmdir stat fstat lstat fstatat fsync '
     'fdatasync opendir fdopendir readdir closedir flock fcntl chmod fchmod '
     'syscall snprintf vsnprintf'),
    (('disk',), 'fopen fdopen fclose fread fwrite fgets fflush mmap munmap'),
    (('net',), 'time clock clock_gettime gettimeofday nanosleep '
     'socket bind listen accept accept4 connect recv recvmsg send sendmsg '
     'poll shutdown setsockopt getsockopt getsockname getpeername '
     'getaddrinfo'),
    (('base', 'net'), 'malloc calloc realloc free'),
    ((), 'printf fprintf vprintf vfprintf puts putchar fputs perror syslog '
     'openlog exit _exit _Exit quick_exit abort assert atexit raise kill '
     'signal sigaction alarm sleep usleep fork vfork system popen execv '
     'execve execvp getenv secure_getenv setenv rand srand random drand48 '
     'localtime gmtime localtime_r gmtime_r mktime strftime setlocale strtol '
     'strtoul strtoll strtoull strtod sscanf fscanf scanf strdup strndup '
     'strerror asprintf vasprintf pthread_create pthread_mutex_lock'),
]
ROOMS_OF_CALL = {c: rooms for rooms, calls in CALLS for c in calls.split()}
CALL = re.compile(r'(?<![\w.>])(\w+)\s*\(')
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.M)


def doc_tables(root, problems):
    """Public header -> folder, and the rows of third parties."""
    text = lintlib.read(root, 'ARCHITECTURE.md')
    headers = {}
    numbers = {}
    for row in lintlib.table(text, 'Layers'):
        folder = row[1].strip('`').rstrip('/')
        numbers[folder] = int(row[0])
        for name in row[2].replace('`', '').split():
            headers[name] = folder
            if not os.path.exists(os.path.join(root, 'include/mailkit', name)):
                problems.append('ARCHITECTURE.md:1: %s is listed but is not '
                                'there' % name)
    if numbers != LAYERS:
        odd = sorted(set(numbers.items()) ^ set(LAYERS.items()))
        problems.append('ARCHITECTURE.md:1: the table of layers differs from '
                        'the lint: %s' % odd)
    third = []
    for row in lintlib.table(text, 'Third parties'):
        third.append((row[0], row[1].replace('`', '').split(),
                      row[2].replace('`', '').split()))
    return headers, third


def room_of(path):
    parts = path.split('/')
    if parts[0] == 'lib' and len(parts) > 2:
        return parts[1]
    return None


def check_own(path, name, room, headers):
    """An include of one of our own headers."""
    if name.startswith('mailkit/'):
        public = name[len('mailkit/'):]
        if public == 'mailkit.h':
            return 'mailkit.h is for users, not for lib/' if room else None
        if public not in headers:
            return '%s has no place in the table of layers' % name
        if room is None or headers[public] == room:
            return None
        if LAYERS[headers[public]] >= LAYERS[room]:
            return '%s/ (layer %d) includes %s of %s/ (layer %d)' % (
                room, LAYERS[room], name, headers[public],
                LAYERS[headers[public]])
        return None
    folder = name.split('/')[0] if '/' in name else room
    if room is None:
        if path.startswith('examples/') and folder in LAYERS:
            return '%s is internal: examples see public headers only' % name
        return None
    if folder == room:
        return None
    if folder in SHARED_INTERNALS and LAYERS[folder] < LAYERS[room]:
        return None
    return '%s/ includes %s, internal to another folder' % (room, name)


def check_system(path, name, room, third):
    """An include in angle brackets that is not ours."""
    for library, prefixes, rooms in third:
        if any(name == p or (p.endswith('/') and name.startswith(p))
               for p in prefixes):
            if any(path.startswith(r) for r in rooms):
                return None
            return '<%s> of %s outside its room (%s)' % (
                name, library, ' '.join(rooms))
    if room is None and not path.startswith('include/'):
        return None
    if name in PURE or (room and room in DOORS.get(name, ())):
        return None
    if name in DOORS:
        return '<%s> leads to the world: only in %s' % (
            name, ', '.join(DOORS[name]))
    return '<%s> has no row among the third parties' % name


def check_includes(path, text, headers, third):
    room = room_of(path)
    if path.startswith('include/'):
        name = path.rsplit('/', 1)[1]
        room = headers.get(name)
        if name == 'mailkit.h':
            return
        if room is None:
            yield 1, '%s has no place in the table of layers' % path
            return
    for m in INCLUDE.finditer(lintlib.code_of(text, keep_strings=True)):
        kind, name = m.groups()
        ours = kind == '"' or name.startswith('mailkit/')
        why = (check_own(path, name, room, headers) if ours else
               check_system(path, name, room, third))
        if why:
            yield lintlib.line_of(text, m.start()), why


def check_calls(path, text):
    room = room_of(path)
    if room is None:
        return
    code = lintlib.code_of(text)
    for m in CALL.finditer(code):
        rooms = ROOMS_OF_CALL.get(m.group(1))
        if rooms is not None and room not in rooms:
            yield (lintlib.line_of(code, m.start()), '%s() in %s/: %s' % (
                m.group(1), room,
                'only in ' + ', '.join(rooms) if rooms else 'never in lib/'))


def check(root):
    problems = []
    headers, third = doc_tables(root, problems)
    for path in lintlib.walk(root, lintlib.C_ROOTS, ('.c', '.h')):
        text = lintlib.read(root, path)
        room = room_of(path)
        if room is not None and room not in LAYERS:
            problems.append('%s:1: folder %s/ has no layer' % (path, room))
            continue
        for line, why in list(check_includes(path, text, headers, third)) + \
                list(check_calls(path, text)):
            problems.append('%s:%d: %s' % (path, line, why))
    return problems


def summary(root):
    return 'layers: %d files looked at' % len(
        lintlib.walk(root, lintlib.C_ROOTS, ('.c', '.h')))


PUBLIC = {'base': 'base.h', 'wire': 'engine.h', 'smtp': 'smtp.h',
          'store': 'store.h', 'agent': 'agent.h'}
STANDS = '#include <stddef.h>\n'


def doc(layers=None, third='| mbedTLS | `mbedtls/` | `lib/crypto/` | x | y |'):
    text = '# A\n## Layers\n\n| n | folder | headers |\n|---|---|---|\n'
    for folder, n in (layers or LAYERS).items():
        text += '| %d | `%s/` | %s |\n' % (n, folder, PUBLIC.get(folder, ''))
    return text + ('\n## Third parties\n\n| a | b | c | d | e |\n'
                   '|---|---|---|---|---|\n' + third + '\n')


GOOD = {
    'ARCHITECTURE.md': doc(),
    'include/mailkit/mailkit.h': '#include <mailkit/base.h>\n',
    'include/mailkit/base.h': '#include <stddef.h>\n',
    'include/mailkit/smtp.h': '#include <mailkit/engine.h>\n',
    'include/mailkit/engine.h': STANDS, 'include/mailkit/store.h': STANDS,
    'include/mailkit/agent.h': STANDS,
    'lib/smtp/a.c': '#include "smtp/internal.h"\n#include "base/x.h"\n'
                    '#include "wire/y.h"\n#include <mailkit/base.h>\n'
                    '/* open( */ int f(void) { return v->open(1); }\n',
    'lib/crypto/m.c': '#include <mbedtls/md.h>\n',
    'lib/disk/d.c': '#include <fcntl.h>\nint f(void) { return open("a"); }\n',
    'lib/net/n.c': '#include <poll.h>\nlong f(void) { return time(0); }\n',
    'examples/e.c': '#include <mailkit/mailkit.h>\n#include <stdio.h>\n',
}
BAD = [
    ({'lib/smtp/a.c': '#include <mailkit/store.h>\n'}, 'layer 3) includes'),
    ({'lib/smtp/a.c': '#include <mailkit/agent.h>\n'}, '(layer 5)'),
    ({'lib/wire/a.c': '#include "smtp/internal.h"\n'}, 'internal to another'),
    ({'lib/agent/a.c': '#include "smtp/internal.h"\n'}, 'internal to another'),
    ({'lib/crypto/a.c': '#include "wire/unit.h"\n'}, 'internal to another'),
    ({'lib/base/a.c': '#include "wire/unit.h"\n'}, 'internal to another'),
    ({'lib/smtp/a.c': '#include <mailkit/mailkit.h>\n'}, 'for users'),
    ({'lib/odd/a.c': '\n'}, 'has no layer'),
    ({'include/mailkit/agent.h': None}, 'agent.h is listed but'),
    ({'include/mailkit/odd.h': '\n'}, 'no place'),
    ({'include/mailkit/base.h': '#include <mailkit/smtp.h>\n'}, '(layer 3)'),
    ({'include/mailkit/base.h': '#include <stdio.h>\n'}, 'leads to the world'),
    ({'examples/e.c': '#include "base/x.h"\n'}, 'public headers only'),
    ({'lib/smtp/a.c': '#include <mbedtls/md.h>\n'}, 'outside its room'),
    ({'examples/e.c': '#include <mbedtls/md.h>\n'}, 'outside its room'),
    ({'lib/crypto/a.c': '#include <zlib.h>\n'}, 'no row among'),
    ({'lib/smtp/a.c': '# include <unistd.h>\n'}, 'only in disk, net'),
    ({'lib/disk/d.c': '#include <sys/socket.h>\n'}, 'only in net'),
    ({'lib/smtp/a.c': 'int f(void)\n{\n    return time(0);\n}\n'},
     'a.c:3: time() in smtp/'),
    ({'lib/store/a.c': 'int f(void) { return open("a"); }\n'}, 'open() in'),
    ({'lib/net/a.c': 'void f(void) { abort(); }\n'}, 'never in lib/'),
    ({'lib/smtp/a.c': 'void f(void) { free(0); }\n'}, 'free() in smtp/'),
    ({'ARCHITECTURE.md': doc({**LAYERS, 'store': 2})}, 'differs'),
    ({'ARCHITECTURE.md': doc(third='')}, 'no row among'),
]

if __name__ == '__main__':
    sys.exit(lintlib.main(check, GOOD, BAD, summary))
