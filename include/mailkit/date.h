/* SPDX-License-Identifier: MIT
 *
 * date.h: the date-time of messages (RFC 5322 §3.3), formatted and parsed,
 * with the obsolete forms of §4.3, and civil dates of the proleptic
 * Gregorian calendar. All of it is arithmetic of its own: no clock, no time
 * zone data, no locale. Years are 1 to 9999 for civil dates and 1900 to 9999
 * for date-times.
 */
#ifndef MAILKIT_DATE_H
#define MAILKIT_DATE_H

#include <mailkit/base.h>

MK_EXTERN_C_BEGIN

/** What was odd in a date-time that could be read all the same. */
typedef enum mk_date_defect {
    MK_DATE_OBSOLETE = 1, /**< a form of RFC 5322 §4.3: short year, zone name */
    MK_DATE_WEEKDAY = 2,  /**< the day of the week is another one's */
    MK_DATE_LOOSE = 4,    /**< beyond §4.3: one-digit hour, no zone */
    MK_DATE_ZONE_RANGE = 8 /**< a zone more than 24 hours from UTC */
} mk_date_defect;

/** A date-time as a header field tells it. */
typedef struct mk_date {
    int64_t utc_s;        /**< seconds since 1970-01-01 00:00:00 UTC */
    int32_t zone_minutes; /**< the writer's offset, east positive */
    bool has_zone;        /**< false for "-0000" and what equals it */
    uint32_t defects;     /**< mk_date_defect, or'ed */
} mk_date;

/** A moment taken apart, without a zone. */
typedef struct mk_date_civil {
    int32_t year;    /**< 1 to 9999 */
    int32_t month;   /**< 1 to 12 */
    int32_t day;     /**< 1 to 31 */
    int32_t hour;    /**< 0 to 23 */
    int32_t minute;  /**< 0 to 59 */
    int32_t second;  /**< 0 to 59; 60 is taken as the next minute's 0 */
    int32_t weekday; /**< 0 Sunday to 6 Saturday */
} mk_date_civil;

/** Take seconds apart.
 *
 * @param seconds    since 1970-01-01 00:00:00.
 * @param out_civil  written on success only.
 * @return MK_OK, or MK_E_OVERFLOW outside the years 1 to 9999. */
MK_API mk_err mk_date_split(int64_t seconds, mk_date_civil *out_civil);

/** Put seconds together; the inverse of mk_date_split.
 *
 * @param civil        every field in its range; weekday is not looked at.
 * @param out_seconds  written on success only.
 * @return MK_OK, or MK_E_ARG when a field is out of range or the month has
 *         no such day. */
MK_API mk_err mk_date_join(const mk_date_civil *civil, int64_t *out_seconds);

/** Append a date-time: "Sat, 21 Nov 2026 20:10:00 +0000".
 *
 * @param utc_s         seconds since 1970-01-01 00:00:00 UTC.
 * @param zone_minutes  the offset shown, east positive, -5999 to 5999.
 * @param out           the text is appended, all or nothing.
 * @return MK_OK; MK_E_ARG when the zone, or the year in that zone, is out of
 *         range; MK_E_ROOM with out->full set. RFC 5322 §3.3. */
MK_API mk_err mk_date_format(int64_t utc_s, int zone_minutes, mk_buf *out);

/** Read a date-time.
 *
 * Comments and folding may stand wherever §3.3 and §4.3 let them; they are
 * skipped without recursion. A second of 60 is the next minute's first.
 *
 * @param text      the whole value of a field, folded or not.
 * @param out_date  written on success only.
 * @return MK_OK, perhaps with defects; MK_E_SYNTAX when it cannot be read or
 *         there is no such day or time; MK_E_OVERFLOW for a year after 9999.
 *         RFC 5322 §3.3, §4.3. */
MK_API mk_err mk_date_parse(mk_str text, mk_date *out_date);

/** Read a date-time of the Internet's other form: "2026-11-22T07:30:00Z".
 *
 * A fraction of a second is dropped, a second of 60 is the next minute's
 * first.
 *
 * @param text       all of it, without blanks; any offset.
 * @param out_utc_s  seconds since 1970-01-01 00:00:00 UTC; written on success
 *                   only.
 * @return MK_OK; MK_E_SYNTAX when it is of another form, or there is no such
 *         day or time. RFC 3339 5.6. */
MK_API mk_err mk_date_internet_parse(mk_str text, int64_t *out_utc_s);

MK_EXTERN_C_END
#endif
