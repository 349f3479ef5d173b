/* The runner of durable operations: steps in order, one operation a cluster at a time, deadlines, cancelling, resuming.
 *
 * Invariant: when a step's function runs, a commit has made its name durable. So after a crash the persisted step is entered
 * again, and nothing that comes after it can have happened. */
#include "core/run/op.h"
#include "core/run/fetch.h"
#include "core/run/place.h"
#include "core/run/sync.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/io/proc.h"

static const struct op_kind *const kinds[] = {&op_launch, &op_exec, &op_stop, &op_start, &op_down, &op_autostop, &op_cancel_jobs, &op_sweep, &op_prices};

enum { PERSIST_RETRY_MS = 2000, NODE_RETRY_MS = 180000, REST_MS = 500, PLACES_MIN = 16, PLACES_A_CORE = 8, PLACES_MAX = 64 };
enum { COMPLAINT_KEPT = 4096, COMPLAINT_MAX = 65536, OUT_MAX = 1 << 20 };

const struct op_kind *op_kind_of(const char *verb)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strcmp(kinds[i]->verb, verb))
			return kinds[i];
	return NULL;
}

struct proc_watch {
	struct op *op;
	struct str complaint, out, line;
	char *what;
	void (*heard)(struct op *op, const char *line); /* NULL: nobody */
	void (*fn)(struct op *op);
};

static void proc_watch_free(struct op *op)
{
	if (!op->proc_watch)
		return;
	str_free(&op->proc_watch->complaint);
	str_free(&op->proc_watch->out);
	str_free(&op->proc_watch->line);
	free(op->proc_watch->what);
	free(op->proc_watch);
	op->proc_watch = NULL;
}

/* All nodes answer, or nobody asks them any more. */
static void waited(struct op *op)
{
	op->n_waiting = 0;
	if (op->before_waiting)
		own_str(&op->r->progress, op->before_waiting[0] ? op->before_waiting : NULL);
	free(op->before_waiting);
	op->before_waiting = NULL;
}

static void drop_flight(struct op *op)
{
	waited(op);
	struct unit *u = op->draining ? op_unit(op) : NULL;
	if (u)
		spool_drain_cancel(u);
	op->draining = false;
	place_ask_cancel(op->ask);
	op->ask = NULL;
	place_plan_cancel(op->plan);
	op->plan = NULL;
	proc_destroy(op->proc);
	op->proc = NULL;
	proc_watch_free(op);
	sync_drop(op);
	fetch_drop(op);
	if (op->call) {
		call_cancel(op->call);
		free(op->call_flight);
	}
	op->call = NULL;
	for (size_t i = 0; i < op->n_remotes; i++) {
		if (op->remotes[i].call) {
			remote_cancel(op->remotes[i].call);
			free(op->remotes[i].flight);
		}
	}
	op->n_remotes = op->remotes_open = 0;
	loop_cancel(op->engine->loop, op->timer);
	loop_cancel(op->engine->loop, op->deadline);
	loop_cancel(op->engine->loop, op->starter);
	op->timer = op->deadline = op->starter = 0;
}

struct op *op_create(struct engine *e, struct request *r)
{
	struct op *op = xcalloc(1, sizeof *op);
	*op = (struct op){.engine = e, .r = r, .kind = op_kind_of(r->verb)};
	if (!r->data)
		r->data = json_object();
	for (size_t i = 0; r->step && i < op->kind->n_steps; i++)
		if (!strcmp(op->kind->steps[i].name, r->step))
			op->at = i;
	ARRAY_GROW(e->ops, e->n_ops, e->ops_cap);
	e->ops[e->n_ops++] = op;
	return op;
}

void op_destroy(struct op *op)
{
	drop_flight(op);
	free(op->remotes);
	free(op->proc_out);
	request_destroy(op->r);
	free(op);
}

struct unit *op_unit(struct op *op)
{
	return op->r->cluster ? run_unit(op->engine, op->r->cluster) : NULL;
}

static int save(struct op *op)
{
	struct err err;
	if (state_save_request(op->engine->state, op->r, &err)) {
		log_line(LOG_ERROR, "request %" PRId64 ": %s", op->r->id, err.text);
		return -1;
	}
	return 0;
}

static void enter(void *arg);

static void on_deadline(void *arg)
{
	struct op *op = arg;
	struct err err;
	op->deadline = 0;
	const struct op_step *s = &op->kind->steps[op->at];
	drop_flight(op);
	err_set(&err, ERR_TIMEOUT, "%s: not done after %" PRId64 " s", s->title, s->timeout_ms / 1000);
	op_failed(op, &err);
}

