/* Lists to choose from in the logs' view: what a pane shows, whose lines, which pane. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/menu.h"
#include "tui/view/logs_priv.h"

enum { REQUESTS_SHOWN = 12, RANKS_SHOWN = 16, PARTS_OF = 3 /* jobs of a cluster */ };

static struct log_target *add(struct logs_state *v, struct menu_item *items, struct menu_item it, enum log_kind kind, const char *cluster, int64_t id)
{
	struct log_target *t = &v->choices[v->n_choices];
	*t = (struct log_target){.kind = kind, .id = id, .rank = -1};
	snprintf(t->cluster, sizeof t->cluster, "%s", cluster);
	it.value = (int)v->n_choices + 1;
	items[v->n_choices++] = it;
	return t;
}

static void add_part(struct logs_state *v, struct arena *a, struct menu_item *items, const struct ui_job *j, int64_t rank, bool setup)
{
	struct menu_item it = {.heading = arena_printf(a, "%s, by rank", j->cluster),
	    .text = arena_printf(a, "%s \xc2\xb7 job %" PRId64 " %s \xc2\xb7 %srank %" PRId64, j->cluster, j->id, j->name, setup ? "setup of " : "", rank),
	    .right = arena_strdup(a, j->status),
	    .detail = setup ? "What the setup of this node said before the job began." : "What this rank alone wrote, from its node: without labels."};
	struct log_target *t = add(v, items, it, LOG_JOB, j->cluster, j->id);
	t->rank = rank;
	t->setup = setup;
}

/* Of a few jobs what each rank wrote, where there are several, or what the setup of each node said. */
static void add_parts(struct logs_state *v, struct arena *a, struct menu_item *items, const struct ui_cluster *c, bool setup)
{
	const struct ui_snapshot *snap = app_snapshot(v->app);
	int64_t jobs = 0;
	for (size_t i = 0; i < snap->n_jobs && jobs < PARTS_OF; i++) {
		const struct ui_job *j = &snap->jobs[i];
		if (!str_eq(j->cluster, c->name))
			continue;
		jobs++;
		int64_t ranks = setup ? c->nodes : j->nodes > 1 ? j->nodes : 0;
		for (int64_t rank = 0; rank < ranks && rank < RANKS_SHOWN; rank++)
			add_part(v, a, items, j, rank, setup);
	}
}

static void add_jobs(struct logs_state *v, struct arena *a, struct menu_item *items, const struct ui_snapshot *snap, const struct ui_cluster *c)
{
	const char *heading = arena_strdup(a, c->name);
	add(v, items, (struct menu_item){.heading = heading, .text = arena_printf(a, "%s \xc2\xb7 newest job", c->name),
	    .right = arena_strdup(a, c->status), .detail = "Whatever job comes last on this cluster when it is opened."}, LOG_JOB, c->name, -1);
	for (size_t i = 0; i < snap->n_jobs; i++) {
		const struct ui_job *j = &snap->jobs[i];
		if (str_eq(j->cluster, c->name))
			add(v, items, (struct menu_item){.heading = heading, .text = arena_printf(a, "%s \xc2\xb7 job %" PRId64 " %s", c->name, j->id, j->name),
			    .right = arena_strdup(a, j->status), .detail = "The output of this job, of all its ranks."}, LOG_JOB, c->name, j->id);
	}
}

static void add_requests(struct logs_state *v, struct arena *a, struct menu_item *items, const struct ui_snapshot *snap)
{
	for (size_t i = 0; i < snap->n_requests && i < REQUESTS_SHOWN; i++) {
		const struct ui_request *r = &snap->requests[i];
		add(v, items, (struct menu_item){.heading = "Engine", .text = arena_printf(a, "%s %s", r->verb, r->object), .right = arena_strdup(a, r->state),
		    .detail = "How this request goes on, step by step, with its attempts and errors."}, LOG_REQUEST, r->object, r->id);
	}
}

static struct menu_item *make_items(struct logs_state *v, struct arena *a)
{
	const struct ui_snapshot *snap = app_snapshot(v->app);
	size_t most = 1 + REQUESTS_SHOWN + snap->n_clusters * (1 + (size_t)PARTS_OF * 2 * RANKS_SHOWN) + snap->n_jobs;
	struct menu_item *items = arena_alloc(a, most * sizeof *items);
	v->choices = xreallocarray(v->choices, most, sizeof *v->choices);
	v->n_choices = 0;
	for (size_t i = 0; i < snap->n_clusters; i++)
		add_jobs(v, a, items, snap, &snap->clusters[i]);
	add(v, items, (struct menu_item){.heading = "Engine", .text = "events", .right = "skytop events", .detail = "What happens to all clusters and jobs, as the "
	    "engine tells it."}, LOG_EVENTS, "", 0);
	add_requests(v, a, items, snap);
	for (size_t i = 0; i < snap->n_clusters; i++) {
		add_parts(v, a, items, &snap->clusters[i], false);
		add_parts(v, a, items, &snap->clusters[i], true);
	}
	return items;
}

