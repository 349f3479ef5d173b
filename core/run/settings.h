/* The settings files of providers: YAML that describes what there is (pools of machines), read when it changed. */
#ifndef CORE_RUN_SETTINGS_H
#define CORE_RUN_SETTINGS_H
#include <jansson.h>

#include "core/base/err.h"
#include "core/provider.h"

struct settings; /* what was read; NULL is none yet */

/* The first of p->settings_files that is there, as JSON: a new reference, *path borrowed from the cache. NULL with err->code ERR_NONE:
 * there is none; otherwise it cannot be read: INVALID with file, line and column. Blocks for as long as reading a file takes. */
json_t *settings_read(struct settings **cache, const struct provider *p, const char **path, struct err *err);
void settings_free(struct settings *cache);

#endif
