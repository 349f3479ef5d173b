/* The one runner of provider step functions. A retry starts the call from the top: the contract says that any call may be. */
#include "core/run/call.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/trace.h"
#include "core/io/proc.h"
#include "core/io/reading.h"
#include "core/run/call_http.h"

enum { TRIES = 4, FIRST_PAUSE_MS = 200, DEFAULT_TIMEOUT_MS = 60000, REPLY_MAX = 32 << 20, HOST_REPLY_MAX = 4 << 20, COMPLAINT_MAX = 4096, STEPS_MAX = 10000,
	FILE_BYTES_MAX = 1 << 20, READ_MS = 10000, WORN_TRIES = 2 };

/* One of the hosts of a request. */
struct host_ask {
	struct call *call;
	struct remote *remote;
	struct str out, complaint;
	struct err err; /* .code ERR_NONE: it ran */
	int status;
};

struct call {
	struct call_context *ctx;
	struct call *prev, *next;
	const struct provider *provider;
	struct provider_call pc;
	struct provider_env env;
	char *state_dir;
	json_t *args;
	struct proc *proc;
	struct reading *reading;
	size_t *read_for; /* which of the files asked for each that is read is; the arena's */
	struct http_batch *http; /* the last one: its answers are the step's until it returns */
	struct host_ask *hosts;
	size_t n_hosts, hosts_open;
	json_t *settings;
	struct str out, complaint;
	unsigned timer;
	int tries, steps;
	struct err err;
	call_fn *fn;
	call_part_fn *part;
	bool gave_parts;
	void *arg;
};

static void drop_hosts(struct call *c)
{
	for (size_t i = 0; i < c->n_hosts; i++) {
		remote_destroy(c->hosts[i].remote);
		str_free(&c->hosts[i].out);
		str_free(&c->hosts[i].complaint);
	}
	free(c->hosts);
	c->hosts = NULL;
	c->n_hosts = c->hosts_open = 0;
}

static void call_free(struct call *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		c->ctx->calls = c->next;
	if (c->next)
		c->next->prev = c->prev;
	loop_cancel(c->ctx->loop, c->timer);
	proc_destroy(c->proc);
	reading_cancel(c->reading);
	http_batch_free(c->http);
	drop_hosts(c);
	arena_destroy(c->pc.arena);
	json_decref(c->pc.scratch);
	json_decref(c->pc.result);
	json_decref(c->args);
	json_decref(c->settings);
	str_free(&c->out);
	str_free(&c->complaint);
	free(c->state_dir);
	free(c);
}

static void reset(struct call *c)
{
	arena_destroy(c->pc.arena);
	json_decref(c->pc.scratch);
	json_decref(c->pc.result);
	enum provider_verb verb = c->pc.verb;
	c->env.now_ms = wall_now_ms();
	c->pc = (struct provider_call){.verb = verb, .args = c->args, .env = &c->env, .arena = arena_create(), .scratch = json_object()};
	c->steps = 0;
	http_batch_free(c->http);
	c->http = NULL;
	if (c->gave_parts)
		c->part(c->arg, NULL);
	c->gave_parts = false;
}

static void step(struct call *c, const struct provider_reply *reply);
static void fail_later(struct call *c);

/* A broken settings file stops what would use it, and never what ends or looks after nodes. */
static int read_settings(struct call *c)
{
	struct err err;
	json_decref(c->settings);
	c->settings = settings_read(&c->ctx->settings, c->provider, &c->env.settings_path, &err);
	c->env.settings = c->settings;
	switch (c->pc.verb) {
	case PROVIDER_CHECK:
	case PROVIDER_OFFERS:
	case PROVIDER_CREATE:
	case PROVIDER_START:
		if (!err.code)
			return 0;
		c->err = err;
		return -1;
	case PROVIDER_QUERY:
	case PROVIDER_STOP:
	case PROVIDER_TERMINATE:
	case PROVIDER_QUOTA:
	case PROVIDER_OBJECTS:
	case PROVIDER_VERBS:
		return 0;
	}
	return 0;
}

static void begin(void *arg)
{
	struct call *c = arg;
	c->timer = 0;
	reset(c);
	if (read_settings(c))
		fail_later(c);
	else
		step(c, NULL);
}

