/* Jobs: those of all clusters in one list. */
#include "tui/view/jobs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/view/details.h"
#include "tui/view/list.h"
#include "tui/view/views.h"

enum { JOBS_AT_ONCE = 200 };

static const struct grid_column columns[] = {
    [JOB_FIELD_CLUSTER] = {"CLUSTER", 9, 22, 0, false, JOB_FIELD_CLUSTER},
    [JOB_FIELD_ID] = {"JOB", 4, 6, 0, true, JOB_FIELD_ID},
    [JOB_FIELD_NAME] = {"NAME", 9, 26, 1, false, JOB_FIELD_NAME},
    [JOB_FIELD_STATUS] = {"STATUS", 13, 13, 0, false, JOB_FIELD_STATUS},
    [JOB_FIELD_USER] = {"USER", 6, 9, 6, false, JOB_FIELD_USER},
    [JOB_FIELD_RESOURCES] = {"RESOURCES", 9, 14, 5, false, JOB_FIELD_RESOURCES},
    [JOB_FIELD_SUBMITTED] = {"SUBMITTED", 10, 10, 3, false, JOB_FIELD_SUBMITTED},
    [JOB_FIELD_TOOK] = {"TOOK", 7, 9, 2, false, JOB_FIELD_TOOK},
    [JOB_FIELD_EXIT] = {"EXIT", 4, 5, 4, true, JOB_FIELD_EXIT},
    [JOB_FIELD_REASON] = {"REASON", 8, 100, 7, false, -1},
};

struct jobs_state {
	struct list_view view;
};

static const struct ui_job *job_at(const struct jobs_state *v, size_t item)
{
	return item == LIST_NONE ? NULL : &app_snapshot(v->view.app)->jobs[item];
}

static const struct ui_job *selected(const struct jobs_state *v)
{
	return job_at(v, list_selected(&v->view.lists[0]));
}

/* --- the list ----------------------------------------------------------------------------------------------------- */

static size_t count(void *view)
{
	return app_snapshot(((struct jobs_state *)view)->view.app)->n_jobs;
}

static uint64_t id(void *view, size_t item)
{
	return job_row_id(job_at(view, item));
}

static void cell(void *view, size_t item, size_t column, struct grid_cell *out)
{
	const struct jobs_state *v = view;
	job_cell(v->view.app, job_at(v, item), (enum job_field)column, out);
}

static int64_t took_ms(const struct jobs_state *v, const struct ui_job *j)
{
	return !j->started_at_ms ? -1 : (j->ended_at_ms ? j->ended_at_ms : v->view.app->now_ms) - j->started_at_ms;
}

static int compare(void *view, size_t x, size_t y, int sort)
{
	const struct jobs_state *v = view;
	const struct ui_job *a = job_at(v, x), *b = job_at(v, y);
	switch (sort) {
	case JOB_FIELD_CLUSTER:
		return list_by_text(a->cluster, b->cluster);
	case JOB_FIELD_ID:
		return list_by_int(a->id, b->id);
	case JOB_FIELD_NAME:
		return list_by_text(a->name, b->name);
	case JOB_FIELD_STATUS:
		return list_by_text(a->status, b->status);
	case JOB_FIELD_USER:
		return list_by_text(a->user, b->user);
	case JOB_FIELD_RESOURCES:
		return list_by_text(a->resources, b->resources);
	case JOB_FIELD_SUBMITTED:
		/* By age, as the column shows it. */
		return list_by_int(b->submitted_at_ms, a->submitted_at_ms);
	case JOB_FIELD_TOOK:
		return list_by_int(took_ms(v, a), took_ms(v, b));
	case JOB_FIELD_EXIT:
		return list_by_int(a->exit_code, b->exit_code);
	default: { /* newest first, and always the same order */
		int d = list_by_int(b->submitted_at_ms, a->submitted_at_ms);
		d = d ? d : list_by_text(a->cluster, b->cluster);
		return d ? d : list_by_int(b->id, a->id);
	}
	}
}

