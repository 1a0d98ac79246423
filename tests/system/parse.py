#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`mailkit parse`: the schema of mailkit(1) on a message that has all of it,
JSON for whatever octets there are, many files in the memory of one, and what
cannot be read. Hashes and texts are held against Python's own."""
import base64
import hashlib
import os
import random
import resource
import subprocess
import sys

from lib.case import Scratch, main, program, same, true
from lib.parsed import lines_of, run, told_by
from lib.terminal import on_terminal

WHOLE = b'''Received: from a.example by b.example; Mon, 2 Jan 2006 15:04:05\r
 -0700\r
From: =?utf-8?q?Ren=C3=A9?= <rene@example.org>\r
Sender: s@example.org\r
Reply-To: r@example.org, "B, C" <bc@example.org>\r
To: Friends: a@example.org, D <d@example.org>;, e@example.org\r
Cc: c@example.org\r
Bcc:\r
Subject: =?iso-8859-1?q?caf=E9?= and\r
 more\r
Date: Mon, 2 Jan 2006 15:04:05 -0700\r
Message-ID: <m@example.org>\r
In-Reply-To: <i@example.org>\r
References: <h@example.org> <i@example.org>\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=b\r
\r
preamble\r
--b\r
Content-Type: multipart/alternative; boundary=c\r
\r
--c\r
Content-Type: Text/Plain; charset=iso-8859-1\r
Content-Transfer-Encoding: quoted-printable\r
\r
caf=E9 "q"\r
--c\r
Content-Type: text/html; charset=utf-8\r
Content-Transfer-Encoding: 8bit\r
\r
<b>caf\xc3\xa9</b>\r
--c--\r
--b\r
Content-Type: application/octet-stream; name=other\r
Content-Disposition: Attachment; filename*=utf-8''na%C3%AFve.bin\r
Content-Transfer-Encoding: base64\r
\r
AAECAwQF\r
--b\r
Content-Type: message/rfc822\r
\r
Subject: within\r
\r
x\r
--b--\r
'''


def person(name, address, group=None):
    return {'name': name, 'address': address, 'group': group}


def check_the_schema():
    with Scratch() as scratch:
        path = scratch.file('whole.eml', WHOLE.decode('latin-1'))
        with open(path, 'wb') as f:
            f.write(WHOLE)
        got, = told_by('--json', path)
    same(list(got), ['headers', 'from', 'to', 'cc', 'bcc', 'reply_to',
                     'sender', 'subject', 'date', 'message_id', 'in_reply_to',
                     'references', 'parts', 'text_body', 'html_body',
                     'attachments', 'defects', 'defects_dropped', 'path'])
    for h in got['headers']:
        raw = WHOLE[h['raw_offset']:h['raw_offset'] + h['raw_length']]
        true(raw.startswith(h['name'].encode() + b':') and
             raw.endswith(b'\r\n'), raw)
    same([h['value'] for h in got['headers'] if h['name'] == 'Subject'],
         ['caf\xe9 and more'])
    same(got['from'], [person('Ren\xe9', 'rene@example.org')])
    same(got['sender'], person(None, 's@example.org'))
    same(got['reply_to'], [person(None, 'r@example.org'),
                           person('B, C', 'bc@example.org')])
    same(got['to'], [person(None, 'a@example.org', 'Friends'),
                     person('D', 'd@example.org', 'Friends'),
                     person(None, 'e@example.org')])
    same(got['cc'], [person(None, 'c@example.org')])
    same(got['bcc'], [])
    same(got['subject'], 'caf\xe9 and more')
    same(got['date'], {'unix': 1136239445, 'offset_minutes': -420})
    same(got['message_id'], 'm@example.org')
    same(got['in_reply_to'], ['i@example.org'])
    same(got['references'], ['h@example.org', 'i@example.org'])
    same(got['text_body'], 'caf\xe9 "q"')
    same(got['html_body'], '<b>caf\xe9</b>')
    same([(a['number'], a['type'], a['filename']) for a in got['attachments']],
         [(4, 'application/octet-stream', 'na\xefve.bin'),
          (5, 'message/rfc822', None)])
    same(got['defects'], [])
    top = got['parts']
    same([top['type'], top['params']], ['multipart/mixed', {'boundary': 'b'}])
    both, octets, message = top['children']
    same([c['type'] for c in both['children']], ['text/plain', 'text/html'])
    text = both['children'][0]
    same([text['params'], text['charset'], text['encoding'],
          text['decoded_length']],
         [{'charset': 'iso-8859-1'}, 'iso-8859-1', 'quoted-printable', 8])
    same(WHOLE[octets['offset']:octets['offset'] + octets['length']],
         b'AAECAwQF')
    same([octets['disposition'], octets['filename'], octets['params']],
         ['attachment', 'na\xefve.bin', {'name': 'other'}])
    same([octets['decoded_length'], octets['sha256']],
         [6, hashlib.sha256(bytes(range(6))).hexdigest()])
    within, = message['children']
    same([within['type'], within['number'], within['children']],
         ['text/plain', 6, []])


