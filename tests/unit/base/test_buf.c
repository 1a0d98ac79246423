/* SPDX-License-Identifier: MIT
 *
 * test_buf.c: bounded buffers, errors, the version, the allocator hook and
 * wiping. THREATS 24 (escaping of high octets), 111 (lengths beyond room).
 */
#include "pump.h"

#include <stdio.h>

static void buffers_hold_what_fits(void **state)
{
    char mem[8];
    mk_buf b;

    (void)state;
    mk_buf_init(&b, mem, sizeof mem);
    assert_int_equal(mk_buf_add_z(&b, "abc"), MK_OK);
    assert_int_equal(mk_buf_add_u64(&b, 42), MK_OK);
    assert_int_equal(mk_buf_add_c(&b, '!'), MK_OK);
    assert_int_equal(mk_buf_add(&b, mk_str_of(NULL, 0)), MK_OK);
    assert_int_equal(mk_buf_add_z(&b, "xy"), MK_OK);
    assert_str_equal(mk_buf_str(&b), mk_str_z("abc42!xy"));
    assert_false(b.full);
}

static void a_full_buffer_stays_full(void **state)
{
    char mem[4] = "....";
    mk_buf b;

    (void)state;
    mk_buf_init(&b, mem, 3);
    assert_int_equal(mk_buf_add_z(&b, "ab"), MK_OK);
    assert_int_equal(mk_buf_add_z(&b, "cd"), MK_E_ROOM);
    assert_true(b.full);
    /* A shorter piece would fit, and would leave a hole. */
    assert_int_equal(mk_buf_add_c(&b, 'e'), MK_E_ROOM);
    assert_str_equal(mk_buf_str(&b), mk_str_z("ab"));
    assert_int_equal(mem[2], '.');
    mk_buf_init(&b, mem, 3);
    assert_int_equal(mk_buf_add_z(&b, "xyz"), MK_OK);
    assert_int_equal(mem[3], '.');
}

static void a_buffer_of_nothing(void **state)
{
    mk_buf b;

    (void)state;
    mk_buf_init(&b, NULL, 10);
    assert_int_equal(mk_buf_add(&b, mk_str_of(NULL, 0)), MK_OK);
    assert_int_equal(mk_buf_add_c(&b, 'x'), MK_E_ROOM);
    assert_int_equal(mk_buf_str(&b).len, 0);
}

static void sec_111_views_longer_than_any_room(void **state)
{
    static const size_t lengths[] = {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX - 3,
                                     2147483648U, 4294967295U};
    char mem[8];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        mk_buf b;

        mk_buf_init(&b, mem, sizeof mem);
        assert_int_equal(mk_buf_add_z(&b, "abcd"), MK_OK);
        assert_int_equal(mk_buf_add(&b, mk_str_of("x", lengths[i])), MK_E_ROOM);
        assert_str_equal(mk_buf_str(&b), mk_str_z("abcd"));
    }
}