static void choose(struct app *a, int value, void *arg)
{
	(void)a;
	struct logs_state *v = arg;
	if (value > 0 && (size_t)value <= v->n_choices)
		log_pane_open(logs_focused(v), &v->choices[value - 1]);
}

void logs_pick(struct logs_state *v)
{
	struct arena *arena = arena_create();
	struct menu_spec spec = {.title = "Show in this pane", .empty = "nothing is there to be shown", .search = true, .tall = true, .detail_lines = 2,
	    .choose = choose, .arg = v};
	ui_source_focus(v->app->source, "*"); /* the jobs of all clusters */
	struct menu_item *items = make_items(v, arena);
	v->menu = menu_create(&spec, arena, items, v->n_choices);
	app_open(v->app, &menu_ops, v->menu);
}

void logs_pick_again(struct logs_state *v)
{
	if (!v->menu || v->app->modal.state != v->menu)
		return;
	struct arena *arena = arena_create();
	struct menu_item *items = make_items(v, arena);
	menu_replace(v->menu, arena, items, v->n_choices);
}

/* --- ranks -------------------------------------------------------------------------------------------------------- */

static void choose_rank(struct app *a, int value, void *arg)
{
	(void)a;
	struct logs_state *v = arg;
	log_pane_only_rank(logs_focused(v), value > 0 ? v->ranks[value - 1] : -1);
}

static size_t ranks_of(struct logs_state *v, size_t lines[])
{
	const struct log_pane *p = logs_focused(v);
	size_t n = 0;
	for (uint64_t i = logbuf_first(p->buf); i < logbuf_end(p->buf); i++) {
		int64_t rank;
		size_t at = 0;
		if (!logbuf_label(p->buf, i, &rank))
			continue;
		while (at < n && v->ranks[at] < rank)
			at++;
		if (at == n || v->ranks[at] != rank) {
			if (n == ARRAY_LEN(v->ranks))
				continue;
			memmove(v->ranks + at + 1, v->ranks + at, (n - at) * sizeof *v->ranks);
			memmove(lines + at + 1, lines + at, (n - at) * sizeof *lines);
			v->ranks[at] = rank;
			lines[at] = 0;
			n++;
		}
		lines[at]++;
	}
	return n;
}

void logs_pick_rank(struct logs_state *v)
{
	size_t lines[ARRAY_LEN(v->ranks) + 1], n = ranks_of(v, lines);
	struct arena *arena = arena_create();
	struct menu_item *items = arena_alloc(arena, (n + 1) * sizeof *items);
	if (!n) {
		arena_destroy(arena);
		app_say(v->app, false, "no line here says which rank it is from: only the logs of several nodes do");
		return;
	}
	items[0] = (struct menu_item){.text = "all ranks"};
	for (size_t i = 0; i < n; i++)
		items[i + 1] = (struct menu_item){.text = arena_printf(arena, "rank %" PRId64, v->ranks[i]),
		    .right = arena_printf(arena, "%zu lines", lines[i]), .value = (int)i + 1};
	struct menu_spec spec = {.title = "Show the lines of", .choose = choose_rank, .arg = v};
	app_open(v->app, &menu_ops, menu_create(&spec, arena, items, n + 1));
}

/* --- panes -------------------------------------------------------------------------------------------------------- */

static void choose_pane(struct app *a, int value, void *arg)
{
	(void)a;
	struct logs_state *v = arg;
	panes_focus(&v->panes, value - 1);
}

void logs_pick_pane(struct logs_state *v)
{
	int slots[PANES_MAX], n = panes_list(&v->panes, slots);
	struct arena *arena = arena_create();
	struct menu_item *items = arena_alloc(arena, (size_t)n * sizeof *items);
	for (int i = 0; i < n; i++)
		items[i] = (struct menu_item){.left = arena_printf(arena, "M-%d", i + 1),
		    .text = v->slots[slots[i]]->target.kind ? arena_strdup(arena, v->slots[slots[i]]->what) : "nothing", .value = slots[i] + 1};
	struct menu_spec spec = {.title = "Go to a pane", .choose = choose_pane, .start = panes_focused(&v->panes) + 1, .arg = v};
	app_open(v->app, &menu_ops, menu_create(&spec, arena, items, (size_t)n));
}
