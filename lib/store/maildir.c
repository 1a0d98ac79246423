/* SPDX-License-Identifier: MIT
 *
 * store/maildir.c: opening ROOT/DOMAIN/USER/{tmp,new,cur}, one component
 * after the other, and making what is missing. tmp/ is made last, after all
 * above and beside it was synced: where tmp/ is, the rest is durable, and it
 * is set aside while something else is missing (docs/maildir.md). It refuses
 * links, files, and directories of others (THREATS 104), so whoever prepared a
 * trap gets no mail. Entering one to read makes nothing and walks the same way.
 */
#include <mailkit/store.h>

#include <string.h>

/* Where tmp/ waits meanwhile: no name of a Maildir++ folder. */
#define ASIDE "tmp.aside0"

static void dir_drop(const mk_vfs *vfs, mk_dir *io_dir)
{
    if (io_dir->id != MK_VFS_NONE) {
        vfs->dir_close(vfs->self, *io_dir);
        io_dir->id = MK_VFS_NONE;
    }
}

/* Opens a directory that must be ours. */
static mk_err dir_enter(const mk_vfs *vfs, mk_dir at, const char *name,
                        mk_dir *out_dir)
{
    mk_vfs_stat st;
    mk_dir dir;
    mk_err err = vfs->dir_open(vfs->self, at, name, &dir);

    if (err != MK_OK) {
        return err;
    }
    memset(&st, 0, sizeof st);
    err = vfs->dir_stat(vfs->self, dir, &st);
    if (err == MK_OK && (!st.own || st.others_write)) {
        err = MK_E_ACCESS;
    }
    if (err != MK_OK) {
        vfs->dir_close(vfs->self, dir);
        return err;
    }
    *out_dir = dir;
    return MK_OK;
}

/* The same, made when missing; somebody else may make it at that moment. */
static mk_err dir_ensure(const mk_vfs *vfs, mk_dir at, const char *name,
                         mk_dir *out_dir)
{
    mk_err err = dir_enter(vfs, at, name, out_dir);

    if (err != MK_E_NOENT) {
        return err;
    }
    err = vfs->dir_make(vfs->self, at, name);
    if (err != MK_OK && err != MK_E_EXISTS) {
        return err;
    }
    return dir_enter(vfs, at, name, out_dir);
}

/* The directories on the way, from the root downwards. */
typedef struct path {
    mk_dir root;
    mk_dir domain;
    mk_dir user;
} path;

static mk_err names_check(mk_str domain, mk_str user)
{
    mk_err err = mk_maildir_name_check(domain);

    return err == MK_OK ? mk_maildir_name_check(user) : err;
}

static const char *name_put(char *out, mk_str name)
{
    memcpy(out, name.ptr, name.len);
    out[name.len] = '\0';
    return out;
}

/* The root is opened once more: other lanes sync it too, and a loss is told
 * once to each handle (G5). Without a domain the box is right below it. */
static mk_err path_enter(const mk_vfs *vfs, mk_dir root, mk_str domain,
                         mk_str user, path *p)
{
    char name[MK_VFS_NAME_MAX + 1];
    mk_err err = vfs->dir_open(vfs->self, root, ".", &p->root);
    mk_dir at = p->root;

    if (err == MK_OK && domain.len > 0) {
        err = dir_ensure(vfs, p->root, name_put(name, domain), &p->domain);
        at = p->domain;
    }
    return err == MK_OK ? dir_ensure(vfs, at, name_put(name, user), &p->user)
                        : err;
}

/* What is missing beside tmp/ is not durable when it is made, so the sign that
 * it is goes first: whoever comes meanwhile, or after us, syncs as well. */
static mk_err tmp_set_aside(const mk_vfs *vfs, const path *p)
{
    char name[] = ASIDE;
    mk_err err = MK_E_EXISTS;

    /* A power cut may have left both names of an earlier time. */
    for (; err == MK_E_EXISTS && name[sizeof name - 2] <= '9';
         name[sizeof name - 2]++) {
        err = vfs->entry_rename(vfs->self, p->user, "tmp", p->user, name);
    }
    return err == MK_E_NOENT ? MK_OK : err; /* somebody else was faster */
}

