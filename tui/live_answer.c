/* What one's own machines have free changes with every lease, and asking reaches out to them: so it is asked seldom, only while somebody
 * looks, and an answer that says the same again changes nothing. */
#include "tui/live_answer.h"

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/plan/market.h"

enum { EVERY_MS = 30000, CALL_MS = 60000, CLOUDS = 2 };
static const char *const clouds[CLOUDS] = {"local", "ssh"};

static void ask(struct live_feed *f);

static void on_timer(void *arg)
{
	struct live_feed *f = arg;
	f->timer = 0;
	ask(f);
}

/* NULL: nothing is known any more. */
static void take(struct live_feed *f, const json_t *rows)
{
	size_t i, n = 0;
	json_t *row;
	const struct offers *tables[CLOUDS];
	if (rows ? f->last && json_equal(rows, f->last) : !f->last)
		return;
	json_decref(f->last);
	f->last = rows ? json_deep_copy(rows) : NULL;
	arena_destroy(f->next_arena);
	f->next_arena = arena_create();
	json_array_foreach(rows, i, row)
		if (json_obj(row, "result") && n < CLOUDS)
			tables[n++] = offers_of_provider(f->next_arena, json_str(row, "provider", ""), json_obj(row, "result"), wall_now_ms(), NULL);
	f->next = n ? offers_join(f->next_arena, tables, n) : NULL;
	f->waits = true;
	f->news(f->arg);
}

static void on_answer(void *arg, const json_t *result, const struct err *err)
{
	struct live_feed *f = arg;
	f->asked = false;
	take(f, err ? NULL : json_arr(result, "live"));
	if (!err || err->code != ERR_NETWORK) /* then a new connection asks again */
		ask(f);
}

static void ask(struct live_feed *f)
{
	if (!f->on || f->asked || f->timer || !f->rpc)
		return;
	int64_t rested = mono_now_ms() - f->asked_ms;
	if (f->asked_ms && rested < EVERY_MS) {
		f->timer = loop_after(f->loop, EVERY_MS - rested, on_timer, f);
		return;
	}
	json_t *names = json_array();
	for (size_t i = 0; i < CLOUDS; i++)
		json_array_append_new(names, json_string(clouds[i]));
	f->asked = true;
	f->asked_ms = mono_now_ms();
	rpc_call(f->rpc, "offers", json_pack("{s:o}", "clouds", names), CALL_MS, on_answer, f);
}

void live_feed_want(struct live_feed *f, bool on)
{
	if (f->on == on)
		return;
	f->on = on;
	if (!on) {
		loop_cancel(f->loop, f->timer);
		f->timer = 0;
	}
	ask(f);
}

void live_feed_connected(struct live_feed *f, struct rpc *rpc)
{
	f->rpc = rpc;
	if (rpc) {
		f->asked_ms = 0; /* another engine has said nothing yet */
		ask(f);
		return;
	}
	loop_cancel(f->loop, f->timer);
	f->timer = 0;
	f->asked = false;
	take(f, NULL);
}

const struct offers *live_feed_turn(struct live_feed *f, unsigned *number)
{
	if (f->waits) {
		arena_destroy(f->arena);
		f->arena = f->next_arena;
		f->now = f->next;
		f->next_arena = NULL;
		f->next = NULL;
		f->waits = false;
		f->number++;
	}
	*number = f->number;
	return f->now;
}

void live_feed_finish(struct live_feed *f)
{
	loop_cancel(f->loop, f->timer);
	json_decref(f->last);
	arena_destroy(f->arena);
	arena_destroy(f->next_arena);
}
