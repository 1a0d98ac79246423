# SPDX-License-Identifier: MIT
"""Short command sequences for servers of SMTP, each with a name: every verb in
every state, syntax, order, parameters, pipelining, lines and bodies.

An input is a list of steps. Octets are sent, and one reply is read; a tuple's
octets are sent at once, and all replies are read until the server ends it, once
it was told that no more comes. `ID` becomes the input's own number, in the name
of EHLO, so that what is delivered is known again."""

HELO, EHLO = b'HELO ID.example.com', b'EHLO ID.example.com'
MAIL, RCPT = b'MAIL FROM:<eve@example.com>', b'RCPT TO:<alice@example.org>'
STATES = {
    'fresh': [],
    'helo': [HELO],
    'ehlo': [EHLO],
    'mail': [EHLO, MAIL],
    'rcpt': [EHLO, MAIL, RCPT],
}
VERBS = (
    b'HELO x.example.com', b'EHLO x.example.com', b'HELO', b'EHLO', b'EHLO ',
    MAIL, b'MAIL FROM:<>', RCPT, b'DATA', b'DATA x', b'RSET', b'RSET x',
    b'NOOP', b'NOOP x y', b'QUIT', b'QUIT x', b'VRFY', b'VRFY alice', b'EXPN',
    b'HELP', b'HELP DATA', b'TURN', b'SEND FROM:<a@example.com>', b'XYZZY',
    b'', b' NOOP', b'noop', b'NOOP ', b'NoOp', b'\tNOOP', b'NOOP\tx',
    b'STARTTLS', b'AUTH PLAIN AGEAYg==', b'BDAT 0 LAST', b'ETRN example.org')
# behind MAIL; each is followed by a recipient
SENDERS = (
    b'FROM:<>', b'FROM: <>', b'FROM:<a@example.com>', b'from:<a@example.com>',
    b'FROM: <a@example.com>', b'FROM :<a@example.com>', b'FROM<a@example.com>',
    b'FROM:a@example.com', b'FROM:a', b'FROM:', b'FROM', b'', b'<a@b>',
    b'TO:<a@example.com>', b'FROM:<a>', b'FROM:<postmaster>', b'FROM:<@>',
    b'FROM:<a@>', b'FROM:<@b>', b'FROM:<a@b', b'FROM:a@b>', b'FROM:<<a@b>>',
    b'FROM:<a@b>x', b'FROM:<a@b> x', b'FROM:<a@b> ', b'FROM:<a b@c>',
    b'FROM:<"a b"@example.com>', b'FROM:<"a\\"b"@example.com>',
    b'FROM:<""@example.com>', b'FROM:<"a@example.com>', b'FROM:<a"b@c>',
    b'FROM:<.a@example.com>', b'FROM:<a.@example.com>',
    b'FROM:<a..b@example.com>', b'FROM:<a@.example.com>',
    b'FROM:<a@example..com>', b'FROM:<a@example.com.>', b'FROM:<a@-b.example>',
    b'FROM:<a@b-.example>', b'FROM:<a@b_c.example>', b'FROM:<a@[192.0.2.1]>',
    b'FROM:<a@[192.0.2.256]>', b'FROM:<a@[IPv6:2001:db8::1]>',
    b'FROM:<a@[IPv6:x]>', b'FROM:<a@[x]>', b'FROM:<a@192.0.2.1>',
    b'FROM:<a@b@example.com>', b'FROM:<@x.example:a@example.com>',
    b'FROM:<@x.example,@y.example:a@example.com>', b'FROM:<a%b@example.com>',
    b'FROM:<b!a@example.com>', b'FROM:<-a@example.com>',
    b'FROM:<a/b=c@example.com>', b'FROM:<\xe4@example.com>',
    b'FROM:<\xc3\xa4@example.com>', b'FROM:<a@\xc3\xa4.example>',
    b'FROM:<a\x01b@example.com>', b'FROM:<a\x7fb@example.com>',
    b'FROM:<a(b)@example.com>', b'FROM:<a,b@example.com>',
    b'FROM:<' + b'a' * 64 + b'@example.com>',
    b'FROM:<' + b'a' * 65 + b'@example.com>',
    b'FROM:<a@' + b'b' * 63 + b'.example>',
    b'FROM:<a@' + b'b' * 64 + b'.example>',
    b'FROM:<a@' + b'.'.join([b'b' * 60] * 4) + b'.example>',
    b'FROM:<a@' + b'.'.join([b'b' * 60] * 5) + b'.example>')
