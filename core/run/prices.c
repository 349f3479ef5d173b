/* Prices asked of the clouds themselves, as a request of its own: when somebody orders it, and every so many hours where config.yaml says so.
 *
 * It runs in a child of this program (`catalog update --live`): neither the size of a list nor a slow cloud is felt here, and the memory it
 * took is gone with it. What the child says of its progress is the request's, so that whoever looks sees how far it is. The catalog is
 * replaced as a whole at the end; cancelled, or killed, it is what it was. */
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/run/op.h"

enum { ASK_MS = 30 * 60000, CLOUDS_MAX = 64, FIRST_MS = 60000, FIXED_WORDS = 7 };

static int accept_prices(struct engine *e, struct request *r, struct err *err)
{
	size_t i;
	json_t *name, *clouds = json_object_get(r->args, "clouds");
	if (clouds && (!json_is_array(clouds) || json_array_size(clouds) > CLOUDS_MAX))
		return err_set(err, ERR_INVALID, "prices: clouds is a list of at most %d names", CLOUDS_MAX);
	json_array_foreach(clouds, i, name)
		if (!run_provider(e, json_string_value(name)))
			return err_set(err, ERR_NOT_FOUND, "there is no provider '%.60s'", json_is_string(name) ? json_string_value(name) : "?");
	for (i = 0; i < e->n_ops; i++)
		if (e->ops[i]->kind == &op_prices && !request_is_over(e->ops[i]->r->state))
			return err_set(err, ERR_CONFLICT, "the clouds are being asked for their prices already: request %lld", (long long)e->ops[i]->r->id);
	return 0;
}

static void heard(struct op *op, const char *line)
{
	struct str clean = str_new(200);
	text_clean(&clean, line, strlen(line) < 150 ? strlen(line) : 150);
	op_progress(op, "%s", str_text(&clean));
	str_free(&clean);
}

/* What the child printed: its report, or {"error": …}. New reference; NULL. */
static json_t *printed(const struct op *op)
{
	return op->proc_out ? json_parse(op->proc_out, strlen(op->proc_out), NULL) : NULL;
}

/* "gcp: 112 offers, 3 prices changed" */
static void tell(struct op *op, const json_t *report)
{
	size_t i;
	json_t *c;
	json_array_foreach(json_arr(report, "clouds"), i, c)
		run_event(op->engine, NULL, op->r, "prices", "info", NULL, "%s: %lld offers, %lld new, %lld gone, %lld prices changed", json_str(c, "cloud", "?"),
		    (long long)json_int(c, "offers", 0), (long long)json_int(c, "added", 0), (long long)json_int(c, "removed", 0),
		    (long long)json_int(c, "changed", 0));
}

static void asked(struct op *op)
{
	json_t *report = printed(op);
	tell(op, report);
	op_done(op, report ? report : json_object());
}

static void prices_failed(struct op *op, const struct err *err)
{
	json_t *j = printed(op);
	const json_t *said = json_obj(j, "error");
	struct err e = *err;
	if (said)
		err_set(&e, err_code_of(json_str(said, "code", "")), "prices: %s", json_str(said, "message", "?"));
	op_fail(op, &e);
	json_decref(j);
}

static void step_ask(struct op *op)
{
	const char *argv[CLOUDS_MAX + FIXED_WORDS + 1] = {op->engine->setup.self, "catalog", "update", "--live", "--json", "--progress", "--quiet"};
	const json_t *clouds = json_arr(op->r->args, "clouds");
	for (size_t i = 0; i < json_array_size(clouds); i++)
		argv[FIXED_WORDS + i] = json_string_value(json_array_get(clouds, i));
	op_progress(op, "asking the clouds for their prices");
	op_proc_heard(op, argv, "prices", ASK_MS, heard, asked);
}

static const struct op_step prices_steps[] = {{"ask", "asking the clouds for their prices", step_ask, 0}};

const struct op_kind op_prices = {.verb = "prices", .steps = prices_steps, .n_steps = ARRAY_LEN(prices_steps), .accept = accept_prices,
    .failed = prices_failed, .beside = true};

void prices_tick(struct engine *e, int64_t now_ms)
{
	struct err err;
	if (!e->setup.prices_every_ms)
		return;
	if (!e->prices_next_ms) {
		int64_t last = state_last_request(e->state, "prices");
		e->prices_next_ms = last && last + e->setup.prices_every_ms > now_ms + FIRST_MS ? last + e->setup.prices_every_ms : now_ms + FIRST_MS;
	}
	if (now_ms < e->prices_next_ms)
		return;
	e->prices_next_ms = now_ms + e->setup.prices_every_ms;
	json_t *args = json_pack("{s:s}", "why", "time");
	if (!engine_submit(e, "engine", "prices", args, &err))
		log_line(LOG_INFO, "prices: %s", err.text);
	json_decref(args);
}
