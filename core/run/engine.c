/* The engine: loads the working set, takes requests in, answers questions. What it does with a request is in the files of the
 * operations; what it sees of the world in watch.c, spool.c and reconcile.c. */
#include "core/run/engine.h"

#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/run/access.h"
#include "core/run/hosts.h"
#include "core/run/left.h"
#include "core/run/logs_prune.h"
#include "core/run/metrics.h"
#include "core/run/money.h"
#include "core/run/op.h"
#include "core/run/run.h"
#include "core/run/user.h"

enum { COMMIT_RETRY_MS = 2000, TICK_MS = 1000, SECRET_MAX = 4 << 20, OPEN_REQUESTS_MAX = 10000 };

/* ---- what the parts share ---------------------------------------------------------------------------------------- */

static void on_commit_retry(void *arg)
{
	struct engine *e = arg;
	e->commit_retry = 0;
	run_commit(e);
}

/* The rows in memory are what counts: write them all. */
static int write_all_again(struct engine *e, struct err *err)
{
	int rc = 0;
	log_line(LOG_WARN, "writes were lost to a full disk: all rows are written again");
	for (size_t i = 0; !rc && i < e->n_units; i++) {
		struct unit *u = e->units[i];
		struct ledger_disk disk = nodes_disk(u);
		rc = state_save_cluster(e->state, u->c, err) || state_ledger_repair(e->state, u->c, &disk, wall_now_ms(), err) ||
		     state_save_cluster(e->state, u->c, err);
		for (size_t k = 0; !rc && k < u->n_jobs; k++)
			rc = state_save_job(e->state, u->jobs[k], err);
	}
	for (size_t i = 0; !rc && i < e->n_ops; i++)
		rc = state_save_request(e->state, e->ops[i]->r, err);
	return rc;
}

int run_commit(struct engine *e)
{
	struct err err;
	int rc = state_lost_writes(e->state) ? write_all_again(e, &err) : 0;
	if (!rc && !state_commit(e->state, &err))
		return 0;
	log_line(LOG_ERROR, "cannot commit: %s", err.text);
	if (!e->commit_retry)
		e->commit_retry = loop_after(e->loop, COMMIT_RETRY_MS, on_commit_retry, e);
	return -1;
}

void run_changed(struct engine *e)
{
	if (e->listener.changed)
		e->listener.changed(e->listener.arg);
}

void run_event(struct engine *e, const struct unit *u, const struct request *r, const char *kind, const char *level, json_t *data, const char *fmt, ...)
{
	char text[1000];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	struct event ev = {.at_ms = wall_now_ms(),
	    .cluster_id = u ? u->c->id : 0,
	    .request_id = r ? r->id : 0,
	    .cluster = xstrdup(u ? u->c->name : r ? r->cluster : NULL),
	    .kind = xstrdup(kind),
	    .level = xstrdup(level),
	    .text = xstrdup(text),
	    .data = data};
	struct err err;
	if (state_add_event(e->state, &ev, &err))
		log_line(LOG_ERROR, "event %s: %s", text, err.text);
	if (e->listener.event)
		e->listener.event(e->listener.arg, &ev);
	event_clear(&ev);
}

struct unit *run_unit(struct engine *e, const char *name)
{
	for (size_t i = 0; name && i < e->n_units; i++)
		if (!strcmp(e->units[i]->c->name, name))
			return e->units[i];
	return NULL;
}

struct unit *run_unit_by_id(struct engine *e, int64_t id)
{
	for (size_t i = 0; i < e->n_units; i++)
		if (e->units[i]->c->id == id)
			return e->units[i];
	return NULL;
}

struct unit *run_unit_add(struct engine *e, struct cluster *c)
{
	struct unit *u = xcalloc(1, sizeof *u);
	u->engine = e;
	u->c = c;
	ARRAY_GROW(e->units, e->n_units, e->units_cap);
	e->units[e->n_units++] = u;
	return u;
}

