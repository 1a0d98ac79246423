/* SPDX-License-Identifier: MIT
 *
 * log.c: where lines go: stderr with an ISO 8601 time in UTC, or syslog. What
 * peers said was escaped by mk_log_format; a format string is never made of
 * it (THREATS 27).
 */
#include "mailkitd.h"

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>

static bool is_open;
static bool to_syslog;

void log_open(bool use_syslog)
{
    is_open = true;
    to_syslog = use_syslog;
    if (use_syslog) {
        openlog("mailkitd", LOG_PID | LOG_NDELAY, LOG_MAIL);
    }
}

void log_line(const char *line)
{
    struct timespec now;
    struct tm utc;
    char when[32] = "";

    if (to_syslog) {
        syslog(LOG_INFO, "%s", line);
        return;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &utc) != NULL) {
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &utc);
    }
    fprintf(stderr, "%s.%03ldZ %s\n", when, now.tv_nsec / 1000000, line);
}

void log_record(void *self, const mk_log_record *record)
{
    char line[MK_LOG_LINE_MAX + 1];
    mk_buf b;

    (void)self;
    mk_buf_init(&b, line, sizeof line - 1);
    (void)mk_log_format(record, &b); /* what fits is shown */
    line[b.len] = '\0';
    log_line(line);
}

void complain(const char *format, ...)
{
    char text[MK_LOG_LINE_MAX + 1];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (is_open) {
        log_line(text);
    } else {
        fprintf(stderr, "mailkitd: %s\n", text);
    }
}