PARAMETERS = (
    b'SIZE=1', b'SIZE=0', b'SIZE=', b'SIZE', b'SIZE=x', b'SIZE=-1',
    b'SIZE=+1', b'SIZE=26214400', b'SIZE=26214401', b'SIZE=99999999999999',
    b'SIZE=18446744073709551616', b'SIZE=999999999999999999999',
    b'size=1', b'SIZE=1 SIZE=1', b'SIZE =1', b'SIZE= 1', b'SIZE=1=2',
    b'BODY=7BIT', b'BODY=8BITMIME', b'BODY=8bitmime', b'body=7bit', b'BODY=',
    b'BODY', b'BODY=9BIT', b'BODY=BINARYMIME', b'BODY=7BIT BODY=7BIT',
    b'SIZE=1 BODY=7BIT', b'  SIZE=1', b'SIZE=1 ', b'XYZZY', b'XYZZY=1', b'=1',
    b'AUTH=<>', b'RET=FULL', b'ENVID=x', b'SMTPUTF8')
RECIPIENTS = (
    b'TO:<alice@example.org>', b'TO:<ALICE@EXAMPLE.ORG>',
    b'TO:<bob@example.org>', b'TO:<Alice@example.org>',
    b'to:<alice@example.org>', b'TO: <alice@example.org>', b'TO :<alice@example.org>',
    b'TO:alice@example.org', b'TO:<alice>', b'TO:<postmaster>',
    b'TO:<Postmaster>', b'TO:<postmaster@example.org>', b'TO:<>', b'TO:',
    b'TO', b'', b'FROM:<alice@example.org>', b'TO:<alice@example.org',
    b'TO:alice@example.org>', b'TO:<<alice@example.org>>',
    b'TO:<alice@example.org>x', b'TO:<alice@example.org> x',
    b'TO:<alice@example.org> ', b'TO:<alice@example.org> XYZZY=1',
    b'TO:<alice@example.org> SIZE=1', b'TO:<alice@example.org> NOTIFY=NEVER',
    b'TO:<nobody@example.org>', b'TO:<alice@example.com>',
    b'TO:<"alice"@example.org>', b'TO:<"al\\ice"@example.org>',
    b'TO:<"alice @example.org>', b'TO:<alice@example.org.>',
    b'TO:<alice@sub.example.org>', b'TO:<alice@xexample.org>',
    b'TO:<alice@>', b'TO:<@example.org>', b'TO:<alice@example.org@x.example>',
    b'TO:<alice@x.example@example.org>', b'TO:<alice%x.example@example.org>',
    b'TO:<x.example!alice@example.org>',
    b'TO:<@x.example:alice@example.org>',
    b'TO:<@x.example,@y.example:alice@example.org>',
    b'TO:<@example.org:alice@x.example>', b'TO:<alice@[127.0.0.1]>',
    b'TO:<alice@[192.0.2.1]>', b'TO:<alice@127.0.0.1>',
    b'TO:<alice@@example.org>', b'TO:<al ice@example.org>',
    b'TO:<.alice@example.org>', b'TO:<alice.@example.org>',
    b'TO:<al..ice@example.org>', b'TO:<alice@example.org>,<bob@example.org>',
    b'TO:<alice@example.org,bob@example.org>', b'TO:<al\xe4ce@example.org>',
    b'TO:<al\xc3\xa4ce@example.org>', b'TO:<|/bin/id@example.org>',
    b'TO:<../alice@example.org>', b'TO:<alice\x00@example.org>',
    b'TO:<alice\x01@example.org>',
    b'TO:<' + b'a' * 65 + b'@example.org>')