static void finish_failed(void *arg)
{
	struct call *c = arg;
	c->timer = 0;
	if (c->err.code == ERR_THROTTLED && c->http)
		http_batch_throttled(c->http);
	/* Where each request has been sent again and again already, one more round must do. */
	int tries_max = c->http && http_batch_worn(c->http) ? WORN_TRIES : TRIES;
	if (err_info(c->err.code)->retry && ++c->tries < tries_max) {
		/* 0.2, 0.8, 3.2 s: a reply lost is mended at once, a cloud that throttles is given time. */
		c->timer = loop_after(c->ctx->loop, (int64_t)FIRST_PAUSE_MS << (2 * (c->tries - 1)), begin, c);
		return;
	}
	err_wrap(&c->err, "%s %s", c->provider->name, provider_verb_name(c->pc.verb));
	c->fn(c->arg, NULL, &c->err);
	call_free(c);
}

/* From the loop, so that the caller of call_start is never called back from within it. */
static void fail_later(struct call *c)
{
	c->timer = loop_after(c->ctx->loop, 0, finish_failed, c);
}

static void on_out(void *arg, bool is_err, const char *data, size_t len)
{
	struct call *c = arg;
	str_addn(is_err ? &c->complaint : &c->out, data, len);
}

static void on_ended(void *arg, int status, bool timed_out)
{
	struct call *c = arg;
	c->proc = NULL;
	if (c->out.full) {
		err_set(&c->err, ERR_PROTOCOL, "the reply is larger than %d bytes", REPLY_MAX);
		fail_later(c);
		return;
	}
	if (timed_out) {
		err_set(&c->err, ERR_TIMEOUT, "no reply in time");
		fail_later(c);
		return;
	}
	struct provider_reply reply = {.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1, .body = str_text(&c->out), .body_len = c->out.len,
	    .complaint = str_text(&c->complaint)};
	trace_body("child in", c->provider->name, reply.status, reply.body, reply.body_len);
	step(c, &reply);
}

static void on_http(void *arg, const struct provider_http_reply *replies, size_t n)
{
	struct call *c = arg;
	step(c, &(struct provider_reply){.body = "", .complaint = "", .http = replies, .n_http = n});
}

static int send_exec(struct call *c)
{
	const struct provider_request *q = &c->pc.request;
	str_clear(&c->out);
	str_clear(&c->complaint);
	struct proc_spec spec = {.argv = q->argv, .input = q->body, .input_len = q->body_len, .timeout_ms = q->timeout_ms ? q->timeout_ms : DEFAULT_TIMEOUT_MS};
	trace_body("child out", c->provider->name, -1, q->body, q->body ? q->body_len : 0);
	c->proc = proc_start(c->ctx->loop, &spec, &(struct proc_handlers){on_out, on_ended, c}, &c->err);
	return c->proc ? 0 : -1;
}

static int send_http(struct call *c)
{
	struct http_batch *before = c->http;
	c->http = http_batch_start(c->ctx, c->provider->name, &c->pc.request, on_http, c, &c->err);
	http_batch_free(before); /* now: a request may have been made of what it says */
	return c->http ? 0 : -1;
}

/* Small files of this machine, by a child: the disk may be the network's, and away. The answer is in the order asked. */
static void on_files(void *arg, const struct reading_file *read, size_t n)
{
	struct call *c = arg;
	const struct provider_request *q = &c->pc.request;
	struct provider_file *files = arena_alloc(c->pc.arena, (q->n_files + 1) * sizeof *files);
	size_t k = 0;
	c->reading = NULL;
	for (size_t i = 0; i < q->n_files; i++) {
		const struct reading_file *f = k < n && c->read_for[k] == i ? &read[k++] : NULL;
		files[i] = (struct provider_file){.path = q->files[i].path, .text = f && f->text ? arena_strndup(c->pc.arena, f->text, f->len) : NULL,
		    .err_text = f ? arena_strdup(c->pc.arena, f->why ? f->why : "") :
			arena_printf(c->pc.arena, "cannot read %s: the path is not absolute", q->files[i].path)};
		trace_body("file in", q->files[i].path, -1, NULL, f ? f->len : 0);
	}
	step(c, &(struct provider_reply){.body = "", .complaint = "", .files = files, .n_files = q->n_files});
}

