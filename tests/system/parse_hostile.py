#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`mailkit parse` against messages and directories made to break it, or what
reads its output: JSON with a key twice, orders to a terminal, output that is a
multiple of the message, links that lead back, output that nobody takes."""
import os
import resource
import signal
import socket
import subprocess
import sys
import unicodedata

from lib.case import SLOW, Scratch, main, program, same, true
from lib.parsed import lines_of, object_of, run, told_by
from lib.terminal import on_terminal

HEADER = b'MIME-Version: 1.0\r\nContent-Type: '


def told_of(text, *args):
    told, = told_by('--json', *args, given=text)
    return told


# ---- octets ------------------------------------------------------------------

def check_no_key_stands_twice():
    """Names of parameters have no case (RFC 2045 5.1); those that are no UTF-8
    would all be the same."""
    for params, want in (
            (b'a\xff=1; a\xfe=2; b=3', {'b': '3'}),
            (b'A=1; a=2; \xc3\xa4=3; \xc3\x84=4',
             {'a': '1', '\xe4': '3', '\xc4': '4'}),
            (b'a\xed\xa0\x80=1; a\xc0\xaf=2; a\xf4\x90\x80\x80=3; a\xc3=4; '
             b'a\xe0\x80\xaf=5; a\xf0\x80\x80\xaf=6', {}),
            (b'x=1; \xef\xbf\xbd=2; \xff=3', {'x': '1', '\ufffd': '2'})):
        same(told_of(HEADER + b'a/b; ' + params + b'\r\n\r\n')
             ['parts']['params'], want, params)


ORDERS = ['\x1b[31m', '\x9b31m', '\x07\x08\x7f', '\x00', '\r', '\x0b\x0c',
          '\u202e\u202a', '\u2066\u2069', '\u200e\u200f\u061c', '\u2028\u2029']


def forms(octets):
    """As it stands, and encoded (RFC 2047 4, RFC 2231 4)."""
    hexed = ''.join('=%02X' % octet for octet in octets).encode()
    yield octets
    for charset in (b'utf-8', b'iso-8859-1', b'gb18030', b'x-none'):
        yield b'=?' + charset + b'?q?' + hexed + b'?='


def with_orders(octets):
    percent = ''.join('%%%02X' % octet for octet in octets).encode()
    for form in forms(octets):
        yield (b'From: "' + form + b'" <a' + form + b'@b>\r\nTo: ' + form +
               b'\r\nSubject: a' + form + b'b\r\nX' + form + b': 1\r\n'
               b'Message-ID: <' + form + b'>\r\nMIME-Version: 1.0\r\n'
               b'Content-Type: text' + form + b'/x' + form + b'; charset="' +
               form + b'"; name="' + form + b'"\r\nContent-Disposition: a' +
               form + b"; filename*=utf-8''" + percent + b'\r\n\r\n' + form)


def is_order(c):
    return c not in '\n\t' and (unicodedata.category(c) in ('Cc', 'Zl', 'Zp') or
                                unicodedata.bidirectional(c) in (
                                    'LRE', 'RLE', 'LRO', 'RLO', 'PDF', 'LRI',
                                    'RLI', 'FSI', 'PDI') or
                                c in '\u200e\u200f\u061c')


def check_no_order_reaches_a_terminal():
    """THREATS 58, 60: in the tree nothing that a terminal obeys and nothing
    that turns text around, in JSON no controls, and names of files likewise."""
    with Scratch() as scratch:
        top = scratch.dir('x')
        count = 0
        for order in ORDERS:
            for octets in (order.encode(), order.encode('utf-16-le')):
                for text in with_orders(octets):
                    scratch.file('x/%03d' % count, text)
                    count += 1
            name = 'n' + order.replace('\0', '')
            scratch.file('x/' + name, 'Subject: n\n\n')
            with open(os.path.join(top.encode(), b'\xff\n' + name.encode()),
                      'wb'):
                pass
            count += 2
        out, _ = run(top)
        shown = {c for c in out.decode('utf-8') if is_order(c)}
        same(shown, set(), 'the tree')
        out, _ = run('--json', top)
        same(len(lines_of(out)), count)
        same({c for c in out.decode('utf-8')
              if c != '\n' and unicodedata.category(c) == 'Cc'}, set(), 'JSON')
        _, err = run(os.path.join(top, 'none\x1b\u202e\n'), code=66)
        same({c for c in err.decode('ascii') if c < ' '}, {'\n'})


def check_what_is_printed_is_in_proportion():
    """The name of a group stands at each mailbox of it."""
    sizes = []
    for n in (2000, 4000):
        text = (b'To: ' + b'g' * 5 * n + b': ' + b','.join([b'a@b'] * n) +
                b';\r\n\r\n')
        out, _ = run('--json', given=text)
        told = object_of(out)
        same(len(told['to']), n)
        true(told['to'][-1]['group'].startswith('g' * 200), 'its beginning')
        sizes.append(len(out))
    true(sizes[1] < sizes[0] * 2.1, sizes)


def check_text_counts_against_the_budget_once():
    """THREATS 66: a text has a hash and is given."""
    for kind, member in ((b'text/plain', 'text_body'),
                         (b'text/html', 'html_body')):
        text = (HEADER + kind + b'\r\nContent-Transfer-Encoding: quoted-'
                b'printable\r\n\r\n' + b'x' * 2000)
        told = told_of(text, '--max-decoded-bytes', '2000')
        same([told['parts']['decoded_length'], told[member], told['defects']],
             [2000, 'x' * 2000, []])
        told = told_of(text, '--max-decoded-bytes', '1999')
        same([told['parts']['decoded_length'], len(told[member])],
             [None, 1999])


def check_a_message_of_many_pieces_is_whole():
    """The index of its fields and parts takes more than the first room."""
    text = (b'X: y\r\n' * 3000 + HEADER + b'multipart/mixed; boundary=b\r\n\r\n' +
            b'--b\r\n\r\nx\r\n' * 3000 + b'--b--\r\n')
    told = told_of(text)
    same([len(told['headers']), len(told['parts']['children'])], [3002, 3000])
    same(told['parts']['children'][-1]['offset'],
         text.rindex(b'x\r\n--b--'))


def check_defects_beyond_the_list_are_counted():
    """Of the values, and of what holds them; in the tree, too."""
    for line, more in ((b'X-%d: =?x-none?q?a?=\r\n', 36),
                       (b'A%d\0: b\r\n', 136)):
        text = b''.join(line % n for n in range(100)) + b'\r\n'
        told = told_of(text)
        same([len(told['defects']), told['defects_dropped']], [64, more])
    out, _ = run(given=text)
    true(b'\n  ! and 136 more\n' in out, out[-200:])


def is_sanitized():
    with open(program('mailkit'), 'rb') as f:
        return b'__asan_init' in f.read()


def check_without_memory_it_is_json():
    """What there was no memory for is left out, the line is whole, and the
    next message is told of."""
    env, more = dict(os.environ), {}
    if is_sanitized():
        env['ASAN_OPTIONS'] = env.get('ASAN_OPTIONS', '') + (
            ':max_allocation_size_mb=64:allocator_may_return_null=1')
    else:
        more['preexec_fn'] = lambda: resource.setrlimit(
            resource.RLIMIT_AS, (100 << 20, 100 << 20))
    with Scratch() as scratch:
        large = scratch.file('a', HEADER + b'text/plain\r\n\r\n' +
                             b'x' * (25 << 20))
        small = scratch.file('b', 'Subject: b\n\n')
        done = subprocess.run(
            [program('mailkit'), 'parse', '--json', large, small,
             os.path.join(scratch.path, 'none')], env=env,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            timeout=20 * SLOW, check=False, **more)
        same(done.returncode, 71, 'the first that went wrong tells')
        told = lines_of(done.stdout)
        same([t['path'] for t in told], [large, small])
        same([told[0]['text_body'], told[1]['subject']], ['', 'b'])
        true(b'/a: out of memory' in done.stderr, done.stderr)
        same(done.stderr.count(b'mailkit: '), 2, done.stderr)


# ---- directories -------------------------------------------------------------

def check_links_do_not_lead_back():
    """A directory by a link is read when it is named, and not on the way: two
    links to where they stand would be 2 to the 40th messages."""
    with Scratch() as scratch:
        top = scratch.dir('box')
        for name in ('new', 'cur', 'tmp'):
            scratch.dir('box/' + name)
            scratch.file('box/%s/1' % name, 'Subject: %s\n\n' % name)
            for other in ('.', '..', '../new', '../cur'):
                os.symlink(other, os.path.join(top, name, 'to-%s' %
                                               other.replace('/', '-')))
        os.symlink('new/1', os.path.join(top, 'same'))
        out, err = run('--json', top)
        same([t['subject'] for t in lines_of(out)],
             ['cur', 'new', 'new', 'tmp'])
        same(err, b'')
        same(len(told_by('--json', os.path.join(top, 'tmp', 'to-..-new'))), 1,
             'one that is named')


def check_what_is_no_file_is_passed_over():
    """Unopened: no complaint of a socket, no wait for a FIFO; what is broken is
    complained of, and the others are shown."""
    with Scratch() as scratch:
        top = scratch.dir('box')
        scratch.file('box/a', 'Subject: a\n\n')
        scratch.file('box/z', b'')
        os.mkfifo(os.path.join(top, 'fifo'))
        os.symlink('/dev/zero', os.path.join(top, 'zero'))
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(os.path.join(top, 'socket'))
            out, err = run('--json', top)
        same([t['subject'] for t in lines_of(out)], ['a', None])
        same(err, b'')
        os.symlink('nothing', os.path.join(top, 'm'))
        os.symlink('loop', os.path.join(top, 'loop'))
        out, err = run('--json', top, code=66)
        same(len(lines_of(out)), 2)
        same(len(err.splitlines()), 2, err)
        run('/dev/zero', code=66)


def check_a_directory_of_directories_is_bounded():
    with Scratch() as scratch:
        deep = scratch.path
        for n in range(70):
            deep = os.path.join(deep, 'd')
            os.mkdir(deep)
            scratch.file(os.path.join(deep, 'm'), 'Subject: %d\n\n' % n)
        out, err = run('--json', scratch.path, code=66)
        same(sorted(int(t['subject']) for t in lines_of(out)), list(range(63)))
        true(err.count(b'is too deep') == 1, err)


def check_large_files_of_nothing():
    """Of zeros, without blocks on the disk; what may be decoded by default is
    more than a view alone gives."""
    with Scratch() as scratch:
        for kind, octets in ((b'text/plain', 8 << 20),
                             (b'image/png', 260 << 20)):
            head = HEADER + kind + b'\r\n\r\n'
            path = scratch.file('hole', head)
            os.truncate(path, octets)
            told, = told_by('--json', path)
            same([told['parts']['type'], told['parts']['decoded_length'],
                  len(told['text_body'] or '')],
                 [kind.decode(), octets - len(head),
                  octets - len(head) if kind == b'text/plain' else 0])


# ---- output ------------------------------------------------------------------

def many(scratch):
    """Enough to fill more than a buffer, and behind it what is complained
    of."""
    top = scratch.dir('many')
    for n in range(60):
        scratch.file('many/%02d' % n, 'Subject: %s\n\n' % ('x' * 500))
    os.symlink('nothing', os.path.join(top, 'z'))
    return top


def check_output_that_is_lost_ends_the_run():
    with Scratch() as scratch:
        top = many(scratch)
        with open('/dev/full', 'wb') as full:
            for args in ((top,), ('--json', top), ('--json', top, top)):
                done = subprocess.run(
                    [program('mailkit'), 'parse', *args], stdout=full,
                    stderr=subprocess.PIPE, timeout=20 * SLOW, check=False)
                same([done.returncode, done.stderr],
                     [74, b'mailkit: standard output: cannot be written\n'])


def check_a_reader_that_goes():
    """As any tool of a pipe; where SIGPIPE is ignored it is an error."""
    with Scratch() as scratch:
        top = many(scratch)
        for restore, code in ((True, -signal.SIGPIPE), (False, 74)):
            with subprocess.Popen(
                    [program('mailkit'), 'parse', '--json', top],
                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                    restore_signals=restore) as process:
                process.stdout.close()
                same(process.wait(timeout=20 * SLOW), code)


def check_progress_stands_alone():
    """A complaint begins a line of its own; on one terminal with what is
    printed there is no progress."""
    with Scratch() as scratch:
        top = many(scratch)
        argv = [program('mailkit'), 'parse', top]
        code, shown = on_terminal(argv)
        same(code, 66)
        true(b' messages, ' in shown and
             b' \rmailkit: ' in shown.replace(b'\r\n', b'\n'), shown)
        few = scratch.dir('few')
        for n in range(30):
            scratch.file('few/%02d' % n, 'A: b\n\n')
        _, shown = on_terminal([program('mailkit'), 'parse', few], (1, 2))
        true(b'few/29' in shown and b' messages, ' not in shown, shown)


if __name__ == '__main__':
    sys.exit(main(globals()))
