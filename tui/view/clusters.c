/* Clusters: what runs, what it does and what it costs, with its jobs in the details.
 *
 * The list is remade from each snapshot. While the person is at it (a key in the last five seconds, marks, a question open) the
 * order stays as it is and what is new stands at the end: nothing moves under the cursor of someone about to press D. */
#include "tui/view/clusters_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/format.h"
#include "tui/menu.h"
#include "tui/view/views.h"
#include "tui/width.h"

enum { FROZEN_MS = 5000 };

/* --- the list ----------------------------------------------------------------------------------------------------- */

static bool matches(const struct clusters_state *v, const struct ui_cluster *c)
{
	if (!v->query.field.len)
		return true;
	char place[160];
	struct str all = str_new(2000);
	str_addf(&all, "%s %s %s %s %s", c->name, c->status, cluster_place(c, place, sizeof place), c->resources, c->user);
	bool hit = menu_match(v->query.field.text, str_text(&all));
	str_free(&all);
	return hit;
}

static size_t old_place(const uint64_t *ids, size_t n, uint64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] == id)
			return i;
	return SIZE_MAX;
}

struct sorting {
	const struct clusters_state *v;
	const struct ui_cluster *clusters;
	const uint64_t *old_ids; /* NULL: not frozen */
	size_t n_old;
};

/* Does x stand before y? */
static bool before(const struct sorting *s, size_t x, size_t y)
{
	const struct ui_cluster *a = &s->clusters[x], *b = &s->clusters[y];
	if (s->old_ids) {
		size_t i = old_place(s->old_ids, s->n_old, cluster_id_of(a->name));
		size_t j = old_place(s->old_ids, s->n_old, cluster_id_of(b->name));
		if (i != j)
			return i < j;
	}
	int d = clusters_compare(a, b, s->v->grid.columns[s->v->grid.sort_column].sort);
	d = d ? d : strcmp(a->name, b->name);
	return s->v->grid.descending ? d > 0 : d < 0;
}

/* Insertion: a screen of clusters is not many, and mostly in order already. */
static void sort(const struct sorting *s, size_t *order, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		size_t moved = order[i], at = i;
		for (; at > 0 && before(s, moved, order[at - 1]); at--)
			order[at] = order[at - 1];
		order[at] = moved;
	}
}

static void remake_jobs(struct clusters_state *v)
{
	const struct ui_snapshot *snap = app_snapshot(v->app);
	const struct ui_cluster *c = clusters_selected(v);
	v->n_jobs = 0;
	v->job_order = xreallocarray(v->job_order, snap->n_jobs + 1, sizeof *v->job_order);
	for (size_t i = 0; c && i < snap->n_jobs; i++)
		if (str_eq(snap->jobs[i].cluster, c->name))
			v->job_order[v->n_jobs++] = i;
	struct grid_rows rows = clusters_job_rows(v);
	grid_sync(&v->jobs, &rows);
	if (!v->n_jobs)
		v->in_jobs = false;
}

static void remake(struct clusters_state *v, bool frozen)
{
	const struct ui_snapshot *snap = app_snapshot(v->app);
	size_t n = 0, n_old = v->n;
	uint64_t *old_ids = v->ids;
	v->order = xreallocarray(v->order, snap->n_clusters + 1, sizeof *v->order);
	for (size_t i = 0; i < snap->n_clusters; i++)
		if (matches(v, &snap->clusters[i]))
			v->order[n++] = i;
	struct sorting s = {v, snap->clusters, frozen ? old_ids : NULL, n_old};
	sort(&s, v->order, n);
	v->ids = xcalloc(n + 1, sizeof *v->ids);
	size_t n_new = 0;
	for (size_t i = 0; i < n; i++) {
		v->ids[i] = cluster_id_of(snap->clusters[v->order[i]].name);
		n_new += old_place(old_ids, n_old, v->ids[i]) == SIZE_MAX;
	}
	v->n = n;
	v->n_new = frozen ? v->n_new + n_new : 0;
	free(old_ids);
	struct grid_rows rows = clusters_rows(v);
	grid_sync(&v->grid, &rows);
	grid_sync_marks(&v->grid, &rows);
	remake_jobs(v);
}

