/* Questions about logs: which file has a job's log, how much of it is here, and, where somebody wants its end or all of it, how much the
 * node has. A look at the node is one command of the agent; who wants only the end of a log that is copied as it is written is answered
 * without. When the copy is far behind, its end is fetched by a second stream, and the answer names that one's file. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/run/run.h"

enum {
	LOOK_MS = 10000,
	BEHIND_BYTES = 32 << 20, /* from here on a tail is fetched first */
	TAIL_BYTES = 4 << 20,
	POLL_MS = 20,
	TAIL_MS = 8000,		 /* a tail, a rank's log: so long is waited for its bytes */
	SETTLED_MS = 400,	 /* nothing more came for so long: that is all there is of it now */
};

/* A question under way. */
struct log_wait {
	struct log_wait *next;
	struct engine *e;
	struct log_which which;
	int64_t target, end_ms;
	bool tail;
	struct remote_call *call;
	unsigned timer;
	engine_log_fn *fn;
	void *arg;
};

/* ---- what is said of a log --------------------------------------------------------------------------------------- */

struct place {
	char *path;
	int64_t base;
	bool complete;
};

static int64_t inode(const char *path)
{
	struct stat st;
	return stat(path, &st) ? 0 : (int64_t)st.st_ino;
}

static bool has(const struct engine *e, const char *uid, int64_t job_id, const char *suffix)
{
	char *path = spool_file(e, uid, job_id, suffix);
	bool there = fs_exists(path);
	free(path);
	return there;
}

static enum spool_kind kind_of(const struct log_which *w)
{
	return w->rank < 0 ? SPOOL_LOG : w->setup ? SPOOL_SETUP : SPOOL_RANK;
}

static void rank_place(const struct engine *e, const char *uid, const struct job *j, const struct log_which *w, struct place *p)
{
	char suffix[48];
	p->complete = has(e, uid, j->id, spool_suffix(kind_of(w), w->rank, true, suffix, sizeof suffix));
	p->path = spool_file(e, uid, j->id, spool_suffix(kind_of(w), w->rank, false, suffix, sizeof suffix));
}

/* The tail while the copy has not reached its end. */
static void main_place(struct engine *e, struct unit *u, const char *uid, const struct job *j, struct place *p)
{
	struct spool *tail = u ? spool_find(u, SPOOL_TAIL, j->id, 0) : NULL, *main = u ? spool_find(u, SPOOL_LOG, j->id, 0) : NULL;
	p->complete = j->log_complete;
	if (tail && !p->complete && main && spool_end(main) < spool_end(tail)) {
		spool_want(tail);
		p->path = spool_file(e, uid, j->id, ".tail");
		p->base = spool_base(tail);
	} else {
		p->path = spool_file(e, uid, j->id, ".log");
	}
}

/* u: NULL when the cluster is gone. */
static json_t *log_json(struct engine *e, struct unit *u, const char *uid, const struct job *j, const struct log_which *w)
{
	struct place p = {NULL, 0, false};
	struct stat st;
	int64_t rank = w->rank;
	struct spool *own = u && rank >= 0 ? spool_find(u, kind_of(w), j->id, rank) : NULL;
	if (rank >= 0)
		rank_place(e, uid, j, w, &p);
	else
		main_place(e, u, uid, j, &p);
	if (own)
		spool_want(own);
	char *whole = rank >= 0 ? xstrdup(p.path) : spool_file(e, uid, j->id, ".log"), *times = spool_file(e, uid, j->id, ".times");
	json_t *o = json_pack("{s:I, s:I, s:s, s:I, s:I, s:I, s:s, s:b, s:b, s:I}", "cluster_id", (json_int_t)j->cluster_id, "job_id", (json_int_t)j->id, "path",
	    p.path, "base", (json_int_t)p.base, "size", (json_int_t)(stat(p.path, &st) ? 0 : st.st_size), "generation", (json_int_t)inode(whole), "status",
	    job_status_name(j->status), "complete", p.complete, "cut", rank < 0 && has(e, uid, j->id, ".cut"), "num_nodes", (json_int_t)j->num_nodes);
	json_object_set_new(o, "exit_code", j->exit_code < 0 ? json_null() : json_integer(j->exit_code));
	json_object_set_new(o, "rank", rank < 0 ? json_null() : json_integer(rank));
	json_put_str(o, "name", j->name);
	json_put_str(o, "reason", j->reason);
	json_put_bool(o, "setup", rank >= 0 && w->setup);
	json_object_set_new(o, "nodes", u ? json_integer((json_int_t)u->c->n_nodes) : json_null());
	json_put_str(o, "times", rank < 0 && fs_exists(times) ? times : NULL);
	free(times);
	free(whole);
	free(p.path);
	return o;
}

/* ---- jobs, also of clusters that are gone ------------------------------------------------------------------------ */

static struct job *pick(struct job **jobs, size_t n, int64_t id)
{
	for (size_t i = n; i > 0; i--)
		if (!id || jobs[i - 1]->id == id)
			return jobs[i - 1];
	return NULL;
}

