/* The cells of jobs, wherever they are listed, and the question before they are cancelled. A status is its word; colour only helps. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/dialog.h"
#include "tui/format.h"
#include "tui/view/jobs.h"
#include "tui/view/list.h"

enum { TEXT_MAX = 8000 };

static const struct {
	const char *word;
	enum role role;
} roles[] = {{"SUCCEEDED", ROLE_GOOD}, {"RUNNING", ROLE_BUSY}, {"SETTING_UP", ROLE_BUSY}, {"PENDING", ROLE_TEXT}, {"INIT", ROLE_TEXT},
    {"CANCELLED", ROLE_DIM}};

enum role job_status_role(const char *status)
{
	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (str_eq(roles[i].word, status))
			return roles[i].role;
	return ROLE_BAD; /* all the others are ways of failing */
}

uint64_t job_row_id(const struct ui_job *j)
{
	return list_id(j->cluster) * 31 + (uint64_t)j->id + 1;
}

/* The engine's event about its end: "job 3 train: FAILED: node 1 …". */
const char *job_reason(const struct app *a, const struct ui_job *j)
{
	const struct ui_snapshot *snap = app_snapshot(a);
	char start[40];
	if (j->reason[0] || !j->ended_at_ms || str_eq(j->status, "SUCCEEDED"))
		return j->reason;
	int n = snprintf(start, sizeof start, "job %" PRId64, j->id);
	for (size_t i = 0; i < snap->n_events; i++) {
		const struct ui_event *e = &snap->events[i];
		if (!str_eq(e->object, j->cluster) || e->at_ms < j->submitted_at_ms || !str_starts(e->text, start) || (e->text[n] != ' ' && e->text[n] != ':'))
			continue;
		const char *word = strstr(e->text, j->status);
		if (word && word[strlen(j->status)] == ':')
			return word + strlen(j->status) + 1 + strspn(word + strlen(j->status) + 1, " ");
	}
	return "";
}

static void put(struct grid_cell *out, const char *text)
{
	snprintf(out->text, sizeof out->text, "%s", text);
}

/* What is not known is a dash, which is no figure. */
static void put_unknown(struct grid_cell *out)
{
	put(out, NUM_UNKNOWN);
	out->role = ROLE_DIM;
}

void job_cell(const struct app *a, const struct ui_job *j, enum job_field field, struct grid_cell *out)
{
	int64_t now = a->now_ms;
	switch (field) {
	case JOB_FIELD_CLUSTER:
		put(out, j->cluster);
		break;
	case JOB_FIELD_ID:
		snprintf(out->text, sizeof out->text, "%" PRId64, j->id);
		break;
	case JOB_FIELD_NAME:
		put(out, j->name);
		break;
	case JOB_FIELD_STATUS:
		put(out, j->status);
		out->role = job_status_role(j->status);
		break;
	case JOB_FIELD_USER:
		put(out, j->user);
		break;
	case JOB_FIELD_RESOURCES:
		put(out, j->resources);
		break;
	case JOB_FIELD_SUBMITTED:
		format_age(j->submitted_at_ms, now, out->text, sizeof out->text);
		break;
	case JOB_FIELD_TOOK:
		/* By the minute while it runs, so that an idle screen stays idle. */
		if (j->started_at_ms && j->ended_at_ms)
			duration_text(j->ended_at_ms - j->started_at_ms, out->text, sizeof out->text);
		else if (j->started_at_ms && now - j->started_at_ms < 60000)
			put(out, "<1 min");
		else if (j->started_at_ms)
			format_age(j->started_at_ms, now, out->text, sizeof out->text);
		break;
	case JOB_FIELD_EXIT:
		if (j->exit_code >= 0)
			snprintf(out->text, sizeof out->text, "%" PRId64, j->exit_code);
		break;
	case JOB_FIELD_REASON:
		put(out, job_reason(a, j));
		out->role = ROLE_DIM;
		return;
	}
	if (!out->text[0])
		put_unknown(out);
}

static void describe(const struct app *a, const struct ui_job *j, struct str *out)
{
	char age[24];
	str_addf(out, "%s job %" PRId64 "%s%s: %s, submitted %s%s%s\n", j->cluster, j->id, j->name[0] ? " " : "", j->name, j->status,
	    ago_text(j->submitted_at_ms, a->now_ms, age, sizeof age), j->user[0] ? " by " : "", j->user);
}

void jobs_ask_cancel(struct app *a, const struct ui_job *const *jobs, size_t n)
{
	struct arena *arena = arena_create();
	struct ui_order *orders = arena_alloc(arena, (n + 1) * sizeof *orders);
	struct str text = str_new(TEXT_MAX);
	size_t n_orders = 0;
	str_add(&text, "Processes are ended; what they have not saved is lost. The cluster stays up, and goes on costing.\n\n");
	for (size_t i = 0; i < n; i++) {
		if (jobs[i]->ended_at_ms) {
			str_addf(&text, "%s job %" PRId64 " is over: left alone\n", jobs[i]->cluster, jobs[i]->id);
			continue;
		}
		orders[n_orders++] = (struct ui_order){.verb = UI_CANCEL_JOB, .cluster = arena_strdup(arena, jobs[i]->cluster), .id = jobs[i]->id};
		describe(a, jobs[i], &text);
	}
	bool one = n_orders == 1;
	struct confirm_spec spec = {
	    .title = one ? arena_printf(arena, "Cancel job %" PRId64 " of %s?", orders[0].id, orders[0].cluster)
			 : arena_printf(arena, "Cancel %zu jobs?", n_orders),
	    .text = arena_strdup(arena, str_text(&text)),
	    .button = one ? "Cancel the job" : "Cancel the jobs",
	    .typed = n_orders > 1 ? arena_printf(arena, "%zu", n_orders) : NULL,
	    .orders = orders,
	    .n_orders = n_orders,
	};
	str_free(&text);
	app_open(a, &confirm_ops, confirm_create(&spec, arena));
}
