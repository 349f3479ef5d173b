/* What `catalog update --live` does, for catalog.c. */
#ifndef TUI_CLI_CATALOG_LIVE_H
#define TUI_CLI_CATALOG_LIVE_H
#include "core/store/catalog.h"
#include "tui/cli/cli.h"

/* Ask the clouds that the arguments name (none: all that have credentials or need none) for all that they sell, saying how far it is, and
 * take it into the catalog; timeout_ms 0: as long as live.h says. 0, or -1 with err; the report is filled as far as it goes. Blocks. */
int catalog_live(struct cli *c, int64_t timeout_ms, struct import_report *report, struct err *err);

#endif
