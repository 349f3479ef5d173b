/* What a launch would do: the plan, made without an engine from prices alone, and printed. */
#ifndef TUI_CLI_DRYRUN_H
#define TUI_CLI_DRYRUN_H
#include <jansson.h>

#include "core/model/task.h"
#include "tui/cli/cli.h"

/* Print a plan for people, as plan_json() makes it: a table a task, one row a cloud, accelerator and way of use, the
 * chosen one marked; where the prices are from; what moves and what that costs. With the verb's --dryrun to stdout, as
 * it is the answer then; else to stderr. */
void dryrun_print(struct cli *c, const json_t *plan);

/* Plan as if exactly the clouds of --clouds were enabled, minimizing --minimize, and print the plan or, with --json,
 * its JSON. Nothing is started, asked or launched, but that this machine's own providers say what they have. Returns
 * the exit status: 0; 3 no offer fits; 5 none below the cap; 2 the request may mean several things. */
int dryrun_plan(struct cli *c, struct dag *d);

#endif