static int send_read(struct call *c)
{
	const struct provider_request *q = &c->pc.request;
	const char **paths = arena_alloc(c->pc.arena, (q->n_files + 1) * sizeof *paths);
	size_t n = 0;
	c->read_for = arena_alloc(c->pc.arena, (q->n_files + 1) * sizeof *c->read_for);
	for (size_t i = 0; i < q->n_files; i++) {
		char *path = path_expand(q->files[i].path);
		if (path[0] == '/') {
			c->read_for[n] = i;
			paths[n++] = arena_strdup(c->pc.arena, path);
		}
		free(path);
	}
	struct reading_spec spec = {.paths = paths, .n = n, .max = FILE_BYTES_MAX, .timeout_ms = READ_MS};
	c->reading = reading_start(c->ctx->loop, &spec, on_files, c, &c->err);
	return c->reading ? 0 : -1;
}

/* ---- hosts --------------------------------------------------------------------------------------------------------- */

static void hosts_answered(void *arg)
{
	struct call *c = arg;
	c->timer = 0;
	struct provider_ssh_reply *replies = arena_alloc(c->pc.arena, (c->n_hosts + 1) * sizeof *replies);
	for (size_t i = 0; i < c->n_hosts; i++) {
		struct host_ask *h = &c->hosts[i];
		replies[i] = (struct provider_ssh_reply){.code = h->err.code, .err_text = h->err.code ? arena_strdup(c->pc.arena, h->err.text) : "",
		    .status = h->status, .out = arena_strndup(c->pc.arena, str_text(&h->out), h->out.len), .out_len = h->out.len,
		    .complaint = arena_strdup(c->pc.arena, str_text(&h->complaint))};
		trace_body("host in", c->provider->name, h->err.code ? -1 : h->status, replies[i].out, replies[i].out_len);
	}
	struct provider_reply reply = {.body = "", .complaint = "", .hosts = replies, .n_hosts = c->n_hosts};
	drop_hosts(c);
	step(c, &reply);
}

/* From the loop, since a step may free the call. */
static void host_is_done(struct call *c)
{
	if (!--c->hosts_open)
		c->timer = loop_after(c->ctx->loop, 0, hosts_answered, c);
}

static void on_host_out(void *arg, bool is_err, const char *data, size_t len)
{
	struct host_ask *h = arg;
	str_addn(is_err ? &h->complaint : &h->out, data, len);
	if (is_err && h->complaint.len > COMPLAINT_MAX)
		str_shift(&h->complaint, h->complaint.len - COMPLAINT_MAX);
}

static void on_host_exit(void *arg, const struct remote_exit *x)
{
	struct host_ask *h = arg;
	h->remote = NULL;
	h->status = x->how == REMOTE_EXITED ? x->status : -1;
	if (x->err)
		h->err = *x->err;
	else if (h->out.full)
		err_set(&h->err, ERR_PROTOCOL, "it printed more than %d bytes", HOST_REPLY_MAX);
	host_is_done(h->call);
}

static void send_hosts(struct call *c)
{
	const struct provider_request *q = &c->pc.request;
	c->hosts = xcalloc(q->n_hosts + 1, sizeof *c->hosts);
	c->n_hosts = q->n_hosts;
	c->hosts_open = q->n_hosts + 1;
	for (size_t i = 0; i < q->n_hosts; i++) {
		const struct provider_ssh *s = &q->hosts[i];
		struct host_ask *h = &c->hosts[i];
		*h = (struct host_ask){.call = c, .out = str_new(HOST_REPLY_MAX), .complaint = str_new(1 << 20), .err = {.code = ERR_NONE}};
		struct remote_spec spec = {.command = s->command, .input = s->input, .input_len = s->input ? strlen(s->input) : 0,
		    .timeout_ms = q->timeout_ms ? q->timeout_ms : DEFAULT_TIMEOUT_MS, .anew = q->anew};
		trace_body("host out", s->command, -1, s->input, spec.input_len);
		h->remote = remote_start(c->ctx->remotes, s->reach, &spec, &(struct remote_handlers){on_host_out, on_host_exit, h}, &h->err);
		if (!h->remote)
			host_is_done(c);
	}
	host_is_done(c);
}

