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

enum { JOBS_AT_ONCE = 200 };

/* Another cluster has other jobs; keys stay with them only while there are some to be seen. */
static void moved(void *state)
{
	struct clusters_state *v = state;
	struct list *jobs = &v->view.lists[CLUSTER_JOBS];
	const struct ui_cluster *c = clusters_selected(v);
	uint64_t id = c ? list_id(c->name) : 0;
	if (id != v->jobs_of) {
		v->jobs_of = id;
		field_set(&jobs->query.field, "");
		jobs->grid.n_marks = 0;
		list_remake(jobs);
	}
	if (!jobs->n_all || !v->view.details)
		v->view.focus = CLUSTERS;
}

/* --- actions ------------------------------------------------------------------------------------------------------ */

static void open_log(struct clusters_state *v, bool new_pane)
{
	const struct ui_cluster *c = clusters_selected(v);
	const struct ui_job *j = v->view.focus ? clusters_selected_job(v) : NULL;
	if (c)
		logs_follow(v->view.app, c->name, j ? j->id : -1, new_pane);
}

/* Within the jobs Esc leads back to the clusters, and Enter to the log. */
static bool act_in_jobs(struct clusters_state *v, enum action what)
{
	struct list *jobs = &v->view.lists[CLUSTER_JOBS];
	if (what == ACTION_DETAILS)
		open_log(v, false);
	else if (what == ACTION_BACK && !list_act(jobs, what))
		v->view.focus = CLUSTERS;
	return what == ACTION_DETAILS || what == ACTION_BACK;
}

/* The request at work on a cluster, as far as it is known. */
static const struct ui_request *request_of(const struct clusters_state *v)
{
	const struct ui_cluster *c = clusters_selected(v);
	return c ? checklist_request(v->view.app, c->request) : NULL;
}

static size_t jobs_meant(const struct clusters_state *v, const struct ui_job *out[JOBS_AT_ONCE])
{
	size_t items[JOBS_AT_ONCE], n = list_meant(&v->view.lists[CLUSTER_JOBS], items, JOBS_AT_ONCE);
	for (size_t i = 0; i < n; i++)
		out[i] = &app_snapshot(v->view.app)->jobs[items[i]];
	return n;
}

/* The ticket of what was ordered for it and the engine has not answered yet; 0. */
static unsigned unanswered(const struct clusters_state *v)
{
	const struct ui_cluster *c = clusters_selected(v);
	const struct notice *n = c ? notices_about(&v->view.app->notices, c->name) : NULL;
	return n && n->state == NOTICE_SENT ? n->ticket : 0;
}

static bool act(void *state, struct app *a, enum action what)
{
	struct clusters_state *v = state;
	const struct ui_job *jobs[JOBS_AT_ONCE];
	if ((v->view.focus && act_in_jobs(v, what)) || list_view_act(&v->view, what))
		return true;
	switch (what) {
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
		jobs_ask_cancel(a, jobs, jobs_meant(v, jobs));
		return true;
	case ACTION_CANCEL_REQUEST:
		if (request_of(v))
			checklist_ask_cancel(a, request_of(v));
		else if (unanswered(v))
			notices_unwanted(&a->notices, unanswered(v));
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
	if ((what == ACTION_LOGS || what == ACTION_LOGS_BESIDE) && !v->view.lists[CLUSTERS].n)
		return "no cluster is selected";
	if (what == ACTION_PANE && (!v->view.details || !v->view.lists[CLUSTER_JOBS].n_all))
		return "Enter opens the details, with the jobs";
	if (what == ACTION_CANCEL_REQUEST && !request_of(v) && !unanswered(v))
		return "nothing is being done with it";
	if (what == ACTION_CANCEL_JOB) {
		const struct ui_job *jobs[JOBS_AT_ONCE];
		size_t n = v->view.focus ? jobs_meant(v, jobs) : 0, open = 0;
		if (!n)
			return "select a job first: Enter, then Tab; or in Jobs";
		for (size_t i = 0; i < n; i++)
			open += !jobs[i]->ended_at_ms;
		if (!open)
			return n == 1 ? "that job is over" : "those jobs are over";
	}
	return NULL;
}

/* Elapsed times of what is being done are shown by the second. */
static int64_t wait_ms(void *state, const struct app *a)
{
	const struct clusters_state *v = state;
	int64_t second = v->view.details && request_of(v) ? 1000 - a->now_ms % 1000 : -1, order = list_view_wait_ms(state, a);
	return second < 0 || (order >= 0 && order < second) ? order : second;
}

bool clusters_has(const struct app *a, const char *name)
{
	const struct ui_snapshot *snap = app_snapshot(a);
	for (size_t i = 0; i < snap->n_clusters; i++)
		if (str_eq(snap->clusters[i].name, name))
			return true;
	return false;
}

void clusters_show(struct app *a, const char *filter)
{
	struct clusters_state *v = app_view_state(a, &clusters_view);
	struct list *l = &v->view.lists[CLUSTERS];
	app_act(a, ACTION_VIEW_CLUSTERS);
	field_set(&l->query.field, filter);
	list_remake(l);
	moved(v);
}

void clusters_point_at(struct app *a, const char *name)
{
	struct clusters_state *v = app_view_state(a, &clusters_view);
	if (list_select(&v->view.lists[CLUSTERS], list_id(name)))
		moved(v);
}

void clusters_go_to(struct app *a, const char *name)
{
	struct clusters_state *v = app_view_state(a, &clusters_view);
	struct list *l = &v->view.lists[CLUSTERS];
	if (!list_select(l, list_id(name)))
		clusters_show(a, ""); /* a filter hides it */
	list_select(l, list_id(name));
	list_view_details(&v->view, true);
	moved(v);
	app_act(a, ACTION_VIEW_CLUSTERS);
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
	if (v->view.focus) {
		char name[160];
		snprintf(name, sizeof name, "Jobs of %s", clusters_selected(v) ? clusters_selected(v)->name : "");
		list_title(&v->view.lists[CLUSTER_JOBS], c, line, name, v->view.lists[CLUSTER_JOBS].n_all == 1 ? " job" : " jobs", keys);
	} else {
		list_title(&v->view.lists[CLUSTERS], c, line, "Clusters", right, keys);
	}
}

static void draw(void *state, struct app *a, struct canvas *c, struct rect body, bool keys)
{
	struct clusters_state *v = state;
	const char *without = view_without_engine(a);
	struct rect side = list_view_draw(&v->view, c, body, keys, without ? without : "no clusters; l launches one, 1 shows what there is to be had");
	if (!rect_empty(side))
		cluster_details_draw(v, c, side, keys);
}

static void *create(struct app *a)
{
	struct clusters_state *v = xcalloc(1, sizeof *v);
	v->view.app = a;
	v->view.moved = moved;
	clusters_init_lists(v);
	return v;
}

static void destroy(void *state)
{
	struct clusters_state *v = state;
	list_view_finish(&v->view);
	free(v);
}

const struct view_ops clusters_view = {
    .name = "clusters",
    .title = "Clusters",
    .scope = SCOPE_CLUSTERS,
    .go = ACTION_VIEW_CLUSTERS,
    .create = create,
    .destroy = destroy,
    .news = list_view_news,
    .key = list_view_key,
    .act = act,
    .why_not = why_not,
    .paste = list_view_paste,
    .mouse = list_view_mouse,
    .title_line = title_line,
    .draw = draw,
    .copies = clusters_copies,
    .save = list_view_save,
    .restore = list_view_restore,
    .hints = list_view_hints,
    .wait_ms = wait_ms,
};
