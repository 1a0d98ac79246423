# SPDX-License-Identifier: MIT
"""POP3 clients that we did not write, each as a function that fetches all there
is from a server and gives the messages as octets, lines ended by LF.

`server` has port, secure_port, ca.pem and texts. alice logs in with the
password one, robot with TOKEN; both see the same messages. `mode` is clear,
starttls or implicit. CLIENTS tells what each of them knows."""
import os
import poplib
import ssl

from lib.case import need, run, same
from lib.maildir import names_in

TOKEN = 'ya29.T0ken-of_robot'
NOBODY = 65534
TOKENS = ('oauthbearer', 'xoauth2')
CLEAR, STARTTLS, IMPLICIT = 'clear', 'starttls', 'implicit'
MODES = (CLEAR, STARTTLS, IMPLICIT)
poplib._MAXLINE = 1 << 20  # its own bound is 2,048; long lines are legal


class Refused(Exception):
    """The client ended with a complaint."""


def port_of(server, mode):
    return server.secure_port if mode == IMPLICIT else server.port


def account(auth, password):
    return ('robot', TOKEN) if auth in TOKENS else ('alice', password)


def maildir(path):
    found = []
    for name in names_in(path + '/new'):
        with open(path + '/new/' + name, 'rb') as f:
            found.append(f.read())
    return found


def make_maildir(scratch, name):
    for part in ('new', 'cur', 'tmp'):
        scratch.dir('%s/%s' % (name, part))
    return scratch.dir(name)


def give(path, owner):
    """All below it belongs to somebody else from now on."""
    for top, dirs, files in os.walk(path):
        for name in ['.', *dirs, *files]:
            os.chown(os.path.join(top, name), owner, owner)


def finished(result):
    code, out, err = result
    if code:
        raise Refused('%d %r %r' % (code, out[-600:], err[-600:]))
    return result


# ---- mpop --------------------------------------------------------------------

def mpop(scratch, server, mode, auth, keep=False, password='one'):
    box = make_maildir(scratch, 'mpop')
    user, word = account(auth, password)
    conf = scratch.file('mpoprc', '\n'.join([
        'account default', 'host localhost', 'port %d' % port_of(server, mode),
        'user ' + user, 'password ' + word, 'auth ' + auth,
        'tls ' + ('off' if mode == CLEAR else 'on'),
        'tls_starttls ' + ('on' if mode == STARTTLS else 'off'),
        'tls_trust_file ' + server.ca.pem, 'delivery maildir ' + box,
        'uidls_file ' + scratch.path + '/mpop.uidls', 'received_header off',
        'keep ' + ('on' if keep else 'off'), '']))
    os.chmod(conf, 0o600)
    finished(run([need('mpop'), '-C', conf], seconds=30))
    return maildir(box)


# ---- fetchmail ---------------------------------------------------------------


FETCHMAIL = """
set invisible
poll localhost service {port} protocol {protocol} uidl auth {auth}
  user "alice" password "{password}" {ssl}
  {keep} fetchall no rewrite pass8bits stripcr
  mda "{mda}"
"""


def fetchmail(scratch, server, mode, auth, keep=False, password='one'):
    box = scratch.dir('fetchmail')
    mda = scratch.file('mda', '#!/bin/sh\nexec cat >"$(mktemp %s/XXXXXXXX)"\n'
                       % box)
    os.chmod(mda, 0o700)
    trust = 'sslcertck sslcertfile "%s"' % server.ca.pem
    conf = scratch.file('fetchmailrc', FETCHMAIL.format(
        port=port_of(server, mode), mda=mda, password=password,
        protocol='apop' if auth == 'apop' else 'pop3',
        auth='password' if auth in ('apop', 'user') else auth,
        keep='keep' if keep else 'no keep',
        ssl={CLEAR: "sslproto ''", STARTTLS: 'sslproto tls1.2+ ' + trust,
             IMPLICIT: 'ssl ' + trust}[mode]))
    os.chmod(conf, 0o600)
    finished(run([need('fetchmail'), '-f', conf, '--nosyslog', '--nodetach',
                  '-i', scratch.path + '/ids', '--pidfile',
                  scratch.path + '/pid'], seconds=30,
                 env=dict(os.environ, HOME=scratch.path,
                          FETCHMAILHOME=scratch.path, LC_ALL='C')))
    found = []
    for name in os.listdir(box):
        with open(box + '/' + name, 'rb') as f:
            found.append(f.read())
    return found


# ---- getmail -----------------------------------------------------------------

GETMAIL = """
[retriever]
type = SimplePOP3{ssl}Retriever
server = localhost
port = {port}
username = alice
password = {password}
use_apop = {apop}
{trust}
[destination]
type = Maildir
path = {box}/
[options]
delete = {delete}
read_all = true
delivered_to = false
received = false
verbose = 0
"""

# It forks for each message, and listens for the end of the child only behind
# that: a child that was quicker is waited for in vain.
SURELY = """
import os, runpy, sys
import getmailcore.baseclasses as base

def wait(self, pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

base.ForkingBase._prepare_child = lambda self: None
base.ForkingBase._wait_for_child = wait
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name='__main__')
"""


