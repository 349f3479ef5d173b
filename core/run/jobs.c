/* Jobs as the agent on the head tells them. The agent's files are the truth; the rows here are what was last heard. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/run/run.h"

enum { JOBS_MAX = 100000, REASON_MAX = 400 };

struct job *jobs_find(struct unit *u, int64_t id)
{
	size_t lo = 0, hi = u->n_jobs;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (u->jobs[mid]->id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < u->n_jobs && u->jobs[lo]->id == id ? u->jobs[lo] : NULL;
}

static struct job *add(struct unit *u, int64_t id)
{
	if (u->n_jobs >= JOBS_MAX)
		return NULL;
	struct job *j = xcalloc(1, sizeof *j);
	*j = (struct job){.cluster_id = u->c->id, .id = id, .status = JOB_PENDING, .exit_code = -1, .num_nodes = 1};
	ARRAY_GROW(u->jobs, u->n_jobs, u->jobs_cap);
	size_t at = u->n_jobs++;
	for (; at && u->jobs[at - 1]->id > id; at--)
		u->jobs[at] = u->jobs[at - 1];
	u->jobs[at] = j;
	return j;
}

static void save(struct unit *u, const struct job *j)
{
	struct err err;
	if (state_save_job(u->engine->state, j, &err))
		log_line(LOG_ERROR, "job %" PRId64 " of %s: %s", j->id, u->c->name, err.text);
}

static void say_status(struct unit *u, const struct job *j)
{
	const char *why = j->reason;
	bool over = job_is_over(j->status);
	const char *level = over && j->status != JOB_SUCCEEDED ? "warn" : "info";
	run_event(u->engine, u, NULL, over ? "job.over" : "job.status", level,
	    json_pack("{s:I, s:s, s:I}", "job", (json_int_t)j->id, "status", job_status_name(j->status), "exit_code", (json_int_t)j->exit_code),
	    "job %" PRId64 "%s%s: %s%s%s", j->id, j->name ? " " : "", j->name ? j->name : "", job_status_name(j->status), why ? ": " : "", why ? why : "");
}

/* "node 0 (ubuntu@10.0.0.7), the head,": who it was. For the caller to free. */
static char *head_name(const struct unit *u)
{
	const struct node *head = u->c->n_nodes ? u->c->nodes : NULL;
	char *host = head && head->reach ? remote_host(head->reach) : NULL;
	char *text = xasprintf("node 0%s%s%s%s", host ? " (" : "", host ? host : "", host ? ")" : "", u->c->n_nodes > 1 ? ", the head," : "");
	free(host);
	return text;
}

/* What the agent says, or what its word for it means; fit for a terminal. For the caller to free; NULL: nothing. */
static char *reason_of(const struct unit *u, const json_t *line)
{
	static const struct {
		const char *word, *text;
		bool of_head; /* text goes on after the head's name */
	} words[] = {
	    {"reboot", "was rebooted while the job ran", true},
	    {"driver_gone", "has lost the process that ran the job", true},
	    {"shutdown", "the cluster was stopped while it ran", false},
	    {"unreachable", "a node of it could not be reached", false},
	    {"bundle", "what was to be run did not arrive whole", false},
	};
	const char *text = json_str(line, "reason_text", NULL), *word = json_str(line, "reason", NULL);
	bool of_head = false;
	for (size_t i = 0; !text && word && i < ARRAY_LEN(words); i++) {
		if (!str_eq(word, words[i].word))
			continue;
		text = words[i].text;
		of_head = words[i].of_head;
	}
	text = text ? text : word;
	if (!text)
		return NULL;
	struct str s = str_new(REASON_MAX * 4);
	if (of_head) {
		char *head = head_name(u);
		str_addf(&s, "%s ", head);
		free(head);
	}
	text_clean(&s, text, strlen(text) < REASON_MAX ? strlen(text) : REASON_MAX);
	return str_take(&s);
}

