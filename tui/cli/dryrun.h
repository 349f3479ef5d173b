/* tmp */
#ifndef TUI_CLI_DRYRUN_H
#define TUI_CLI_DRYRUN_H
#include "tui/cli/cli.h"
#include "core/model/task.h"
#include <jansson.h>
void dryrun_print(struct cli *c, const json_t *plan);
int dryrun_plan(struct cli *c, struct dag *d);
#endif