/* tmp/ as it was set aside, else a new one. */
static mk_err tmp_restore(const mk_vfs *vfs, const path *p, mk_dir *out_dir)
{
    mk_err err = vfs->entry_rename(vfs->self, p->user, ASIDE, p->user, "tmp");

    if (err != MK_OK && err != MK_E_NOENT && err != MK_E_EXISTS) {
        return err;
    }
    return dir_ensure(vfs, p->user, "tmp", out_dir);
}

/* new/ and cur/ are there, tmp/ is not: the sign that all is durable. */
static mk_err tmp_make(const mk_vfs *vfs, const path *p, mk_maildir *box)
{
    const mk_dir upward[3] = {p->user, p->domain, p->root};
    mk_err err = MK_OK;
    size_t i;

    for (i = 0; i < 3 && err == MK_OK; i++) {
        err = upward[i].id != MK_VFS_NONE ? vfs->dir_sync(vfs->self, upward[i])
                                          : MK_OK;
    }
    if (err == MK_OK) {
        err = tmp_restore(vfs, p, &box->dir_tmp);
    }
    if (err == MK_OK) {
        err = vfs->dir_sync(vfs->self, p->user);
    }
    return err;
}

static mk_err box_enter(const mk_vfs *vfs, const path *p, mk_maildir *box)
{
    mk_err tmp = dir_enter(vfs, p->user, "tmp", &box->dir_tmp);
    mk_err err;

    if (tmp != MK_OK && tmp != MK_E_NOENT) {
        return tmp;
    }
    err = dir_enter(vfs, p->user, "new", &box->dir_new);
    if (err == MK_OK) {
        err = dir_enter(vfs, p->user, "cur", &box->dir_cur);
    }
    if (err == MK_OK && tmp == MK_OK) {
        return MK_OK;
    }
    if (err != MK_OK && err != MK_E_NOENT) {
        return err;
    }
    /* Something is missing, perhaps removed by hand: make and sync all. */
    dir_drop(vfs, &box->dir_new);
    dir_drop(vfs, &box->dir_tmp);
    dir_drop(vfs, &box->dir_cur);
    err = tmp == MK_OK ? tmp_set_aside(vfs, p) : MK_OK;
    if (err == MK_OK) {
        err = dir_ensure(vfs, p->user, "new", &box->dir_new);
    }
    if (err == MK_OK) {
        err = dir_ensure(vfs, p->user, "cur", &box->dir_cur);
    }
    return err == MK_OK ? tmp_make(vfs, p, box) : err;
}

static mk_err box_open(const mk_vfs *vfs, mk_dir root, mk_str domain,
                       mk_str user, mk_maildir *out_box)
{
    path p = {{MK_VFS_NONE}, {MK_VFS_NONE}, {MK_VFS_NONE}};
    mk_maildir box = {vfs, {MK_VFS_NONE}, {MK_VFS_NONE}, {MK_VFS_NONE}};
    mk_err err = path_enter(vfs, root, domain, user, &p);

    if (err == MK_OK) {
        err = box_enter(vfs, &p, &box);
    }
    dir_drop(vfs, &p.user);
    dir_drop(vfs, &p.domain);
    dir_drop(vfs, &p.root);
    if (err != MK_OK) {
        mk_maildir_close(&box);
        return err;
    }
    *out_box = box;
    return MK_OK;
}

mk_err mk_maildir_open(const mk_vfs *vfs, mk_dir root, mk_str domain,
                       mk_str user, mk_maildir *out_box)
{
    mk_err err = names_check(domain, user);

    return err == MK_OK ? box_open(vfs, root, domain, user, out_box) : err;
}

mk_err mk_maildir_open_at(const mk_vfs *vfs, mk_dir parent, mk_str name,
                          mk_maildir *out_box)
{
    if (name.len == 0 || name.len > MK_VFS_NAME_MAX || mk_str_has_ctl(name) ||
        mk_str_find(name, '/') < name.len || mk_str_is(name, mk_str_z(".")) ||
        mk_str_is(name, mk_str_z(".."))) {
        return MK_E_ARG;
    }
    return box_open(vfs, parent, mk_str_of(NULL, 0), name, out_box);
}