/* By name, or by its uid. */
static struct unit *unit_of(struct engine *e, const char *cluster)
{
	struct unit *u = run_unit(e, cluster);
	for (size_t i = 0; !u && i < e->n_units; i++)
		if (!strcmp(e->units[i]->c->uid, cluster))
			u = e->units[i];
	return u;
}

static int64_t gone_id(struct engine *e, const char *cluster, struct err *err)
{
	struct err ignored;
	int64_t id = state_find_cluster(e->state, cluster, &ignored);
	if (!id)
		id = state_cluster_id(e->state, cluster);
	if (!id)
		run_no_cluster(e, cluster, err);
	return id;
}

static void jobs_free(struct job **jobs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		job_destroy(jobs[i]);
	free(jobs);
}

static json_t *gone_log(struct engine *e, const struct log_which *w, struct err *err)
{
	struct job **jobs;
	size_t n;
	char *uid = state_cluster_uid(e->state, w->cluster_id);
	if (!uid || state_load_jobs(e->state, w->cluster_id, &jobs, &n, err)) {
		if (!uid)
			err_set(err, ERR_NOT_FOUND, "there is no such cluster any more");
		free(uid);
		return NULL;
	}
	const struct job *j = pick(jobs, n, w->job_id);
	json_t *o = j ? log_json(e, NULL, uid, j, w) : NULL;
	if (!j)
		err_set(err, ERR_NOT_FOUND, "the cluster (gone) has no job %" PRId64, w->job_id);
	if (o && w->rank >= 0 && !json_int(o, "size", 0)) {
		json_decref(o);
		o = NULL;
		err_set(err, ERR_NOT_FOUND, "the cluster is gone, and the own log of rank %" PRId64 " was not fetched before: its lines in the merged log are shown "
			"without --from-node", w->rank);
	}
	json_put_bool(o, "complete", true);
	jobs_free(jobs, n);
	free(uid);
	return o;
}

json_t *engine_gone_jobs(struct engine *e, const char *cluster, struct err *err)
{
	struct job **jobs;
	size_t n;
	int64_t id = gone_id(e, cluster, err);
	if (!id || state_load_jobs(e->state, id, &jobs, &n, err))
		return NULL;
	json_t *a = json_array();
	for (size_t i = n; i > 0; i--)
		json_array_append_new(a, job_to_json(jobs[i - 1]));
	jobs_free(jobs, n);
	return a;
}

json_t *engine_log_now(struct engine *e, const struct log_which *w)
{
	struct unit *u = run_unit_by_id(e, w->cluster_id);
	struct err err;
	if (!u)
		return gone_log(e, w, &err);
	const struct job *j = pick(u->jobs, u->n_jobs, w->job_id);
	return j ? log_json(e, u, u->c->uid, j, w) : NULL;
}

/* ---- questions that take a look ---------------------------------------------------------------------------------- */

static void wait_free(struct log_wait *w)
{
	for (struct log_wait **pp = &w->e->log_waits; *pp; pp = &(*pp)->next) {
		if (*pp == w) {
			*pp = w->next;
			break;
		}
	}
	loop_cancel(w->e->loop, w->timer);
	remote_cancel(w->call);
	free(w);
}

static void answer(struct log_wait *w, const struct err *why)
{
	struct err err;
	json_t *o = why ? NULL : engine_log_now(w->e, &w->which);
	if (!why && !o)
		err_set(&err, ERR_NOT_FOUND, "the job is gone");
	if (o && w->target >= 0)
		json_put_int(o, "target", w->target);
	engine_log_fn *fn = w->fn;
	void *arg = w->arg;
	wait_free(w);
	fn(arg, o, o ? NULL : why ? why : &err);
}

/* The tail has its bytes, or does not get them in time: then it is what it is. */
static void on_tail_poll(void *arg)
{
	struct log_wait *w = arg;
	struct unit *u = run_unit_by_id(w->e, w->which.cluster_id);
	const struct spool *s = u ? spool_find(u, SPOOL_TAIL, w->which.job_id, 0) : NULL;
	w->timer = 0;
	if (s && spool_end(s) < w->target && mono_now_ms() < w->end_ms)
		w->timer = loop_after(w->e->loop, POLL_MS, on_tail_poll, w);
	else
		answer(w, NULL);
}

/* How long a rank's log is nobody knows but its stream: it is all there when nothing more comes. */
static void on_rank_poll(void *arg)
{
	struct log_wait *w = arg;
	struct unit *u = run_unit_by_id(w->e, w->which.cluster_id);
	struct spool *s = u ? spool_find(u, kind_of(&w->which), w->which.job_id, w->which.rank) : NULL;
	struct err err;
	w->timer = 0;
	if (s && spool_refused(s, &err)) {
		answer(w, &err);
		return;
	}
	bool open = s && !spool_has_ended(s) && (!spool_end(s) ? mono_now_ms() < w->end_ms : !spool_is_quiet(s, SETTLED_MS));
	if (open) {
		spool_want(s);
		w->timer = loop_after(w->e->loop, POLL_MS, on_rank_poll, w);
		return;
	}
	w->target = s ? spool_end(s) : -1;
	answer(w, NULL);
}

