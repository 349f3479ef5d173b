/* Task files that could be meant: those launched lately, those in this folder, recipes. */
#ifndef TUI_LAUNCH_PICK_H
#define TUI_LAUNCH_PICK_H
#include <stddef.h>

#include "core/base/mem.h"

enum { PICK_MAX = 300 };

struct pick {
	const char *heading; /* "Launched lately" */
	const char *path;    /* what goes into the field */
	const char *about;   /* its first comment, or ""  */
};

/* From the arena; how many. Blocks on the disk. */
size_t pick_list(struct arena *arena, struct pick out[PICK_MAX]);
/* This one was launched: it stands first the next time. */
void pick_remember(const char *path);

#endif
