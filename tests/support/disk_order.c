/* SPDX-License-Identifier: MIT
 *
 * disk_order.c: fake_disk_disorder, the order of syncs read off what was done:
 * contents, name, directory, report (docs/maildir.md). It asks the trace
 * alone, no file system and no model of one.
 */
#include <string.h>

#include "fake_disk.h"

static bool is_move(const disk_op *op)
{
    return (op->kind == DISK_RENAME || op->kind == DISK_LINK) &&
           op->to_dir != op->dir;
}

static bool is_synced_between(const fake_disk *d, disk_kind kind, int node,
                              size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        const disk_op *op = &d->ops[i];
        if (op->kind == kind && op->node == node && op->done &&
            op->err == MK_OK) {
            return true;
        }
    }
    return false;
}

/* The contents at the moment when a file gets its place. */
static const char *contents_disorder(const fake_disk *d, size_t moved)
{
    int node = d->ops[moved].node;
    bool synced = false;
    bool failed = false;

    for (size_t i = 0; i < d->count; i++) {
        const disk_op *op = &d->ops[i];
        if (op->node != node) {
            continue;
        }
        if (op->kind == DISK_WRITE && op->done) {
            if (i > moved) {
                return "a file was written after it got its place";
            }
            synced = false;
        }
        if ((op->kind == DISK_SYNC || op->kind == DISK_CLOSE) && i < moved) {
            synced = synced || (op->kind == DISK_SYNC && op->err == MK_OK);
            failed = failed || op->err != MK_OK;
        }
    }
    if (failed) {
        return "a file got its place though its sync or close had failed";
    }
    return synced ? NULL : "a file got its place before it was synced";
}

/* The name, and the names of the directories above it that were made. */
static const char *name_disorder(const fake_disk *d, size_t moved, size_t to)
{
    int dir = d->ops[moved].to_dir;

    if (!is_synced_between(d, DISK_DIR_SYNC, dir, moved, to)) {
        return "a message was reported before its directory was synced";
    }
    for (size_t i = moved; i-- > 0;) {
        const disk_op *op = &d->ops[i];
        if (op->kind == DISK_DIR_MAKE && op->done && op->node == dir) {
            dir = op->dir;
            if (!is_synced_between(d, DISK_DIR_SYNC, dir, i, to)) {
                return "a message was reported in a box whose way was not "
                       "synced";
            }
        }
    }
    return NULL;
}

static bool is_removed(const fake_disk *d, const disk_op *move, size_t from,
                       size_t to)
{
    for (size_t i = from; i < to; i++) {
        const disk_op *op = &d->ops[i];
        if (op->kind == DISK_REMOVE && op->done && op->dir == move->to_dir &&
            strcmp(op->name, move->to_name) == 0) {
            return true;
        }
    }
    return false;
}

static const char *note_disorder(const fake_disk *d, size_t note)
{
    const char *text = d->ops[note].name;
    bool any = false;

    for (size_t i = 0; i < note; i++) {
        const disk_op *op = &d->ops[i];
        if (!is_move(op) || !op->done || is_removed(d, op, i, note) ||
            !disk_node_has(&d->now.nodes[op->node], text)) {
            continue;
        }
        const char *fault = name_disorder(d, i, note);
        if (fault != NULL) {
            return fault;
        }
        any = true;
    }
    return any ? NULL : "a message was reported that has no place";
}

static const char *sync_disorder(const fake_disk *d, size_t failed)
{
    for (size_t i = failed + 1; i < d->count; i++) {
        if (d->ops[i].kind == DISK_SYNC &&
            d->ops[i].node == d->ops[failed].node) {
            return "a file was synced again after that had failed";
        }
    }
    return NULL;
}

const char *fake_disk_disorder(const fake_disk *d)
{
    for (size_t i = 0; i < d->count; i++) {
        const disk_op *op = &d->ops[i];
        const char *fault = NULL;

        if (op->kind == DISK_NOTE) {
            fault = note_disorder(d, i);
        } else if (op->kind == DISK_SYNC && op->err != MK_OK) {
            fault = sync_disorder(d, i);
        } else if (is_move(op) && op->done && !d->now.nodes[op->node].is_dir) {
            fault = contents_disorder(d, i);
        }
        if (fault != NULL) {
            return fault;
        }
    }
    return d->broken;
}
