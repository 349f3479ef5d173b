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
	struct app *app;
	struct list list;
	bool details;
};

static const struct ui_job *job_at(const struct jobs_state *v, size_t item)
{
	return item == LIST_NONE ? NULL : &app_snapshot(v->app)->jobs[item];
}

/* --- the list ----------------------------------------------------------------------------------------------------- */

static size_t count(void *view)
{
	return app_snapshot(((struct jobs_state *)view)->app)->n_jobs;
}

static uint64_t id(void *view, size_t item)
{
	return job_row_id(job_at(view, item));
}

static void cell(void *view, size_t item, size_t column, struct grid_cell *out)
{
	const struct jobs_state *v = view;
	job_cell(v->app, job_at(v, item), (enum job_field)column, out);
}

static int64_t took_ms(const struct jobs_state *v, const struct ui_job *j)
{
	return !j->started_at_ms ? -1 : (j->ended_at_ms ? j->ended_at_ms : v->app->now_ms) - j->started_at_ms;
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
	size_t items[JOBS_AT_ONCE], n = list_meant(&v->list, items, JOBS_AT_ONCE);
	for (size_t i = 0; i < n; i++)
		out[i] = job_at(v, items[i]);
	return n;
}

static bool act(void *state, struct app *a, enum action what)
{
	struct jobs_state *v = state;
	const struct ui_job *j = job_at(v, list_selected(&v->list)), *jobs[JOBS_AT_ONCE];
	if (what == ACTION_BACK && v->details)
		v->details = false;
	else if (list_act(&v->list, what))
		return true;
	else if (what == ACTION_DETAILS)
		v->details = !v->details && j;
	else if ((what == ACTION_LOGS || what == ACTION_LOGS_BESIDE) && j)
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

static bool key(void *state, struct app *a, struct key k)
{
	(void)a;
	return list_key(&((struct jobs_state *)state)->list, k);
}

static bool paste(void *state, struct app *a, const char *text, size_t len)
{
	(void)a;
	return list_paste(&((struct jobs_state *)state)->list, text, len);
}

static void mouse(void *state, struct app *a, const struct input_event *e)
{
	(void)a;
	list_mouse(&((struct jobs_state *)state)->list, e);
}

static void news(void *state, struct app *a)
{
	(void)a;
	list_news(&((struct jobs_state *)state)->list);
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
	list_title(&v->list, c, line, "Jobs", right, keys);
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
		job_cell(v->app, j, (enum job_field)i, &cells[i]);
	snprintf(text, sizeof text, "%" PRId64 "%s%s", j->id, j->name[0] ? " " : "", j->name);
	details_line(c, &r, "job", ROLE_TEXT, text);
	details_line(c, &r, "cluster", ROLE_TEXT, j->cluster);
	snprintf(text, sizeof text, "%s%s%s", j->status, j->exit_code >= 0 ? ", exit code " : "", j->exit_code >= 0 ? cells[JOB_FIELD_EXIT].text : "");
	details_line(c, &r, "status", job_status_role(j->status), text);
	details_text(c, &r, "reason", ROLE_WARN, job_reason(v->app, j));
	details_line(c, &r, "user", ROLE_TEXT, cells[JOB_FIELD_USER].text);
	details_line(c, &r, "resources", ROLE_TEXT, cells[JOB_FIELD_RESOURCES].text);
	details_line(c, &r, "submitted", ROLE_TEXT, details_time(j->submitted_at_ms, v->app->now_ms, text, sizeof text));
	details_line(c, &r, "started", ROLE_TEXT, details_time(j->started_at_ms, v->app->now_ms, text, sizeof text));
	details_line(c, &r, "ended", ROLE_TEXT, details_time(j->ended_at_ms, v->app->now_ms, text, sizeof text));
	if (j->started_at_ms)
		details_line(c, &r, "took", ROLE_TEXT, cells[JOB_FIELD_TOOK].text);
	snprintf(text, sizeof text, "skytop logs %s %" PRId64, j->cluster, j->id);
	details_line(c, &r, "log", ROLE_DIM, text);
	rect_cut_top(&r, r.h > 3);
	if (details_heading(c, &r, "EVENTS"))
		details_events(v->app, c, r, about, j);
}

static const char *empty_text(const struct app *a)
{
	const struct ui_snapshot *snap = app_snapshot(a);
	if (!a->source || (snap->link == UI_LINK_NONE && snap->link_text[0]))
		return snap->link_text[0] ? snap->link_text : "no engine: prices only";
	if (!snap->at_ms)
		return "waiting for the engine";
	return snap->n_clusters ? "no jobs; x in Clusters runs one, as `skytop exec CLUSTER COMMAND` does"
				: "no jobs, and no clusters to run any; l in Clusters launches one";
}

static void draw(void *state, struct app *a, struct canvas *c, struct rect body, bool keys)
{
	struct jobs_state *v = state;
	const struct ui_job *j = v->details ? job_at(v, list_selected(&v->list)) : NULL;
	struct rect list = body, side = {0, 0, 0, 0};
	if (j)
		side = details_split(c, body, &list, v->list.n + 1);
	if (!rect_empty(list))
		list_draw(&v->list, c, list, keys, empty_text(a));
	if (j)
		draw_details(v, c, side, j);
}

static const char *const *hints(void *state, const struct app *a)
{
	(void)a;
	return list_hints(&((const struct jobs_state *)state)->list);
}

static void *create(struct app *a)
{
	struct jobs_state *v = xcalloc(1, sizeof *v);
	v->app = a;
	list_init(&v->list, a, &kind, v);
	return v;
}

static void destroy(void *state)
{
	struct jobs_state *v = state;
	list_finish(&v->list);
	free(v);
}

static size_t copies(void *state, const struct app *a, struct arena *arena, struct view_copy out[VIEW_COPIES_MAX])
{
	struct jobs_state *v = state;
	const struct ui_job *j = job_at(v, list_selected(&v->list));
	size_t n = 0;
	if (!j)
		return 0;
	out[n++] = (struct view_copy){"job", arena_printf(arena, "%" PRId64, j->id)};
	out[n++] = (struct view_copy){"log command", arena_printf(arena, "skytop logs %s %" PRId64, j->cluster, j->id)};
	if (!j->ended_at_ms)
		out[n++] = (struct view_copy){"cancel command", arena_printf(arena, "skytop cancel %s %" PRId64, j->cluster, j->id)};
	if (job_reason(a, j)[0])
		out[n++] = (struct view_copy){"reason", arena_strdup(arena, job_reason(a, j))};
	out[n++] = (struct view_copy){"ssh command", arena_printf(arena, "skytop ssh %s", j->cluster)};
	out[n++] = (struct view_copy){"row", list_tsv(&v->list, arena)};
	return n;
}

static json_t *save(void *state)
{
	struct jobs_state *v = state;
	json_t *j = json_object();
	json_object_set_new(j, "grid", grid_save(&v->list.grid));
	return j;
}

static void restore(void *state, struct app *a, const json_t *saved)
{
	(void)a;
	struct jobs_state *v = state;
	grid_restore(&v->list.grid, json_object_get(saved, "grid"));
	list_remake(&v->list);
}

const struct view_ops jobs_view = {
    .name = "jobs",
    .title = "Jobs",
    .scope = SCOPE_JOBS,
    .go = ACTION_VIEW_JOBS,
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
    .copies = copies,
    .save = save,
    .restore = restore,
    .hints = hints,
};