static const struct list_kind kind = {.columns = columns, .n_columns = ARRAY_LEN(columns), .scope = SCOPE_JOBS,
    .sort_column = JOB_FIELD_SUBMITTED, .count = count, .id = id, .cell = cell, .compare = compare, .newest_first = true};

/* --- actions ------------------------------------------------------------------------------------------------------ */

static size_t meant(const struct jobs_state *v, const struct ui_job *out[JOBS_AT_ONCE])
{
	size_t items[JOBS_AT_ONCE], n = list_meant(&v->view.lists[0], items, JOBS_AT_ONCE);
	for (size_t i = 0; i < n; i++)
		out[i] = job_at(v, items[i]);
	return n;
}

static bool act(void *state, struct app *a, enum action what)
{
	struct jobs_state *v = state;
	const struct ui_job *j = selected(v), *jobs[JOBS_AT_ONCE];
	if (list_view_act(&v->view, what))
		return true;
	if ((what == ACTION_LOGS || what == ACTION_LOGS_BESIDE) && j)
		logs_follow(a, j->cluster, j->id, what == ACTION_LOGS_BESIDE);
	else if (what == ACTION_CANCEL_JOB)
		jobs_ask_cancel(a, jobs, meant(v, jobs));
	else
		return false;
	return true;
}

static const char *why_not(void *state, const struct app *a, enum action what)
{
	(void)a;
	const struct jobs_state *v = state;
	const struct ui_job *jobs[JOBS_AT_ONCE];
	size_t n = meant(v, jobs), open = 0;
	if (what == ACTION_PANE)
		return "there is one pane here";
	if (what != ACTION_LOGS && what != ACTION_LOGS_BESIDE && what != ACTION_CANCEL_JOB && what != ACTION_DETAILS)
		return NULL;
	if (!n)
		return "no job is selected";
	for (size_t i = 0; i < n; i++)
		open += !jobs[i]->ended_at_ms;
	return what == ACTION_CANCEL_JOB && !open ? n == 1 ? "that job is over" : "those jobs are over" : NULL;
}

/* --- drawing ------------------------------------------------------------------------------------------------------ */

static void title_line(void *state, struct app *a, struct canvas *c, struct rect line, bool keys)
{
	struct jobs_state *v = state;
	const struct ui_snapshot *snap = app_snapshot(a);
	size_t running = 0, waiting = 0;
	char right[80];
	for (size_t i = 0; i < snap->n_jobs; i++) {
		const char *s = snap->jobs[i].status;
		running += str_eq(s, "RUNNING") || str_eq(s, "SETTING_UP");
		waiting += str_eq(s, "PENDING") || str_eq(s, "INIT");
	}
	snprintf(right, sizeof right, " job%s, %zu running, %zu waiting", snap->n_jobs == 1 ? "" : "s", running, waiting);
	list_title(&v->view.lists[0], c, line, "Jobs", right, keys);
}

static bool about(const struct ui_event *e, const void *arg)
{
	const struct ui_job *j = arg;
	char start[40];
	int n = snprintf(start, sizeof start, "job %" PRId64, j->id);
	return str_eq(e->object, j->cluster) && e->at_ms + 1000 >= j->submitted_at_ms && str_starts(e->text, start) &&
	       (e->text[n] == ' ' || e->text[n] == ':');
}

