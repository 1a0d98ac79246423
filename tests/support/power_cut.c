/* SPDX-License-Identifier: MIT
 *
 * power_cut.c: the calls before the cut are taken apart into what reaches the
 * medium by itself (parts). Those behind no barrier are counted by wheels, one
 * for each group that the model keeps in order: a wheel's number says how many
 * of its parts are on the medium. A free part has a wheel of its own.
 */
#include "power_cut.h"

#include <stdlib.h>
#include <string.h>

typedef enum part_kind {
    PART_NAME,
    PART_ADD,
    PART_LEAVE,
    PART_SIZE,
    PART_DATA
} part_kind;

typedef struct part {
    part_kind kind;
    size_t op;
    size_t from; /* data: octets of the write; size: the new length */
    size_t to;
    bool is_durable;
    bool is_doomed; /* a sync failed over it: no later one holds (G5) */
    int group;      /* parts of equal group reach the medium in order; -1 */
    size_t wheel;
    unsigned tooth; /* on the medium when the wheel shows more */
} part;

typedef struct wheel {
    int group;
    unsigned teeth; /* shows 0 to teeth */
    unsigned shows;
} wheel;

typedef struct cut {
    const fake_disk *d;
    const cut_plan *plan;
    size_t at;
    part *parts;
    size_t count;
    wheel *wheels;
    size_t wheel_count;
    uint64_t random;
    cut_look look;
    void *self;
    unsigned shown;
} cut;

#define GROUP_NAMES 0 /* and 1 + node for the contents of one file */

/* ---- parts --------------------------------------------------------------- */

static part *part_add(cut *c, part_kind kind, size_t op)
{
    if ((c->count & (c->count + 1)) == 0) {
        c->parts = realloc(c->parts, (c->count + 1) * 2 * sizeof *c->parts);
        if (c->parts == NULL) {
            abort();
        }
    }
    part *p = &c->parts[c->count++];
    memset(p, 0, sizeof *p);
    p->kind = kind;
    p->op = op;
    p->group = GROUP_NAMES;
    if (c->plan->model == CUT_ANYTHING) {
        p->group = -1;
    }
    return p;
}

static void parts_of_write(cut *c, size_t i)
{
    const disk_op *op = &c->d->ops[i];
    size_t block = c->plan->block;
    size_t at = 0;

    while (at < op->len) {
        size_t to = ((size_t)op->offset + at) / block * block + block;
        size_t n = to - ((size_t)op->offset + at);
        n = n < op->len - at ? n : op->len - at;
        part *p = part_add(c, PART_DATA, i);
        p->from = at;
        p->to = at + n;
        p->group = c->plan->model == CUT_ORDERED ? 1 + op->node : -1;
        p = part_add(c, PART_SIZE, i);
        p->to = (size_t)op->offset + at + n;
        if (c->plan->model == CUT_ORDERED) {
            p->group = 1 + op->node;
        }
        at += n;
    }
}

static bool is_name(const part *p)
{
    return p->kind <= PART_LEAVE;
}

/* Is the part a name that the directory holds or held? */
static bool is_name_in(const cut *c, const part *p, int dir)
{
    const disk_op *op = &c->d->ops[p->op];

    if (p->kind == PART_ADD && op->to_dir >= 0) {
        return op->to_dir == dir;
    }
    return is_name(p) &&
           (op->dir == dir || (p->kind == PART_NAME && op->to_dir == dir));
}

static void barrier(cut *c, const disk_op *op)
{
    bool all_names = c->plan->model == CUT_ORDERED;

    for (size_t i = 0; i < c->count; i++) {
        part *p = &c->parts[i];
        bool hit = op->kind == DISK_SYNC
                       ? !is_name(p) && c->d->ops[p->op].node == op->node
                       : is_name_in(c, p, op->node);
        if (op->err != MK_OK) {
            p->is_doomed = p->is_doomed || (hit && !is_name(p));
        } else if ((hit && !p->is_doomed) || (all_names && is_name(p))) {
            p->is_durable = true;
        }
    }
}

static void parts_of(cut *c, size_t i)
{
    const disk_op *op = &c->d->ops[i];

    if (op->kind == DISK_SYNC || op->kind == DISK_DIR_SYNC) {
        barrier(c, op);
    } else if (!op->done) {
        return;
    } else if (op->kind == DISK_WRITE) {
        parts_of_write(c, i);
    } else if (op->kind == DISK_DIR_MAKE || op->kind == DISK_CREATE ||
               op->kind == DISK_LINK) {
        (void)part_add(c, PART_ADD, i);
    } else if (op->kind == DISK_REMOVE) {
        (void)part_add(c, PART_LEAVE, i);
    } else if (op->kind == DISK_RENAME) {
        if (c->plan->model == CUT_ANYTHING) {
            (void)part_add(c, PART_ADD, i);
            (void)part_add(c, PART_LEAVE, i);
        } else {
            (void)part_add(c, PART_NAME, i);
        }
    }
}

static wheel *wheel_for(cut *c, int group)
{
    for (size_t w = 0; w < c->wheel_count && group >= 0; w++) {
        if (c->wheels[w].group == group) {
            return &c->wheels[w];
        }
    }
    c->wheels = realloc(c->wheels, (c->wheel_count + 1) * sizeof *c->wheels);
    if (c->wheels == NULL) {
        abort();
    }
    c->wheels[c->wheel_count] = (wheel){.group = group};
    return &c->wheels[c->wheel_count++];
}

