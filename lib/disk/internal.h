/* SPDX-License-Identifier: MIT
 *
 * disk/internal.h: what the files of disk/ share with each other and with
 * their tests: the table from errno to mk_err, and the rename for kernels
 * and file systems without RENAME_NOREPLACE. Nothing here is for other
 * folders.
 */
#ifndef MK_DISK_INTERNAL_H
#define MK_DISK_INTERNAL_H

#include <mailkit/disk.h>

/** The mk_err of an errno value.
 *
 * @param number  any; 0 and unknown values give MK_E_IO, so that a failed
 *                call can never look like success. */
mk_err mk_disk_err(int number);

/** Rename without replacing by link and unlink.
 *
 * @return as mk_vfs.entry_rename; on failure both names are as before. */
mk_err mk_disk_rename_by_link(int at, const char *name, int to,
                              const char *to_name);

#endif
