/* SPDX-License-Identifier: MIT
 *
 * corpus.h: files that lie beside this repository in shared/corpora, as the
 * SOURCE in each folder says: other people's dialogues. They need not be there.
 */
#ifndef SUPPORT_CORPUS_H
#define SUPPORT_CORPUS_H

#include "text.h"

/* Where the repository is; from the command line of a test. */
void corpus_init(int argc, char **argv);
/* shared/corpora/NAME with each line's end as CRLF; false: there is none. */
bool corpus_load(const char *name, text *out);

#endif