NAMES = (
    b'x', b'x.example.com', b'x.example.com.', b'[192.0.2.1]', b'[192.0.2.999]',
    b'[IPv6:2001:db8::1]', b'[x]', b'192.0.2.1', b'x_y.example.com', b'-x',
    b'x y', b'x.example.com y', b'x..y', b'(x)', b'<x>', b'\xc3\xa4.example',
    b'x' * 64 + b'.example', b'.'.join([b'x' * 60] * 5), b'#', b'x;y')
HEAD = b'Subject: x\r\n\r\n'
BODIES = {
    'empty': b'',
    'one line': b'Subject: x\r\n',
    'a header and a body': HEAD + b'one\r\ntwo\r\n',
    'no header': b'just a line\r\n',
    'an empty line first': b'\r\nbody\r\n',
    'dots': HEAD + b'..\r\n..a\r\n...\r\n.a\r\na.\r\n',
    'dot and blank': HEAD + b'. \r\n.\t\r\n..\r\n',
    'dot first': b'..\r\n' + HEAD,
    'no line end at the end of a header': b'Subject: x\r\nTo: y\r\n',
    '8-bit': HEAD + bytes(range(0x80, 0x100)) + b'\r\n',
    'controls': HEAD + bytes(set(range(1, 32)) - {10, 13}) + b'\x7f\r\n',
    '998': HEAD + b'a' * 998 + b'\r\n',
    '999': HEAD + b'a' * 999 + b'\r\n',
    '5000': HEAD + b'a' * 5000 + b'\r\n',
    'many lines': HEAD + b'a line of the body\r\n' * 2000,
    'blank lines': HEAD + b'\r\n' * 50,
    'blanks at line ends': HEAD + b'a \r\nb\t\r\n \r\n',
    'From line': b'From eve@example.com Thu Jan  1 00:00:00 1970\r\n' + HEAD,
    'From in the body': HEAD + b'From here\r\n>From there\r\n',
    'Return-Path of its own': b'X: 1\r\nReturn-Path: <x@y>\r\n' + HEAD,
    'folded': b'Subject: x\r\n y\r\n\tz\r\n\r\nbody\r\n',
    'no colon': b'Subject: x\r\nnonsense\r\n\r\nbody\r\n',
    'long field': b'Subject: ' + b'x' * 900 + b'\r\n\r\nbody\r\n',
}
# What must not end a body, or is refused: all of it is sent at once, then QUIT.
RAW = {
    'bare LF': HEAD + b'a\nb\r\n.\r\n',
    'LF dot LF': HEAD + b'a\n.\nMAIL FROM:<x@y>\r\n.\r\n',
    'LF dot CRLF': HEAD + b'a\n.\r\nRSET\r\n.\r\n',
    'CRLF dot LF': HEAD + b'a\r\n.\nRSET\r\n.\r\n',
    'CR dot CR': HEAD + b'a\r.\rRSET\r\n.\r\n',
    'CRLF dot CR': HEAD + b'a\r\n.\rRSET\r\n.\r\n',
    'bare CR': HEAD + b'a\rb\r\n.\r\n',
    'CR CR LF': HEAD + b'a\r\r\n.\r\n',
    'NUL': HEAD + b'a\0b\r\n.\r\n',
    'dot at once': b'.\r\n',
    'no end': HEAD + b'a\r\n',
    'half an end': HEAD + b'a\r\n.\r',
    'LF alone': HEAD + b'\n\r\n.\r\n',
}
SESSION = [EHLO, MAIL, RCPT, b'DATA', HEAD + b'x\r\n.']
TALKS = {
    'two messages': SESSION + [MAIL, RCPT, b'DATA', HEAD + b'y\r\n.', b'QUIT'],
    'two without MAIL': SESSION + [RCPT, b'DATA', b'QUIT'],
    'HELO only': [HELO] + SESSION[1:] + [b'QUIT'],
    'no greeting': SESSION[1:4] + [b'QUIT'],
    'two recipients': [EHLO, MAIL, RCPT, b'RCPT TO:<bob@example.org>', b'DATA',
                       HEAD + b'x\r\n.', b'QUIT'],
    'the same twice': [EHLO, MAIL, RCPT, RCPT, b'DATA', HEAD + b'x\r\n.'],
    'one of three': [EHLO, MAIL, b'RCPT TO:<no@example.org>', RCPT,
                     b'RCPT TO:<alice@example.com>', b'DATA',
                     HEAD + b'x\r\n.', b'QUIT'],
    'none of two': [EHLO, MAIL, b'RCPT TO:<no@example.org>',
                    b'RCPT TO:<alice@example.com>', b'DATA', b'QUIT'],
    'MAIL twice': [EHLO, MAIL, MAIL, RCPT],
    'MAIL after RCPT': [EHLO, MAIL, RCPT, MAIL],
    'RSET forgets': [EHLO, MAIL, RCPT, b'RSET', b'DATA', MAIL, b'DATA'],
    'EHLO forgets': [EHLO, MAIL, RCPT, EHLO, RCPT, b'DATA'],
    'HELO forgets': [EHLO, MAIL, RCPT, HELO, RCPT, b'DATA'],
    'a refused MAIL': [EHLO, b'MAIL FROM:<a b>', RCPT, b'DATA', MAIL, RCPT],
    'a refused EHLO': [EHLO, MAIL, b'EHLO', RCPT, b'DATA'],
    'NOOP amid': [EHLO, b'NOOP', MAIL, b'NOOP', RCPT, b'NOOP', b'DATA',
                  HEAD + b'x\r\n.', b'NOOP'],
    'VRFY amid': [EHLO, MAIL, b'VRFY alice', RCPT, b'VRFY bob', b'DATA',
                  HEAD + b'x\r\n.'],
    'errors amid': [EHLO, b'X', MAIL, b'Y', RCPT, b'Z', b'DATA',
                    HEAD + b'x\r\n.', b'Q', MAIL],
    'after QUIT': [EHLO, b'QUIT', b'NOOP'],
    'a long command': [EHLO, b'NOOP ' + b'x' * 400, b'NOOP'],
    'a line of 512': [EHLO, b'NOOP ' + b'x' * 505, b'NOOP'],
    'a line of 1000': [EHLO, b'NOOP ' + b'x' * 993, b'NOOP'],
    'a line of 2048': [EHLO, b'NOOP ' + b'x' * 2041, b'NOOP'],
    'a line of 3000': [EHLO, b'NOOP ' + b'x' * 2993, b'NOOP'],
}
GROUP = [MAIL, RCPT, b'DATA']
END = HEAD + b'x\r\n.'


