/* SPDX-License-Identifier: MIT
 *
 * test_golden.c: each message of the folder given gives the tree that lies
 * beside it, at every size of piece (Law 4). UPDATE_GOLDEN=1 in the environment
 * writes the trees anew, and is the only way to do so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tree.h"

enum { NAMES = 200, NAME = 64 };

static const char *folder;
static char names[NAMES][NAME];
static size_t count;

static int by_octets(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void find_names(void)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        const char *dot = strrchr(e->d_name, '.');
        if (dot != NULL && strcmp(dot, ".eml") == 0) {
            assert_true(count < NAMES && dot - e->d_name < NAME);
            memcpy(names[count], e->d_name, (size_t)(dot - e->d_name));
            count++;
        }
    }
    (void)closedir(dir);
    qsort(names, count, NAME, by_octets);
}

static void path_of(size_t i, const char *suffix, char *out, size_t n)
{
    assert_true(snprintf(out, n, "%s/%s%s", folder, names[i], suffix) < (int)n);
}

static bool read_file(size_t i, const char *suffix, text *out)
{
    char path[1024];
    char buf[4096];
    size_t n;
    path_of(i, suffix, path, sizeof path);
    FILE *f = fopen(path, "rbe");
    if (f == NULL) {
        return false;
    }
    while ((n = fread(buf, 1, sizeof buf, f)) > 0) {
        text_add(out, buf, n);
    }
    (void)fclose(f);
    return true;
}

static void write_tree(size_t i, const text *tree)
{
    char path[1024];
    path_of(i, ".tree", path, sizeof path);
    FILE *f = fopen(path, "wbe");
    assert_non_null(f);
    assert_int_equal(fwrite(tree->ptr, 1, tree->len, f), tree->len);
    assert_int_equal(fclose(f), 0);
}

static int compare(size_t i, const text *message)
{
    text tree = {0};
    text want = {0};
    int failed = 0;
    const char *broken =
        tree_trace(text_view(message), NULL, 0, TREE_TEXT, &tree);
    if (getenv("UPDATE_GOLDEN") != NULL) {
        write_tree(i, &tree);
    }
    if (broken != NULL || !read_file(i, ".tree", &want) ||
        !text_same(&tree, &want)) {
        print_error("%s: %s\n--- is\n%s--- should be\n%s", names[i],
                    broken != NULL ? broken : "another tree", text_c(&tree),
                    text_c(&want));
        failed = 1;
    }
    for (size_t chunk = 1; chunk <= message->len + 1 && failed == 0; chunk++) {
        text cut = {0};
        broken = tree_trace(text_view(message), NULL, chunk, TREE_TEXT, &cut);
        if (broken != NULL || !text_same(&tree, &cut)) {
            print_error("%s in pieces of %zu: %s\n%s", names[i], chunk,
                        broken != NULL ? broken : "another tree", text_c(&cut));
            failed = 1;
        }
        text_free(&cut);
    }
    text_free(&tree);
    text_free(&want);
    return failed;
}

static void each_message_has_its_tree(void **state)
{
    int failed = 0;
    (void)state;
    find_names();
    assert_true(count > 30);
    for (size_t i = 0; i < count; i++) {
        text message = {0};
        assert_true(read_file(i, ".eml", &message));
        failed += compare(i, &message);
        text_free(&message);
    }
    assert_int_equal(failed, 0);
}

static int compare_readings(size_t i, const text *message)
{
    static const uint32_t readings[] = {1, 2, 4, 8, 16, 32, 55, 59, 63};
    mk_message_config config;
    int failed = 0;
    mk_message_config_init(&config, sizeof config);
    for (size_t k = 0; k < sizeof readings / sizeof readings[0]; k++) {
        text whole = {0};
        config.reading = readings[k];
        const char *broken =
            tree_trace(text_view(message), &config, 0, TREE_TEXT, &whole);
        for (size_t chunk = 1; chunk < 4; chunk++) {
            text cut = {0};
            const char *again =
                tree_trace(text_view(message), &config, chunk, TREE_TEXT, &cut);
            if (broken != NULL || again != NULL || !text_same(&whole, &cut)) {
                print_error("%s by %u in pieces of %zu\n", names[i],
                            (unsigned)config.reading, chunk);
                failed = 1;
            }
            text_free(&cut);
        }
        text_free(&whole);
    }
    return failed;
}

/* THREATS 63: what others see is seen however it comes, too. */
static void sec_063_each_reading_is_cut_anywhere(void **state)
{
    int failed = 0;
    (void)state;
    for (size_t i = 0; i < count; i++) {
        text message = {0};
        assert_true(read_file(i, ".eml", &message));
        failed += compare_readings(i, &message);
        text_free(&message);
    }
    assert_int_equal(failed, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_message_has_its_tree),
        cmocka_unit_test(sec_063_each_reading_is_cut_anywhere),
    };
    folder = argc > 1 ? argv[1] : ".";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