/* Make the step durable, then act. While the disk refuses, nothing is done: we try again until it takes it. */
static void enter(void *arg)
{
	struct op *op = arg;
	op->starter = 0;
	op->resting = false;
	const struct op_step *s = &op->kind->steps[op->at];
	if (!str_eq(op->r->step, s->name))
		own_str(&op->r->step, s->name);
	if (save(op) || run_commit(op->engine)) {
		op->starter = loop_after(op->engine->loop, PERSIST_RETRY_MS, enter, op);
		return;
	}
	op->entered = true;
	op->step_started_us = mono_now_us();
	if (op->r->cancel) {
		op_request_cancel(op);
		return;
	}
	if (s->timeout_ms)
		op->deadline = loop_after(op->engine->loop, s->timeout_ms, on_deadline, op);
	run_changed(op->engine);
	s->run(op);
}

/* A machine takes only so many things at once; what waits for a cloud, or for its next try, takes nothing. */
static void rest(struct op *op, int64_t ms)
{
	op->resting = ms >= REST_MS;
	if (op->resting)
		op_kick(op->engine);
}

static void schedule(struct op *op, int64_t after_ms)
{
	drop_flight(op);
	rest(op, after_ms);
	op->starter = loop_after(op->engine->loop, after_ms, enter, op);
}

static void step_over(struct op *op)
{
	const struct op_step *s = &op->kind->steps[op->at];
	run_event(op->engine, op_unit(op), op->r, "step", "info",
	    json_pack("{s:s, s:s, s:I}", "step", s->name, "title", s->title, "duration_ms", (json_int_t)((mono_now_us() - op->step_started_us) / 1000)),
	    "%s", s->title);
	own_str(&op->r->progress, NULL);
}

void op_next(struct op *op)
{
	step_over(op);
	if (op->at + 1 >= op->kind->n_steps) {
		op_done(op, NULL);
		return;
	}
	op->at++;
	schedule(op, 0);
}

void op_goto_after(struct op *op, const char *step, int64_t ms)
{
	for (size_t i = 0; i < op->kind->n_steps; i++)
		if (!strcmp(op->kind->steps[i].name, step))
			op->at = i;
	if (!ms)
		own_str(&op->r->progress, NULL);
	schedule(op, ms);
}

void op_leap(struct op *op, const char *step)
{
	step_over(op);
	op_goto_after(op, step, 0);
}

void op_goto(struct op *op, const char *step)
{
	op_goto_after(op, step, 0);
}

static void rerun(void *arg)
{
	struct op *op = arg;
	op->timer = 0;
	op->resting = false;
	op->kind->steps[op->at].run(op);
}

void op_again(struct op *op, int64_t after_ms)
{
	unsigned deadline = op->deadline; /* the step's time goes on running */
	op->deadline = 0;
	drop_flight(op);
	op->deadline = deadline;
	rest(op, after_ms);
	op->timer = loop_after(op->engine->loop, after_ms, rerun, op);
}

int64_t op_poll_ms(const struct op *op)
{
	enum { FIRST_MS = 100, FIRST_FOR_US = 2000000, POLL_MS = 1000, MOST_MS = 15000, CROWD = 50, FEW = 8 };
	const struct engine *e = op->engine;
	size_t waiting = 0;
	for (size_t i = 0; i < e->n_ops; i++)
		waiting += e->ops[i]->resting;
	if (waiting <= FEW && mono_now_us() - op->step_started_us < FIRST_FOR_US)
		return FIRST_MS;
	int64_t ms = POLL_MS + POLL_MS * (int64_t)waiting / CROWD;
	ms = ms < MOST_MS ? ms : MOST_MS;
	return ms - (int64_t)(num_random() % (uint32_t)(ms / 5 + 1));
}

static void forget_secrets(struct op *op)
{
	char *path = run_secret_path(op->engine, op->r->id);
	unlink(path);
	free(path);
}

