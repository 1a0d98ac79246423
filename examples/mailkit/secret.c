/* SPDX-License-Identifier: MIT
 *
 * secret.c: see secret.h. Only the first line counts, so that a file may say
 * more below it. What others may read is complained about, and used. The
 * command gets no standard input (that may be the message) and no shell.
 * Nothing is read into memory that is not wiped.
 */
#include "secret.h"

#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { WORDS_MAX = 64 };

void secret_wipe(secret *s)
{
    mk_wipe(s, sizeof *s);
}

/* The end of each way to get one: it is kept, or complained about. */
static int finish(secret *s, const char *from, const char *why)
{
    if (why == NULL) {
        return TOOL_OK;
    }
    secret_wipe(s);
    return tool_fail(TOOL_NOINPUT, from, why);
}

/* What no password and no token holds; ^C at a terminal is among it. */
static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* One line without its end. NULL, or why it is none. */
static const char *read_line(secret *s, int fd)
{
    ssize_t got = 0;
    size_t i;

    s->len = 0;
    while (s->len < sizeof s->octets) {
        got = read(fd, s->octets + s->len, 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0 || s->octets[s->len] == '\n') {
            break;
        }
        s->len++;
        if (s->octets[s->len - 1] == 0x03) {
            break; /* nobody means this as a password */
        }
    }
    if (got < 0) {
        return "cannot be read";
    }
    if (s->len == sizeof s->octets) {
        return "is too long";
    }
    s->len -= s->len > 0 && s->octets[s->len - 1] == '\r' ? 1 : 0;
    for (i = 0; i < s->len; i++) {
        if (is_control(s->octets[i])) {
            return "holds a control character";
        }
    }
    return s->len == 0 ? "the first line is empty" : NULL;
}

int secret_read_file(secret *s, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    const char *why = "cannot be opened";

    if (fd >= 0) {
        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
            (st.st_mode & (S_IRGRP | S_IROTH)) != 0) {
            tool_fail(0, path, "others can read this password; chmod 600 it");
        }
        why = read_line(s, fd);
        (void)close(fd);
    }
    return finish(s, path, why);
}

/* ---- a command ----------------------------------------------------------- */

/* Ends the words of text in place. */
static bool split(char *text, char **words)
{
    size_t n = 0;

    while (*text != '\0' && n < WORDS_MAX) {
        text += strspn(text, " \t");
        if (*text != '\0') {
            words[n++] = text;
            text += strcspn(text, " \t");
        }
        if (*text != '\0') {
            *text++ = '\0';
        }
    }
    words[n] = NULL;
    return n > 0 && *text == '\0';
}

static void become(char **words, int out)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (nothing >= 0 && dup2(nothing, STDIN_FILENO) == STDIN_FILENO &&
        dup2(out, STDOUT_FILENO) == STDOUT_FILENO) {
        (void)execvp(words[0], words);
    }
    _exit(127);
}

/* What follows the first line is read too, so that the command may end as it
 * likes, and forgotten. */
static bool has_ended_well(int fd, pid_t child)
{
    char rest[512];
    ssize_t got;
    int status = 0;

    do {
        got = read(fd, rest, sizeof rest);
    } while (got > 0 || (got < 0 && errno == EINTR));
    mk_wipe(rest, sizeof rest);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int run(secret *s, char **words)
{
    int ends[2];
    const char *why;
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) < 0) {
        return tool_fail(TOOL_OSERR, words[0], "no pipe can be had");
    }
    child = fork();
    if (child == 0) {
        become(words, ends[1]);
    }
    (void)close(ends[1]);
    why = child < 0 ? "cannot be started" : read_line(s, ends[0]);
    if (child > 0 && !has_ended_well(ends[0], child)) {
        why = "the command failed";
    }
    (void)close(ends[0]);
    return finish(s, words[0], why);
}

int secret_run_command(secret *s, const char *command)
{
    char *words[WORDS_MAX + 1];
    char *text = strdup(command);
    int code;

    if (text == NULL) {
        return tool_fail(TOOL_OSERR, "--password-command", "out of memory");
    }
    code = split(text, words) ? run(s, words)
                              : tool_fail(TOOL_USAGE, "--password-command",
                                          "not 1 to 64 words");
    free(text);
    return code;
}

/* ---- the terminal -------------------------------------------------------- */

/* Without echo. ^C ends the line and shows in it, so that the terminal is as
 * it was before anything happens; who ends us from outside waits for that. */
static const char *ask_once(secret *s, const char *prompt,
                            const struct termios *usual)
{
    struct termios quiet = *usual;
    sigset_t held, before;
    const char *why = "the terminal's echo cannot be switched off";

    quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    quiet.c_lflag |= ECHONL;
    quiet.c_cc[VEOL] = 0x03;
    sigemptyset(&held);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &held, &before);
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0) {
        fputs(prompt, stderr);
        why = read_line(s, STDIN_FILENO);
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, usual);
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return why;
}

int secret_ask(secret *s)
{
    struct termios usual;
    secret again;
    const char *why = "the terminal cannot be asked";

    if (isatty(STDIN_FILENO) != 1) {
        return finish(s, "standard input", read_line(s, STDIN_FILENO));
    }
    memset(&again, 0, sizeof again);
    if (tcgetattr(STDIN_FILENO, &usual) == 0) {
        why = ask_once(s, "Password: ", &usual);
    }
    if (why == NULL) {
        why = ask_once(&again, "Again: ", &usual);
    }
    if (why == NULL &&
        (s->len != again.len || memcmp(s->octets, again.octets, s->len) != 0)) {
        why = "not the same twice";
    }
    secret_wipe(&again);
    return finish(s, "password", why);
}
