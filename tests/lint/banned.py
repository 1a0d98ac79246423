#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Functions that nobody may call, the opening comment that every file has,
words that have no business in the tree, and documents that are not there."""
import os
import re
import sys

import lintlib

BANNED = ('strcpy strcat stpcpy sprintf vsprintf strtok strtok_r atoi atol '
          'atoll atof gets alloca setjmp longjmp _setjmp siglongjmp '
          'sigsetjmp mktemp tmpnam tempnam isalpha isdigit isalnum isspace '
          'isupper islower isxdigit isprint ispunct iscntrl isgraph isblank '
          'isascii toupper tolower strcasecmp strncasecmp').split()
CALL = re.compile(r'(?<![\w.>])(%s)\s*\(' % '|'.join(BANNED))
# A descriptor is closed on exec from its first moment (THREATS 109): what
# makes one has a CLOEXEC in the same function, what cannot is not used.
MAKERS = re.compile(r'(?<![\w.>])(open|openat|openat2|socket|accept4|pipe2|dup3|'
                    r'epoll_create1|eventfd|mkostemp|fopen)\s*\(')
FOPEN_E = re.compile(r'fopen\s*\([^;]*"[rwab+]+e"')
UNFIT = re.compile(r'(?<![\w.>])(accept|pipe|dup|epoll_create|creat|mkstemp)'
                   r'\s*\(')
CTYPE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*<(ctype|wctype|setjmp|'
                   r'alloca|locale)\.h>', re.M)
WORDS = re.compile(r'\b(TODO|FIXME|XXX)\b')
PATHS = re.compile(r'(?<![\w.-])(/(?:root|work)/'
                   r'|/tmp/(?![\w.-]*XXXXXX)[A-Za-z0-9])')
DOCS = re.compile(r'\b(docs/[A-Za-z0-9_/-]+\.md)\b')
NAMED = ('.c', '.h', '.py', '.build', '.sh', '.md', '.txt', '.chat', '.ini',
         '.dict', '.supp', 'run', 'deps', 'quickstart')
SHIPPED = ('lib', 'include', 'examples')
MIT = 'SPDX-License-Identifier: MIT'


def opening(path, text):
    """What is wrong with the comment that opens a C file, or None. A test may
    be shorter about itself."""
    least = 1 if path.startswith('tests/') else 3
    if not text.startswith('/* ' + MIT):
        return 'the first line is not /* ' + MIT
    end = text.find('*/')
    lines = [line.strip(' *') for line in text[:end].split('\n')[1:]]
    lines = [line for line in lines if line]
    if not least <= len(lines) <= 12:
        return ('the opening comment has %d lines of text, not %d to 12'
                % (len(lines), least))
    return None


def check_c(path, text):
    why = opening(path, text)
    if why:
        yield 1, why
    code = lintlib.code_of(text)
    for m in CALL.finditer(code):
        yield lintlib.line_of(code, m.start()), m.group(1) + '() is banned'
    for m in CTYPE.finditer(code):
        if m.group(1) == 'setjmp' and path.startswith('tests/'):
            continue  # cmocka.h wants it before itself
        yield (lintlib.line_of(code, m.start()),
               '<%s.h> is banned' % m.group(1))


def check_descriptors(path, text):
    code = lintlib.code_of(text, keep_strings=True)
    lines = code.split('\n')
    for m in UNFIT.finditer(lintlib.code_of(text)):
        yield (lintlib.line_of(code, m.start()),
               m.group(1) + '() cannot close on exec')
    for name, first, count in lintlib.functions(text):
        body = '\n'.join(lines[first - 1:first - 1 + count])
        m = MAKERS.search(body, body.find('{'))
        if m and 'CLOEXEC' not in body and not FOPEN_E.search(body):
            yield first, '%s() in %s() without CLOEXEC' % (m.group(1), name)


def check_words(root, path, text):
    for m in DOCS.finditer(text):
        if not os.path.exists(os.path.join(root, m.group(1))) and \
                not path.startswith('tests/lint/'):
            yield (lintlib.line_of(text, m.start()),
                   m.group(1) + ' is not there')
    for m in PATHS.finditer(text):
        yield (lintlib.line_of(text, m.start()),
               'a path of one machine: ' + m.group(1))
    if path.split('/')[0] in SHIPPED:
        for m in WORDS.finditer(text):
            yield (lintlib.line_of(text, m.start()),
                   m.group(1) + ' left behind')


def check(root):
    problems = []
    tops = lintlib.C_ROOTS + ('docs', 'bindings')
    paths = lintlib.walk(root, tops, NAMED) + sorted(
        n for n in os.listdir(root) if n.endswith(('.md', '.build', '.txt')))
    for path in paths:
        text = lintlib.read(root, path)
        found = list(check_words(root, path, text))
        if path.endswith(('.c', '.h')):
            found += check_c(path, text)
            if path.startswith(('lib/', 'examples/')):
                found += check_descriptors(path, text)
        elif path.endswith(('.py', '.sh', '.build', 'run', 'deps',
                            'quickstart')):
            if MIT not in '\n'.join(text.split('\n')[:3]):
                found.append((1, 'no %s at the top' % MIT))
        problems += ['%s:%d: %s' % (path, line, why) for line, why in found]
    return problems


HEAD = '/* ' + MIT + '\n *\n * one\n * two\n * three\n */\n'
GOOD = {
    'lib/smtp/a.c': HEAD + '/* strcpy( */ char *s = "strcpy(";\n',
    'lib/disk/a.c': HEAD + 'int f(void)\n{\n    return openat(1, "a", '
                    'O_CLOEXEC);\n}\n',
    'examples/f.c': HEAD + 'int f(void)\n{\n    return fopen("a", "rbe");\n}\n',
    'tests/t.c': '/* ' + MIT + '\n * one\n */\n#include <setjmp.h>\n',
    'tests/a.py': '#!/bin/sh\n# ' + MIT + '\nx = "${TMPDIR:-/tmp}/x"\n',
}
BAD = [({'lib/smtp/a.c': HEAD + 'int f(void) { return %s(a, b); }\n' % c},
        c + '() is banned') for c in BANNED] + [
    ({'lib/disk/a.c': HEAD + 'int f(void)\n{\n    return open("a", 0);\n}\n'},
     'open() in f() without'),
    ({'examples/f.c': HEAD + 'int f(void)\n{\n    return fopen("e", "rb");\n}'
      '\n'}, 'fopen() in f() without'),
    ({'lib/disk/a.c': HEAD + 'int f(void)\n{\n    return dup(1);\n}\n'},
     'dup() cannot'),
    ({'lib/smtp/a.c': HEAD + '#include <ctype.h>\n'}, '<ctype.h>'),
    ({'lib/smtp/a.c': HEAD + '#include <setjmp.h>\n'}, '<setjmp.h>'),
    ({'lib/smtp/a.c': 'int x;\n'}, 'first line'),
    ({'tests/t.c': '/* ' + MIT + ' */\n'}, 'has 0 lines'),
    ({'lib/smtp/a.c': '/* ' + MIT + '\n * one\n */\n'}, 'has 1 lines'),
    ({'lib/smtp/a.c': '/* ' + MIT + '\n * x' * 14 + '\n */\n'}, 'lines of'),
    ({'lib/smtp/a.c': HEAD + '/* ' + 'TO' + 'DO later */\n'}, 'left behind'),
    ({'examples/a.c': HEAD + '/* ' + 'X' * 3 + ' */\n'}, 'left behind'),
    ({'tests/a.py': '# ' + MIT + '\ncd /' + 'work/x\n'}, 'of one machine'),
    ({'tests/a.py': '# ' + MIT + '\ncd /' + 'tmp/x1\n'}, 'of one machine'),
    ({'tests/a.py': 'import os\n'}, 'at the top'),
    ({'README.md': 'see /' + 'work/x\n'}, 'of one machine'),
    ({'lib/smtp/a.c': HEAD + '/* see docs/b.md */\n'}, 'is not there'),
    ({'docs/a.md': 'see /' + 'root/x\n'}, 'of one machine'),
]

if __name__ == '__main__':
    sys.exit(lintlib.main(check, GOOD, BAD))
