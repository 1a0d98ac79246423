/* SPDX-License-Identifier: MIT
 *
 * replay.c: runs a fuzz target over files and folders of inputs, as an
 * ordinary test with any compiler. Also every input cut off at its half, and
 * each seed behind every header of a fixed set, so that a corpus reaches the
 * settings that it was not made with; but each as it is after --once. Usage:
 * replay [--once] FILE-OR-FOLDER ...
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

static unsigned long inputs;
static bool is_once;

/* in memory of the exact size, for ASan */
static void run_copy(const char *octets, size_t n, const uint8_t *header)
{
    uint8_t *copy = malloc(n == 0 ? 1 : n);
    if (copy == NULL) {
        abort();
    }
    if (n > 0) {
        memcpy(copy, octets, n);
    }
    if (header != NULL && n >= 4) {
        memcpy(copy, header, 4);
    }
    (void)LLVMFuzzerTestOneInput(copy, n);
    free(copy);
    inputs++;
}

static int run_file(const char *path)
{
    static const uint8_t headers[][4] = {
        {0, 0, 7, 0},      {15, 0, 3, 9},      {16, 0xFF, 2, 18},
        {32, 0x3C, 5, 27}, {64, 0x92, 13, 36}, {0xE0, 0xB5, 4, 200},
    };
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        return 1;
    }
    text all = {0};
    char block[4096];
    size_t n;
    text_z(&all, "");
    while ((n = fread(block, 1, sizeof block, f)) > 0) {
        text_add(&all, block, n);
    }
    fclose(f);
    run_copy(all.ptr, all.len, NULL);
    if (!is_once) {
        run_copy(all.ptr, all.len / 2, NULL);
        for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
            run_copy(all.ptr, all.len, headers[i]);
        }
    }
    text_free(&all);
    return 0;
}

static int run_folder(const char *path, DIR *folder)
{
    int bad = 0;
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        text name = {0};
        struct stat st;
        text_z(&name, path);
        text_z(&name, "/");
        text_z(&name, entry->d_name);
        if (stat(name.ptr, &st) == 0 && S_ISREG(st.st_mode)) {
            bad += run_file(name.ptr);
        }
        text_free(&name);
    }
    return bad;
}

int main(int argc, char **argv)
{
    int bad = 0;
    is_once = argc > 1 && strcmp(argv[1], "--once") == 0;
    for (int i = is_once ? 2 : 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        if (folder == NULL) {
            bad += run_file(argv[i]);
        } else {
            bad += run_folder(argv[i], folder);
            closedir(folder);
        }
    }
    printf("%lu inputs\n", inputs);
    return bad == 0 && inputs > 0 ? 0 : 1;
}
