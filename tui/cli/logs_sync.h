/* `logs --sync-down`: whole logs as files. */
#ifndef TUI_CLI_LOGS_SYNC_H
#define TUI_CLI_LOGS_SYNC_H
#include "tui/cli/session.h"

/* Write the logs of the jobs that the arguments name (--all: of all; none: of the newest) into the folder --dir, fetching first what is
 * not here yet; of jobs on several nodes also each rank's own where its node can still be asked. Prints the files. The exit status. */
int logs_sync_down(struct cli *c, struct client *cl, const char *cluster);

#endif
