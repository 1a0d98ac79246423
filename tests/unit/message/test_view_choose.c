/* SPDX-License-Identifier: MIT
 *
 * test_view_choose.c: what a reader would show of a message, and what it would
 * list beside it (RFC 8621 4.1.4).
 */
#include "seen.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- what a reader shows ------------------------------------------------- */

/* A message from a word: t text, h HTML, i image, p PDF, x text/css, M message;
 * capitals: T and I as attachments, N and J text and image with a name; m(
 * mixed, a( alternative, r( related. */
static void compose(const char *word, text *out)
{
    char open[32];
    size_t depth = 0;
    char number = '0';
    text_z(out, "MIME-Version: 1.0\r\n");
    for (; *word != '\0'; word++) {
        static const char letters[] = "thipxTINMJ";
        static const char *const types[] = {
            "text/plain",
            "text/html",
            "image/png",
            "application/pdf",
            "text/css",
            "text/plain\r\nContent-Disposition: attachment",
            "image/png\r\nContent-Disposition: attachment; filename=x",
            "text/plain; name=x",
            "message/rfc822",
            "image/png; name=x"};
        const char *at = strchr(letters, *word);
        char boundary[] = {'b', depth > 0 ? open[depth - 1] : '-', 0};
        if (*word == '(' || *word == ' ') {
            continue;
        }
        if (depth > 0) {
            text_z(out, "--");
            text_z(out, boundary);
            text_z(out, *word == ')' ? "--\r\n" : "\r\n");
        }
        if (*word == ')') {
            depth--;
        } else if (at != NULL) {
            text_z(out, "Content-Type: ");
            text_z(out, types[at - letters]);
            text_z(out, *word == 'M' ? "\r\n\r\nSubject: x" : "");
            text_z(out, "\r\n\r\nbody\r\n");
        } else {
            boundary[1] = number;
            text_z(out, *word == 'm'   ? "Content-Type: multipart/mixed;"
                        : *word == 'a' ? "Content-Type: multipart/alternative;"
                                       : "Content-Type: multipart/related;");
            text_z(out, " boundary=");
            text_z(out, boundary);
            text_z(out, "\r\n\r\n");
            open[depth] = number;
            depth++;
            number++;
        }
    }
}

/* Of each leaf and each message: t h @. */
static void show_uses(const mk_view *v, text *out)
{
    for (uint32_t i = 0; i < v->part_count; i++) {
        const mk_view_part *p = &v->parts[i];
        if (p->part.kind == MK_PART_MULTIPART) {
            assert_int_equal(p->uses, 0);
            continue;
        }
        text_z(out, out->len > 0 ? " " : "");
        text_z(out, (p->uses & MK_USE_TEXT) != 0 ? "t" : "");
        text_z(out, (p->uses & MK_USE_HTML) != 0 ? "h" : "");
        text_z(out, (p->uses & MK_USE_ATTACHMENT) != 0 ? "@" : "");
        text_z(out, p->uses == 0 ? "." : "");
    }
}

static void chooses_what_to_show(void **state)
{
    static const struct {
        const char *word, *uses;
    } rows[] = {
        {"t", "th"},
        {"h", "th"},
        {"i", "th"},
        {"p", "@"},
        {"x", "@"},
        {"T", "@"},
        {"N", "th"},
        {"M", "@ th"},
        {"m(t p)", "th @"},
        {"m(p t)", "@ th"},
        {"m(t N)", "th @"},
        {"m(N t)", "th th"},
        {"m(t T)", "th @"},
        {"m(t i t)", "th th th"},
        {"m(t I t)", "th @ th"},
        {"a(t h)", "t h"},
        {"a(h t)", "h t"},
        {"a(t t)", "th th"},
        {"a(h)", "th"},
        {"a(t)", "th"},
        {"a(t h p)", "t h @"},
        {"a(t i h)", "t @ h"},
        {"a(p)", "@"},
        {"r(h i)", "th @"},
        {"r(h t)", "th @"},
        {"a(t r(h i i))", "t h @ @"},
        {"a(r(h i))", "th @"},
        {"a(m(t i) h)", "t t@ h"},
        {"m(a(t h) t)", "t h th"},
        {"m(a(h) a(t))", "th th"},
        {"a(m(h t))", "th @"},
        {"m(M t)", "@ th th"},
        {"m(t J)", "th th"},
        {"r(t J)", "th @"},
        {"a(t m(h a(h)))", "t h h"},
        {"a(h m(t a(t)))", "h t t"},
        {"m()", ""},
        {"m(m(m()))", ""},
        /* the example of RFC 8621 4.1.4 */
        {"m(t m(a(m(t i t) r(h i)) I p M) t)", "th t t@ t h @ @ @ @ th th"},
    };
    int failed = 0;
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        text t = {0};
        text uses = {0};
        compose(rows[i].word, &t);
        seen s = look(text_view(&t));
        show_uses(&s.v, &uses);
        if (strcmp(text_c(&uses), rows[i].uses) != 0) {
            print_error("%s: %s instead of %s\n", rows[i].word, text_c(&uses),
                        rows[i].uses);
            failed++;
        }
        text_free(&uses);
        text_free(&t);
        free(s.block);
    }
    assert_int_equal(failed, 0);
}

static void walks_by_use(void **state)
{
    text t = {0};
    (void)state;
    compose("m(t p a(t h) I)", &t);
    seen s = look(text_view(&t));
    uint32_t at = mk_view_next(&s.v, 0, MK_USE_TEXT, MK_PART_NONE);
    assert_int_equal(at, 1);
    at = mk_view_next(&s.v, 0, MK_USE_TEXT, at);
    assert_int_equal(at, 4);
    assert_int_equal(mk_view_next(&s.v, 0, MK_USE_TEXT, at), MK_PART_NONE);
    assert_int_equal(mk_view_next(&s.v, 0, MK_USE_ATTACHMENT, 2), 6);
    assert_int_equal(mk_view_next(&s.v, 0, MK_USE_HTML, 1), 5);
    assert_int_equal(mk_view_next(&s.v, 9, MK_USE_HTML, MK_PART_NONE),
                     MK_PART_NONE);
    assert_int_equal(mk_view_next(&s.v, 3, MK_USE_TEXT, 2), MK_PART_NONE);
    assert_int_equal(mk_view_next(&s.v, 0, MK_USE_TEXT, 9), MK_PART_NONE);
    text_free(&t);
    free(s.block);
}

static void walks_within_a_message(void **state)
{
    text t = {0};
    (void)state;
    compose("m(M t M)", &t);
    seen s = look(text_view(&t));
    const uint32_t none = MK_PART_NONE;
    assert_int_equal(mk_view_next(&s.v, 0, MK_USE_TEXT, none), 3);
    assert_int_equal(mk_view_next(&s.v, 0, MK_USE_TEXT, 3), none);
    assert_int_equal(mk_view_next(&s.v, 0, MK_USE_ATTACHMENT, none), 1);
    assert_int_equal(mk_view_next(&s.v, 0, MK_USE_ATTACHMENT, 1), 4);
    assert_int_equal(mk_view_next(&s.v, 2, MK_USE_TEXT, none), 2);
    assert_int_equal(mk_view_next(&s.v, 2, MK_USE_TEXT, 2), none);
    assert_int_equal(mk_view_next(&s.v, 5, MK_USE_HTML, none), 5);
    assert_int_equal(mk_view_next(&s.v, 5, MK_USE_HTML, 5), none);
    text_free(&t);
    free(s.block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses_what_to_show),
        cmocka_unit_test(walks_by_use),
        cmocka_unit_test(walks_within_a_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
