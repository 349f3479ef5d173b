/* What a task wants to have on its nodes: workdir and file mounts. */
#ifndef CORE_RUN_MOUNTS_H
#define CORE_RUN_MOUNTS_H
#include <jansson.h>
#include <stdbool.h>

#include "core/base/err.h"
#include "core/model/task.h"

/* Sources and destinations that cannot be: INVALID or UNSUPPORTED, before anything is made. here: the nodes are folders on this
 * machine, whose absolute paths are nobody's to write to. */
int mounts_check(const struct task *t, bool here, struct err *err);

/* Append what the packer's order has as items (packer.h): the workdir, and with mounts the file mounts of this machine's files. *title (caller frees) says what that
 * is, for people. A source that went meanwhile: NOT_FOUND. */
int mounts_items(const struct task *t, bool mounts, json_t *items, char **title, struct err *err);

/* Mounts whose source is a URI: [{"key","uri","path": on the nodes, "~/x" or "/x"}…]. New reference. */
json_t *mounts_remote(const struct task *t);
/* For an item that is a single file at path: its "root" and "name". */
void mounts_put_file(json_t *item, const char *path);

#endif