static void unit_free(struct unit *u)
{
	watch_stop(u);
	spool_stop_all(u);
	spool_drain_cancel(u);
	reconcile_cancel(u);
	for (size_t i = 0; i < u->n_jobs; i++)
		job_destroy(u->jobs[i]);
	free(u->jobs);
	free(u->spools);
	json_decref(u->heartbeat);
	cluster_destroy(u->c);
	free(u);
}

void run_unit_remove(struct engine *e, struct unit *u)
{
	for (size_t i = 0; i < e->n_units; i++) {
		if (e->units[i] == u) {
			memmove(&e->units[i], &e->units[i + 1], (e->n_units - i - 1) * sizeof(struct unit *));
			e->n_units--;
			break;
		}
	}
	access_forget_keys(u->c);
	unit_free(u);
	hosts_publish(e);
	run_changed(e);
}

void run_save(struct unit *u)
{
	struct err err;
	if (state_save_cluster(u->engine->state, u->c, &err))
		log_line(LOG_ERROR, "cluster %s: %s", u->c->name, err.text);
	run_changed(u->engine);
}

void run_set_status(struct unit *u, enum cluster_status s, const char *reason)
{
	bool moved = u->c->status != s;
	u->c->status = s;
	own_str(&u->c->reason, reason);
	reason = u->c->reason; /* the argument may have been the one before */
	run_save(u);
	if (moved)
		run_event(u->engine, u, NULL, "cluster.status", "info", json_pack("{s:s}", "status", cluster_status_name(s)), "%s is %s%s%s", u->c->name,
		    cluster_status_name(s), reason ? ": " : "", reason ? reason : "");
}

const struct provider *run_provider(struct engine *e, const char *name)
{
	for (const struct provider *const *p = e->setup.providers; name && *p; p++)
		if (!strcmp((*p)->name, name))
			return *p;
	return NULL;
}

bool run_provider_enabled(struct engine *e, const struct provider *p)
{
	return json_bool(json_obj(e->setup.provider_config, p->name), "enabled", !p->needs_flag);
}

bool run_is_cloud(const struct provider *p)
{
	return p && !p->cloud_side && !p->settings_files;
}

struct op *run_op_of(struct engine *e, const char *cluster, const struct op *except)
{
	for (size_t i = 0; i < e->n_ops; i++)
		if (e->ops[i] != except && !e->ops[i]->kind->beside && str_eq(e->ops[i]->r->cluster, cluster))
			return e->ops[i];
	return NULL;
}