/* The last word: durable before anyone is told. */
static void finish(void *arg)
{
	struct op *op = arg;
	struct engine *e = op->engine;
	op->starter = 0;
	if (!op->r->finished_at_ms)
		op->r->finished_at_ms = wall_now_ms();
	if (save(op) || run_commit(e)) {
		op->starter = loop_after(e->loop, PERSIST_RETRY_MS, finish, op);
		return;
	}
	forget_secrets(op);
	for (size_t i = 0; i < e->n_ops; i++) {
		if (e->ops[i] == op) {
			memmove(&e->ops[i], &e->ops[i + 1], (e->n_ops - i - 1) * sizeof *e->ops);
			e->n_ops--;
			break;
		}
	}
	if (e->listener.request_over)
		e->listener.request_over(e->listener.arg, op->r);
	run_changed(e);
	struct unit *u = op_unit(op);
	bool unsure = u && u->c->status == CLUSTER_INIT;
	op_destroy(op);
	op_kick(e);
	if (unsure) /* INIT means unsure: the provider is asked, unless the next operation is at it already */
		reconcile_unit(u, NULL, NULL);
}

static void end(struct op *op, enum request_state state)
{
	op->r->state = state;
	own_str(&op->r->progress, NULL);
	drop_flight(op);
	op->starter = loop_after(op->engine->loop, 0, finish, op);
}

void op_done(struct op *op, json_t *result)
{
	json_decref(op->r->result);
	op->r->result = result ? result : json_object();
	run_event(op->engine, op_unit(op), op->r, "request.succeeded", "info", NULL, "%s%s%s: done", op->r->verb, op->r->cluster ? " " : "",
	    op->r->cluster ? op->r->cluster : "");
	end(op, REQUEST_SUCCEEDED);
}

void op_fail(struct op *op, const struct err *err)
{
	op->r->err_code = err->code;
	own_str(&op->r->err_text, err->text);
	run_event(op->engine, op_unit(op), op->r, "request.failed", "error", json_pack("{s:s}", "code", err_info(err->code)->name), "%s", err->text);
	end(op, REQUEST_FAILED);
}

void op_failed(struct op *op, const struct err *err)
{
	struct err copy = *err; /* it may live in what is dropped now */
	drop_flight(op);
	if (op->kind->failed)
		op->kind->failed(op, &copy);
	else
		op_fail(op, &copy);
}

void op_cancelled(struct op *op)
{
	op->r->err_code = ERR_CANCELLED;
	own_str(&op->r->err_text, "cancelled on request");
	run_event(op->engine, op_unit(op), op->r, "request.cancelled", "warn", NULL, "%s%s%s: cancelled", op->r->verb,
	    op->r->cluster ? " " : "", op->r->cluster ? op->r->cluster : "");
	end(op, REQUEST_CANCELLED);
}

/* op->r->cancel is set (and saved with the next commit). */
void op_request_cancel(struct op *op)
{
	drop_flight(op);
	if (op->entered && op->kind->cancelled)
		op->kind->cancelled(op);
	else
		op_cancelled(op);
}

void op_progress(struct op *op, const char *fmt, ...)
{
	char text[300];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (str_eq(op->r->progress, text))
		return;
	own_str(&op->r->progress, text);
	run_changed(op->engine);
}

/* Is an older operation on the same cluster in the way? */
static bool blocked(struct engine *e, const struct op *op)
{
	if (op->kind->beside || !op->r->cluster)
		return false;
	for (size_t i = 0; i < e->n_ops && e->ops[i] != op; i++)
		if (!e->ops[i]->kind->beside && str_eq(e->ops[i]->r->cluster, op->r->cluster))
			return true;
	return false;
}

/* So many operations may be at work at once. Those that end machines do not stand in line behind those that make some. */
static size_t places_at_once(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	return cores < 2 ? PLACES_MIN : cores * PLACES_A_CORE > PLACES_MAX ? PLACES_MAX : (size_t)cores * PLACES_A_CORE;
}

static bool makes_machines(const struct op *op)
{
	return op->kind == &op_launch || op->kind == &op_start;
}

static size_t at_work(const struct engine *e, bool making)
{
	size_t n = 0;
	for (size_t i = 0; i < e->n_ops; i++) {
		const struct op *op = e->ops[i];
		n += (op->entered || op->starter) && !op->resting && !op->n_waiting && makes_machines(op) == making;
	}
	return n;
}

void op_kick(struct engine *e)
{
	size_t most = places_at_once(), busy[2] = {at_work(e, false), at_work(e, true)};
	for (size_t i = 0; i < e->n_ops && (busy[0] < most || busy[1] < most); i++) {
		struct op *op = e->ops[i];
		if (busy[makes_machines(op)] >= most)
			continue;
		if (op->entered || op->starter || request_is_over(op->r->state) || blocked(e, op))
			continue;
		op->r->state = REQUEST_RUNNING;
		if (!op->r->started_at_ms)
			op->r->started_at_ms = wall_now_ms();
		op->starter = loop_after(e->loop, 0, enter, op);
		busy[makes_machines(op)]++;
	}
}

