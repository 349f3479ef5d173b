/* Inside of state.db's module: what its files share. */
#ifndef CORE_STORE_STATE_PRIV_H
#define CORE_STORE_STATE_PRIV_H
#include "core/store/db.h"
#include "core/store/state.h"

struct state {
	struct db *db;
	bool open; /* a transaction with writes in it */
	bool lost; /* SQLite rolled one back by itself */
	int64_t commits, events;
	int64_t ledger_changes; /* writes to the ledger since it was opened */
	void (*on_commit)(void *arg, int64_t nth);
	void *on_commit_arg;
};

/* Before a write: opens the transaction unless it is open. */
int state_begin(struct state *s, struct err *err);

/* Times are microseconds in the database. */
static inline int64_t state_us(int64_t ms)
{
	return ms * 1000;
}

#endif
