/* Points in time as people write them on a command line. */
#ifndef TUI_CLI_SINCE_H
#define TUI_CLI_SINCE_H
#include <stdint.h>

#include "core/base/err.h"

/* "90s", "10m", "2h30m", "3d": so long before now_ms. Or a time: "2026-11-25T21:30:00Z", "2026-11-25T21:30+02:00", "2026-11-25 21:30" and
 * "21:30" (today), both on the clock of this machine, "2026-11-25". 0, or -1 with USAGE. */
int since_parse(const char *text, int64_t now_ms, int64_t *at_ms, struct err *err);

#endif