static void news(void *state, struct app *a)
{
	struct clusters_state *v = state;
	bool busy = a->now_ms - a->key_ms < FROZEN_MS || v->grid.n_marks || a->modal.ops;
	remake(v, busy && v->n);
}

/* The source need not watch jobs that nobody looks at. */
static void focus(struct clusters_state *v)
{
	const struct ui_cluster *c = v->details ? clusters_selected(v) : NULL;
	ui_source_focus(v->app->source, c ? c->name : "");
	remake_jobs(v);
}

/* --- actions ------------------------------------------------------------------------------------------------------ */

static void resort(struct clusters_state *v, int column, bool descending)
{
	v->grid.sort_column = column;
	v->grid.descending = descending;
	remake(v, false);
}

static void choose_sort(struct app *a, int value, void *arg)
{
	(void)a;
	resort(arg, value - 1, false);
}

static void sort_menu(struct clusters_state *v)
{
	struct arena *arena = arena_create();
	struct menu_item *items = arena_alloc(arena, v->grid.n_columns * sizeof *items);
	size_t n = 0;
	for (size_t i = 0; i < v->grid.n_columns; i++)
		if (v->grid.columns[i].sort >= 0)
			items[n++] = (struct menu_item){.text = v->grid.columns[i].title, .value = (int)i + 1};
	struct menu_spec spec = {.title = "Sort by", .empty = "", .start = v->grid.sort_column + 1, .choose = choose_sort,
	    .arg = v};
	app_open(v->app, &menu_ops, menu_create(&spec, arena, items, n));
}

static void open_log(struct clusters_state *v, bool new_pane)
{
	const struct ui_cluster *c = clusters_selected(v);
	const struct ui_job *j = v->in_jobs ? clusters_selected_job(v) : NULL;
	if (c)
		logs_follow(v->app, c->name, j ? j->id : -1, new_pane);
}

static bool back(struct clusters_state *v)
{
	if (v->in_jobs) {
		v->in_jobs = false;
	} else if (v->details) {
		v->details = false;
		focus(v);
	} else if (v->grid.n_marks) {
		v->grid.n_marks = 0;
	} else if (v->query.field.len) {
		field_set(&v->query.field, "");
		remake(v, false);
	} else {
		return false;
	}
	return true;
}

static void details(struct clusters_state *v)
{
	if (v->in_jobs) {
		open_log(v, false);
		return;
	}
	v->details = !v->details && v->n;
	focus(v);
}

static void mark(struct clusters_state *v)
{
	struct grid_rows rows = clusters_rows(v);
	if (!v->n || v->in_jobs)
		return;
	grid_mark(&v->grid, v->grid.selected_id, !grid_marked(&v->grid, v->grid.selected_id));
	grid_move(&v->grid, &rows, 1);
}

static bool move_selection(struct clusters_state *v, enum action what)
{
	struct grid_rows rows = v->in_jobs ? clusters_job_rows(v) : clusters_rows(v);
	if (!grid_act(v->in_jobs ? &v->jobs : &v->grid, &rows, what))
		return false;
	if (!v->in_jobs)
		focus(v);
	return true;
}

