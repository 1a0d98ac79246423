# SPDX-License-Identifier: MIT
"""Programs of packages that cannot be installed beside each other, as mail
servers cannot: a package is downloaded by apt-get once, unpacked below the
cache directory, and laid over /usr for one process alone, in mounts of its own.
Nothing of the machine changes. It needs root, as those servers do."""
import glob
import os
import shutil
import subprocess
import tempfile

from lib.case import Skip, need

CACHE = os.path.join(os.environ.get('XDG_CACHE_HOME') or
                     os.path.expanduser('~/.cache'), 'mailkit-tests')
SCRIPT = """set -e
mount -t overlay -o lowerdir={lower}:/usr none /usr
{more}exec "$@"
"""
APT = ('-q', '-o', 'Acquire::Retries=0', '-o', 'Acquire::http::Timeout=10',
       'download')
refused = []  # why a download failed: the next one is not waited for


def run(argv, seconds=60, **more):
    return subprocess.run(argv, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=seconds, check=False, **more)


def download(package, work):
    """Its .deb in that directory; raises Skip when it cannot be had."""
    if not refused:
        try:
            done = run([need('apt-get'), *APT, package], cwd=work)
            found = glob.glob(work + '/*.deb')
            if done.returncode == 0 and found:
                return found[0]
            refused.append(done.stdout.decode('latin-1').strip()[-200:])
        except subprocess.TimeoutExpired:
            refused.append('apt-get does not end')
    raise Skip('%s cannot be had: %s' % (package, refused[0]))


def tree(package):
    """The directory that holds what the package would install."""
    path = os.path.join(CACHE, package)
    if os.path.isdir(path):
        return path
    dpkg = need('dpkg')
    os.makedirs(CACHE, exist_ok=True)
    work = tempfile.mkdtemp(dir=CACHE)
    try:
        deb = download(package, work)
        os.chmod(work, 0o755)
        if run([dpkg, '-x', deb, work + '/tree']).returncode:
            raise Skip('%s cannot be unpacked' % package)
        try:
            os.rename(work + '/tree', path)
        except OSError:  # somebody else was quicker
            pass
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return path


def inside(scratch, packages, users=(), empty=()):
    """What to put before a command, so that it finds these packages installed,
    these users known (by ids from 65,500 on), these directories empty, and of
    names nothing but localhost."""
    unshare = need('unshare')
    if os.geteuid() != 0:
        raise Skip('mounts of one\'s own need root')
    files = {'passwd': ''.join('%s:x:%d:%d::/nonexistent:/bin/false\n' % (
        user, 65500 + n, 65500 + n) for n, user in enumerate(users)),
             'group': ''.join('%s:x:%d:\n' % (user, 65500 + n)
                              for n, user in enumerate(users))}
    for name, text in files.items():
        with open('/etc/' + name, encoding='utf-8') as f:
            files[name] = f.read() + text
    files['hosts'] = ('127.0.0.1 localhost\n127.0.0.1 peer.example.org '
                      '%s\n' % os.uname().nodename)
    files['resolv.conf'] = 'nameserver 127.0.0.1\noptions attempts:1\n'
    files['nsswitch.conf'] = 'passwd: files\ngroup: files\nhosts: files\n'
    scratch.dir('etc')
    more = ''.join('mount --bind %s /etc/%s\n' % (
        scratch.file('etc/' + name, text), name)
                   for name, text in files.items())
    more += ''.join('mount -t tmpfs -o mode=755 none %s\n' % path
                    for path in empty)
    script = scratch.file('inside', SCRIPT.format(
        lower=':'.join(tree(p) + '/usr' for p in packages), more=more))
    prefix = [unshare, '-m', 'sh', script]
    done = run([*prefix, 'true'])
    if done.returncode:
        raise Skip('no mounts of one\'s own here: ' +
                   done.stdout.decode('latin-1').strip()[-200:])
    return prefix