def check_the_tree():
    done = run(given=WHOLE)[0].decode('utf-8')
    for line in ('-', '  Subject: caf\xe9 and more',
                 '  0 multipart/mixed, 7bit',
                 '      2 Text/Plain, quoted-printable, 10 octets, iso-8859-1 '
                 '[text]',
                 '    4 application/octet-stream, base64, 8 octets, '
                 '"na\xefve.bin" [attachment]'):
        true(any(l.startswith(line) for l in done.splitlines()),
             '%r in\n%s' % (line, done))


def check_parameters_are_names_and_told_of():
    """A part's name is that of its type where the disposition has none (RFC
    2183 2.3); what is odd in one is told from where it stands."""
    text = (b'MIME-Version: 1.0\r\nContent-Type: image/png; n="x\x01y"; '
            b'NAME=a.png\r\nContent-Disposition: inline\r\n\r\n')
    got, = told_by('--json', given=text)
    same([got['parts']['filename'], got['parts']['charset'],
          got['parts']['params']],
         ['a.png', None, {'n': 'x\ufffdy', 'name': 'a.png'}])
    same([d['offset'] for d in got['defects'] if d['code'] == 'param-control'],
         [text.index(b'x\x01y')])


def check_flowed_text_is_joined():
    """RFC 3676: as paragraphs; the hash is of the octets as they stand."""
    body = b'> one \r\n> two\r\n From \r\nhere\r\n-- \r\nme\r\n'
    for params, want in (
            (b'format=flowed', '> one two\r\nFrom here\r\n-- \r\nme\r\n'),
            (b'format="Flowed"; delsp=YES',
             '> onetwo\r\nFromhere\r\n-- \r\nme\r\n'),
            (b'format=fixed', body.decode()),
            (b'delsp=yes', body.decode())):
        text = (b'MIME-Version: 1.0\r\nContent-Type: text/plain; ' + params +
                b'\r\n\r\n' + body)
        got, = told_by('--json', given=text)
        same(got['text_body'], want, params)
        same(got['parts']['sha256'], hashlib.sha256(body).hexdigest())


def check_every_field_of_a_name_is_listed():
    """THREATS 60, 61: whom another reader would show is shown, too, and names
    that deceive are told."""
    text = (b'From: a@example.org\r\nFrom: "boss@bank.example" <b@evil.example>'
            b'\r\nTo: c@example.org\r\nTo: G: d@example.org;\r\n\r\n')
    got, = told_by('--json', given=text)
    same(got['from'], [person(None, 'a@example.org'),
                       person('boss@bank.example', 'b@evil.example')])
    same(got['to'], [person(None, 'c@example.org'),
                     person(None, 'd@example.org', 'G')])
    told = {d['code']: d['offset'] for d in got['defects']}
    same(told.get('addr-in-name'), text.index(b'"boss'), told)
    true('header-duplicate' in told, told)
    text = b'To: "a@b.example" <c@d.example>, "e@f.example" <g@h.example>\r\n\r\n'
    got, = told_by('--json', given=text)
    same([d['offset'] for d in got['defects'] if d['code'] == 'addr-in-name'],
         [text.index(b'"a@'), text.index(b'"e@')])