static bool act(void *state, struct app *a, enum action what)
{
	struct clusters_state *v = state;
	if (move_selection(v, what))
		return true;
	switch (what) {
	case ACTION_FILTER:
		query_begin(&v->query);
		return true;
	case ACTION_SORT_NEXT:
	case ACTION_SORT_PREV:
		resort(v, grid_next_sort(&v->grid, what == ACTION_SORT_NEXT ? 1 : -1), v->grid.descending);
		return true;
	case ACTION_SORT_REVERSE:
		resort(v, v->grid.sort_column, !v->grid.descending);
		return true;
	case ACTION_SORT_MENU:
		sort_menu(v);
		return true;
	case ACTION_DETAILS:
		details(v);
		return true;
	case ACTION_PANE:
		v->in_jobs = !v->in_jobs;
		return true;
	case ACTION_MARK:
		mark(v);
		return true;
	case ACTION_BACK:
		return back(v);
	case ACTION_LAUNCH:
		launch_ask(a, prices_offers(a->prices), SIZE_MAX);
		return true;
	case ACTION_EXEC:
		cluster_ask_exec(v);
		return true;
	case ACTION_LOGS:
	case ACTION_LOGS_BESIDE:
		open_log(v, what == ACTION_LOGS_BESIDE);
		return true;
	case ACTION_STOP:
		cluster_ask(v, UI_STOP);
		return true;
	case ACTION_START:
		cluster_ask(v, UI_START);
		return true;
	case ACTION_DOWN_CLUSTER:
		cluster_ask(v, UI_DOWN);
		return true;
	case ACTION_AUTOSTOP:
		cluster_ask_autostop(v);
		return true;
	case ACTION_CANCEL_JOB:
		cluster_ask_cancel(v);
		return true;
	case ACTION_SSH:
		cluster_login(v);
		return true;
	default:
		return false;
	}
}

static const char *why_not(void *state, const struct app *a, enum action what)
{
	(void)a;
	const struct clusters_state *v = state;
	static const struct {
		enum action action;
		enum ui_verb verb;
	} verbs[] = {{ACTION_EXEC, UI_EXEC}, {ACTION_STOP, UI_STOP}, {ACTION_START, UI_START},
	    {ACTION_DOWN_CLUSTER, UI_DOWN}, {ACTION_AUTOSTOP, UI_AUTOSTOP}, {ACTION_SSH, UI_EXEC}};
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (verbs[i].action == what)
			return cluster_why_not(v, verbs[i].verb);
	if ((what == ACTION_LOGS || what == ACTION_LOGS_BESIDE) && !v->n)
		return "no cluster is selected";
	if (what == ACTION_PANE && (!v->details || !v->n_jobs))
		return "Enter opens the details, with the jobs";
	if (what == ACTION_CANCEL_JOB) {
		const struct ui_job *j = v->in_jobs ? clusters_selected_job(v) : NULL;
		if (!j)
			return "select a job first: Enter, then Tab";
		if (j->ended_at_ms)
			return "that job is over";
	}
	return NULL;
}

static bool key(void *state, struct app *a, struct key k)
{
	struct clusters_state *v = state;
	if (!v->query.typing)
		return false;
	enum query_event e = query_key(&v->query, k);
	if (e == QUERY_OTHER && k.code >= KEYS_UP && !k.mods)
		app_act(a, key_action(a->keys, SCOPE_CLUSTERS, k));
	else if (e != QUERY_TAKEN)
		remake(v, false);
	return true;
}

static bool paste(void *state, struct app *a, const char *text, size_t len)
{
	(void)a;
	struct clusters_state *v = state;
	if (!query_paste(&v->query, text, len))
		return false;
	remake(v, false);
	return true;
}

static void mouse(void *state, struct app *a, const struct input_event *e)
{
	(void)a;
	struct clusters_state *v = state;
	bool jobs = v->details && rect_has(v->jobs.rows_at, e->mouse.x, e->mouse.y);
	struct grid_rows rows = jobs ? clusters_job_rows(v) : clusters_rows(v);
	int column = e->mouse.y == v->grid.rows_at.y - 1 ? grid_column_at(&v->grid, e->mouse.x) : -1;
	if (e->mouse.what == MOUSE_PRESS && column >= 0 && v->grid.columns[column].sort >= 0) {
		resort(v, column, column == v->grid.sort_column ? !v->grid.descending : false);
		return;
	}
	grid_mouse(jobs ? &v->jobs : &v->grid, &rows, e);
	if (e->mouse.what == MOUSE_PRESS)
		v->in_jobs = jobs;
	if (!jobs)
		focus(v);
}

/* --- drawing ------------------------------------------------------------------------------------------------------ */