static int send_request(struct call *c)
{
	switch (c->pc.request.kind) {
	case PROVIDER_EXEC:
		return send_exec(c);
	case PROVIDER_HTTP:
		return send_http(c);
	case PROVIDER_SSH:
		send_hosts(c);
		return 0;
	case PROVIDER_READ:
		return send_read(c);
	}
	return 0;
}

static void send_now(void *arg)
{
	struct call *c = arg;
	c->timer = 0;
	if (send_request(c))
		fail_later(c);
}

static void next_part(void *arg)
{
	struct call *c = arg;
	c->timer = 0;
	step(c, &(struct provider_reply){.body = "", .complaint = ""});
}

static void take_part(struct call *c)
{
	json_t *part = c->pc.result;
	c->pc.result = NULL;
	if (c->part) {
		c->gave_parts = true;
		c->part(c->arg, part);
		c->timer = loop_after(c->ctx->loop, 0, next_part, c);
	} else {
		err_set(&c->err, ERR_UNSUPPORTED, "the answer comes in parts, which nobody takes here");
		fail_later(c);
	}
	json_decref(part);
}

static void succeed(struct call *c)
{
	json_t *result = c->pc.result;
	c->pc.result = NULL;
	c->fn(c->arg, result, NULL);
	json_decref(result);
	call_free(c);
}

static void step(struct call *c, const struct provider_reply *reply)
{
	if (++c->steps > STEPS_MAX) {
		err_set(&c->err, ERR_PROTOCOL, "no end after %d requests", STEPS_MAX);
		fail_later(c);
		return;
	}
	switch (c->provider->step(&c->pc, reply, &c->err)) {
	case PROVIDER_REQUEST:
		if (c->pc.request.after_ms > 0)
			c->timer = loop_after(c->ctx->loop, c->pc.request.after_ms, send_now, c);
		else
			send_now(c);
		return;
	case PROVIDER_PART:
		take_part(c);
		return;
	case PROVIDER_DONE:
		succeed(c);
		return;
	case PROVIDER_FAILED:
		fail_later(c);
		return;
	}
}

static const char *from_environment(const char *name)
{
	return getenv(name);
}

/* What this provider keeps in memory. */
static json_t *memory_of(struct call_context *ctx, const char *name)
{
	if (!ctx->memory)
		ctx->memory = json_object();
	if (!json_object_get(ctx->memory, name))
		json_object_set_new(ctx->memory, name, json_object());
	return json_object_get(ctx->memory, name);
}

struct call *call_start(struct call_context *ctx, const struct provider *p, enum provider_verb verb, json_t *args, call_fn *fn, void *arg)
{
	struct call *c = xcalloc(1, sizeof *c);
	*c = (struct call){.ctx = ctx, .provider = p, .args = args, .out = str_new(REPLY_MAX), .complaint = str_new(COMPLAINT_MAX), .fn = fn, .arg = arg};
	c->state_dir = xasprintf("%s/%s", ctx->state_dir, p->name);
	c->env = (struct provider_env){.self = ctx->self, .state_dir = c->state_dir, .config = json_object_get(ctx->config, p->name),
	    .var = ctx->var ? ctx->var : from_environment, .memory = memory_of(ctx, p->name), .user = ctx->user ? ctx->user : ""};
	c->pc.verb = verb;
	c->next = ctx->calls;
	if (c->next)
		c->next->prev = c;
	ctx->calls = c;
	c->timer = loop_after(ctx->loop, 0, begin, c);
	return c;
}

void call_on_part(struct call *c, call_part_fn *fn)
{
	c->part = fn;
}

void call_cancel(struct call *c)
{
	if (c)
		call_free(c);
}

void call_cancel_all(struct call_context *ctx)
{
	while (ctx->calls)
		call_free(ctx->calls);
}

void call_context_clear(struct call_context *ctx)
{
	call_cancel_all(ctx);
	http_lanes_free(ctx);
	http_destroy(ctx->http);
	settings_free(ctx->settings);
	json_decref(ctx->memory);
	ctx->http = NULL;
	ctx->settings = NULL;
	ctx->memory = NULL;
}
