/* Numbers out of JSON into arrays; foreign shapes are taken for unknown. Memory of an answer is one arena's, in which it lies itself. */
#include "tui/metrics_answer.h"

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/plan/figures.h"

struct kept {
	struct ui_metrics m;
	struct arena *arena;
	int64_t figures[FIGURES];
	const char *by[FIGURES];
};

static int64_t tenths_of(const json_t *v)
{
	return json_is_number(v) ? (int64_t)(json_number_value(v) * 10 + 0.5) : RING_UNKNOWN;
}

static int16_t step_of(const json_t *v)
{
	int64_t t = tenths_of(v);
	return (int16_t)(t < 0 ? RING_UNKNOWN : t > RING_MAX ? RING_MAX : t);
}

static struct ui_metric_node node_of(struct arena *arena, const json_t *j)
{
	struct ui_metric_node n = {.cluster = arena_strdup(arena, json_str(j, "cluster", "")), .rank = json_int(j, "rank", 0),
	    .gone = str_eq(json_str(j, "status", ""), "GONE"),
	    .heard_at_ms = json_int(j, "heard_at", 0)};
	const json_t *series = json_arr(j, "series");
	int16_t *steps = arena_alloc(arena, (json_array_size(series) + 1) * sizeof *steps);
	for (int i = 0; i < MEASURES; i++)
		n.now[i] = step_of(json_object_get(json_obj(j, "now"), measure_infos[i].name));
	for (size_t i = 0; i < json_array_size(series); i++)
		steps[i] = step_of(json_array_get(series, i));
	n.steps = steps;
	n.n_steps = json_array_size(series);
	return n;
}

static int64_t value_of(enum figure f, const json_t *v)
{
	if (!json_is_number(v))
		return FIGURE_UNKNOWN;
	return figure_infos[f].unit == FIGURE_PERCENT ? tenths_of(v) : (int64_t)json_number_value(v);
}

static const char *by_of(struct arena *arena, enum figure f, const json_t *by)
{
	char buf[32];
	const char *provider, *out;
	json_t *v;
	struct str s = str_new(1000);
	json_object_foreach((json_t *)(uintptr_t)by, provider, v)
		str_addf(&s, "%s%s %s", s.len ? ", " : "", provider, figure_text(f, value_of(f, v), buf, sizeof buf));
	out = arena_strdup(arena, str_text(&s));
	str_free(&s);
	return out;
}

static struct ui_metrics *take(const json_t *answer)
{
	struct arena *arena = arena_create();
	struct kept *k = arena_alloc(arena, sizeof *k);
	const json_t *nodes = json_arr(answer, "nodes");
	size_t n = json_array_size(nodes), i;
	struct ui_metric_node *list = arena_alloc(arena, (n + 1) * sizeof *list);
	json_t *j;
	for (i = 0; i < n; i++)
		list[i] = node_of(arena, json_array_get(nodes, i));
	k->arena = arena;
	k->m = (struct ui_metrics){.at_ms = json_int(answer, "at", 0), .measure = measure_named(json_str(answer, "measure", NULL)),
	    .span = span_named(json_str(answer, "span", NULL)), .nodes = list, .n_nodes = n, .figures = k->figures, .by = k->by};
	for (int f = 0; f < FIGURES; f++) {
		k->figures[f] = FIGURE_UNKNOWN;
		k->by[f] = "";
	}
	json_array_foreach(json_arr(answer, "figures"), i, j) {
		for (int f = 0; f < FIGURES; f++) {
			if (!str_eq(figure_infos[f].name, json_str(j, "name", "")))
				continue;
			k->figures[f] = value_of((enum figure)f, json_object_get(j, "value"));
			k->by[f] = by_of(arena, (enum figure)f, json_obj(j, "by_provider"));
		}
	}
	return &k->m;
}

static void answer_free(struct ui_metrics *m)
{
	if (m)
		arena_destroy(((struct kept *)m)->arena);
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

enum { EVERY_MS = 4500, CALL_MS = 30000 };

static void on_answer(void *arg, const json_t *result, const struct err *err)
{
	struct metrics_feed *f = arg;
	f->asked = false;
	if (err)
		return;
	answer_free(f->next);
	f->next = take(result);
	f->news(f->arg);
	if (f->next->measure != f->measure || f->next->span != f->span)
		metrics_feed_ask(f, f->rpc); /* somebody wants to see another by now */
}

void metrics_feed_ask(struct metrics_feed *f, struct rpc *rpc)
{
	if (f->asked || f->measure == MEASURES || !rpc)
		return;
	f->rpc = rpc;
	f->asked = true;
	f->asked_ms = mono_now_ms();
	rpc_call(rpc, "metrics", json_pack("{s:s, s:s}", "measure", measure_infos[f->measure].name, "span", span_infos[f->span].name), CALL_MS, on_answer, f);
}

void metrics_feed_want(struct metrics_feed *f, struct rpc *rpc, enum measure m, enum span span)
{
	if (f->measure == m && f->span == span)
		return;
	f->measure = m;
	f->span = span;
	metrics_feed_ask(f, rpc);
}

void metrics_feed_pushed(struct metrics_feed *f, struct rpc *rpc)
{
	if (mono_now_ms() - f->asked_ms >= EVERY_MS)
		metrics_feed_ask(f, rpc);
}

const struct ui_metrics *metrics_feed_turn(struct metrics_feed *f)
{
	if (f->next) {
		answer_free(f->now);
		f->now = f->next;
		f->next = NULL;
	}
	return f->now;
}

void metrics_feed_finish(struct metrics_feed *f)
{
	answer_free(f->now);
	answer_free(f->next);
}