def getmail(scratch, server, mode, auth, keep=False, password='one'):
    box = make_maildir(scratch, 'getmail')
    home = scratch.dir('getmail.home')
    with open(server.ca.pem, 'rb') as pem:
        trust = scratch.file('getmail.home/ca.pem', pem.read())
    scratch.file('getmail.home/rc', GETMAIL.format(
        ssl='' if mode == CLEAR else 'SSL', port=port_of(server, mode),
        password=password, apop=auth == 'apop', box=box, delete=not keep,
        trust='' if mode == CLEAR else 'ca_certs = ' + trust))
    if os.geteuid() == 0:  # it delivers nothing as root
        os.chmod(scratch.path, 0o711)
        give(box, NOBODY)
        give(home, NOBODY)
        someone = {'user': NOBODY, 'group': NOBODY, 'extra_groups': ()}
    else:
        someone = {}
    with open(need('getmail'), encoding='utf-8') as script:
        python3 = script.readline().strip()[2:]
    result = run([python3, '-c', SURELY, need('getmail'), '--getmaildir', home,
                  '--rcfile', 'rc'], seconds=60, **someone)
    finished(result)
    same(b'error' in result[1] + result[2], False, result)
    top = b'Return-Path: <unknown>\n'  # its own
    return [text[len(top):] for text in maildir(box) if text.startswith(top)]


# ---- curl --------------------------------------------------------------------

def curl(scratch, server, mode, auth, keep=False, password='one'):
    box = scratch.dir('curl')
    count = len(server.texts)
    url = '%s://localhost:%d/' % ('pop3s' if mode == IMPLICIT else 'pop3',
                                  port_of(server, mode))
    options = ['--cacert', server.ca.pem, '--silent', '--show-error',
               '--max-time', '60', '--fail-early',
               '--login-options', 'AUTH=' + {
                   'apop': '+APOP'}.get(auth, auth.upper())]
    if mode == STARTTLS:
        options.append('--ssl-reqd')
    user, word = account(auth, password)
    if auth in TOKENS:
        options += ['--user', user + ':', '--oauth2-bearer', word]
    else:
        options += ['--user', user + ':' + word]
    finished(run([need('curl'), *options, url + '[1-%d]' % count, '-o',
                  box + '/#1'], seconds=60))
    if not keep:
        finished(run([need('curl'), *options, '-X', 'DELE', '-I',
                      url + '[1-%d]' % count], seconds=60))
    found = []
    for n in range(1, count + 1):
        with open('%s/%d' % (box, n), 'rb') as f:
            octets = f.read()
        same(octets.count(b'\n'), octets.count(b'\r\n'), 'line ends')
        found.append(octets.replace(b'\r\n', b'\n'))
    return found


# ---- Python's poplib -----------------------------------------------------------

def connect(server, mode):
    context = ssl.create_default_context(cafile=server.ca.pem)
    if mode == IMPLICIT:
        return poplib.POP3_SSL('localhost', server.secure_port, timeout=30,
                               context=context)
    c = poplib.POP3('localhost', server.port, timeout=30)
    if mode == STARTTLS:
        c.stls(context)
    return c


def login(c, auth, password):
    if auth == 'apop':
        c.apop('alice', password)
    else:
        c.user('alice')
        c.pass_(password)


def python(scratch, server, mode, auth, keep=False, password='one'):
    del scratch
    c = connect(server, mode)
    try:
        login(c, auth, password)
        found = []
        for n in range(1, c.stat()[0] + 1):
            found.append(b'\n'.join([*c.retr(n)[1], b'']))
            if not keep:
                c.dele(n)
        c.quit()
        return found
    except poplib.error_proto as why:
        raise Refused(why) from None
    finally:
        c.close()


# ---- what they know ------------------------------------------------------------

MPOP = ('user', 'plain', 'login', 'cram-md5', 'scram-sha-1', 'scram-sha-256',
        'apop', 'oauthbearer', 'xoauth2')
CURL = ('plain', 'login', 'cram-md5', 'apop', 'oauthbearer', 'xoauth2')
# client: (auths, TLS modes)
CLIENTS = {
    mpop: (MPOP, MODES),
    fetchmail: (('user', 'cram-md5', 'apop'), MODES),
    getmail: (('user', 'apop'), (CLEAR, IMPLICIT)),
    curl: (CURL, MODES),
    python: (('user', 'apop'), MODES),
}

# Two of them mend what is no proper message: these are not looked at there.
NO_HEADER = b'\nno header\n'
NO_BODY = b'Subject: a header alone\n'
MENDS = {fetchmail: (NO_HEADER, NO_BODY), getmail: (NO_BODY,)}


def looked_at(client, texts):
    """What the client carries as it is, in order."""
    return sorted(t for t in texts if not any(
        t.rstrip(b'\n').endswith(m.rstrip(b'\n'))
        for m in MENDS.get(client, ())))