static void title_line(void *state, struct app *a, struct canvas *c, struct rect line, bool keys)
{
	struct clusters_state *v = state;
	const struct ui_snapshot *snap = app_snapshot(a);
	char right[160], age[40] = "";
	size_t up = 0;
	for (size_t i = 0; i < snap->n_clusters; i++)
		up += str_eq(snap->clusters[i].status, "UP");
	if (snap->link == UI_LINK_LOST && snap->at_ms)
		ago_text(snap->at_ms, a->now_ms, age, sizeof age);
	snprintf(right, sizeof right, " %zu of %zu, %zu up%s%s ", v->n, snap->n_clusters, up, age[0] ? " \xc2\xb7 as of " : "", age);
	int room = line.w - width_text(right, strlen(right)) - 1;
	if (!v->query.typing && !v->query.field.len)
		canvas_printf(c, line.x, line.y, room, ROLE_TITLE, v->n_new ? " Clusters, +%zu new at the end " : " Clusters ", v->n_new);
	query_draw(&v->query, c, line, room, keys);
	canvas_right(c, line.x, line.y, line.w, age[0] ? ROLE_WARN : ROLE_TITLE, right);
}

static const char *empty_text(const struct clusters_state *v)
{
	const struct ui_snapshot *snap = app_snapshot(v->app);
	if (v->query.field.len && snap->n_clusters)
		return "no cluster matches; Esc clears the filter";
	if (!v->app->source || (snap->link == UI_LINK_NONE && snap->link_text[0]))
		return snap->link_text[0] ? snap->link_text : "no engine: prices only";
	if (!snap->at_ms)
		return "waiting for the engine";
	return "no clusters; l launches one, 1 shows what there is to be had";
}

static void detail_line(struct canvas *c, struct rect *r, const char *label, enum role role, const char *text)
{
	struct rect line = rect_cut_top(r, 1);
	if (rect_empty(line) || !text[0])
		return;
	canvas_text(c, line.x, line.y, 10, ROLE_DIM, label);
	canvas_text(c, line.x + 11, line.y, line.w - 11, role, text);
}

static void draw_facts(const struct clusters_state *v, struct canvas *c, struct rect *r, const struct ui_cluster *cl)
{
	char text[400], place[160], machines[160], price[40], cost[40], age[24];
	snprintf(text, sizeof text, "%s \xc2\xb7 %s at %s", cluster_machines(cl, machines, sizeof machines), cl->instance_type,
	    cluster_place(cl, place, sizeof place));
	detail_line(c, r, cl->name, ROLE_TEXT, text);
	snprintf(text, sizeof text, "$%s/h now, $%s so far", format_price(cl->price_uusd_h, 0, price, sizeof price),
	    format_price(cl->cost_uusd, 0, cost, sizeof cost));
	detail_line(c, r, "cost", ROLE_MONEY, text);
	snprintf(text, sizeof text, "%s%s%s", cl->status, cl->checked_at_ms ? ", confirmed by the cloud " : "",
	    cl->checked_at_ms ? ago_text(cl->checked_at_ms, v->app->now_ms, age, sizeof age) : "");
	detail_line(c, r, "state", cluster_status_role(cl->status), text);
	if (cl->progress[0] || cl->reason[0])
		detail_line(c, r, "doing", ROLE_BUSY, cl->progress[0] ? cl->progress : cl->reason);
	if (cl->head_ip[0])
		detail_line(c, r, "head", ROLE_TEXT, cl->head_ip);
}

/* The last events about the cluster, newest first, in what is left. */
static void draw_events(const struct clusters_state *v, struct canvas *c, struct rect r, const struct ui_cluster *cl)
{
	const struct ui_snapshot *snap = app_snapshot(v->app);
	for (size_t i = 0; i < snap->n_events && r.h > 0; i++) {
		const struct ui_event *e = &snap->events[i];
		char age[24];
		if (!str_eq(e->object, cl->name))
			continue;
		struct rect line = rect_cut_top(&r, 1);
		canvas_text(c, line.x, line.y, 10, ROLE_DIM, format_age(e->at_ms, v->app->now_ms, age, sizeof age));
		canvas_text(c, line.x + 11, line.y, line.w - 11, e->bad ? ROLE_BAD : ROLE_TEXT, e->text);
	}
}