char *run_secret_path(struct engine *e, int64_t request_id)
{
	return xasprintf("%s/%" PRId64 ".json", e->secrets_dir, request_id);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void on_commit(void *arg, int64_t nth)
{
	const struct engine *e = arg;
	if (e->setup.crash_at_commit && nth == e->setup.crash_at_commit)
		kill(getpid(), SIGKILL);
}

static void submit_autostop(struct unit *u)
{
	struct err err;
	json_t *args = json_pack("{s:s, s:s}", "cluster", u->c->name, "why", "idle");
	if (!engine_submit(u->engine, u->c->user, u->c->autostop_down ? "down" : "stop", args, &err))
		log_line(LOG_WARN, "autostop of %s: %s", u->c->name, err.text);
	json_decref(args);
}

/* Has this cluster been idle for as long as its autostop says? Idle is what the agent says; a heartbeat too old says nothing. */
static bool is_due(const struct unit *u, int64_t now_ms)
{
	enum { HEARTBEAT_FRESH_MS = 30000 };
	if (u->c->autostop_minutes < 0 || u->c->status != CLUSTER_UP || !u->heartbeat || now_ms - u->heartbeat_at_ms > HEARTBEAT_FRESH_MS)
		return false;
	int64_t idle_since = json_int(u->heartbeat, "idle_since", 0);
	if (!idle_since || (!str_eq(u->c->autostop_wait_for, "none") && jobs_any_open(u)))
		return false;
	/* The node counts by its own clock, which may be wrong; how long it has been idle does not depend on it. */
	int64_t idle_ms = json_int(u->heartbeat, "now", u->heartbeat_at_ms) - idle_since + now_ms - u->heartbeat_at_ms;
	int64_t from_ms = u->idle_from_ms > u->c->launched_at_ms ? u->idle_from_ms : u->c->launched_at_ms;
	if (idle_ms > now_ms - from_ms)
		idle_ms = now_ms - from_ms;
	return idle_ms >= u->c->autostop_minutes * 60000;
}

/* How long the provider's word on a cluster is good for: spot machines go at any moment, and INIT is to be cleared up. */
static bool is_stale(const struct unit *u, int64_t now_ms)
{
	enum { SPOT_MS = 20000, INIT_MS = 20000, OTHER_MS = 120000 };
	int64_t good_for = u->c->status == CLUSTER_INIT ? INIT_MS : u->c->use_spot ? SPOT_MS : OTHER_MS;
	int64_t asked = u->asked_at_ms > u->checked_at_ms ? u->asked_at_ms : u->checked_at_ms;
	return u->c->status != CLUSTER_STOPPED && now_ms - asked > good_for;
}

static void on_tick(void *arg)
{
	struct engine *e = arg;
	int64_t now = wall_now_ms();
	e->tick = loop_after(e->loop, TICK_MS, on_tick, e);
	for (size_t i = 0; i < e->n_units; i++) {
		struct unit *u = e->units[i];
		contact_tick(u);
		if (run_op_of(e, u->c->name, NULL))
			continue;
		if (is_due(u, now))
			submit_autostop(u);
		else if (is_stale(u, now)) {
			u->asked_at_ms = now;
			reconcile_unit(u, NULL, NULL);
		}
	}
	metrics_tick(e);
	money_tick(e);
	prices_tick(e, now);
	run_commit(e);
}

static int load(struct engine *e, struct err *err)
{
	struct cluster **clusters;
	struct request **requests;
	size_t n;
	if (state_load_clusters(e->state, &clusters, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct unit *u = run_unit_add(e, clusters[i]);
		if (state_load_jobs(e->state, u->c->id, &u->jobs, &u->n_jobs, err))
			return -1;
		u->jobs_cap = u->n_jobs;
	}
	free(clusters);
	if (state_load_requests(e->state, &requests, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (op_kind_of(requests[i]->verb))
			op_create(e, requests[i]);
		else
			request_destroy(requests[i]);
	}
	free(requests);
	return 0;
}

/* A crash between the end of a request and the removal of its secrets leaves them: nobody needs them any more. */
static void sweep_secrets(struct engine *e)
{
	DIR *d = opendir(e->secrets_dir);
	for (struct dirent *f; d && (f = readdir(d));) {
		char *end;
		long long id = strtoll(f->d_name, &end, 10);
		bool needed = f->d_name[0] == '.';
		for (size_t i = 0; i < e->n_ops && !needed; i++)
			needed = e->ops[i]->r->id == id && !strcmp(end, ".json");
		if (!needed)
			unlinkat(dirfd(d), f->d_name, 0);
	}
	if (d)
		closedir(d);
}

static int open_state(struct engine *e, struct err *err)
{
	char *path = home_path(HOME_STATE, "state.db"), *moved = NULL;
	e->state = state_open(path, &moved, err);
	e->state_was_lost = moved;
	if (e->state && moved)
		run_event(e, NULL, NULL, "state.damaged", "error", json_pack("{s:s}", "moved_to", moved),
		    "state.db was damaged: it was moved to %s, and a new one begun; what the providers still run is taken in", moved);
	if (moved)
		log_line(LOG_ERROR, "state.db was damaged; moved to %s", moved);
	free(path);
	free(moved);
	return e->state ? 0 : -1;
}

struct engine *engine_create(const struct engine_setup *setup, struct err *err)
{
	struct engine *e = xcalloc(1, sizeof *e);
	e->heard = json_object();
	e->locked_out = json_object();
	e->late_at = json_object();
	e->late_told = json_object();
	e->loop = setup->loop;
	e->setup = *setup;
	e->logs_dir = home_path(HOME_STATE, "logs");
	e->secrets_dir = home_path(HOME_STATE, "secrets");
	e->agent_path = share_path("agent/skytop-agent");
	e->calls = (struct call_context){.loop = e->loop, .self = setup->self, .state_dir = home_path(HOME_STATE, ""), .config = setup->provider_config,
	    .user = user_hash()};
	e->remotes = contact_remotes(e);
	e->calls.remotes = e->remotes;
	if (fs_mkdirs(e->logs_dir, err) || fs_mkdirs(e->secrets_dir, err) || open_state(e, err) || load(e, err)) {
		engine_destroy(e);
		return NULL;
	}
	state_on_commit(e->state, on_commit, e);
	sweep_secrets(e);
	hosts_publish(e);
	op_kick(e);
	reconcile_all(e);
	logs_prune_start(e);
	metrics_start(e);
	e->tick = loop_after(e->loop, TICK_MS, on_tick, e);
	return e;
}

void engine_destroy(struct engine *e)
{
	if (!e)
		return;
	logs_prune_stop(e);
	metrics_stop(e);
	logs_cancel_all(e);
	while (e->n_ops)
		op_destroy(e->ops[--e->n_ops]);
	while (e->n_units)
		unit_free(e->units[--e->n_units]);
	loop_cancel(e->loop, e->tick);
	loop_cancel(e->loop, e->late);
	loop_cancel(e->loop, e->commit_retry);
	if (e->state)
		state_commit(e->state, NULL);
	state_close(e->state);
	money_free(e->money);
	call_context_clear(&e->calls);
	remotes_destroy(e->remotes);
	free(e->ops);
	free(e->units);
	free(e->logs_dir);
	free(e->secrets_dir);
	free(e->agent_path);
	free((char *)(uintptr_t)e->calls.state_dir);
	free((char *)(uintptr_t)e->calls.user);
	json_decref(e->heard);
	json_decref(e->locked_out);
	json_decref(e->quotas);
	json_decref(e->late_at);
	json_decref(e->late_told);
	free(e);
}

void engine_listen(struct engine *e, const struct engine_listener *l)
{
	e->listener = *l;
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

/* Must be called with r->id set, before the commit that makes the request durable. */
static int put_secrets(struct engine *e, struct request *r, json_t *secrets, struct err *err)
{
	if (!json_object_size(secrets))
		return 0;
	char *path = run_secret_path(e, r->id), *text = json_text(secrets);
	int rc = fs_write(path, text, strlen(text), 0600, err);
	memset(text, 0, strlen(text));
	free(text);
	free(path);
	return rc;
}

/* Secrets never enter state.db: they lie in a private file for as long as the request lives. Takes them out of a packed task. */
static json_t *take_secrets(json_t *task)
{
	json_t *secrets = json_object(), *env;
	size_t i;
	json_array_foreach(json_arr(task, "envs"), i, env) {
		if (!json_bool(env, "secret", false))
			continue;
		json_object_set(secrets, json_str(env, "name", "?"), json_object_get(env, "value"));
		json_put_str(env, "value", "");
	}
	return secrets;
}

void run_restore_secrets(struct engine *e, const struct request *r, json_t *task)
{
	char *path = run_secret_path(e, r->id);
	size_t len, i;
	char *text = fs_read(path, SECRET_MAX, &len, NULL);
	json_t *secrets = text ? json_parse(text, len, NULL) : NULL, *env;
	json_array_foreach(json_arr(task, "envs"), i, env) {
		json_t *value = json_bool(env, "secret", false) ? json_object_get(secrets, json_str(env, "name", "?")) : NULL;
		if (value)
			json_object_set(env, "value", value);
	}
	if (text)
		memset(text, 0, len);
	free(text);
	free(path);
	json_decref(secrets);
}

/* What is left of a cluster is being ended: nothing can be done with it. */
static int check_left(struct engine *e, const struct request *r, const struct op_kind *kind, struct err *err)
{
	const struct op *left = kind == &op_down || kind->beside ? NULL : left_op(e, r->cluster);
	return !left ? 0 : err_set(err, ERR_CONFLICT, "cluster '%s' is being ended (request %" PRId64 "%s%s): wait for it, or take another name", r->cluster,
	    left->r->id, left->r->progress ? ": " : "", left->r->progress ? left->r->progress : "");
}

static int accept_request(struct engine *e, struct request *r, json_t *secrets, const struct op_kind *kind, struct err *err)
{
	if (e->n_ops >= OPEN_REQUESTS_MAX)
		return err_set(err, ERR_THROTTLED, "%d requests are open already: wait until some are done", OPEN_REQUESTS_MAX);
	if (money_allows(e, r, err) || (kind->accept && kind->accept(e, r, err)) || check_left(e, r, kind, err))
		return -1;
	if (state_save_request(e->state, r, err) || put_secrets(e, r, secrets, err))
		return err_wrap(err, "the request cannot be kept, so it was not accepted");
	if (state_commit(e->state, err)) {
		char *path = run_secret_path(e, r->id);
		unlink(path);
		free(path);
		state_rollback(e->state);
		return err_wrap(err, "the request cannot be kept, so it was not accepted");
	}
	return 0;
}

int64_t engine_submit(struct engine *e, const char *user, const char *verb, const json_t *args, struct err *err)
{
	const struct op_kind *kind = op_kind_of(verb);
	if (!kind) {
		err_set(err, ERR_INVALID, "there is no request '%s'", verb);
		return 0;
	}
	struct request *r = xcalloc(1, sizeof *r);
	*r = (struct request){.verb = xstrdup(verb), .user = xstrdup(user), .project = xstrdup("default"), .state = REQUEST_PENDING,
	    .args = args ? json_deep_copy(args) : json_object(), .created_at_ms = wall_now_ms()};
	json_t *secrets = take_secrets(json_obj(r->args, "task"));
	int rc = run_commit(e) ? err_set(err, ERR_IO, "the disk takes nothing, so the request was not accepted") : accept_request(e, r, secrets, kind, err);
	json_decref(secrets);
	if (rc) {
		request_destroy(r);
		return 0;
	}
	int64_t id = r->id;
	struct op *op = op_create(e, r);
	if (kind->accepted)
		kind->accepted(op);
	run_changed(e);
	op_kick(e);
	return id;
}

int engine_cancel(struct engine *e, int64_t id, struct err *err)
{
	for (size_t i = 0; i < e->n_ops; i++) {
		struct op *op = e->ops[i];
		if (op->r->id != id)
			continue;
		if (request_is_over(op->r->state))
			break;
		if (op->r->cancel)
			return 0;
		op->r->cancel = true;
		if (state_save_request(e->state, op->r, err) || state_commit(e->state, err))
			return -1;
		op_request_cancel(op);
		return 0;
	}
	json_t *j = state_request(e->state, id, err);
	if (j)
		err_set(err, ERR_CONFLICT, "request %" PRId64 " is over already: %s", id, json_str(j, "state", "?"));
	json_decref(j);
	return -1;
}

/* ---- questions --------------------------------------------------------------------------------------------------- */

static bool is_simulated(struct engine *e, const char *provider)
{
	const struct provider *p = run_provider(e, provider);
	return p && p->simulated;
}

static json_t *unit_json(struct unit *u)
{
	json_t *j = cluster_to_json(u->c);
	struct op *op = run_op_of(u->engine, u->c->name, NULL);
	int64_t running = 0, pending = 0;
	for (size_t i = 0; i < u->n_jobs; i++) {
		running += u->jobs[i]->status == JOB_RUNNING || u->jobs[i]->status == JOB_SETTING_UP;
		pending += u->jobs[i]->status == JOB_PENDING || u->jobs[i]->status == JOB_INIT;
	}
	json_put_int(j, "jobs_running", running);
	json_put_int(j, "jobs_pending", pending);
	json_put_str(j, "progress", op ? (op->r->progress ? op->r->progress : op->kind->steps[op->at].title) : NULL);
	json_object_set_new(j, "request", op ? json_integer(op->r->id) : json_null());
	json_object_set_new(j, "checked_at", u->checked_at_ms ? json_integer(u->checked_at_ms) : json_null());
	const json_t *idle = json_object_get(u->heartbeat, "idle_since");
	json_object_set_new(j, "idle_since", json_is_integer(idle) ? json_integer(json_integer_value(idle)) : json_null());
	json_object_set_new(j, "heartbeat", u->heartbeat ? json_incref(u->heartbeat) : json_null());
	json_object_set_new(j, "heartbeat_at", u->heartbeat_at_ms ? json_integer(u->heartbeat_at_ms) : json_null());
	contact_put(u, j);
	contact_put_nodes(u, j);
	json_put_bool(j, "simulated", is_simulated(u->engine, u->c->provider));
	int64_t cost = state_cluster_cost(u->engine->state, u->c->id, wall_now_ms());
	json_object_set_new(j, "cost_uusd", cost == PRICE_UNKNOWN ? json_null() : json_integer(cost));
	bool estimated;
	int64_t rate = nodes_rate_uusd_h(u, &estimated);
	json_object_set_new(j, "rate_uusd_h", rate == PRICE_UNKNOWN ? json_null() : json_integer(rate));
	json_put_bool(j, "rate_estimated", estimated);
	return j;
}

json_t *engine_status(struct engine *e)
{
	json_t *a = json_array();
	for (size_t i = 0; i < e->n_units; i++)
		json_array_append_new(a, unit_json(e->units[i]));
	return a;
}

static void put_jobs(json_t *a, struct unit *u)
{
	for (size_t i = u->n_jobs; i > 0; i--) {
		json_t *j = job_to_json(u->jobs[i - 1]);
		json_put_str(j, "cluster", u->c->name);
		if (!job_is_over(u->jobs[i - 1]->status))
			contact_put(u, j);
		json_array_append_new(a, j);
	}
}

int run_no_cluster(struct engine *e, const char *name, struct err *err)
{
	const char **names = xcalloc(e->n_units + 1, sizeof *names);
	for (size_t i = 0; i < e->n_units; i++)
		names[i] = e->units[i]->c->name;
	const char *near = text_nearest(name, names, e->n_units);
	struct str clean = str_new(200);
	text_clean(&clean, name, strlen(name));
	err_set(err, ERR_NOT_FOUND, "there is no cluster '%s'%s%s%s", str_text(&clean), near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	str_free(&clean);
	free(names);
	return -1;
}

json_t *engine_jobs(struct engine *e, const char *cluster, struct err *err)
{
	struct unit *u = cluster ? run_unit(e, cluster) : NULL;
	if (cluster && !u) {
		run_no_cluster(e, cluster, err);
		return NULL;
	}
	json_t *a = json_array();
	for (size_t i = 0; i < e->n_units; i++)
		if (!u || u == e->units[i])
			put_jobs(a, e->units[i]);
	return a;
}

/* What a request is doing just now is known here alone: it is no step that was committed. */
static json_t *with_progress(struct engine *e, json_t *j)
{
	int64_t id = json_int(j, "id", 0);
	size_t low = 0, high = e->n_ops; /* by id */
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (e->ops[mid]->r->id < id)
			low = mid + 1;
		else
			high = mid;
	}
	const struct request *r = low < e->n_ops && e->ops[low]->r->id == id ? e->ops[low]->r : NULL;
	if (r && !request_is_over(r->state)) {
		json_put_str(j, "state", request_state_name(r->state));
		json_put_str(j, "progress", r->progress);
	}
	return j;
}

json_t *engine_requests(struct engine *e, bool all, int64_t limit, struct err *err)
{
	json_t *a = state_requests(e->state, all, limit, err), *j;
	size_t i;
	json_array_foreach(a, i, j)
		with_progress(e, j);
	return a;
}

json_t *engine_request(struct engine *e, int64_t id, struct err *err)
{
	json_t *j = state_request(e->state, id, err);
	return j ? with_progress(e, j) : NULL;
}

json_t *engine_events(struct engine *e, const char *cluster, int64_t after, int64_t limit, struct err *err)
{
	return state_events(e->state, cluster, after, limit, err);
}

json_t *engine_nodes(struct engine *e, const char *cluster, struct err *err)
{
	struct unit *u = run_unit(e, cluster);
	if (!u) {
		run_no_cluster(e, cluster, err);
		return NULL;
	}
	json_t *a = json_array();
	for (size_t i = 0; i < u->c->n_nodes; i++)
		json_array_append_new(a, hosts_login(u->c, &u->c->nodes[i]));
	return json_pack("{s:s, s:s, s:o, s:O?, s:I}", "cluster", u->c->name, "status", cluster_status_name(u->c->status), "nodes", a, "heartbeat",
	    u->heartbeat, "at", (json_int_t)u->heartbeat_at_ms);
}

/* ---- questions that take time ------------------------------------------------------------------------------------ */

struct refresh {
	size_t open;
	void (*fn)(void *arg);
	void *arg;
};

static void on_refreshed(void *arg)
{
	struct refresh *r = arg;
	if (--r->open)
		return;
	r->fn(r->arg);
	free(r);
}

void engine_refresh(struct engine *e, const char *cluster, void (*fn)(void *arg), void *arg)
{
	struct refresh *r = xcalloc(1, sizeof *r);
	*r = (struct refresh){1, fn, arg};
	for (size_t i = 0; i < e->n_units; i++) {
		if (cluster && strcmp(cluster, e->units[i]->c->name))
			continue;
		r->open++;
		reconcile_unit(e->units[i], on_refreshed, r);
	}
	loop_after(e->loop, 0, on_refreshed, r);
}

struct checking {
	size_t open;
	json_t *list;
	void (*fn)(void *arg, const json_t *result);
	void *arg;
};

struct check_one {
	struct checking *all;
	json_t *row; /* borrowed from the list */
};

static void on_all_checked(void *arg)
{
	struct checking *c = arg;
	if (--c->open)
		return;
	c->fn(c->arg, c->list);
	json_decref(c->list);
	free(c);
}

static void on_checked(void *arg, const json_t *result, const struct err *err)
{
	struct check_one one = *(struct check_one *)arg;
	free(arg);
	json_put_bool(one.row, "enabled", !err && json_bool(result, "enabled", false));
	json_put_str(one.row, "identity", json_str(result, "identity", NULL));
	json_put_str(one.row, "reason", err ? err->text : json_str(result, "reason", NULL));
	on_all_checked(one.all);
}

void engine_check(struct engine *e, void (*fn)(void *arg, const json_t *result), void *arg)
{
	struct checking *c = xcalloc(1, sizeof *c);
	*c = (struct checking){1, json_array(), fn, arg};
	for (const struct provider *const *p = e->setup.providers; *p; p++) {
		json_t *row = json_pack("{s:s, s:s, s:b}", "name", (*p)->name, "title", (*p)->title, "simulated", (*p)->simulated);
		json_array_append_new(c->list, row);
		if (!run_provider_enabled(e, *p)) {
			json_put_bool(row, "enabled", false);
			json_put_str(row, "reason", "switched off in config.yaml");
			continue;
		}
		struct check_one *one = xcalloc(1, sizeof *one);
		*one = (struct check_one){c, row};
		c->open++;
		call_start(&e->calls, *p, PROVIDER_CHECK, json_object(), on_checked, one);
	}
	loop_after(e->loop, 0, on_all_checked, c);
}

int engine_inspect(struct engine *e, const char *provider, const json_t *settings, void (*fn)(void *arg, const json_t *result, const struct err *err), void *arg,
    struct err *err)
{
	const struct provider *p = run_provider(e, provider);
	if (!p)
		return err_set(err, ERR_NOT_FOUND, "there is no provider '%.60s'", provider);
	if (!run_provider_enabled(e, p))
		return err_set(err, ERR_INVALID, "%s is switched off in config.yaml (%s.enabled)", p->title, p->name);
	json_t *args = json_object();
	if (settings)
		json_object_set_new(args, "settings", json_deep_copy(settings));
	call_start(&e->calls, p, PROVIDER_CHECK, args, fn, arg);
	return 0;
}

bool engine_is_idle(const struct engine *e)
{
	if (e->n_ops || e->late)
		return false;
	for (size_t i = 0; i < e->n_units; i++)
		if (e->units[i]->c->status != CLUSTER_STOPPED)
			return false;
	return true;
}
