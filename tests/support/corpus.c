/* SPDX-License-Identifier: MIT
 *
 * corpus.c: see corpus.h. The files are stored with LF; a CR among them is
 * dropped, and none is told from one that was meant.
 */
#include "corpus.h"

#include <stdio.h>

static const char *source_root = ".";

void corpus_init(int argc, char **argv)
{
    source_root = argc > 1 ? argv[1] : ".";
}

bool corpus_load(const char *name, text *out)
{
    char path[1024];
    int c;
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/../shared/corpora/%s", source_root,
                   name);
    f = fopen(path, "rb");
    text_z(out, "");
    if (f == NULL) {
        return false;
    }
    while ((c = fgetc(f)) != EOF) {
        char octet = (char)c;

        if (octet == '\n') {
            text_z(out, "\r\n");
        } else if (octet != '\r') {
            text_add(out, &octet, 1);
        }
    }
    return fclose(f) == 0;
}