/* ---- things in flight -------------------------------------------------------------------------------------------- */

struct flight {
	struct op *op;
	bool waiting;
	void (*called)(struct op *op, const json_t *result);
	void (*all)(struct op *op);
	struct op_remote_spec spec;
	size_t i, slot;
};

static void on_call(void *arg, const json_t *result, const struct err *err)
{
	struct flight *f = arg;
	struct op *op = f->op;
	void (*fn)(struct op *, const json_t *) = f->called;
	free(f);
	op->call = NULL;
	if (err)
		op_failed(op, err);
	else
		fn(op, result);
}

void op_call(struct op *op, const struct provider *p, enum provider_verb verb, json_t *args, void (*fn)(struct op *op, const json_t *result))
{
	struct flight *f = xcalloc(1, sizeof *f);
	*f = (struct flight){.op = op, .called = fn};
	op->call_flight = f;
	if (verb != PROVIDER_QUERY)
		place_forget(op->engine, p);
	op->call = call_start(&op->engine->calls, p, verb, args, on_call, f);
}

/* A node does not answer, and is waited for; or (why NULL) does again. The step's time begins anew then. */
static void on_waits(void *arg, const char *host, const struct err *why)
{
	struct flight *f = arg;
	struct op *op = f->op;
	int64_t step_ms = op->kind->steps[op->at].timeout_ms;
	if (why) {
		if (!op->before_waiting)
			op->before_waiting = xstrdup(op->r->progress ? op->r->progress : "");
		op->n_waiting += !f->waiting;
		f->waiting = true;
		loop_cancel(op->engine->loop, op->deadline);
		op->deadline = 0;
		const char *colon = str_starts(why->text, "ssh ") ? strstr(why->text, ": ") : NULL;
		op_progress(op, "%s %s: %s", f->spec.waiting ? f->spec.waiting : "waiting for", host, colon ? colon + 2 : why->text);
		return;
	}
	op->n_waiting -= f->waiting;
	f->waiting = false;
	if (op->n_waiting || !op->before_waiting)
		return;
	waited(op);
	if (step_ms)
		op->deadline = loop_after(op->engine->loop, step_ms, on_deadline, op);
	run_changed(op->engine);
}

static void on_piece(void *arg, const char *data, size_t len)
{
	struct flight *f = arg;
	f->spec.piece(f->op, f->i, data, len);
}

static void on_remote(void *arg, const char *out, size_t len, const struct err *err)
{
	if (((struct flight *)arg)->waiting)
		on_waits(arg, NULL, NULL);
	struct flight f = *(struct flight *)arg;
	struct op *op = f.op;
	free(arg);
	op->remotes[f.slot].call = NULL;
	if (err && !f.spec.best_effort && op->remote_err.code == ERR_NONE)
		op->remote_err = *err;
	if (!err && f.spec.each)
		f.spec.each(op, f.i, out, len);
	if (--op->remotes_open)
		return;
	op->n_remotes = 0;
	if (op->remote_err.code && f.spec.failed)
		f.spec.failed(op, &op->remote_err);
	else if (op->remote_err.code)
		op_failed(op, &op->remote_err);
	else
		f.all(op);
}

static void start_remote(struct op *op, const struct op_remote_spec *spec, struct unit *u, size_t i, void (*fn)(struct op *op))
{
	char *input = NULL;
	size_t input_len = 0;
	char *command = spec->command(op, i, &input, &input_len);
	if (!command)
		return;
	int fd = spec->input_fd ? spec->input_fd(op, i) : spec->input_path ? open(spec->input_path, O_RDONLY | O_CLOEXEC) : 0;
	const char *host = json_str(u->c->nodes[i].reach, "host", NULL);
	char what[300];
	if (u->c->n_nodes > 1)
		snprintf(what, sizeof what, "%s on node %zu%s%s%s", spec->what, i, host ? " (" : "", host ? host : "", host ? ")" : "");
	else
		snprintf(what, sizeof what, "%s%s%s", spec->what, host ? " on " : "", host ? host : "");
	struct flight *f = xcalloc(1, sizeof *f);
	*f = (struct flight){.op = op, .all = fn, .spec = *spec, .i = i, .slot = op->n_remotes};
	ARRAY_GROW(op->remotes, op->n_remotes, op->remotes_cap);
	op->remotes[op->n_remotes++] = (struct op_remote){.flight = f, .call = remote_run(op->engine->remotes, u->c->nodes[i].reach,
	    &(struct remote_spec){.command = command, .input = input, .input_len = input_len, .stdin_fd = fd, .timeout_ms = spec->timeout_ms,
		.retry_ms = spec->best_effort || spec->once ? 0 : spec->patience_ms ? spec->patience_ms : NODE_RETRY_MS, .waits = spec->best_effort ? NULL : on_waits,
		.piece = spec->piece ? on_piece : NULL},
	    what, on_remote, f)};
	op->remotes_open++;
	if (fd > 0)
		close(fd);
	if (input) {
		memset(input, 0, input_len); /* it may hold secrets */
		free(input);
	}
	free(command);
}

