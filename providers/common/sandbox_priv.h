/* What sandbox.c and settle.c share. */
#ifndef PROVIDERS_COMMON_SANDBOX_PRIV_H
#define PROVIDERS_COMMON_SANDBOX_PRIV_H
#include "providers/common/sandbox.h"

int sandbox_lock(struct sandbox *sb, struct err *err);
void sandbox_unlock(struct sandbox *sb);
/* "<nodes>/<id>/<name>", or the folder itself for ""; the caller frees. */
char *sandbox_node_path(const struct sandbox *sb, const char *id, const char *name);
/* What changes when this machine itself boots; "" where it cannot be told. The caller frees. */
char *sandbox_kernel_boot(void);

#endif
