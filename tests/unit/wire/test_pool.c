/* SPDX-License-Identifier: MIT
 *
 * test_pool.c: the pool of units: bounds, reuse, both sources of memory, and
 * an allocator that fails at the n-th call.
 */
#include <mailkit/engine.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct counting {
    size_t calls;
    size_t live;
    size_t fail_at; /* 1 is the first; 0: never */
} counting;

static void *counting_get(void *self, size_t n)
{
    counting *c = self;

    c->calls++;
    if (c->calls == c->fail_at) {
        return NULL;
    }
    c->live++;
    return malloc(n);
}

static void counting_put(void *self, void *ptr, size_t n)
{
    counting *c = self;

    memset(ptr, 0xdd, n);
    c->live--;
    free(ptr);
}

static void test_bounds_of_arguments(void **state)
{
    static const struct {
        size_t unit_bytes;
        size_t max;
        mk_err want;
    } rows[] = {
        {63, 1, MK_E_ARG}, {64, 1, MK_OK},
        {64, 0, MK_E_ARG}, {1024 * 1024, 1, MK_OK},
        {0, 1, MK_E_ARG},  {1024 * 1024 + 1, 1, MK_E_ARG},
    };
    char *mem = malloc(1024);
    mk_pool pool;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(mk_pool_init(&pool, mk_alloc_libc(),
                                      rows[i].unit_bytes, rows[i].max),
                         rows[i].want);
    }
    assert_int_equal(mk_pool_init(NULL, mk_alloc_libc(), 64, 1), MK_E_ARG);
    assert_int_equal(mk_pool_init(&pool, NULL, 64, 1), MK_E_ARG);
    assert_int_equal(mk_pool_init_mem(&pool, NULL, 1024, 64), MK_E_ARG);
    assert_int_equal(mk_pool_init_mem(&pool, mem + 1, 1023, 64), MK_E_ARG);
    assert_int_equal(mk_pool_init_mem(&pool, mem, 1024, 65), MK_E_ARG);
    assert_int_equal(mk_pool_init_mem(&pool, mem, 63, 64), MK_E_ROOM);
    assert_int_equal(mk_pool_init_mem(&pool, mem, 64, 64), MK_OK);
    free(mem);
}

static void test_units_are_bounded_and_used_again(void **state)
{
    counting c = {0, 0, 0};
    mk_alloc alloc = {&c, counting_get, counting_put};
    mk_pool pool;
    void *a;
    void *b;

    (void)state;
    assert_int_equal(mk_pool_init(&pool, &alloc, 128, 2), MK_OK);
    assert_int_equal(c.calls, 0);
    a = mk_pool_take(&pool);
    b = mk_pool_take(&pool);
    assert_non_null(a);
    assert_non_null(b);
    assert_ptr_not_equal(a, b);
    assert_null(mk_pool_take(&pool));
    assert_int_equal(pool.taken, 2);
    memset(a, 0xaa, 128);
    memset(b, 0xbb, 128);
    mk_pool_give(&pool, a);
    mk_pool_give(&pool, NULL);
    assert_int_equal(pool.taken, 1);
    assert_ptr_equal(mk_pool_take(&pool), a);
    mk_pool_give(&pool, b);
    mk_pool_give(&pool, a);
    assert_int_equal(c.calls, 2);
    mk_pool_fini(&pool);
    assert_int_equal(c.live, 0);
}

static void test_memory_of_the_caller_is_cut_whole(void **state)
{
    void **mem = malloc(3 * 64 + 40);
    char *unit[3];
    mk_pool pool;
    size_t i;

    (void)state;
    assert_int_equal(mk_pool_init_mem(&pool, mem, 3 * 64 + 40, 64), MK_OK);
    for (i = 0; i < 3; i++) {
        unit[i] = mk_pool_take(&pool);
        assert_ptr_equal(unit[i], (char *)mem + i * 64);
        memset(unit[i], 0xee, 64);
    }
    assert_null(mk_pool_take(&pool));
    for (i = 0; i < 3; i++) {
        mk_pool_give(&pool, unit[i]);
    }
    assert_ptr_equal(mk_pool_take(&pool), unit[2]);
    mk_pool_give(&pool, unit[2]);
    mk_pool_fini(&pool);
    free(mem);
}

static void test_every_allocation_may_fail(void **state)
{
    size_t n;

    (void)state;
    for (n = 1; n <= 3; n++) {
        counting c = {0, 0, n};
        mk_alloc alloc = {&c, counting_get, counting_put};
        void *unit[3];
        mk_pool pool;
        size_t i;

        assert_int_equal(mk_pool_init(&pool, &alloc, 64, 3), MK_OK);
        for (i = 0; i < 3; i++) {
            unit[i] = mk_pool_take(&pool);
            assert_true((unit[i] == NULL) == (i + 1 == n));
        }
        assert_int_equal(pool.taken, 2);
        assert_int_equal(pool.made, 2);
        for (i = 0; i < 3; i++) {
            mk_pool_give(&pool, unit[i]);
        }
        mk_pool_fini(&pool);
        assert_int_equal(c.live, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds_of_arguments),
        cmocka_unit_test(test_units_are_bounded_and_used_again),
        cmocka_unit_test(test_memory_of_the_caller_is_cut_whole),
        cmocka_unit_test(test_every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