def check_junk_in_an_encoding_is_told():
    for encoding, body, is_told in ((b'base64', b'QUJD\r\n', False),
                                    (b'base64', b'QU!JD\r\n', True),
                                    (b'quoted-printable', b'=zz\r\n', True)):
        text = (b'MIME-Version: 1.0\r\nContent-Transfer-Encoding: ' +
                encoding + b'\r\n\r\n' + body)
        got, = told_by('--json', given=text)
        told = [d['offset'] for d in got['defects']
                if d['code'] == 'transfer-malformed']
        same(told, [text.index(body)] if is_told else [], body)


def has_iconv():
    path = os.path.join(os.environ.get('MAILKIT_BUILD', 'build'),
                        'lib/libmailkit.so')
    if not os.path.exists(path):
        path = program('mailkit')
    with open(path, 'rb') as f:
        return b'iconv_open' in f.read()


def check_defects_are_told_once():
    """A subject is read with the fields and alone, a text twice, too."""
    text = (b'Subject: =?utf-8?q?=zz?= =?x-none?q?a?=\r\nDate: soon\r\n'
            b'From: "a@b.example" <c@d.example>\r\nMIME-Version: 1.0\r\n'
            b'Content-Type: text/plain; charset=utf-8; n="=?utf-8?q?=zz?="\r\n'
            b'Content-Transfer-Encoding: base64\r\n\r\n/w!==\r\n')
    got, = told_by('--json', given=text)
    told = [(d['code'], d['offset']) for d in got['defects']]
    same(sorted(set(told)), sorted(told))
    same({code for code, _ in told} >= {
        'word-encoding', 'word-charset', 'date-invalid', 'addr-in-name',
        'transfer-malformed', 'charset-wrong'}, True, told)
    same(('charset-wrong', text.index(b'/w!==')) in told, True, told)
    shown = run(given=text)[0].decode()
    for code, at in told:
        if code in ('addr-in-name', 'date-invalid'):
            true('\n  ! %s at %d: ' % (code, at) in shown, shown)


def check_sets_of_several_octets():
    """By iconv where the build has it, else U+FFFD and told."""
    said = '\u65e5\u672c\u8a9e'
    for label, codec in (('gb2312', 'gb18030'), ('Shift_JIS', 'cp932'),
                         ('iso-2022-jp', 'iso2022_jp'), ('big5', 'big5')):
        octets = said.encode(codec)
        text = (b'Subject: =?' + label.encode() + b'?b?' +
                base64.b64encode(octets) + b'?=\r\nMIME-Version: 1.0\r\n'
                b'Content-Type: text/plain; charset=' + label.encode() +
                b'\r\nContent-Transfer-Encoding: 8bit\r\n\r\n' + octets)
        got, = told_by('--json', given=text)
        told = {d['code'] for d in got['defects']}
        same('charset-unknown' not in told, has_iconv(), label)
        if 'charset-unknown' in told:
            true('word-charset' in told and said not in got['text_body'], told)
        else:
            same([got['text_body'], got['subject']], [said, said], label)


def check_decoding_has_a_budget():
    """THREATS 66."""
    text = (b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b'
            b'\r\n\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n' +
            base64.encodebytes(bytes(3000)).replace(b'\n', b'\r\n') +
            b'--b\r\n\r\nmore\r\n--b--\r\n')
    for limit, lengths in ((2999, [None, None]), (3000, [3000, None]),
                           (3004, [3000, 4])):
        got, = told_by('--json', '--max-decoded-bytes', limit, given=text)
        parts = got['parts']['children']
        same([p['decoded_length'] for p in parts], lengths, limit)
        same([p['sha256'] is None for p in parts],
             [n is None for n in lengths])
        same(sum(d['code'] == 'transfer-budget' for d in got['defects']),
             lengths.count(None))
    run('--max-decoded-bytes', 0, code=64)
    run('--max-decoded-bytes', 'x', code=64)


