/* Clusters: what runs, what it does and what it costs, with its jobs in the details. */
#include "tui/view/clusters_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/checklist.h"
#include "tui/view/details.h"
#include "tui/view/views.h"

/* The jobs of the selected cluster. */
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
	if (!v->n_jobs || !v->details)
		v->in_jobs = false;
}

static void news(void *state, struct app *a)
{
	(void)a;
	struct clusters_state *v = state;
	list_news(&v->list);
	remake_jobs(v);
}

/* --- actions ------------------------------------------------------------------------------------------------------ */

static void open_log(struct clusters_state *v, bool new_pane)
{
	const struct ui_cluster *c = clusters_selected(v);
	const struct ui_job *j = v->in_jobs ? clusters_selected_job(v) : NULL;
	if (c)
		logs_follow(v->app, c->name, j ? j->id : -1, new_pane);
}

static void details(struct clusters_state *v)
{
	if (v->in_jobs)
		open_log(v, false);
	else
		v->details = !v->details && v->list.n;
}

static bool back(struct clusters_state *v)
{
	if (v->in_jobs)
		v->in_jobs = false;
	else if (v->details)
		v->details = false;
	else
		return list_act(&v->list, ACTION_BACK);
	return true;
}

/* What all lists do, on the one that has the keys. */
static bool list_action(struct clusters_state *v, enum action what)
{
	struct grid_rows rows = clusters_job_rows(v);
	if (what == ACTION_BACK)
		return back(v);
	if (v->in_jobs)
		return grid_act(&v->jobs, &rows, what) || what == ACTION_MARK;
	return list_act(&v->list, what);
}

/* The request at work on a cluster, as far as it is known. */
static const struct ui_request *request_of(const struct clusters_state *v)
{
	const struct ui_cluster *c = clusters_selected(v);
	return c ? checklist_request(v->app, c->request) : NULL;
}

static bool act(void *state, struct app *a, enum action what)
{
	struct clusters_state *v = state;
	if (list_action(v, what)) {
		remake_jobs(v);
		return true;
	}
	switch (what) {
	case ACTION_DETAILS:
		details(v);
		return true;
	case ACTION_PANE:
		v->in_jobs = !v->in_jobs;
		return true;
	case ACTION_LAUNCH:
		launch_form(a, prices_offers(a->prices), SIZE_MAX);
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
		jobs_ask_cancel(a, &(const struct ui_job *){clusters_selected_job(v)}, 1);
		return true;
	case ACTION_CANCEL_REQUEST:
		checklist_ask_cancel(a, request_of(v));
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
	if ((what == ACTION_LOGS || what == ACTION_LOGS_BESIDE) && !v->list.n)
		return "no cluster is selected";
	if (what == ACTION_PANE && (!v->details || !v->n_jobs))
		return "Enter opens the details, with the jobs";
	if (what == ACTION_CANCEL_REQUEST && !request_of(v))
		return "nothing is being done with it";
	if (what == ACTION_CANCEL_JOB) {
		const struct ui_job *j = v->in_jobs ? clusters_selected_job(v) : NULL;
		if (!j)
			return "select a job first: Enter, then Tab; or in Jobs";
		if (j->ended_at_ms)
			return "that job is over";
	}
	return NULL;
}

static bool key(void *state, struct app *a, struct key k)
{
	(void)a;
	struct clusters_state *v = state;
	bool taken = list_key(&v->list, k);
	if (taken)
		remake_jobs(v);
	return taken;
}

static bool paste(void *state, struct app *a, const char *text, size_t len)
{
	(void)a;
	struct clusters_state *v = state;
	bool taken = list_paste(&v->list, text, len);
	if (taken)
		remake_jobs(v);
	return taken;
}

static void mouse(void *state, struct app *a, const struct input_event *e)
{
	(void)a;
	struct clusters_state *v = state;
	bool jobs = v->details && rect_has(v->jobs.rows_at, e->mouse.x, e->mouse.y);
	if (e->mouse.what == MOUSE_PRESS)
		v->in_jobs = jobs && v->n_jobs;
	if (jobs) {
		struct grid_rows rows = clusters_job_rows(v);
		grid_mouse(&v->jobs, &rows, e);
	} else {
		list_mouse(&v->list, e);
		remake_jobs(v);
	}
}

/* Elapsed times of what is being done are shown by the second. */
static int64_t wait_ms(void *state, const struct app *a)
{
	const struct clusters_state *v = state;
	return v->details && request_of(v) ? 1000 - a->now_ms % 1000 : -1;
}

/* --- drawing ------------------------------------------------------------------------------------------------------ */

static void title_line(void *state, struct app *a, struct canvas *c, struct rect line, bool keys)
{
	struct clusters_state *v = state;
	const struct ui_snapshot *snap = app_snapshot(a);
	char right[100], age[40] = "";
	size_t up = 0;
	for (size_t i = 0; i < snap->n_clusters; i++)
		up += str_eq(snap->clusters[i].status, "UP");
	if (snap->link == UI_LINK_LOST && snap->at_ms)
		ago_text(snap->at_ms, a->now_ms, age, sizeof age);
	snprintf(right, sizeof right, " cluster%s, %zu up%s%s", snap->n_clusters == 1 ? "" : "s", up, age[0] ? " \xc2\xb7 as of " : "", age);
	list_title(&v->list, c, line, "Clusters", right, keys);
}

static const char *empty_text(const struct clusters_state *v)
{
	const struct ui_snapshot *snap = app_snapshot(v->app);
	if (!v->app->source || (snap->link == UI_LINK_NONE && snap->link_text[0]))
		return snap->link_text[0] ? snap->link_text : "no engine: prices only";
	if (!snap->at_ms)
		return "waiting for the engine";
	return "no clusters; l launches one, 1 shows what there is to be had";
}

static void draw(void *state, struct app *a, struct canvas *c, struct rect body, bool keys)
{
	(void)a;
	struct clusters_state *v = state;
	struct rect list = body, side = {0, 0, 0, 0};
	bool open = v->details && v->list.n;
	v->jobs.rows_at = v->list.grid.rows_at = (struct rect){0, 0, 0, 0};
	if (open)
		side = details_split(c, body, &list, v->list.n + 1);
	if (!rect_empty(list))
		list_draw(&v->list, c, list, keys && !v->in_jobs, empty_text(v));
	if (open)
		cluster_details_draw(v, c, side, keys);
}

static const char *const *hints(void *state, const struct app *a)
{
	(void)a;
	return list_hints(&((const struct clusters_state *)state)->list);
}

static void *create(struct app *a)
{
	struct clusters_state *v = xcalloc(1, sizeof *v);
	v->app = a;
	clusters_init_lists(v);
	return v;
}

static void destroy(void *state)
{
	struct clusters_state *v = state;
	free(v->job_order);
	list_finish(&v->list);
	grid_finish(&v->jobs);
	free(v);
}

static json_t *save(void *state)
{
	struct clusters_state *v = state;
	json_t *j = json_object();
	json_object_set_new(j, "grid", grid_save(&v->list.grid));
	json_object_set_new(j, "jobs", grid_save(&v->jobs));
	json_object_set_new(j, "details", json_boolean(v->details));
	return j;
}

static void restore(void *state, struct app *a, const json_t *saved)
{
	(void)a;
	struct clusters_state *v = state;
	grid_restore(&v->list.grid, json_object_get(saved, "grid"));
	grid_restore(&v->jobs, json_object_get(saved, "jobs"));
	v->details = json_is_true(json_object_get(saved, "details"));
	list_remake(&v->list);
	remake_jobs(v);
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
    .wait_ms = wait_ms,
};