/* As dir_enter; what is not there is none. */
static mk_err dir_visit(const mk_vfs *vfs, mk_dir at, const char *name,
                        mk_dir *io_dir)
{
    mk_err err = dir_enter(vfs, at, name, io_dir);

    return err == MK_E_NOENT ? MK_OK : err;
}

static mk_err box_visit(const mk_vfs *vfs, const path *p, mk_maildir *box)
{
    mk_err err = dir_visit(vfs, p->user, "new", &box->dir_new);

    return err == MK_OK ? dir_visit(vfs, p->user, "cur", &box->dir_cur) : err;
}

mk_err mk_maildir_enter(const mk_vfs *vfs, mk_dir root, mk_str domain,
                        mk_str user, mk_maildir *out_box)
{
    path p = {{MK_VFS_NONE}, {MK_VFS_NONE}, {MK_VFS_NONE}};
    mk_maildir box = {vfs, {MK_VFS_NONE}, {MK_VFS_NONE}, {MK_VFS_NONE}};
    char name[MK_VFS_NAME_MAX + 1];
    mk_err err = names_check(domain, user);

    if (err == MK_OK) {
        err = dir_visit(vfs, root, name_put(name, domain), &p.domain);
    }
    if (err == MK_OK && p.domain.id != MK_VFS_NONE) {
        err = dir_visit(vfs, p.domain, name_put(name, user), &p.user);
    }
    if (err == MK_OK && p.user.id != MK_VFS_NONE) {
        err = box_visit(vfs, &p, &box);
    }
    dir_drop(vfs, &p.user);
    dir_drop(vfs, &p.domain);
    if (err != MK_OK) {
        mk_maildir_close(&box);
        return err;
    }
    *out_box = box;
    return MK_OK;
}

void mk_maildir_close(mk_maildir *box)
{
    if (box->vfs == NULL) {
        return;
    }
    dir_drop(box->vfs, &box->dir_tmp);
    dir_drop(box->vfs, &box->dir_new);
    dir_drop(box->vfs, &box->dir_cur);
    box->vfs = NULL;
}

static mk_err sweep_one(const mk_maildir *box, const char *name,
                        uint64_t before_s, uint64_t *io_removed)
{
    mk_vfs_stat st;
    mk_err err = box->vfs->entry_stat(box->vfs->self, box->dir_tmp, name, &st);

    if (err != MK_OK) {
        return err == MK_E_NOENT ? MK_OK : err;
    }
    if (st.kind != MK_VFS_KIND_FILE || st.modified_s >= before_s) {
        return MK_OK;
    }
    err = box->vfs->entry_remove(box->vfs->self, box->dir_tmp, name);
    if (err == MK_OK) {
        ++*io_removed;
    }
    return err == MK_E_NOENT ? MK_OK : err;
}

mk_err mk_maildir_sweep(const mk_maildir *box, uint64_t now_s, uint64_t age_s,
                        uint64_t *out_removed)
{
    uint64_t before_s = now_s > age_s ? now_s - age_s : 0;
    char name[MK_VFS_NAME_MAX + 1];
    uint64_t removed = 0;
    mk_listing walk;
    mk_err first = box->vfs->list_open(box->vfs->self, box->dir_tmp, &walk);
    mk_err err;

    if (out_removed != NULL) {
        *out_removed = 0;
    }
    if (first != MK_OK) {
        return first;
    }
    while ((err = box->vfs->list_read(box->vfs->self, walk, name)) == MK_OK) {
        err = sweep_one(box, name, before_s, &removed);
        first = first == MK_OK ? err : first;
    }
    box->vfs->list_close(box->vfs->self, walk);
    if (out_removed != NULL) {
        *out_removed = removed;
    }
    return first == MK_OK && err != MK_END ? err : first;
}
