#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Deletes each sync and each check on the way of a message to its mailbox, one
at a time, in a copy of the tree, and expects that a test fails (THREATS part 2,
"How" 6).

    mutate.py ROOT [--every N] [--only TEXT] [--list] [--keep DIR]

A line of the list names a text that must occur once in its file. Where the code
has changed so that it does not, the list is stale, and that is a failure too.
Exit code: 0 all were noticed, 1 some survived, 77 no meson."""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

COMMIT, FILE = 'lib/disk/commit.c', 'lib/disk/file.c'
POSIX, QUEUE = 'lib/disk/posix.c', 'lib/disk/commit_queue.c'
BOX, STORE = 'lib/store/maildir.c', 'lib/store/delivery.c'
LF = 'lib/store/lf.c'
AGENT, JOB = 'lib/agent/delivery.c', 'lib/agent/delivery_job.c'
BOXES, COLLECT = 'lib/agent/boxes.c', 'lib/agent/collect.c'

# What tests what: the quick and likely first. All of them run in turn until
# one fails.
TESTS = {
    'disk': ['unit/unit_disk_commit', 'unit/unit_disk_commit_shared',
             'unit/unit_disk_posix',
             'fault/fault_power_cut', 'unit/unit_disk_commit_queue',
             'unit/unit_store_delivery', 'fault/fault_killed',
             'fault/fault_faults'],
    'posix': ['unit/unit_disk_posix', 'unit/unit_store_maildir'],
    'store': ['fault/fault_power_cut', 'unit/unit_store_lf',
              'unit/unit_store_maildir', 'unit/unit_store_delivery',
              'fault/fault_killed', 'fault/fault_faults',
              'unit/unit_agent_delivery', 'unit/unit_agent_delivery_boxes'],
    'agent': ['fault/fault_power_cut', 'fault/fault_killed',
              'unit/unit_agent_delivery', 'unit/unit_agent_delivery_boxes',
              'fault/fault_faults',
              'unit/unit_agent_chain'],
}
OF_FILE = {POSIX: 'posix', COMMIT: 'disk', FILE: 'disk', QUEUE: 'disk',
           BOX: 'store', STORE: 'store', LF: 'store'}

M = [
    # ---- the commit: contents, name, directory, report
    (COMMIT, 'if (err == MK_E_FILES && ready > 0) {', 'if (false) {'),
    (COMMIT, 'if (err == MK_E_FILES && ready > 0) {',
     'if (err == MK_E_FILES) {'),
    (COMMIT, '''        if (err != MK_OK) {
            fail(item, err);
            continue;''', '''        if (false) {
            fail(item, err);
            continue;'''),
    (COMMIT, '''            if (err != MK_OK) {
                fail(item, err);''', '''            if (false) {
                fail(item, err);'''),
    (COMMIT, 'attempt < MK_DISK_TRIES && err == MK_E_EXISTS',
     'attempt < 1 && err == MK_E_EXISTS'),
    (COMMIT, '''    if (err != MK_OK) {
        fail(item, err);
        return;''', '''    if (false) {
        fail(item, err);
        return;'''),
    (COMMIT, '''    (void)vfs->entry_remove(vfs->self, item->final_dir, item->final_name);
''', ''),
    (COMMIT, '''item->final_name);
    fail(item, err);''', '''item->final_name);
    (void)err;'''),
    (COMMIT, 'mk_err err = vfs->dir_sync(vfs->self, item->sync_dir);',
     'mk_err err = MK_OK;'),
    (COMMIT, 'same->final_dir.id == item->final_dir.id', 'true'),
    (COMMIT, 'same != stop && err != MK_OK; same', 'false; same'),
    (COMMIT, 'if (same->renamed && ', 'if ('),
    (COMMIT, 'if (err == MK_OK && mode == MK_COMMIT_DURABLE) {',
     'if (false) {'),
    (COMMIT, 'if (err == MK_OK && mode == MK_COMMIT_DURABLE) {',
     'if (mode == MK_COMMIT_DURABLE) {'),
    (COMMIT, '''        if (err == MK_OK) {
            rename_item''', '''        if (true) {
            rename_item'''),
    (COMMIT, '''        } else if (item->result == MK_OK) {
            fail(item, err);''', '''        } else if (false) {
            fail(item, err);'''),
    (COMMIT, '''            first->final_dir.id == item->final_dir.id) {''',
     '            true) {'),
    (COMMIT, '''    return vfs->dir_open(vfs->self, item->final_dir, ".", &item->sync_dir);
''', '''    item->sync_dir = item->final_dir;
    return MK_OK;
'''),
    (COMMIT, '            if (item->sync_dir.id != MK_VFS_NONE) {',
     '            if (false) {'),
    (COMMIT, '''    item->final_name[0] = '\\0';
''', ''),
    (COMMIT, '''    mk_disk_file_discard(&item->file);
}

static mk_err prepare''', '''}

static mk_err prepare'''),
    # ---- a file under its temporary name
    (FILE, 'attempt < MK_DISK_TRIES && err == MK_E_EXISTS',
     'attempt < 1 && err == MK_E_EXISTS'),
    (FILE, 'if (f->present || f->file.id != MK_VFS_NONE) {', 'if (false) {'),
    (FILE, '''data, &n);

        if (err != MK_OK) {''', '''data, &n);

        if (false) {'''),
    (FILE, 'if (n == 0 || n > data.len) {', 'if (false) {'),
    (FILE, 'while (data.len > 0) {', 'if (data.len > 0) {'),
    (FILE, '        offset += n;\n', ''),
    (FILE, 'while (have < max) {', 'if (have < max) {', 'break;', ';'),
    (FILE, '''max - have, &n);

        if (err != MK_OK) {''', '''max - have, &n);

        if (false) {'''),
    (FILE, 'err = f->vfs->file_sync(f->vfs->self, f->file);', ''),
    (FILE, 'err = err == MK_OK ? closed : err;', '(void)closed;'),
    (FILE, '''    if (err != MK_OK) {
        mk_disk_file_discard(f);''', '''    if (false) {
        mk_disk_file_discard(f);'''),
    (FILE, '''    closed = f->vfs->file_close(f->vfs->self, f->file);
    f->file.id = MK_VFS_NONE;''',
     '    closed = f->vfs->file_close(f->vfs->self, f->file);'),
    (FILE, '(void)f->vfs->file_close(f->vfs->self, f->file);', ''),
    (FILE, 'if (!f->present) {', 'if (false) {'),
    (FILE, 'if (f->present && f->dir.id != MK_VFS_NONE) {',
     'if (f->present) {'),
    (FILE, '(void)f->vfs->entry_remove(f->vfs->self, f->dir, f->name);', ''),
    (FILE, '    f->present = false;\n', ''),
    # ---- system calls
    (POSIX, 'O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW',
     'O_RDWR | O_CREAT | O_NOFOLLOW'),
    (POSIX, 'O_NONBLOCK | (path ? 0 : O_NOFOLLOW)', 'O_NONBLOCK'),
    (POSIX, 'O_RDONLY | O_NONBLOCK |', 'O_RDONLY |'),
    (POSIX, 'O_DIRECTORY | (path ? 0 : O_NOFOLLOW)', 'O_DIRECTORY'),
    (POSIX, 'O_RDONLY | O_DIRECTORY | (path', 'O_RDONLY | (path'),
    (POSIX, 'flags | O_CLOEXEC | O_NOCTTY, 0600', 'flags | O_NOCTTY, 0600'),
    (POSIX, 'O_NOCTTY, 0600', 'O_NOCTTY, 0644'),
    (POSIX, 'name, 0700)', 'name, 0755)'),
    (POSIX, 'to_name,\n                          RENAME_NOREPLACE)',
     'to_name,\n                          0)'),
    (POSIX, "(n == 0 || (errno != ENOSYS && errno != EINVAL))",
     "(n == 0 || errno != ENOSYS)"),
    (POSIX, "(n == 0 || (errno != ENOSYS && errno != EINVAL))",
     "(n == 0 || errno != EINVAL)"),
    (POSIX, '(void)remove_retry(to, to_name);', ''),
    (POSIX, 'n = fsync(fd);', 'n = 0 * fd;'),
    (POSIX, 'return interrupted(n) ? MK_OK : err_of(n);', 'return err_of(n);'),
    (POSIX, 'return interrupted(n) ? MK_OK : err_of(n);',
     'return n == 0 ? MK_OK : MK_OK;'),
    (POSIX, 'return n < 0 ? last_err() : MK_E_IO;', 'return MK_E_IO;'),
    (POSIX, 'AT_SYMLINK_NOFOLLOW', '0'),
    (POSIX, 'if (err == MK_OK && st.kind != MK_VFS_KIND_FILE) {',
     'if (false) {'),
    (POSIX, '{EDQUOT,       MK_E_SPACE}', '{EDQUOT,       MK_E_IO}'),
    (POSIX, '{ENFILE,       MK_E_FILES}', '{ENFILE,       MK_E_IO}'),
    (POSIX, 'return errors[i].err;', 'return MK_E_IO;'),
    (POSIX, 'st->st_uid == geteuid()', 'true'),
    (POSIX, '(st->st_mode & S_IWOTH) != 0', 'false'),
    # ---- the box
    (BOX, '!st.own || st.others_write', 'st.others_write'),
    (BOX, '!st.own || st.others_write', '!st.own'),
    (BOX, '''        err = upward[i].id != MK_VFS_NONE ? vfs->dir_sync(vfs->self, upward[i])
                                          : MK_OK;
''', ''),
    (BOX, 'for (i = 0; i < 3 && err == MK_OK; i++) {',
     'for (i = 1; i < 3 && err == MK_OK; i++) {'),
    (BOX, 'for (i = 0; i < 3 && err == MK_OK; i++) {',
     'for (i = 0; i < 2 && err == MK_OK; i++) {'),
    (BOX, 'for (i = 0; i < 3 && err == MK_OK; i++) {',
     'for (i = 0; i < 3; i += 1 + (i == 0)) {'),
    (BOX, 'for (i = 0; i < 3 && err == MK_OK; i++) {',
     'for (i = 0; i < 3; i++) {'),
    (BOX, 'err = vfs->dir_sync(vfs->self, p->user);', 'err = MK_OK;'),
    (BOX, 'err = tmp == MK_OK ? tmp_set_aside(vfs, p) : MK_OK;',
     'err = MK_OK;'),
    (BOX, 'for (; err == MK_E_EXISTS && name', 'for (; name[0] == 0 && name'),
    (BOX, 'return err == MK_E_NOENT ? MK_OK : err; /* somebody',
     'return err; /* somebody'),
    (BOX, 'ASIDE, p->user, "tmp");', '"x", p->user, "tmp");'),
    (BOX, 'if (err != MK_OK && err != MK_E_NOENT && err != MK_E_EXISTS) {',
     'if (false) {'),
    (BOX, 'if (tmp != MK_OK && tmp != MK_E_NOENT) {', 'if (false) {'),
    (BOX, 'if (err == MK_OK && tmp == MK_OK) {', 'if (err == MK_OK) {'),
    (BOX, '''    if (err != MK_OK && err != MK_E_NOENT) {
        return err;''', '''    if (false) {
        return err;'''),
    (BOX, 'if (err != MK_OK && err != MK_E_EXISTS) {', 'if (err != MK_OK) {'),
    (BOX, '''    mk_err err = mk_maildir_name_check(domain);
''', '''    mk_err err = MK_OK;
'''),
    (BOX, 'return err == MK_OK ? mk_maildir_name_check(user) : err;',
     'return err;'),
    (BOX, '''    dir_drop(vfs, &p.root);
    if (err != MK_OK) {
        mk_maildir_close(&box);
''', '''    dir_drop(vfs, &p.root);
    if (err != MK_OK) {
'''),
    (BOX, 'st.kind != MK_VFS_KIND_FILE || st.modified_s >= before_s',
     'st.modified_s >= before_s'),
    (BOX, 'st.kind != MK_VFS_KIND_FILE || st.modified_s >= before_s',
     'st.kind != MK_VFS_KIND_FILE'),
    (BOX, 'now_s > age_s ? now_s - age_s : 0', 'now_s - age_s'),
    (BOX, 'err = box->vfs->entry_remove(box->vfs->self, box->dir_tmp, name);',
     'err = MK_OK;'),
    # ---- a delivery
    (STORE, 'space.bytes < d->free_bytes_min ||', ''),
    (STORE, '|| space.inodes < d->free_inodes_min', ''),
    (STORE, '''    err = space_check(d);
    if (err != MK_OK) {''', '''    err = space_check(d);
    if (false) {'''),
    (STORE, '''    err = vfs->dir_space(vfs->self, d->box->dir_tmp, &space);
    if (err != MK_OK) {''', '''    err = vfs->dir_space(vfs->self, d->box->dir_tmp, &space);
    if (false) {'''),
    (STORE, 'd->attempt + attempt', 'd->attempt'),
    (STORE, '''        err = whole_write(d);
''', '''        (void)whole_write(d);
'''),
    (STORE, 'i < d->body_n && err == MK_OK', 'i < d->body_n'),
    (STORE, '''    if (err == MK_OK) {
        err = mk_lf_writer_end(&d->w);''', '''    {
        err = mk_lf_writer_end(&d->w);'''),
    (STORE, '''    err = mk_lf_writer_add(&d->w, wire);
    return err == MK_OK ? MK_OK : broken(d, err);''',
     '''    err = mk_lf_writer_add(&d->w, wire);
    return MK_OK;'''),
    (STORE, '''    err = mk_lf_writer_end(&d->w);
    if (err != MK_OK) {
        return broken(d, err);''', '''    err = mk_lf_writer_end(&d->w);
    if (false) {
        return broken(d, err);'''),
    (STORE, 'mk_err err = mk_lf_writer_end(&d->w); /*',
     'mk_err err = MK_OK; (void)mk_lf_writer_end(&d->w); /*'),
    (STORE, 'while (err == MK_OK && n == d->w.max) {',
     'while (n == d->w.max) {'),
    (STORE, 'if (err == MK_OK && at != source->item.file.end) {',
     'if (false) {'),
    (STORE, '''    err = body_copy(d, source);
    if (err != MK_OK) {''', '''    err = body_copy(d, source);
    if (false) {'''),
    (STORE, '''    mk_disk_file_discard(&d->item.file);
    d->state = STATE_BROKEN;''', '    d->state = STATE_BROKEN;'),
    (STORE, '''    d->item.file.dir = d->box->dir_tmp;
''', ''),
    (STORE, '''    d->item.final_dir = d->box->dir_new;
''', ''),
    (LF, '''    mk_err err = mk_disk_file_write(w->file, w->at, mk_str_of(w->buf, w->len));
''', '''    mk_err err = MK_OK;
    (void)mk_disk_file_write(w->file, w->at, mk_str_of(w->buf, w->len));
'''),
    (LF, '        w->at += w->len;\n', ''),
    (LF, '''        err = write_out(w);
        if (err != MK_OK) {''', '''        err = write_out(w);
        if (false) {'''),
    # ---- the stage
    (JOB, 'm->err = m->err == MK_OK ? err : m->err;', ''),
    (JOB, 't->err = t->err == MK_OK ? err : t->err;', ''),
    (JOB, 'for (size_t i = 1; err != MK_OK && m->is_each &&',
     'for (size_t i = 1; false &&'),
    (JOB, 'return m->err == MK_OK ? common_err(m) : m->err;',
     'return m->err;'),
    (AGENT, 'if (t != NULL && t->err != MK_OK) {', 'if (false) {'),
    (AGENT, 't->box->bad = t->box->bad || err != MK_OK;', ''),
    (AGENT, '''    if (m->pending > 0) {
        return;
    }
    if (m->err''', '''    if (m->err'''),
    (AGENT, '''    if (m->err != MK_OK) {
        refuse_for(m->err, &v);
    } else if (!asked''', '''    if (false) {
        refuse_for(m->err, &v);
    } else if (!asked'''),
    (AGENT, '''    err = err == MK_OK ? bring_to_rest(m) : err;
    if (err != MK_OK) {''', '''    err = err == MK_OK ? bring_to_rest(m) : err;
    if (false) {'''),
    (AGENT, '''    if (m->err != MK_OK) {
        refuse_for(m->err, &v);
    }
    m->asked = false;''', '''    m->asked = false;'''),
    (AGENT, 'if (err == MK_E_NOENT && t->is_shared && m->is_direct',
     'if (t->is_shared && m->is_direct'),
    (AGENT, 'if (err == MK_E_NOENT && t->is_shared && m->is_direct',
     'if (false && t->is_shared && m->is_direct'),
    (AGENT, 'if (err == MK_E_SPACE || err == MK_E_FBIG) {',
     'if (err == MK_E_SPACE) {'),
    (AGENT, 'if (err == MK_E_SPACE || err == MK_E_FBIG) {',
     'if (err == MK_E_FBIG) {'),
    (AGENT, '} else if (err == MK_E_MEMORY) {', '} else if (false) {'),
    (AGENT, '        if (task_of(m, r) != NULL) {', '        if (false) {'),
    (AGENT, 'mk_err err = boxes_anew(m);', 'mk_err err = MK_OK;'),
    (AGENT, 'while (m->err == MK_OK && m->next <', 'while (m->next <'),
    (AGENT, '        if (r->box_user.len == 0) {', '        if (false) {'),
    (JOB, '''    return err == MK_OK ? t->prepare(item) : err;''',
     '''    return t->prepare(item);'''),
    (JOB, '''    err = mk_delivery_copy(d, m->source, mk_str_of(m->top, m->top_len));
    if (err == MK_OK) {''', '''    err = mk_delivery_copy(d, m->source, mk_str_of(m->top, m->top_len));
    if (true) {'''),
    (JOB, 'return err == MK_OK ? source_add(m) : err;',
     'return source_add(m);'),
    (JOB, 'm->err = m->err == MK_OK ? mk_delivery_end(m->source) : m->err;',
     '(void)mk_delivery_end(m->source);'),
    (JOB, '        if (items->result != MK_OK) {', '        if (false) {'),
    (JOB, '        settle(m, i, end);\n', ''),
    (JOB, '''    if (err != MK_OK) {
        m->err = err;
        clean(m);''', '''    if (err != MK_OK) {
        clean(m);'''),
    (JOB, '''    if (err != MK_OK) {
        m->err = err;
        clean(m);''', '''    if (err != MK_OK) {
        m->err = err;'''),
    (JOB, '        (void)box_open(t);\n', ''),
    (BOX, 'mk_err err = vfs->dir_open(vfs->self, root, ".", &p->root);',
     'mk_err err = vfs->dir_open(vfs->self, root, ".", &p->root); '
     'vfs->dir_close(vfs->self, p->root); p->root = root;',
     '    dir_drop(vfs, &p.root);\n', ''),
    (BOX, '    dir_drop(vfs, &p.root);\n', ''),
    # ---- open boxes
    (BOXES, '(void)mk_maildir_sweep(&x->dir, now_s, TMP_AGE_S, NULL);', ''),
    (BOXES, 'UINT64_C(36) * 3600', 'UINT64_C(35) * 3600'),
    (BOXES, 'UINT64_C(36) * 3600', 'UINT64_C(38) * 3600'),
    (BOXES, '!x->bad && now(b) - x->since_ms < TRUSTED_MS',
     'now(b) - x->since_ms < TRUSTED_MS'),
    (BOXES, '!x->bad && now(b) - x->since_ms < TRUSTED_MS', '!x->bad'),
    (COLLECT, 'if (rest > 0 && more == NULL) {', 'if (false) {'),
    # ---- the queue of commits
    (QUEUE, 'batch_put_back(q, l->items);', ''),
    (QUEUE, 'n < q->c.batch_max ? n : q->c.batch_max', 'n'),
    (QUEUE, '''        mk_disk_file_discard(&item->file);
        item->result = err;''', '''        item->result = err;'''),
    (QUEUE, '''        mk_disk_file_discard(&item->file);
        item->result = err;''', '''        mk_disk_file_discard(&item->file);'''),
    (QUEUE, '''    if (q->count > 0) {
        return MK_E_BUSY;''', '''    if (false) {
        return MK_E_BUSY;'''),
]
# Every EINTR loop, in the order of the file.
LOOPS = 10
M += [(POSIX, 'interrupted:%d' % n, None) for n in range(LOOPS)]


class Stale(Exception):
    pass


def once(text, old, new):
    if text.count(old) != 1:
        raise Stale('occurs %d times: %s' % (text.count(old), old))
    return text.replace(old, new)


def mutated(text, m):
    """The text of the file with the mutation in it."""
    if m[2] is None:
        n = int(m[1].split(':')[1])
        parts = text.split('} while (interrupted(')
        if len(parts) != LOOPS + 1:
            raise Stale('%d EINTR loops' % (len(parts) - 1))
        parts[n + 1] = parts[n + 1].split(')', 1)[1]
        return ('} while (interrupted('.join(parts[:n + 1]) +
                '} while ((false)' + parts[n + 1] +
                ''.join('} while (interrupted(' + p for p in parts[n + 2:]))
    if len(m) == 5:  # a second replacement behind the first
        at = text.index(m[1])
        return text[:at] + once(text[at:], m[1], m[2]).replace(m[3], m[4], 1)
    return once(text, m[1], m[2])


def stale(root):
    """What the list names and the code has no more."""
    found = []
    for m in M:
        with open(os.path.join(root, m[0]), encoding='utf-8') as f:
            text = f.read()
        try:
            if mutated(text, m) == text:
                found.append('%s: nothing is changed' % name_of(root, m))
        except (Stale, ValueError) as e:
            found.append('%s: %s' % (m[0], e))
    return found


def name_of(root, m):
    text = open(os.path.join(root, m[0]), encoding='utf-8').read()
    if m[2] is None:
        before = text.split('} while (interrupted(')[:int(m[1][12:]) + 1]
        return '%s:%d: no EINTR loop' % (
            m[0], sum(t.count('\n') for t in before) + 1)
    line = text[:max(text.find(m[1]), 0)].count('\n') + 1
    old = [t.strip() for t in m[1].split('\n') if t.strip()]
    new = [t.strip() for t in m[2].split('\n') if t.strip()]
    both = [p for p in zip(old, new) if p[0] != p[1]] or [(old[-1], 'gone')]
    return '%s:%d: %s → %s' % (m[0], line, both[0][0][:60], both[0][1][:50])


def run(*args, **more):
    return subprocess.run(args, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **more)


class Tree:
    """A copy of the tree, built without sanitizers."""

    def __init__(self, root, work):
        self.root = os.path.join(work, 'tree')
        self.build = os.path.join(work, 'build')
        skip = shutil.ignore_patterns('.git', '__pycache__', 'corpus')
        shutil.copytree(root, self.root, ignore=skip)
        done = run('meson', 'setup', self.build, self.root, '-Dtests=enabled',
                   '--buildtype=plain', '-Dc_args=-O1 -w', '-Dfuzz=false',
                   '-Dexamples=disabled')
        if done.returncode:
            sys.exit(done.stdout.decode())
        self.slow = {}
        names = sorted({t for suite in TESTS.values() for t in suite})
        if not self.make(names):
            sys.exit('the tree does not build as it is')
        for t in names:
            began = time.monotonic()
            if self.fails(t, 600):
                sys.exit('%s fails as it is' % t)
            self.slow[t] = time.monotonic() - began

    def make(self, tests):
        done = run('ninja', '-C', self.build, '-j2',
                   *['tests/' + t for t in tests])
        if done.returncode:
            print(done.stdout.decode()[-2000:])
        return done.returncode == 0

    def fails(self, test, seconds=None):
        seconds = seconds or 15 + 3 * self.slow[test]
        try:
            done = run(os.path.join(self.build, 'tests', test),
                       timeout=seconds, env={'PATH': os.environ['PATH'],
                                             'CMOCKA_TEST_ABORT': '0'})
        except subprocess.TimeoutExpired:
            return True
        return done.returncode != 0

    def survives(self, m):
        """None: noticed by a test, else why it was not."""
        path = os.path.join(self.root, m[0])
        with open(path, encoding='utf-8') as f:
            text = f.read()
        tests = TESTS[OF_FILE.get(m[0], 'agent')]
        try:
            with open(path, 'w', encoding='utf-8') as f:
                f.write(mutated(text, m))
            if not self.make(tests):
                return 'does not build'
            for t in tests:
                if self.fails(t):
                    return None
            return 'nobody noticed'
        except Stale as e:
            return 'stale: %s' % e
        finally:
            with open(path, 'w', encoding='utf-8') as f:
                f.write(text)


def main():
    p = argparse.ArgumentParser()
    p.add_argument('root')
    p.add_argument('--every', type=int, default=1)
    p.add_argument('--only', default='')
    p.add_argument('--list', action='store_true')
    p.add_argument('--stale', action='store_true',
                   help='only look whether the list fits the code')
    p.add_argument('--keep', help='work there and leave it')
    a = p.parse_args()
    if a.stale:
        found = stale(a.root)
        print('\n'.join(found) or '%d mutations' % len(M))
        return 1 if found else 0
    chosen = [m for m in M[::a.every] if a.only in name_of(a.root, m)]
    if a.list:
        print('\n'.join(name_of(a.root, m) for m in chosen))
        return 0
    if not shutil.which('meson') or not shutil.which('ninja'):
        print('meson is missing')
        return 77
    work = a.keep or tempfile.mkdtemp(prefix='mailkit-mutate.')
    began = time.monotonic()
    try:
        survivors = 0
        tree = Tree(a.root, work)
        for m in chosen:
            why = tree.survives(m)
            survivors += why is not None
            print('%-4s %s%s' % ('FAIL' if why else 'ok', name_of(a.root, m),
                                 ': ' + why if why else ''), flush=True)
        print('mutations: %d, noticed %d, %d s'
              % (len(chosen), len(chosen) - survivors,
                 time.monotonic() - began))
        return 1 if survivors else 0
    finally:
        if not a.keep:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == '__main__':
    sys.exit(main())
