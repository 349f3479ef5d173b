/* The sync step of launch and exec: workdir and file mounts to all nodes at once. May be entered again at any time: nodes say what they
 * have, and a node keeps the old files or gets the new ones, whatever is cut off when (share/agent/skytop-tree). */
#ifndef CORE_RUN_SYNC_H
#define CORE_RUN_SYNC_H
#include "core/run/op.h"

/* Workdir (and, for launch, file mounts) to all nodes; then op_next. */
void sync_start(struct op *op);
/* A name for one exchange with nodes that no other has had. The caller frees. */
char *sync_ticket(void);
/* Drop what is in flight, with its temporary files. Fine when there is none. */
void sync_drop(struct op *op);

#endif
