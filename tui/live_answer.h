/* The engine's `offers` of the person's own machines: asked while somebody looks, and its answer as the snapshot has it. For the source over
 * the engine's socket. */
#ifndef TUI_LIVE_ANSWER_H
#define TUI_LIVE_ANSWER_H
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/mem.h"
#include "core/io/loop.h"
#include "core/io/rpc.h"
#include "core/model/offer.h"

struct live_feed {
	struct loop *loop;
	void (*news)(void *arg); /* another answer is there: live_feed_turn soon */
	void *arg;
	/* its own */
	bool on, asked, waits;	 /* somebody looks; an answer is under way; the one before it has not been turned to yet */
	struct rpc *rpc;
	unsigned timer, number;
	int64_t asked_ms;	 /* monotonic; 0: never */
	json_t *last;		 /* the answer that is shown */
	struct arena *arena, *next_arena;
	const struct offers *now, *next;
};

void live_feed_want(struct live_feed *f, bool on);
/* The connection, once hello was said; NULL: it is gone, and with it what it told. */
void live_feed_connected(struct live_feed *f, struct rpc *rpc);
/* The newest answer, NULL: there is none; the one returned before is gone. Another *number where it is another. */
const struct offers *live_feed_turn(struct live_feed *f, unsigned *number);
/* After the connection is gone. */
void live_feed_finish(struct live_feed *f);

#endif