static int64_t gpus_micro(const json_t *line)
{
	const json_t *g = json_object_get(line, "gpus");
	return json_is_number(g) ? (int64_t)(json_number_value(g) * 1e6 + 0.5) : 0;
}

void jobs_take_line(struct unit *u, const json_t *line)
{
	int64_t id = json_int(line, "job", 0);
	struct job *j = id > 0 ? jobs_find(u, id) : NULL;
	if (id > 0 && !j)
		j = add(u, id);
	if (!j)
		return;
	enum job_status status = job_status_of(json_str(line, "status", "INIT"));
	bool moved = status != j->status || !j->submitted_at_ms;
	bool guessed = j->status == JOB_FAILED_DRIVER && !j->log_complete; /* see jobs_end_unheard */
	if (job_is_over(j->status) && !job_is_over(status) && !guessed)
		return; /* a line from before: later facts win */
	j->status = status;
	own_str(&j->key, json_str(line, "key", j->key));
	own_str(&j->name, json_str(line, "name", j->name));
	own_str(&j->user, json_str(line, "user", j->user));
	j->submitted_at_ms = json_int(line, "submitted_at", j->submitted_at_ms);
	j->started_at_ms = json_int(line, "started_at", j->started_at_ms);
	if (!job_is_over(status))
		j->ended_at_ms = 0;
	j->ended_at_ms = json_int(line, "ended_at", j->ended_at_ms);
	j->exit_code = json_int(line, "exit_code", j->exit_code);
	j->num_nodes = json_int(line, "num_nodes", j->num_nodes);
	j->gpus_micro = gpus_micro(line);
	j->log_bytes = json_int(line, "log_bytes", j->log_bytes);
	if (!j->log_complete)
		spool_start(u, j);
	if (!moved)
		return;
	free(j->reason);
	j->reason = job_is_over(status) ? reason_of(u, line) : NULL;
	save(u, j);
	say_status(u, j);
	run_commit(u->engine);
	run_changed(u->engine);
	if (u->engine->listener.log_grew)
		u->engine->listener.log_grew(u->engine->listener.arg, u->c->id, j->id);
}

void jobs_end_all(struct unit *u, const char *why)
{
	for (size_t i = 0; i < u->n_jobs; i++) {
		struct job *j = u->jobs[i];
		bool open = !job_is_over(j->status);
		if (!open && j->log_complete)
			continue;
		spool_cut(u, j);
		j->log_complete = true; /* no more of it can come */
		if (open) {
			j->status = JOB_FAILED_DRIVER;
			j->ended_at_ms = wall_now_ms();
			own_str(&j->reason, why);
			run_event(u->engine, u, NULL, "job.over", "error", json_pack("{s:I, s:s}", "job", (json_int_t)j->id, "status", "FAILED_DRIVER"),
			    "job %" PRId64 ": FAILED_DRIVER: %s", j->id, why);
		}
		save(u, j);
		if (u->engine->listener.log_grew)
			u->engine->listener.log_grew(u->engine->listener.arg, u->c->id, j->id);
	}
}

void jobs_end_unheard(struct unit *u, const char *why)
{
	for (size_t i = 0; i < u->n_jobs; i++) {
		struct job *j = u->jobs[i];
		if (job_is_over(j->status))
			continue;
		j->status = JOB_FAILED_DRIVER;
		j->ended_at_ms = wall_now_ms();
		own_str(&j->reason, why);
		run_event(u->engine, u, NULL, "job.over", "error", json_pack("{s:I, s:s}", "job", (json_int_t)j->id, "status", "FAILED_DRIVER"),
		    "job %" PRId64 ": FAILED_DRIVER: %s", j->id, why);
		save(u, j);
		if (u->engine->listener.log_grew)
			u->engine->listener.log_grew(u->engine->listener.arg, u->c->id, j->id);
	}
	run_commit(u->engine);
	run_changed(u->engine);
}

bool jobs_any_open(const struct unit *u)
{
	for (size_t i = 0; i < u->n_jobs; i++)
		if (!job_is_over(u->jobs[i]->status))
			return true;
	return false;
}
