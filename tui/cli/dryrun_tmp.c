/* The plan of a launch, printed. */
#include "tui/cli/dryrun.h"
#include "core/base/json.h"
#include <stdlib.h>
#include <stdio.h>
void dryrun_print(struct cli *c, const json_t *plan) { (void)c; char *t = json_text(plan); fprintf(stderr, "%s\n", t); free(t); }
int dryrun_plan(struct cli *c, struct dag *d) { (void)d; return cli_usage(c, "not yet"); }