def lines(*parts):
    return b''.join(part + b'\r\n' for part in parts)


PIPELINES = {
    'a group': [EHLO, (lines(*GROUP),)],
    'a group without EHLO': [HELO, (lines(*GROUP),)],
    'before the greeting of EHLO': [(lines(EHLO, *GROUP),)],
    'a bad RCPT in a group': [EHLO, (lines(
        MAIL, b'RCPT TO:<no@example.org>', RCPT, b'DATA'),)],
    'only bad RCPT in a group': [EHLO, (lines(
        MAIL, b'RCPT TO:<no@example.org>', b'DATA', b'QUIT'),)],
    'RSET and a group': [EHLO, (lines(b'RSET', *GROUP),)],
    'NOOP behind NOOP': [EHLO, (lines(b'NOOP', b'NOOP', b'QUIT'),)],
    'NOOP behind NOOP, HELO': [HELO, (lines(b'NOOP', b'NOOP', b'QUIT'),)],
    'a body behind DATA': [EHLO, MAIL, RCPT, (lines(b'DATA', END, b'QUIT'),)],
    'all at once': [EHLO, (lines(*GROUP, END, b'QUIT'),)],
    'a message behind the dot': [EHLO, *GROUP, (lines(
        END, MAIL, RCPT, b'QUIT'),)],
    'QUIT behind QUIT': [EHLO, (lines(b'QUIT', b'QUIT'),)],
    'EHLO twice at once': [(lines(EHLO, EHLO, b'QUIT'),)],
    'no line end': [EHLO, (b'NOOP',)],
    'LF ends a command': [EHLO, (b'NOOP\nNOOP\r\nQUIT\r\n',)],
    'CR ends no command': [EHLO, (b'NOOP\rNOOP\r\nQUIT\r\n',)],
    'CR CR LF': [EHLO, (b'NOOP\r\r\nQUIT\r\n',)],
    'NUL in a command': [EHLO, (b'NOOP \0\r\nQUIT\r\n',)],
    'VRFY in a group': [EHLO, (lines(MAIL, RCPT, b'VRFY x', b'QUIT'),)],
    'other protocols': [(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n',)],
    'POST': [(b'POST / HTTP/1.1\r\nHost: x\r\n\r\nEHLO x\r\n',)],
}


# RFC 3030: a step's CR LF belongs to the chunk
TEXT = HEAD + b'x'


def chunk(text, *words, size=None):
    return b' '.join((b'BDAT', b'%d' % (len(text) + 2 if size is None
                                        else size), *words)) + b'\r\n' + text


LAST = chunk(TEXT, b'LAST')
CHUNKS = {
    'one': [EHLO, MAIL, RCPT, LAST, b'QUIT'],
    'last in small letters': [EHLO, MAIL, RCPT, chunk(TEXT, b'last')],
    'two': [EHLO, MAIL, RCPT, chunk(TEXT), chunk(b'y', b'LAST')],
    'two, and none behind them': [EHLO, MAIL, RCPT, chunk(TEXT), chunk(b'y'),
                                  b'BDAT 0 LAST'],
    'three of nothing': [EHLO, MAIL, RCPT, b'BDAT 0', b'BDAT 0', LAST],
    'no LAST': [EHLO, MAIL, RCPT, chunk(TEXT), b'QUIT'],
    'and another message': [EHLO, MAIL, RCPT, LAST, MAIL, RCPT, LAST],
    'and DATA for the next': [EHLO, MAIL, RCPT, LAST, MAIL, RCPT, b'DATA',
                              END],
    'BDAT, DATA': [EHLO, MAIL, RCPT, chunk(TEXT), b'DATA', b'RSET'],
    'BDAT, NOOP': [EHLO, MAIL, RCPT, chunk(TEXT), b'NOOP', LAST],
    'BDAT, VRFY': [EHLO, MAIL, RCPT, chunk(TEXT), b'VRFY x', LAST],
    'BDAT, RCPT': [EHLO, MAIL, RCPT, chunk(TEXT), RCPT],
    'BDAT, MAIL': [EHLO, MAIL, RCPT, chunk(TEXT), MAIL],
    'BDAT, RSET': [EHLO, MAIL, RCPT, chunk(TEXT), b'RSET', LAST],
    'BDAT, EHLO': [EHLO, MAIL, RCPT, chunk(TEXT), EHLO, LAST],
    'behind LAST': [EHLO, MAIL, RCPT, LAST, LAST],
    'before MAIL': [EHLO, LAST, b'NOOP'],
    'before RCPT': [EHLO, MAIL, LAST, b'NOOP'],
    'behind a refused RCPT': [EHLO, MAIL, b'RCPT TO:<no@example.org>', LAST,
                              b'NOOP'],
    'behind HELO': [HELO, MAIL, RCPT, LAST, b'NOOP'],
    'no size': [EHLO, MAIL, RCPT, b'BDAT', b'NOOP'],
    'a word for a size': [EHLO, MAIL, RCPT, b'BDAT x', b'NOOP'],
    'a negative size': [EHLO, MAIL, RCPT, b'BDAT -1', b'NOOP'],
    'a size with a sign': [EHLO, MAIL, RCPT, b'BDAT +3\r\nx', b'NOOP'],
    'a size beyond all': [EHLO, MAIL, RCPT, (
        b'BDAT 99999999999999999999\r\nx\r\n',)],
    'a size beyond the largest message': [EHLO, MAIL, RCPT, (
        b'BDAT 26214401\r\nx\r\n',)],
    'another word than LAST': [EHLO, MAIL, RCPT, (
        chunk(TEXT, b'FIRST') + b'\r\nQUIT\r\n',)],
    'a word behind LAST': [EHLO, MAIL, RCPT, (
        chunk(TEXT, b'LAST', b'x') + b'\r\nQUIT\r\n',)],
    'dots': [EHLO, MAIL, RCPT, chunk(HEAD + b'.\r\n..\r\n.a', b'LAST')],
    'bare LF': [EHLO, MAIL, RCPT, (
        chunk(HEAD + b'a\nb', b'LAST') + b'\r\nQUIT\r\n',)],
    'no line end': [EHLO, MAIL, RCPT, chunk(TEXT, size=len(TEXT)) + b'BDAT 1 '
                    b'LAST\r\ny', b'NOOP'],
    'a group': [EHLO, (lines(MAIL, RCPT, LAST, b'QUIT'),)],
    'a group of two': [EHLO, (lines(MAIL, RCPT, chunk(TEXT),
                                    chunk(b'y', b'LAST'), b'QUIT'),)],
    'cut': [EHLO, MAIL, RCPT, (b'BDAT 100 LAST\r\nSubject: x\r\n',)],
    'BINARYMIME': [EHLO, MAIL + b' BODY=BINARYMIME', RCPT, (
        chunk(HEAD + b'a\0b\nc\rd', b'LAST') + b'\r\nQUIT\r\n',)],
    'BINARYMIME, DATA': [EHLO, MAIL + b' BODY=BINARYMIME', RCPT, b'DATA'],
}
# RFC 3461, RFC 6531
SENDER_OPTIONS = (
    b'RET=HDRS', b'RET=full', b'RET=x', b'RET=', b'RET', b'RET=FULL RET=FULL',
    b'ENVID=a+2Bb', b'ENVID=a+b', b'ENVID=a+2b', b'ENVID=', b'ENVID=a=b',
    b'ENVID=' + b'x' * 100, b'ENVID=' + b'x' * 101, b'ENVID=a+0Ab',
    b'RET=FULL ENVID=x', b'SMTPUTF8=x', b'SMTPUTF8 BODY=8BITMIME')
RECIPIENT_OPTIONS = (
    b'NOTIFY=SUCCESS', b'NOTIFY=FAILURE,DELAY', b'NOTIFY=success',
    b'NOTIFY=NEVER,SUCCESS', b'NOTIFY=SUCCESS,NEVER', b'NOTIFY=x', b'NOTIFY=',
    b'NOTIFY', b'NOTIFY=SUCCESS,', b'NOTIFY=,SUCCESS',
    b'NOTIFY=SUCCESS,SUCCESS', b'NOTIFY=SUCCESS NOTIFY=DELAY',
    b'ORCPT=rfc822;a@b.example', b'ORCPT=rfc822;a+2Bb@c.example',
    b'ORCPT=rfc822;a+b@c.example', b'ORCPT=rfc822;', b'ORCPT=;a@b',
    b'ORCPT=a@b', b'ORCPT=', b'ORCPT=rfc822;a@b ORCPT=rfc822;a@b',
    b'ORCPT=rfc822;a+0Ab', b'ORCPT=x;y', b'ORCPT=rfc822;' + b'x' * 489,
    b'NOTIFY=NEVER ORCPT=rfc822;a@b')
UTF8 = b' SMTPUTF8'
WIDE = {
    'sender': [EHLO, b'MAIL FROM:<\xc3\xa4@example.com>' + UTF8, RCPT],
    'domain': [EHLO, b'MAIL FROM:<a@\xc3\xa4.example>' + UTF8, RCPT],
    'quoted': [EHLO, b'MAIL FROM:<"\xc3\xa4 b"@example.com>' + UTF8, RCPT],
    'no UTF-8': [EHLO, b'MAIL FROM:<\xe4@example.com>' + UTF8, RCPT],
    'overlong': [EHLO, b'MAIL FROM:<\xc0\xaf@example.com>' + UTF8, RCPT],
    'a surrogate': [EHLO, b'MAIL FROM:<\xed\xa0\x80@example.com>' + UTF8,
                    RCPT],
    'recipient': [EHLO, MAIL + UTF8,
                  b'RCPT TO:<\xc3\xa4@example.org>'],
    'recipient without': [EHLO, MAIL, b'RCPT TO:<\xc3\xa4@example.org>'],
    'behind HELO': [HELO, MAIL + UTF8],
    'a header': [EHLO, MAIL + UTF8, RCPT, b'DATA',
                 b'Subject: \xc3\xa4\r\n\r\nx\r\n.'],
    'VRFY': [EHLO, b'VRFY \xc3\xa4 SMTPUTF8'],
}


def show(octets):
    return octets.decode('latin-1').encode('unicode_escape').decode('ascii')


def short(octets):
    text = show(octets)
    return text if len(text) < 60 else '%s..(%d)' % (text[:40], len(octets))


def build():
    """All inputs: name to steps, with their IDs in place."""
    found = {}
    for state, steps in STATES.items():
        for verb in VERBS:
            found['%s: %s' % (state, short(verb))] = [*steps, verb]
    for text in SENDERS:
        found['MAIL ' + short(text)] = [EHLO, b'MAIL ' + text, RCPT]
    for text in PARAMETERS:
        found['MAIL with ' + short(text)] = [EHLO, MAIL + b' ' + text, RCPT]
    found['MAIL with SIZE=1, HELO'] = [HELO, MAIL + b' SIZE=1', RCPT]
    for text in RECIPIENTS:
        found['RCPT ' + short(text)] = [EHLO, MAIL, b'RCPT ' + text]
    for text in NAMES:
        for verb in (b'HELO ', b'EHLO '):
            found[short(verb + text)] = [verb + text, MAIL]
    for name, text in BODIES.items():
        found['body: ' + name] = SESSION[:4] + [text + b'.', b'QUIT']
    for name, text in RAW.items():
        found['raw: ' + name] = SESSION[:4] + [(text + b'QUIT\r\n',)]
    for name, steps in TALKS.items():
        found['talk: ' + name] = steps
    for name, steps in PIPELINES.items():
        found['group: ' + name] = steps
    for name, steps in CHUNKS.items():
        found['BDAT: ' + name] = steps
    for text in SENDER_OPTIONS:
        found['MAIL with ' + short(text)] = [EHLO, MAIL + b' ' + text, RCPT]
    for text in RECIPIENT_OPTIONS:
        found['RCPT with ' + short(text)] = [EHLO, MAIL, RCPT + b' ' + text]
    for name, steps in WIDE.items():
        found['UTF-8: ' + name] = steps
    return {name: [_own(step, n) for step in steps]
            for n, (name, steps) in enumerate(found.items())}


def _own(step, n):
    mark = b'n%d.example.com' % n
    if isinstance(step, tuple):
        return tuple(part.replace(b'ID.example.com', mark) for part in step)
    return step.replace(b'ID.example.com', mark)
