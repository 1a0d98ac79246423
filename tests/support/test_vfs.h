/* SPDX-License-Identifier: MIT
 *
 * test_vfs.h: a mk_vfs for tests over the POSIX one in a directory of its
 * own: counts the calls that can fail, fails the n-th once or from then on,
 * shortens reads and writes, and records what was done, so that a test can
 * ask whether a name was durable when it was reported. One thread only.
 */
#ifndef MK_TEST_VFS_H
#define MK_TEST_VFS_H

#include <mailkit/vfs.h>

#define TEST_VFS_TRACE_MAX 8192u
#define TEST_VFS_HANDLES_MAX 1024

typedef enum test_vfs_op {
    TEST_VFS_DIR_OPEN,
    TEST_VFS_DIR_MAKE,
    TEST_VFS_DIR_SYNC,
    TEST_VFS_DIR_STAT,
    TEST_VFS_DIR_SPACE,
    TEST_VFS_LIST_OPEN,
    TEST_VFS_LIST_READ,
    TEST_VFS_CREATE,
    TEST_VFS_OPEN,
    TEST_VFS_WRITE,
    TEST_VFS_READ,
    TEST_VFS_FLUSH,
    TEST_VFS_SYNC,
    TEST_VFS_CLOSE,
    TEST_VFS_STAT,
    TEST_VFS_ENTRY_STAT,
    TEST_VFS_RENAME,
    TEST_VFS_LINK,
    TEST_VFS_REMOVE,
    TEST_VFS_REPORTED /* put there by test_vfs_report */
} test_vfs_op;

typedef struct test_vfs_step {
    test_vfs_op op;
    mk_err err;   /* MK_OK: it took effect */
    intptr_t dir; /* the directory it went to; -1 none */
    char name[256];
    char to_name[256];
} test_vfs_step;

typedef struct test_vfs {
    mk_vfs vfs; /* hand out &t->vfs */
    const mk_vfs *under;
    unsigned calls;   /* that could fail, so far */
    unsigned fail_at; /* 1 is the first; 0 never */
    bool fail_on;     /* also all after it */
    mk_err fail_err;
    int only_op;        /* count and fail only this test_vfs_op; -1 all */
    size_t chunk;       /* most octets a read or write takes; 0 all */
    mk_vfs_space space; /* what dir_space tells when .bytes is not 0 */
    test_vfs_op failed; /* the operation that was failed first */
    size_t n;
    test_vfs_step trace[TEST_VFS_TRACE_MAX];
    char files[TEST_VFS_HANDLES_MAX][256]; /* name by descriptor */
    intptr_t again[TEST_VFS_HANDLES_MAX];  /* opened as "." of: by descriptor */
    char root[64]; /* path of the directory made by test_vfs_open */
    mk_dir root_dir;
} test_vfs;

/** Make a temporary directory and a table over it; never NULL. */
test_vfs *test_vfs_open(void);
/** Remove the directory and all in it, and free. */
void test_vfs_close(test_vfs *t);
/** Forget trace and counts; stop failing and shortening. */
void test_vfs_reset(test_vfs *t);
/** Note in the trace that this name was reported as stored. */
void test_vfs_report(test_vfs *t, const char *name);
/** How many steps of this kind took effect. */
unsigned test_vfs_count(const test_vfs *t, test_vfs_op op);
/** Was every reported name written, then synced, then renamed, then its
 *  directory synced, then reported, in this order? A name that was never
 *  reported gives false as well: there must be at least one. */
bool test_vfs_is_durable(const test_vfs *t);

/** Entries of a directory below the root ("d/u/new"); -1 when it is not. */
int test_vfs_entries(const test_vfs *t, const char *path);
/** The name of the only entry of a directory below the root. */
bool test_vfs_only_entry(const test_vfs *t, const char *path, char out[256]);
/** Remove the files of a directory below the root; false when one stays. */
bool test_vfs_clear(const test_vfs *t, const char *path);
/** Contents of a file below the root; octets read, -1 when absent. */
long test_vfs_contents(const test_vfs *t, const char *path, void *out,
                       size_t max);
/** Write a file below the root. */
void test_vfs_put(const test_vfs *t, const char *path, const void *data,
                  size_t n);
/** A path below the root, for system calls; static buffer. */
const char *test_vfs_path(const test_vfs *t, const char *path);
/** Open descriptors of this process. */
int test_fd_count(void);

/** An allocator that fails the n-th request and counts what is out. */
typedef struct test_alloc {
    mk_alloc alloc; /* hand out &a->alloc */
    unsigned calls;
    unsigned fail_at; /* 1 is the first; 0 never */
    size_t out_count;
    size_t out_bytes;
} test_alloc;

/** Start counting; fails none. */
void test_alloc_init(test_alloc *a);

#endif