/* The job's line, the first of what `queue JOB` says. */
static void on_look(void *arg, const char *out, size_t len, const struct err *err)
{
	struct log_wait *w = arg;
	struct unit *u = run_unit_by_id(w->e, w->which.cluster_id);
	w->call = NULL;
	if (!err && u) {
		const char *nl = memchr(out, '\n', len);
		json_t *line = json_parse(out, nl ? (size_t)(nl - out) : len, NULL);
		w->target = json_int(line, "log_bytes", 0);
		jobs_take_line(u, line);
		json_decref(line);
	}
	const struct job *j = u ? jobs_find(u, w->which.job_id) : NULL;
	const struct spool *s = u ? spool_find(u, SPOOL_LOG, w->which.job_id, 0) : NULL;
	if (!w->tail || !j || !s || w->target - spool_end(s) <= BEHIND_BYTES || !spool_tail(u, j, w->target - TAIL_BYTES)) {
		answer(w, NULL);
		return;
	}
	w->end_ms = mono_now_ms() + TAIL_MS;
	w->timer = loop_after(w->e->loop, POLL_MS, on_tail_poll, w);
}

static void look(struct log_wait *w, const struct unit *u)
{
	char command[120];
	snprintf(command, sizeof command, "exec sh \"$HOME/.skytop/skytop-agent\" queue %" PRId64, w->which.job_id);
	w->call = remote_run(w->e->remotes, u->c->nodes[0].reach, &(struct remote_spec){.command = command, .timeout_ms = LOOK_MS}, "ask for the length of the log",
	    on_look, w);
}

static struct log_wait *wait_create(struct engine *e, const struct job *j, const struct log_ask *ask, engine_log_fn *fn, void *arg)
{
	struct log_wait *w = xcalloc(1, sizeof *w);
	*w = (struct log_wait){.next = e->log_waits, .e = e, .which = {j->cluster_id, j->id, ask->rank, ask->setup}, .target = -1, .tail = ask->tail,
	    .fn = fn, .arg = arg};
	e->log_waits = w;
	return w;
}

/* A rank's own log: from the node, where it is not here. */
static void ask_rank(struct log_wait *w, struct unit *u, struct job *j)
{
	struct err err;
	json_t *o = log_json(w->e, u, u->c->uid, j, &w->which);
	bool complete = json_bool(o, "complete", false);
	json_decref(o);
	if (complete) {
		answer(w, NULL);
	} else if (u->c->status != CLUSTER_UP || !spool_rank(u, j, kind_of(&w->which), w->which.rank)) {
		err_set(&err, ERR_CONFLICT, "the own log of rank %" PRId64 " cannot be fetched: %s %s; its lines in the merged log are shown without "
			"--from-node", w->which.rank, u->c->name, u->c->status != CLUSTER_UP ? "is not up" : "has too many logs that are being fetched");
		answer(w, &err);
	} else {
		w->end_ms = mono_now_ms() + TAIL_MS;
		w->timer = loop_after(w->e->loop, POLL_MS, on_rank_poll, w);
	}
}

void engine_log(struct engine *e, const struct log_ask *ask, engine_log_fn *fn, void *arg)
{
	struct err err;
	struct unit *u = unit_of(e, ask->cluster);
	if (!u) {
		int64_t id = gone_id(e, ask->cluster, &err);
		json_t *o = id ? gone_log(e, &(struct log_which){id, ask->job, ask->rank, ask->setup}, &err) : NULL;
		fn(arg, o, o ? NULL : &err);
		return;
	}
	struct job *j = pick(u->jobs, u->n_jobs, ask->job);
	if (!j) {
		if (ask->job)
			err_set(&err, ERR_NOT_FOUND, "cluster '%s' has no job %" PRId64, u->c->name, ask->job);
		else
			err_set(&err, ERR_NOT_FOUND, "cluster '%s' has had no job yet", u->c->name);
		fn(arg, NULL, &err);
		return;
	}
	int64_t ranks = ask->setup ? (int64_t)u->c->n_nodes : j->num_nodes;
	if (ask->rank >= (ranks < 1 ? 1 : ranks)) {
		err_set(&err, ERR_INVALID, "job %" PRId64 " runs on %" PRId64 " node%s: there is no rank %" PRId64, j->id, ranks,
		    ranks == 1 ? "" : "s", ask->rank);
		fn(arg, NULL, &err);
		return;
	}
	struct log_wait *w = wait_create(e, j, ask, fn, arg);
	if (u->c->n_nodes < 2)
		w->which.rank = -1; /* the only rank's log is the log */
	const struct spool *s = spool_find(u, SPOOL_LOG, j->id, 0);
	bool tail_is_here = s && !spool_is_late(s) && !ask->fresh;
	if (w->which.rank >= 0)
		ask_rank(w, u, j);
	else if (j->log_complete || !(ask->fresh || ask->tail) || tail_is_here || u->c->status != CLUSTER_UP || !u->c->n_nodes || !u->c->nodes[0].reach)
		answer(w, NULL);
	else
		look(w, u);
}

void logs_cancel_all(struct engine *e)
{
	while (e->log_waits)
		wait_free(e->log_waits);
}
