/* What verbs that launch share. */
#ifndef TUI_CLI_LAUNCH_H
#define TUI_CLI_LAUNCH_H
#include "tui/cli/session.h"

/* "--clouds a,b" as a JSON array; NULL when not given. */
json_t *launch_clouds(struct cli *c);
/* Is there a cluster of that name now? *status: as session_call. */
bool launch_exists(struct cli *c, struct client *cl, const char *name, int *status);
/* Show where a launch with these arguments would go, and ask, unless --dryrun. 0: go (or, with --dryrun, all is said). */
int launch_ask(struct cli *c, struct client *cl, const json_t *args);

#endif