static void draw_details(struct clusters_state *v, struct canvas *c, struct rect r, bool keys)
{
	const struct ui_cluster *cl = clusters_selected(v);
	if (!cl)
		return;
	draw_facts(v, c, &r, cl);
	/* Half of what is left is for the jobs at most, the rest for the events. */
	int want = v->n_jobs ? (int)v->n_jobs + 1 : 2, most = r.h / 2 > 4 ? r.h / 2 : 4;
	struct rect jobs = rect_cut_top(&r, want < most ? want : most);
	struct grid_rows rows = clusters_job_rows(v);
	grid_draw(&v->jobs, &rows, c, jobs, keys && v->in_jobs, "no jobs");
	if (r.h > 1) {
		struct rect title = rect_cut_top(&r, 1);
		canvas_text(c, title.x, title.y, title.w, ROLE_HEADER, "EVENTS");
		draw_events(v, c, r, cl);
	}
}

static void draw(void *state, struct app *a, struct canvas *c, struct rect body, bool keys)
{
	(void)a;
	struct clusters_state *v = state;
	struct rect list = body, side;
	struct grid_rows rows = clusters_rows(v);
	bool list_keys = keys && !v->in_jobs && !v->query.typing;
	if (!v->details || !v->n) {
		grid_draw(&v->grid, &rows, c, list, list_keys, empty_text(v));
		return;
	}
	enum layout_split split = layout_details(list, &list, &side);
	if (split != SPLIT_INSTEAD)
		grid_draw(&v->grid, &rows, c, list, list_keys, empty_text(v));
	if (split == SPLIT_BELOW)
		canvas_fill(c, rect_cut_top(&side, 1), ROLE_BORDER, 0x2500);
	else if (split == SPLIT_BESIDE)
		canvas_fill(c, rect_cut_left(&side, 1), ROLE_BORDER, 0x2502);
	draw_details(v, c, rect_inset(side, 1, 0), keys);
}

static const char *const *hints(void *state, const struct app *a)
{
	(void)a;
	static const char *const typing[] = {"Enter", "keep", "Esc", "undo", NULL};
	return ((const struct clusters_state *)state)->query.typing ? typing : NULL;
}

static void *create(struct app *a)
{
	struct clusters_state *v = xcalloc(1, sizeof *v);
	v->app = a;
	clusters_init_grids(v);
	remake(v, false);
	return v;
}

static void destroy(void *state)
{
	struct clusters_state *v = state;
	free(v->order);
	free(v->ids);
	free(v->job_order);
	grid_finish(&v->grid);
	grid_finish(&v->jobs);
	free(v);
}

static json_t *save(void *state)
{
	struct clusters_state *v = state;
	json_t *j = json_object();
	json_object_set_new(j, "grid", grid_save(&v->grid));
	json_object_set_new(j, "jobs", grid_save(&v->jobs));
	json_object_set_new(j, "details", json_boolean(v->details));
	return j;
}

static void restore(void *state, struct app *a, const json_t *saved)
{
	(void)a;
	struct clusters_state *v = state;
	grid_restore(&v->grid, json_object_get(saved, "grid"));
	grid_restore(&v->jobs, json_object_get(saved, "jobs"));
	v->details = json_is_true(json_object_get(saved, "details"));
	remake(v, false);
}

const struct view_ops clusters_view = {
    .name = "clusters",
    .title = "Clusters",
    .scope = SCOPE_CLUSTERS,
    .go = ACTION_VIEW_CLUSTERS,
    .create = create,
    .destroy = destroy,
    .news = news,
    .key = key,
    .act = act,
    .why_not = why_not,
    .paste = paste,
    .mouse = mouse,
    .title_line = title_line,
    .draw = draw,
    .copies = clusters_copies,
    .save = save,
    .restore = restore,
    .hints = hints,
};
