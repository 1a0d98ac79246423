/* SPDX-License-Identifier: MIT
 *
 * civil.h: the English names of days and months (RFC 5322 §3.3), three
 * letters each, and the range of zones, shared by the date code of base/.
 * No locale has a say in them, and no other language is read or written.
 */
#ifndef MK_BASE_CIVIL_H
#define MK_BASE_CIVIL_H

#include <mailkit/date.h>

/* RFC 5322 §3.3: zone = ( "+" / "-" ) 4DIGIT, the last two 00 to 59. */
#define MK_ZONE_MAX (99 * 60 + 59)

extern const char mk_civil_weekdays[7][4];
extern const char mk_civil_months[12][4];

#endif
