/* SPDX-License-Identifier: MIT
 *
 * mail_text.c: the text of a message of any length (RFC 5322, RFC 2045), read
 * as it comes, in memory of a fixed size: its subject, the plain text of its
 * parts in UTF-8, and what other parts it has. Nothing else is held.
 *     mail_text <message
 * What is written is the message's own octets: mind where they go. Returns 0,
 * or 1 when standard input cannot be read or standard output be written. */
#include <mailkit/message.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint64_t parser_block[24576 / 8];
static char input[65536];
static mk_text_decoder decoder;

static void show_subject(const mk_field *field)
{
    char subject[1000];
    mk_buf b;

    mk_buf_init(&b, subject, sizeof subject);
    (void)mk_words_decode(field->value, NULL, &b, NULL); /* what fits */
    printf("Subject: %.*s\n", (int)b.len, b.ptr);
}

/* A run of a part's body; NULL: its end. */
static void show_text(mk_str *run)
{
    char utf8[4096];
    mk_buf b;
    mk_err r;

    do {
        mk_buf_init(&b, utf8, sizeof utf8);
        r = run != NULL ? mk_text_decode(&decoder, run, &b)
                        : mk_text_decode_finish(&decoder, &b);
        fwrite(b.ptr, 1, b.len, stdout);
    } while (r == MK_E_ROOM);
}

static void show(mk_message_event *ev, bool *io_is_text)
{
    const mk_part *part = ev->part;

    if (ev->type == MK_MESSAGE_FIELD && part->number == 0 &&
        ev->field.id == MK_FIELD_SUBJECT) {
        show_subject(&ev->field);
    } else if (ev->type == MK_MESSAGE_BODY) {
        *io_is_text = part->kind == MK_PART_LEAF &&
                      part->media == MK_MEDIA_TEXT_PLAIN &&
                      (part->flags & MK_PART_ATTACHMENT) == 0;
        printf("\n[part %" PRIu32 ": %.*s]\n", part->number,
               (int)ev->media_type.len, ev->media_type.ptr);
        if (*io_is_text) { /* an unknown set is read as US-ASCII */
            (void)mk_text_decoder_init(&decoder, (mk_encoding)part->encoding,
                                       (mk_charset)part->charset, NULL);
        }
    } else if (ev->type == MK_MESSAGE_DATA && *io_is_text) {
        show_text(&ev->data);
    } else if (ev->type == MK_MESSAGE_PART_END && *io_is_text) {
        show_text(NULL);
        *io_is_text = false;
    }
}

int main(void)
{
    mk_message_config config;
    mk_message_event ev;
    mk_message *parser;
    size_t held = 0, got = 1;
    bool is_text = false;

    mk_message_config_init(&config, sizeof config);
    config.max_field_bytes = 32768; /* longer ones are cut: input holds one */
    if (mk_message_open(&config, parser_block, sizeof parser_block, &parser) ||
        mk_message_in_max(parser) > sizeof input) {
        return 1;
    }
    while (got > 0) {
        mk_str in;

        got = fread(input + held, 1, sizeof input - held, stdin);
        in = mk_str_of(input, held + got);
        if (got == 0) {
            mk_message_in_eof(parser);
        }
        while (mk_message_step(parser, &in, &ev) == MK_OK) {
            show(&ev, &is_text);
        }
        held = in.len; /* the parser wants to see it again, with more */
        memmove(input, in.ptr, held);
    }
    return ferror(stdin) != 0 || fflush(stdout) != 0 || ferror(stdout) != 0;
}