static void wheels_make(cut *c)
{
    for (size_t i = 0; i < c->count; i++) {
        part *p = &c->parts[i];
        if (!p->is_durable) {
            wheel *w = wheel_for(c, p->group);
            p->tooth = w->teeth++;
            p->wheel = (size_t)(w - c->wheels);
        }
    }
}

/* ---- one state ----------------------------------------------------------- */

static bool is_kept(const cut *c, const part *p)
{
    return p->is_durable || c->wheels[p->wheel].shows > p->tooth;
}

static void name_apply(disk_image *i, const disk_op *op, part_kind kind)
{
    bool is_dir = op->kind == DISK_DIR_MAKE;

    if (kind != PART_LEAVE) {
        bool moved = op->to_dir >= 0;
        int dir = moved ? op->to_dir : op->dir;
        /* The directory itself may be out of reach; it is filled all the
         * same, and found by nobody. */
        (void)disk_image_node(i, dir, true);
        disk_image_node(i, op->node, is_dir)->modified_s = op->time_s;
        disk_image_enter(i, dir, moved ? op->to_name : op->name, op->node);
    }
    if (kind != PART_ADD && disk_image_node(i, op->dir, true)->is_dir) {
        disk_image_leave(i, op->dir, op->name);
    }
}

static void sizes_apply(const cut *c, disk_image *image)
{
    char octet = c->plan->model == CUT_ANYTHING ? '\xA5' : '\0';

    for (size_t i = 0; i < c->count; i++) {
        const part *p = &c->parts[i];
        int node = c->d->ops[p->op].node;
        if (p->kind == PART_SIZE && is_kept(c, p) &&
            disk_image_node(image, node, false)->len < p->to) {
            disk_image_resize(image, node, p->to, octet);
        }
    }
}

static void data_apply(disk_image *image, const disk_op *op, const part *p)
{
    disk_node *n = disk_image_node(image, op->node, false);
    size_t from = (size_t)op->offset + p->from;
    size_t to = (size_t)op->offset + p->to;

    n->modified_s = op->time_s;
    to = to < n->len ? to : n->len;
    if (from < to) {
        memcpy(n->octets + from, op->octets + p->from, to - from);
    }
}

static void show(cut *c)
{
    disk_image image;

    disk_image_copy(&image, &c->d->base);
    sizes_apply(c, &image);
    for (size_t i = 0; i < c->count; i++) {
        const part *p = &c->parts[i];
        const disk_op *op = &c->d->ops[p->op];
        if (!is_kept(c, p)) {
            continue;
        }
        if (is_name(p)) {
            name_apply(&image, op, p->kind);
        } else if (p->kind == PART_DATA) {
            data_apply(&image, op, p);
        }
    }
    c->shown++;
    fake_disk *found = fake_disk_of(&image);
    found->time_s = c->d->time_s;
    c->look(c->self, found);
}

/* ---- which states -------------------------------------------------------- */

static void turn_all(cut *c, bool to_the_end)
{
    for (size_t w = 0; w < c->wheel_count; w++) {
        c->wheels[w].shows = to_the_end ? c->wheels[w].teeth : 0;
    }
}

static bool count_on(cut *c)
{
    for (size_t w = 0; w < c->wheel_count; w++) {
        if (c->wheels[w].shows++ < c->wheels[w].teeth) {
            return true;
        }
        c->wheels[w].shows = 0;
    }
    return false;
}

static unsigned chance(cut *c, unsigned below)
{
    c->random ^= c->random << 13;
    c->random ^= c->random >> 7;
    c->random ^= c->random << 17;
    return (unsigned)((c->random >> 32) % below);
}

static void each_state(cut *c)
{
    do {
        show(c);
    } while (count_on(c));
}

/* Nothing, all; each wheel alone at its end, and alone at its start, from
 * another wheel on at each cut; and some by chance. */
static void some_states(cut *c)
{
    turn_all(c, false);
    show(c);
    turn_all(c, true);
    show(c);
    for (unsigned n = 0; n < c->plan->samples; n++) {
        turn_all(c, (n & 1) != 0);
        wheel *w = &c->wheels[(n / 2 + c->at) % c->wheel_count];
        w->shows = (n & 1) != 0 ? 0 : w->teeth;
        show(c);
        for (size_t k = 0; k < c->wheel_count; k++) {
            c->wheels[k].shows = chance(c, c->wheels[k].teeth + 1);
        }
        show(c);
    }
}

unsigned power_cut(const fake_disk *d, size_t at, const cut_plan *plan,
                   cut_look look, void *self)
{
    cut c = {.d = d, .plan = plan, .at = at, .look = look, .self = self};
    unsigned pending = 0;

    c.random = (plan->seed + at) * UINT64_C(0x9E3779B97F4A7C15) | 1;
    for (size_t i = 0; i < at; i++) {
        parts_of(&c, i);
    }
    wheels_make(&c);
    for (size_t w = 0; w < c.wheel_count; w++) {
        pending += c.wheels[w].teeth;
    }
    if (pending <= plan->few) {
        each_state(&c);
    } else {
        some_states(&c);
    }
    free(c.parts);
    free(c.wheels);
    return c.shown;
}