void op_remote(struct op *op, const struct op_remote_spec *spec, size_t first, size_t n, void (*fn)(struct op *op))
{
	struct unit *u = op_unit(op);
	op->remote_err = (struct err){.code = ERR_NONE};
	op->n_remotes = op->remotes_open = 0;
	for (size_t i = first; u && i < first + n && i < u->c->n_nodes; i++)
		if (u->c->nodes[i].reach)
			start_remote(op, spec, u, i, fn);
	if (op->remotes_open)
		return;
	if (spec->best_effort) {
		fn(op);
		return;
	}
	struct err err;
	err_set(&err, ERR_CONFLICT, "%s: the cluster has no node that can be reached", spec->what);
	op_failed(op, &err);
}

static void on_proc_out(void *arg, bool is_err, const char *data, size_t len)
{
	struct proc_watch *w = arg;
	if (!is_err && w->heard)
		str_addn(&w->out, data, len);
	for (size_t i = 0; is_err && i < len; i++) {
		if (data[i] != '\n') {
			str_addc(&w->line, data[i]);
			continue;
		}
		if (w->heard)
			w->heard(w->op, str_text(&w->line));
		str_clear(&w->line);
	}
	if (is_err) {
		str_addn(&w->complaint, data, len);
		if (w->complaint.len > COMPLAINT_KEPT)
			str_shift(&w->complaint, w->complaint.len - COMPLAINT_KEPT);
	}
}

static void on_proc_exit(void *arg, int status, bool timed_out)
{
	struct op *op = ((struct proc_watch *)arg)->op;
	struct proc_watch w = *op->proc_watch;
	free(op->proc_watch);
	op->proc_watch = NULL;
	op->proc = NULL;
	free(op->proc_out);
	op->proc_out = w.heard ? xstrdup(str_text(&w.out)) : NULL;
	str_free(&w.out);
	str_free(&w.line);
	char how[64];
	struct err err;
	struct str said = str_new(500);
	bool ok = !timed_out && WIFEXITED(status) && !WEXITSTATUS(status);
	text_clean(&said, str_text(&w.complaint), w.complaint.len < 400 ? w.complaint.len : 400);
	if (!ok)
		err_set(&err, timed_out ? ERR_TIMEOUT : ERR_FAILED, "%s: %s: %s", w.what, timed_out ? "no end in time" : proc_status_text(status, how, sizeof how),
		    str_text(&said));
	str_free(&said);
	str_free(&w.complaint);
	free(w.what);
	if (ok)
		w.fn(op);
	else
		op_failed(op, &err);
}

void op_proc(struct op *op, const char *const *argv, const char *what, int64_t timeout_ms, void (*fn)(struct op *op))
{
	op_proc_heard(op, argv, what, timeout_ms, NULL, fn);
}

void op_proc_heard(struct op *op, const char *const *argv, const char *what, int64_t timeout_ms, void (*heard)(struct op *op, const char *line),
    void (*fn)(struct op *op))
{
	struct err err;
	struct proc_watch *w = op->proc_watch = xcalloc(1, sizeof *w);
	*w = (struct proc_watch){.op = op, .complaint = str_new(2 * COMPLAINT_MAX), .out = str_new(OUT_MAX), .line = str_new(COMPLAINT_MAX), .what = xstrdup(what),
	    .heard = heard, .fn = fn};
	op->proc = proc_start(op->engine->loop, &(struct proc_spec){.argv = argv, .timeout_ms = timeout_ms}, &(struct proc_handlers){on_proc_out, on_proc_exit, w}, &err);
	if (!op->proc) {
		err_wrap(&err, "%s", what);
		op_failed(op, &err);
	}
}
