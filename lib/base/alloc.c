/* SPDX-License-Identifier: MIT
 *
 * alloc.c: the hook through which memory comes, its filling by the C
 * library, checked addition of sizes, and the wiping of secrets. Memory is
 * always handed out zeroed. Nothing here keeps count or state.
 */
#include <mailkit/base.h>

#include <stdlib.h>
#include <string.h>

void *mk_alloc_get(const mk_alloc *a, size_t n)
{
    void *ptr;

    if (a == NULL || n == 0) {
        return NULL;
    }
    ptr = a->get(a->self, n);
    if (ptr != NULL) {
        memset(ptr, 0, n);
    }
    return ptr;
}

void mk_alloc_put(const mk_alloc *a, void *ptr, size_t n)
{
    if (a != NULL && ptr != NULL) {
        a->put(a->self, ptr, n);
    }
}

static void *libc_get(void *self, size_t n)
{
    (void)self;
    return malloc(n);
}

static void libc_put(void *self, void *ptr, size_t n)
{
    (void)self;
    (void)n;
    free(ptr);
}

const mk_alloc *mk_alloc_libc(void)
{
    static const mk_alloc libc = {NULL, libc_get, libc_put};

    return &libc;
}

/* memset is quick, which counts where each step of a key derivation wipes what
 * it leaves; behind it stands a reader of all memory, so that it is kept. */
void mk_wipe(void *ptr, size_t n)
{
#if defined(__GNUC__)
    if (n > 0) {
        memset(ptr, 0, n);
    }
    __asm__ __volatile__("" : : "r"(ptr) : "memory");
#else
    volatile unsigned char *p = ptr;
    size_t i;

    for (i = 0; i < n; i++) {
        p[i] = 0;
    }
#endif
}

mk_err mk_size_add(size_t a, size_t b, size_t *out_sum)
{
    if (a > SIZE_MAX - b) {
        return MK_E_OVERFLOW;
    }
    *out_sum = a + b;
    return MK_OK;
}
