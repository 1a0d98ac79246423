#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the seed corpora of the fuzz targets, most from the dialogues.

Usage: seeds.py CHAT-FOLDER OUT-FOLDER STAMP. What the peer says becomes the
stream, the end of a turn an acknowledgement, answers a policy (script.c)."""
import os
import re
import sys

ESCAPES = {'r': b'\r', 'n': b'\n', 't': b'\t', '0': b'\0', '"': b'"',
           '\\': b'\\'}
QUOTED = re.compile(r'"((?:\\.|[^"\\])*)"(?:x(\d+))?')
PIECE = re.compile(r'\\x([0-9A-Fa-f]{2})|\\(.)|([^\\]+)')
ANSWERS = {'yes': 0, 'no': 4, 'defer': 5, 'later': 6, 'maildrop': 0, 'size': 0,
           'uid': 0}
VERBS = {'smtp': {'send': 0, 'noop': 3, 'rset': 4, 'vrfy': 5, 'quit': 7},
         'pop3': {'stat': 0, 'list': 1, 'uidl': 2, 'retr': 3, 'top': 4,
                  'dele': 5, 'noop': 8, 'rset': 9, 'quit': 11}}
TLS = ['none', 'may', 'encrypt', 'must']
REPEAT_MAX = 3000


def octets(text):
    out = b''
    for body, times in QUOTED.findall(text):
        one = b''
        for code, escape, plain in PIECE.findall(body):
            if code:
                one += bytes([int(code, 16)])
            elif escape:
                one += ESCAPES[escape]
            else:
                one += plain.encode()
        out += one * min(int(times or 1), REPEAT_MAX)
    return out


def items(path):
    with open(path, encoding='utf-8') as f:
        for line in f.read().split('\n')[1:]:
            m = re.match(r'(?:([A-Z]{1,2}): ?|(TLS) )(.*)', line)
            if m:
                yield m.group(1) or m.group(2), m.group(3)


def settings(path):
    with open(path, encoding='utf-8') as f:
        return dict(re.findall(r'^@ ([\w.]+) ?(.*)$', f.read(), re.M))


def smtp_header(keys, mine, implicit, name):
    """As configure() of fuzz_smtp_server.c and fuzz_smtp_client.c reads it."""
    flags = 0
    if keys.get('bare') == 'normalize':
        flags |= 16
    if 'asks' in keys and mine == 'S':
        flags |= 32
    if keys.get('extensions') == 'none' or \
            keys.get('server.extensions') == 'none':
        flags |= 15
    if any(key.endswith('_max') for key in keys):
        flags |= 64 if mine == 'S' else 16
    if mine == 'S' and 'pool' in keys:
        flags |= 128
    if mine == 'S':
        flags |= 4 * ('is_lmtp' in keys)
        return bytes([flags, 0, 3, login(keys, implicit)])
    how = 16 * ('is_lmtp' in keys) | 32 * ('joined' in name) | \
        64 * ('is_data_only' in keys) | 128 * ('mend' in keys)
    return bytes([flags, 0, 3 | how, len(name) * 7 & 0xff])


def pop3_header(keys, mine, implicit, name):
    """As configure() of fuzz_pop3_server.c and fuzz_pop3_client.c reads it."""
    del name
    offered = keys.get('capabilities', 'default')
    flags = 16 * any(key.endswith('_max') for key in keys) | \
        128 * ('pool' in keys)
    if 'sasl' not in keys:
        keys = dict(keys, sasl='PLAIN', sasl_how='clear')
    if mine == 'S':
        flags |= 32 * ('asks_connect' in keys) | \
            64 * ('APOP' in offered or offered == 'all')
        if offered not in ('default', 'all'):
            flags |= sum(bit for bit, name in ((1, 'TOP'), (2, 'UIDL'),
                                               (4, 'PIPELINING'),
                                               (8, 'RESP-CODES'))
                         if name not in offered)
        how = login(keys, implicit) & ~(4 | 32)
        return bytes([flags, 0, 0xa3, how])
    flags |= ('APOP' in offered or offered == 'all') | \
        8 * ('is_utf8' in keys) | 32 * ('pipeline_max' in keys)
    how = TLS.index(keys.get('tls', 'none')) | \
        4 * ('clear' in keys.get('sasl_how', '')) | 16 * implicit | \
        32 * (keys['sasl'] == 'none') | 64 * implicit
    return bytes([flags, 0, 3, how])


HEADERS = {'smtp': smtp_header, 'pop3': pop3_header}


def login(keys, implicit):
    """The settings of TLS and logins, as the targets of servers read them."""
    how = keys.get('sasl_how', '').split(' ')
    return TLS.index(keys.get('tls', 'none')) \
        | 4 * ('sasl' in keys) | 8 * ('clear' in how) | 16 * ('keys' in how) \
        | 32 * ('is_auth_needed' in keys) | 64 * implicit \
        | 128 * ('small' in how)


def policy(answers, bits):
    value = 0
    for i, answer in enumerate(answers[:9 // bits]):
        value |= answer << (bits * i)
    return b'\xffP' + bytes([value & 0xff])


def stream(path, mine, protocol):
    """The dialogue as a script for the machine of letter `mine`."""
    theirs = 'C' if mine == 'S' else 'S'
    words = ANSWERS if mine == 'S' else VERBS[protocol]
    bits = 4 if (mine, protocol) == ('C', 'pop3') else 3
    out = []
    group, answers = b'', []

    def flush():
        nonlocal group, answers
        if answers:
            out.append(policy(answers, bits))
        out.append(group)
        group, answers = b'', []

    acting, in_body, answered = False, False, False
    for tag, text in items(path):
        if tag == theirs or (tag[0] == 'L' and tag[1:] in ('', mine)):
            if acting:
                flush()
                out.append(b'\xffT')
                acting = False
            plain = text.rstrip('\u2026').encode() + b'\r\n'
            raw = octets(text) if tag[0] == 'L' else plain
            group += raw.replace(b'\xff', b'\xff\xff')
            continue
        acting = True
        if tag[0] == 'E':
            in_body, answered = text.startswith('BODY'), False
        if tag[0] == 'A' and tag[1:] in ('', mine):
            word = text.split(' ')[0]
            if in_body and word in ('no', 'defer', 'later'):
                out.append(b'\xffB\x02' if word == 'later' else b'\xffB\x01')
            elif word == 'later' and mine == 'C':
                out.append(b'\xffB\x01')
            elif word in ('drop', 'resume'):
                out.append(b'\xffB\x02' if word == 'drop' else b'\xffA')
            elif word == 'login':
                answers.append(words[text.split(' ')[1]])
            elif word in words:
                if not answered or word not in ('size', 'uid'):
                    answers.append(words[word])
                answered = True
            elif word == 'finish':
                flush()
                out.append(b'\xffF')
            elif word in ('hurry', 'calm'):
                flush()
                out.append(b'\xffH' + bytes([word == 'hurry']))
            elif word == 'cancel':
                flush()
                out.append(b'\xffK')
        elif tag == 'TLS' and mine == 'S':
            answers.append({'ok': 2, 'fail': 5, 'held': 6}[text.split(' ')[0]]
                           - 2 * ('verified' in text))
        elif tag in ('T', 'P'):
            flush()
            out.append(b'\xffT' + (b'\xffA' if tag == 'T' else b''))
            end = b'\xffE' if text == 'eof' else b'\xffX'
            out.append(b'\xffD' if tag == 'T' else end)
    flush()
    out.append(b'\xffT')
    return b''.join(out)


def write(folder, name, data):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), 'wb') as f:
        f.write(data)


def role(keys):
    return {'server': 'S', 'client': 'C', 'both': 'SC'}[keys['role']]


def machines(chats, out):
    for protocol in ('smtp', 'pop3'):
        for name in sorted(os.listdir(os.path.join(chats, protocol))):
            if name.endswith('.chat'):
                machine(os.path.join(chats, protocol, name), protocol,
                        name[:-5], out)


def machine(path, protocol, name, out):
    keys = settings(path)
    implicit = next(items(path))[0] == 'TLS'
    for mine in role(keys):
        folder = protocol + ('_server' if mine == 'S' else '_client')
        write(os.path.join(out, folder), name,
              HEADERS[protocol](keys, mine, implicit, name) +
              stream(path, mine, protocol))
    raw = b''.join(octets(t) for tag, t in items(path) if tag[0] == 'L')
    if raw:
        for mode in range(3):
            write(os.path.join(out, 'framer'), '%s-%d' % (name, mode),
                  bytes([mode, 0x2a, 5, 20]) + raw)


def codecs(out):
    samples = [b'', b'a', b'ab', b'abc', b'YWJj', b'YWI=', b'YQ==', b'YQ=',
               b'Y Q\r\n==', b'=3D=20=\r\nx', b'=4', b'=GG', b'x \r\n', b'\t',
               b'4a4B', b'4', b'zz', bytes(range(256)), b'line\r\n' * 30,
               b' ' * 90, b'a' * 77 + b'\r\n.\r\nFrom x\r\n', b'\r', b'\n']
    for k in range(8):
        for i, sample in enumerate(samples):
            write(os.path.join(out, 'codec'), '%d-%d' % (k, i),
                  bytes([k, 19 if i % 2 else 0, 2, i]) + sample)


def framers(out):
    samples = [b'a\r\n.\r\n', b'.\r\n', b'..\r\n.\r\n', b'a\n.\r\n',
               b'a\r.\r\n\r\n.\r\n', b'x\0y\0', b'x' * 700 + b'\r\n.\r\n',
               b'{5}\r\nhello', b'line\r\nline\nline\r\n', b'ab\r\n' * 20,
               b'a\0b\r\n' * 9, b'x' * 40, b'x' * 3000, b'\r' * 9, b'a\r']
    for mode in range(8):
        for i, sample in enumerate(samples):
            for limits in (0x00, 0x15, 0x2a, 0x6a):
                for left in (0, 5, 200):
                    write(os.path.join(out, 'framer'),
                          'made-%d-%d-%d-%d' % (mode, i, limits, left),
                          bytes([mode, limits, 3, left]) + sample)


def exchanges(out):
    """Mechanism by its bit, then who is hostile: client, server, between."""
    first = b'user,r=fyko+d2lbbFgONRv9qkxdawL'
    nonce = b'ACVKb5S53gMoTXKXvOEGK1B1'  # of the client, by fuzz_sasl.c
    plus = b'p=tls-exporter,,n='
    clients = {0: [b'trace'], 1: [b'user', b'pencil'],
               2: [b'\0user\0pencil'], 3: [b'user ' + b'0123456789abcdef' * 2],
               4: [b'n,,n=' + first, b'c=biws,r=x,p=AAAA'],
               5: [b'n,a==2C=3D,n=' + first + b',x=y', b'c=,r=,p='],
               6: [plus + first, b'c=,r=,x=y,p='], 7: [plus + first, b''],
               8: [b'user=u\1auth=Bearer dG9rZW4=\1\1', b''],
               9: [b'n,a=u,\1host=h\1port=1\1auth=Bearer t\1\1', b'\1'],
               10: [b'']}
    scram = [b'r=' + nonce + b'x,s=c2FsdA==,i=4096', b'v=AAAA']
    servers = {1: [b'Username:', b'Password:'], 3: [b'<1@mx>'], 4: scram,
               5: scram[:1] + [b'e=other-error'], 6: scram, 7: scram,
               8: [b'{}'], 9: [b'{"status":"invalid_token"}']}
    for bit in range(11):
        for policy in range(8):
            head = bytes([bit, 0, policy, policy * 37 & 0xff])
            name = '%d-%d' % (bit, policy)
            write(os.path.join(out, 'sasl'), 'client-' + name,
                  head + b'\xffT'.join(clients[bit]))
            write(os.path.join(out, 'sasl'), 'server-' + name,
                  head[:1] + b'\1' + head[2:] +
                  b'\xffT'.join(servers.get(bit, [b'x'])))
            write(os.path.join(out, 'sasl'), 'between-' + name,
                  head[:1] + b'\2' + head[2:] +
                  (bytes([policy % 5, policy * 3, 1]) if policy > 3 else b''))


def shakes(out):
    """Who is hostile, implicit or not, resumed or not; then a script."""
    hello = (b'\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03' + b'r' * 32 +
             b'\x00\x00\x04\xc0\x2b\x00\xff\x01\x00')
    alert = b'\x15\x03\x03\x00\x02\x02\x28'
    begun = b'STARTTLS\r\n\xffT'
    peers = [[b'', begun, b'one\r\n\xffT' + begun, b'STARTTLS\r\nEVIL\r\n\xffT',
              begun + b'clear\r\n'], [b'', b'go\r\n\xffT', b'hello\r\ngo\r\n',
                                      b'go\r\n250 evil\r\n\xffT']]
    tails = [hello + b'\xffT' + alert, hello[:20] + b'\xffD', alert, b'\xffE',
             b'\xffH\x01\xffC\x08\xffD', hello + hello + b'\xffX',
             b'\x80\x2e\x01\x03\x01', b'\x17\x03\x03\xff\xff\xff\xff' + hello]
    for who, begins in enumerate(peers):
        for i, begin in enumerate(begins):
            for k, tail in enumerate(tails):
                head = bytes([who | (4 if i == 0 else 0), 7 * (k % 3), 8 * i, 9])
                write(os.path.join(out, 'tls'), 'peer-%d-%d-%d' % (who, i, k),
                      head + begin + tail)
    words = b'one\r\n\xffT' + b'two\r\n' * 40 + b'\xffT'
    scripts = [b'', words + b'\xffA', words + b'\xffX\x00', b'\xffB\x09' + words,
               words + b'\xffB\x05' + words, words + b'\xffS\x03' + words,
               words + b'\xffP\x01' + words, words + b'\xffP\x06' + words,
               words + b'\xffP\x04', words + b'\xffK\x01' + words,
               b'\xffS\x40' * 4 + b'\xffD', words + b'\xffF\xffT',
               b'x' * 300 + b'\r\n\xffT', words + b'\xffE\x00\xffT']
    for i, script in enumerate(scripts):
        for who in (2, 6, 10, 14):
            write(os.path.join(out, 'tls'), 'between-%d-%d' % (who, i),
                  bytes([who, 17 * (i % 4), 1 + 16 * (i % 3), 200]) + script)


def proxies(out):
    """Headers of both versions, what stands behind them, and near misses."""
    signature = b'\r\n\r\n\0\r\nQUIT\n'
    v4 = bytes([192, 0, 2, 1, 198, 51, 100, 2])
    v6 = bytes([32, 1, 13, 184] + [0] * 11 + [1]) * 2
    mapped = (bytes(10) + b'\xff\xff' + v4[:4] +
              bytes(10) + b'\xff\xff' + v4[4:])
    ports = b'\x9c\x40\x00\x19'
    lines = ['TCP4 192.0.2.1 198.51.100.2 40000 25',
             'TCP6 2001:db8::1 ::1 1 65535',
             'TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.2 0 0', 'UNKNOWN',
             'UNKNOWN ' + 'f' * 90, 'TCP4 192.0.2.01 1.2.3.4 1 2', 'TCP4']
    blocks = [(0x20, 0x00, b''), (0x20, 0xee, b'abc'), (0x21, 0x11, v4 + ports),
              (0x21, 0x21, v6 + ports), (0x21, 0x21, mapped + ports),
              (0x21, 0x11, v4 + ports + b'\1\0\4smtp'), (0x21, 0x31, bytes(216)),
              (0x21, 0x12, v4 + ports), (0x21, 0x00, b'x' * 520),
              (0x21, 0x11, v4), (0x22, 0x11, v4 + ports), (0x21, 0x41, v4)]
    for i, line in enumerate(lines):
        write(os.path.join(out, 'proxy'), 'line-%d' % i,
              b'PROXY ' + line.encode() + b'\r\nEHLO c.example\r\n')
    for i, (command, family, block) in enumerate(blocks):
        write(os.path.join(out, 'proxy'), 'binary-%d' % i,
              signature + bytes([command, family]) +
              len(block).to_bytes(2, 'big') + block + b'EHLO c.example\r\n')


def messages(golden, out):
    """The goldens, and what they lack: encodings, labels, binary parts. The
    last two octets are settings of fuzz_message.c; the last names a set, too."""
    for name in sorted(os.listdir(golden)):
        if name.endswith('.eml'):
            with open(os.path.join(golden, name), 'rb') as f:
                write(os.path.join(out, 'message'), name[:-4], f.read())
    uu = b'begin 644 x y\n#86)C\n`\nend\nbegin 1 a\n$86)C9\n!"\nxx\n\nend\n'
    bodies = {'x-uuencode': uu, 'uuencode': uu.replace(b'\n', b'\r\n'),
              'base64': b'YW Jj\r\n?YQ==ZZ\r\n=', 'binary': b'\0\r\n\xff\n',
              'quoted-printable': b'a=3D=\r\n b  \r\n=zz=4', '8bit': b'\xc3\xa9',
              'base-85': b'x'}
    begin = b'MIME-Version: 1.0\r\nContent-Type: '
    for kind, body in bodies.items():
        field = b'Content-Transfer-Encoding: %s\r\n' % kind.encode()
        for i, head in enumerate((b'', b'text/plain; charset=utf-8\r\n',
                                  b'multipart/mixed; boundary=b\r\n' + field +
                                  b'\r\n--b\r\n')):
            write(os.path.join(out, 'message'), '%s-%d' % (kind, i),
                  (begin + head if head else b'') + field + b'\r\n' + body +
                  (b'\r\n--b--\r\n' if i == 2 else b'') + b'\x03\0')
    binary = b'Content-Transfer-Encoding: binary\r\n'
    for i, kind in enumerate((b'multipart/signed; boundary=b',
                              b'message/partial; number=1; id=a',
                              b'message/rfc822', b'multipart/mixed')):
        write(os.path.join(out, 'message'), 'recode-%d' % i,
              begin + kind + b'\r\n' + binary + b'\r\n--b\r\n' + binary +
              b'Content-Transfer-Encoding: 8bit\r\n' * (i % 2) +
              b'\r\nA\0\r\n--b--\r\n' + b'\x05\0')
    for name, octets in {
            'thread': b'References: <a@b> x <c@d>\r\nSubject: Re: a\r\n\r\n',
            'reply': b'In-Reply-To: <a@b> of <c@d>\r\nSender: a@b\r\n\r\n',
            'flowed': b'Content-Type: text/plain; format=flowed; delsp=yes'
                      b'\r\n\r\n> a \r\n> b\r\n -- \r\n',
            'digest': begin + b'multipart/digest; boundary=b\r\n\r\n--b\r\n'
                      b'\r\nSubject: x\r\n\r\n--b\r\n\r\n--b--\r\n'}.items():
        write(os.path.join(out, 'message'), name, octets + b'\x03\0')
    charsets(os.path.join(out, 'message'))


def charsets(out):
    """Octets of each kind of set under each set."""
    texts = (bytes(range(256)), '\ufeffa\u20ac\U0001f600'.encode('utf-16'),
             b'+AGE- +2D3eAA-+! +-+AG', b'a\x1b$B$3$s\x1b(Bb\x1b$',
             b'\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xed\xa0\x80\xc0\xaf',
             b'\x93\xfa\x96{\x81\x30\x89\x38\xff')
    for number in range(64):
        for i, text in enumerate(texts):
            write(out, 'charset-%d-%d' % (number, i),
                  text + bytes([i, number]))
    for i, label in enumerate((b'utf-16', b'utf-7', b'iso-2022-jp', b'koi8-r',
                               b'us-ascii', b'utf-8', b'x-unknown')):
        for k, text in enumerate(texts):
            write(out, 'label-%d-%d' % (i, k),
                  b'Content-Type: text/plain; charset=' + label +
                  b'\r\nContent-Transfer-Encoding: 8bit\r\n\r\n' + text +
                  b'\x07\0')


def main(chats, out, stamp):
    messages(os.path.join(chats, '..', 'golden'), out)
    machines(chats, out)
    codecs(out)
    framers(out)
    exchanges(out)
    shakes(out)
    proxies(out)
    write(os.path.dirname(stamp) or '.', os.path.basename(stamp), b'')
    return 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:4]))
