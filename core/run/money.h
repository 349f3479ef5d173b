/* Money as the engine knows it: figures of the ledger for clients, and budgets. */
#ifndef CORE_RUN_MONEY_H
#define CORE_RUN_MONEY_H
#include "core/run/run.h"

/* May this request spend? BUDGET when it would make machines run and the month's budget is used up and blocks. Asked once, before it is
 * accepted. Machines of a simulated cloud count against simulated budgets only, and the reverse. */
int money_allows(struct engine *e, const struct request *r, struct err *err);
/* Each second: a warning that is reached becomes an event, once a month. */
void money_tick(struct engine *e);
void money_free(struct money *m);

#endif
