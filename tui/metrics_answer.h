/* The engine's `metrics`: asked while somebody looks, and its answer as the snapshot has it. For the source over the engine's socket. */
#ifndef TUI_METRICS_ANSWER_H
#define TUI_METRICS_ANSWER_H
#include <jansson.h>

#include "core/io/rpc.h"
#include "tui/source.h"

struct metrics_feed {
	enum measure measure; /* that is looked at; MEASURES: none */
	enum span span;
	void (*news)(void *arg); /* another answer is there: metrics_feed_turn soon */
	void *arg;
	/* its own */
	struct rpc *rpc;
	bool asked;	  /* an answer is under way */
	int64_t asked_ms; /* monotonic */
	struct ui_metrics *now, *next;
};

/* rpc is the connection, once hello was said; NULL: there is none now. */
void metrics_feed_want(struct metrics_feed *f, struct rpc *rpc, enum measure m, enum span span);
void metrics_feed_ask(struct metrics_feed *f, struct rpc *rpc);
/* Something was pushed: time for another answer, unless the last was asked for less than 4.5 s ago. */
void metrics_feed_pushed(struct metrics_feed *f, struct rpc *rpc);
/* The newest answer, NULL before the first; the one returned before is gone. */
const struct ui_metrics *metrics_feed_turn(struct metrics_feed *f);
/* After the connection is gone. */
void metrics_feed_finish(struct metrics_feed *f);

#endif
