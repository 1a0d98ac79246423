/* SPDX-License-Identifier: MIT
 *
 * main.c: mailkit(1), one tool with sub-commands. A sub-command is a row of
 * the table and a file; it is given its own arguments with its name in front
 * and returns an exit code of sysexits.
 */
#include "tool.h"

#include <string.h>

static const struct {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"send", "submit a message to an SMTP server", tool_send},
#ifdef MAILKIT_FETCH
    {"fetch", "fetch the messages of a POP3 maildrop", tool_fetch},
#endif
    {"parse", "show messages: fields, parts, what is odd", tool_parse},
    {"relaytest", "try whether a server is an open relay", tool_relaytest},
#ifdef MAILKIT_PASSWD
    {"passwd", "make a line for mailkitd's --users", tool_passwd},
#endif
};

static void help(FILE *to)
{
    size_t i;

    fputs("usage: mailkit COMMAND [OPTION...]\n"
          "       mailkit COMMAND --help\n\ncommands:\n",
          to);
    for (i = 0; i < sizeof commands / sizeof *commands; i++) {
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
    }
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    size_t i;

    if (strcmp(name, "--help") == 0) {
        help(stdout);
        return tool_close_output(TOOL_OK);
    }
    if (strcmp(name, "--version") == 0) {
        printf("mailkit %s\n", mk_version());
        return tool_close_output(TOOL_OK);
    }
    for (i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(name, commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    if (*name != '\0') {
        tool_fail(TOOL_USAGE, name, "no such command");
    }
    help(stderr);
    return TOOL_USAGE;
}