def check_large_attachments_are_hashed():
    octets = random.Random(1).randbytes(3 << 20)
    text = (b'MIME-Version: 1.0\r\nContent-Type: image/png\r\n'
            b'Content-Transfer-Encoding: base64\r\n\r\n' +
            base64.encodebytes(octets).replace(b'\n', b'\r\n'))
    got, = told_by('--json', '-', given=text)
    same([got['parts']['decoded_length'], got['parts']['sha256']],
         [len(octets), hashlib.sha256(octets).hexdigest()])


def mutants(count):
    dice = random.Random(7)
    for _ in range(count):
        text = bytearray(WHOLE)
        for _ in range(dice.randrange(1, 30)):
            at = dice.randrange(len(text))
            kind = dice.randrange(4)
            if kind == 0:
                text[at] = dice.randrange(256)
            elif kind == 1:
                del text[at:at + dice.randrange(40)]
            elif kind == 2:
                text[at:at] = dice.randbytes(dice.randrange(20))
            else:
                end = at + dice.randrange(80)
                text[at:at] = text[at:end]
        yield bytes(text)
    for n in (0, 1, 2, 3, 100, 5000):
        yield dice.randbytes(n)
    yield bytes(range(256)) * 4


def check_json_whatever_comes():
    """THREATS 27's kin: no octets of a message break the line."""
    with Scratch() as scratch:
        top = scratch.dir('many')
        count = 0
        for text in mutants(1000):
            with open(os.path.join(top, '%04d' % count), 'wb') as f:
                f.write(text)
            count += 1
        got = told_by('--json', top)
        same(len(got), count)
        same([os.path.basename(g['path']) for g in got],
             ['%04d' % n for n in range(count)])
        shown = run(top)[0].decode('utf-8')
        true(not any(c < ' ' and c != '\n' and c != '\t' for c in shown),
             'controls')


def peak_kib(*args):
    """Of that one child."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        with open(os.devnull, 'wb') as null:
            subprocess.run([program('mailkit'), 'parse', *args], stdout=null,
                           timeout=120, check=True)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        os.write(write, b'%d' % peak)
        os._exit(0)
    os.close(write)
    said = os.read(read, 64)
    os.close(read)
    os.waitpid(child, 0)
    return int(said)


def check_many_files_take_the_memory_of_one():
    with Scratch() as scratch:
        few, many = scratch.dir('few'), scratch.dir('many/new')
        for top, count in ((few, 20), (many, 3000)):
            for n in range(count):
                with open(os.path.join(top, '%05d' % n), 'wb') as f:
                    f.write(WHOLE)
        less = peak_kib('--json', few)
        more = peak_kib('--json', os.path.dirname(many))
        # the names of a directory are in memory at once
        true(more - less < 2048, '%d and %d KiB' % (less, more))


def check_progress_is_for_a_terminal():
    """Of many files, on standard error, wiped at the end; else nothing."""
    with Scratch() as scratch:
        top = scratch.dir('many')
        for n in range(40):
            with open(os.path.join(top, '%02d' % n), 'wb') as f:
                f.write(WHOLE)
        same(run('--json', top)[1], b'', 'no terminal')
        code, shown = on_terminal([program('mailkit'), 'parse', '--json', top])
        same(code, 0)
        true(b'\r20 messages, ' in shown and b' MiB read' in shown and
             shown.endswith(b' \r'), shown)


def check_what_cannot_be_read():
    with Scratch() as scratch:
        top = scratch.dir('box')
        scratch.file('box/a', 'Subject: a\r\n\r\n')
        scratch.file('box/.hidden', 'Subject: h\r\n\r\n')
        os.mkfifo(os.path.join(top, 'fifo'))
        os.mkdir(os.path.join(top, 'sub'))
        scratch.file('box/sub/b', 'Subject: b\r\n\r\n')
        got = told_by('--json', top)
        same([g['subject'] for g in got], ['a', 'b'])
        out, err = run('--json', os.path.join(top, 'none'), top, code=66)
        same(len(lines_of(out)), 2, 'the others are shown')
        true(b'none: No such file' in err, err)
        run(os.path.join(top, 'fifo'), code=66)
        run('--yaml', top, code=64)
        true(run('--help')[0].startswith(b'usage: mailkit parse'), 'help')


if __name__ == '__main__':
    sys.exit(main(globals()))
