/* SPDX-License-Identifier: MIT
 *
 * values.h: what the texts of single options must be, beyond a text that is not
 * empty. Each check gives NULL, or what is wrong, in words that fit behind the
 * option and its value. Nothing is kept.
 */
#ifndef MAILKITD_VALUES_H
#define MAILKITD_VALUES_H

#include "mailkitd.h"

const char *name_check(const char *value);
const char *domain_check(const char *value);
const char *mechanism_check(const char *value);
const char *endpoint_check(const char *value);
const char *network_check(const char *value);
const char *extension_check(const char *value);
const char *keywords_check(const char *value);
const char *vrfy_check(const char *value);

#endif
