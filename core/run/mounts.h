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

/* Append what the packer's order has as items (packer.h): the workdir, and with mounts the file mounts. *title (caller frees) says what that
 * is, for people. A source that went meanwhile: NOT_FOUND. */
int mounts_items(const struct task *t, bool mounts, json_t *items, char **title, struct err *err);

#endif