static void sec_111_numbers_are_written_whole(void **state)
{
    static const struct {
        uint64_t value;
        const char *text;
    } rows[] = {
        {0, "0"},
        {9, "9"},
        {10, "10"},
        {UINT64_C(2147483648), "2147483648"},
        {UINT64_C(4294967296), "4294967296"},
        {UINT64_C(9223372036854775807), "9223372036854775807"},
        {UINT64_MAX, "18446744073709551615"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char mem[20];
        uint64_t back = 0;
        mk_buf b;

        mk_buf_init(&b, mem, sizeof mem);
        assert_int_equal(mk_buf_add_u64(&b, rows[i].value), MK_OK);
        assert_str_equal(mk_buf_str(&b), mk_str_z(rows[i].text));
        assert_int_equal(mk_str_u64(mk_buf_str(&b), &back), MK_OK);
        assert_true(back == rows[i].value);
        mk_buf_init(&b, mem, b.len - 1);
        assert_int_equal(mk_buf_add_u64(&b, rows[i].value), MK_E_ROOM);
        assert_int_equal(b.len, 0);
    }
}

static void hostile_octets_are_shown(void **state)
{
    char mem[64];
    mk_buf b;

    (void)state;
    mk_buf_init(&b, mem, sizeof mem);
    assert_int_equal(
        mk_buf_add_escaped(&b, mk_str_of("a\\\x1B[\r\n\0 ~\x7F", 10), 10),
        MK_OK);
    assert_str_equal(mk_buf_str(&b),
                     mk_str_z("a\\x5C\\x1B[\\x0D\\x0A\\x00 ~\\x7F"));
    mk_buf_init(&b, mem, sizeof mem);
    assert_int_equal(mk_buf_add_escaped(&b, mk_str_z("abcdef"), 3), MK_OK);
    assert_str_equal(mk_buf_str(&b), mk_str_z("abc..."));
    mk_buf_init(&b, mem, 6);
    assert_int_equal(mk_buf_add_escaped(&b, mk_str_z("a\n\n"), 3), MK_E_ROOM);
    assert_str_equal(mk_buf_str(&b), mk_str_z("a\\x0A"));
}

static void sec_024_high_octets_are_escaped(void **state)
{
    int i;

    (void)state;
    for (i = 128; i < 256; i++) {
        char octet = (char)(unsigned char)i;
        char want[5], mem[4];
        mk_buf b;

        (void)snprintf(want, sizeof want, "\\x%02X", (unsigned)i);
        mk_buf_init(&b, mem, sizeof mem);
        assert_int_equal(mk_buf_add_escaped(&b, mk_str_of(&octet, 1), 1),
                         MK_OK);
        assert_str_equal(mk_buf_str(&b), mk_str_z(want));
    }
}

static void errors_have_names_and_texts(void **state)
{
    static const int numbers[] = {
#define NUMBER(name, value, text) value,
        MK_ERR_TABLE(NUMBER)
#undef NUMBER
    };
    size_t count = sizeof numbers / sizeof numbers[0];
    size_t i, k;

    (void)state;
    assert_string_equal(mk_err_name(MK_OK), "OK");
    assert_string_equal(mk_err_name(MK_E_LIMIT), "E_LIMIT");
    assert_string_equal(mk_err_text(MK_E_SPACE), "no space left");
    assert_string_equal(mk_err_name((mk_err)-9999), "?");
    assert_string_equal(mk_err_text((mk_err)9999), "unknown error");
    for (i = 0; i < count; i++) {
        const char *text = mk_err_text((mk_err)numbers[i]);

        assert_true(strlen(text) > 0 && text[strlen(text) - 1] != '.');
        for (k = i + 1; k < count; k++) {
            assert_string_not_equal(mk_err_name((mk_err)numbers[i]),
                                    mk_err_name((mk_err)numbers[k]));
        }
    }
    assert_true(MK_OK == 0 && MK_WAIT > 0 && MK_END > 0 && MK_E_ARG < 0);
}

static void the_version_is_the_header_s(void **state)
{
    char want[32];

    (void)state;
    (void)snprintf(want, sizeof want, "%d.%d.%d", MK_VERSION_MAJOR,
                   MK_VERSION_MINOR, MK_VERSION_PATCH);
    assert_string_equal(mk_version(), want);
}

typedef struct arena {
    unsigned char mem[64];
    int gets, puts;
    bool failing, wiped;
} arena;

static void *arena_get(void *self, size_t n)
{
    arena *a = self;

    assert_true(n > 0);
    a->gets++;
    memset(a->mem, 0xAA, sizeof a->mem);
    return a->failing || n > sizeof a->mem ? NULL : a->mem;
}

static void arena_put(void *self, void *ptr, size_t n)
{
    arena *a = self;
    size_t i;

    assert_ptr_equal(ptr, a->mem);
    a->puts++;
    a->wiped = true;
    for (i = 0; i < n; i++) {
        a->wiped = a->wiped && a->mem[i] == 0;
    }
}

static void memory_comes_zeroed_through_the_hook(void **state)
{
    static const unsigned char zeros[64];
    arena a = {.gets = 0};
    mk_alloc hook = {&a, arena_get, arena_put};
    void *ptr;

    (void)state;
    ptr = mk_alloc_get(&hook, 64);
    assert_ptr_equal(ptr, a.mem);
    assert_memory_equal(ptr, zeros, 64);
    mk_alloc_put(&hook, ptr, 64);
    assert_int_equal(a.puts, 1);
    mk_alloc_put(&hook, NULL, 64);
    assert_int_equal(a.puts, 1);
    assert_null(mk_alloc_get(&hook, 0));
    assert_int_equal(a.gets, 1);
    assert_null(mk_alloc_get(NULL, 8));
    mk_alloc_put(NULL, NULL, 8);
    mk_alloc_put(NULL, a.mem, 8);
    a.failing = true;
    assert_null(mk_alloc_get(&hook, 8));
    ptr = mk_alloc_get(mk_alloc_libc(), 1000);
    assert_non_null(ptr);
    memset(ptr, 1, 1000);
    mk_alloc_put(mk_alloc_libc(), ptr, 1000);
}

static void secrets_are_wiped(void **state)
{
    arena a = {.gets = 0};
    mk_alloc hook = {&a, arena_get, arena_put};
    char *secret;

    (void)state;
    secret = mk_alloc_get(&hook, 32);
    memset(secret, 'x', 32);
    mk_wipe(secret, 31);
    assert_int_equal(secret[30], 0);
    assert_int_equal(secret[31], 'x');
    mk_alloc_put(&hook, secret, 32);
    assert_false(a.wiped);
    mk_wipe(secret, 32);
    mk_alloc_put(&hook, secret, 32);
    assert_true(a.wiped);
    mk_wipe(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffers_hold_what_fits),
        cmocka_unit_test(a_full_buffer_stays_full),
        cmocka_unit_test(a_buffer_of_nothing),
        cmocka_unit_test(sec_111_views_longer_than_any_room),
        cmocka_unit_test(sec_111_numbers_are_written_whole),
        cmocka_unit_test(hostile_octets_are_shown),
        cmocka_unit_test(sec_024_high_octets_are_escaped),
        cmocka_unit_test(errors_have_names_and_texts),
        cmocka_unit_test(the_version_is_the_header_s),
        cmocka_unit_test(memory_comes_zeroed_through_the_hook),
        cmocka_unit_test(secrets_are_wiped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
