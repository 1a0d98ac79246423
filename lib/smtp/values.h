/* SPDX-License-Identifier: MIT
 *
 * smtp/values.h: values of parameters that a client writes as a server reads
 * them: their grammars stand once. Those with a meaning beyond it are where
 * that is.
 */
#ifndef SMTP_VALUES_H
#define SMTP_VALUES_H

#include <mailkit/base.h>

/* Solicitation-keywords (RFC 3865 2.2); at least one, 1,000 octets at most. */
bool mk_smtp_is_solicit(mk_str keywords);

#endif