static void draw_details(const struct jobs_state *v, struct canvas *c, struct rect r, const struct ui_job *j)
{
	char text[200];
	struct grid_cell cells[JOB_FIELD_REASON + 1] = {{.n_spans = 0}};
	for (size_t i = 0; i < ARRAY_LEN(cells); i++)
		job_cell(v->view.app, j, (enum job_field)i, &cells[i]);
	snprintf(text, sizeof text, "%" PRId64 "%s%s", j->id, j->name[0] ? " " : "", j->name);
	details_line(c, &r, "job", ROLE_TEXT, text);
	details_line(c, &r, "cluster", ROLE_TEXT, j->cluster);
	snprintf(text, sizeof text, "%s%s%s", j->status, j->exit_code >= 0 ? ", exit code " : "", j->exit_code >= 0 ? cells[JOB_FIELD_EXIT].text : "");
	details_line(c, &r, "status", job_status_role(j->status), text);
	details_text(c, &r, "reason", ROLE_WARN, job_reason(v->view.app, j));
	details_line(c, &r, "user", ROLE_TEXT, cells[JOB_FIELD_USER].text);
	details_line(c, &r, "resources", ROLE_TEXT, cells[JOB_FIELD_RESOURCES].text);
	details_line(c, &r, "submitted", ROLE_TEXT, details_time(j->submitted_at_ms, v->view.app->now_ms, text, sizeof text));
	details_line(c, &r, "started", ROLE_TEXT, details_time(j->started_at_ms, v->view.app->now_ms, text, sizeof text));
	details_line(c, &r, "ended", ROLE_TEXT, details_time(j->ended_at_ms, v->view.app->now_ms, text, sizeof text));
	if (j->started_at_ms)
		details_line(c, &r, "took", ROLE_TEXT, cells[JOB_FIELD_TOOK].text);
	snprintf(text, sizeof text, "skytop logs %s %" PRId64, j->cluster, j->id);
	details_line(c, &r, "log", ROLE_DIM, text);
	rect_cut_top(&r, r.h > 3);
	if (details_heading(c, &r, "EVENTS (UTC)"))
		details_events(v->view.app, c, r, about, j);
}

static const char *empty_text(const struct app *a)
{
	const char *without = view_without_engine(a);
	return without ? without : app_snapshot(a)->n_clusters ? "no jobs; x in Clusters runs one, as `skytop exec CLUSTER COMMAND` does"
							       : "no jobs, and no clusters to run any; l in Clusters launches one";
}

static void draw(void *state, struct app *a, struct canvas *c, struct rect body, bool keys)
{
	struct jobs_state *v = state;
	struct rect side = list_view_draw(&v->view, c, body, keys, empty_text(a));
	if (!rect_empty(side))
		draw_details(v, c, side, selected(v));
}

static void *create(struct app *a)
{
	struct jobs_state *v = xcalloc(1, sizeof *v);
	v->view.app = a;
	list_view_add(&v->view, "grid", &kind);
	return v;
}

static void destroy(void *state)
{
	struct jobs_state *v = state;
	list_view_finish(&v->view);
	free(v);
}

static size_t copies(void *state, const struct app *a, struct arena *arena, struct view_copy out[VIEW_COPIES_MAX])
{
	struct jobs_state *v = state;
	const struct ui_job *j = selected(v);
	size_t n = 0;
	if (!j)
		return 0;
	n = view_copy_add(out, n, "job", arena_printf(arena, "%" PRId64, j->id));
	n = view_copy_add(out, n, "log command", arena_printf(arena, "%s %" PRId64, view_command(arena, "skytop logs", j->cluster), j->id));
	if (!j->ended_at_ms)
		n = view_copy_add(out, n, "cancel command", arena_printf(arena, "%s %" PRId64, view_command(arena, "skytop cancel", j->cluster), j->id));
	n = view_copy_add(out, n, "reason", arena_strdup(arena, job_reason(a, j)));
	n = view_copy_add(out, n, "ssh command", view_command(arena, "skytop ssh", j->cluster));
	return view_copy_add(out, n, "row", list_tsv(&v->view.lists[0], arena));
}

const struct view_ops jobs_view = {
    .name = "jobs",
    .title = "Jobs",
    .scope = SCOPE_JOBS,
    .go = ACTION_VIEW_JOBS,
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
    .copies = copies,
    .save = list_view_save,
    .restore = list_view_restore,
    .hints = list_view_hints,
    .wait_ms = list_view_wait_ms,
};
