/* Files of the person's that are read again when they change: told by the kernel, so that waiting costs nothing. */
#ifndef TUI_RELOAD_H
#define TUI_RELOAD_H
#include "core/io/loop.h"

struct reload;

/* Call fn, from the loop and some milliseconds after the last of several changes, when a file in the config folder or in its themes
 * folder was written, renamed or deleted. NULL: this system cannot tell, and nothing is watched. */
struct reload *reload_create(struct loop *l, void (*fn)(void *arg), void *arg);
/* Watch the folder of this file too; NULL is fine. */
void reload_add(struct reload *r, const char *path);
void reload_destroy(struct reload *r); /* NULL is fine */

#endif
