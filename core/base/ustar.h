/* Small tar archives in memory, as every tar reads them (POSIX ustar): what goes to a node as a few files of known content. Trees of the disk
 * are packed elsewhere, by libarchive. */
#ifndef CORE_BASE_USTAR_H
#define CORE_BASE_USTAR_H
#include <stddef.h>

#include "core/base/str.h"

/* Append a file: name of at most 100 bytes, mode as in 0600, len below 8 GiB. Owner 0, time 0: who unpacks says -o and -m. */
void ustar_add(struct str *out, const char *name, unsigned mode, const char *data, size_t len);
/* The end mark, once, after the last file. */
void ustar_end(struct str *out);

#endif
