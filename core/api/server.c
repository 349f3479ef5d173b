/* JSON-RPC methods over the engine's socket. A connection belongs to the user that the kernel says is on the other side. */
#include "core/api/server.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/api/protocol.h"
#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/io/rpc.h"
#include "core/run/metrics.h"

enum { LOG_FIRST_MS = 5, LOGS_MS = 50 };
enum { CONNS_MAX = 256, PUSH_MS = 50, PUSH_REST = 9, BACKLOG_SOFT = 4 << 20, EVENTS_PUSHED = 100, REQUESTS_PUSHED = 50, LIMIT_MAX = 10000, IDLE_CHECK_MS = 1000 };

/* Topics of a watch. */
enum { TOPIC_CLUSTERS = 1, TOPIC_JOBS = 2, TOPIC_REQUESTS = 4, TOPIC_EVENTS = 8, TOPIC_SPEND = 16 };
static const char *const topic_names[] = {"clusters", "jobs", "requests", "events", "spend"};

struct follow {
	struct follow *next;
	int64_t id;  /* of a request */
	json_t *rpc; /* the id of the call to be answered */
	char *last;  /* the request as it was last pushed */
};

struct log_follow {
	struct log_follow *next;
	struct log_which which;
	bool dirty;
};

struct conn {
	struct server *s;
	struct conn *prev, *next;
	struct rpc *rpc;
	char *user;
	bool greeted;
	unsigned topics;
	char *watch_cluster;
	struct follow *follows;
	struct log_follow *logs;
};

struct server {
	struct server_setup set;
	struct conn *conns;
	int n_conns;
	unsigned push_timer, log_timer, idle_timer;
	int64_t logs_pushed_ms, push_ms;
	int64_t revision, started_at_ms, idle_since_ms;
};

/* ---- connections ------------------------------------------------------------------------------------------------- */

static void follow_free(struct follow *f)
{
	json_decref(f->rpc);
	free(f->last);
	free(f);
}

static void conn_free(struct conn *c)
{
	while (c->follows) {
		struct follow *f = c->follows;
		c->follows = f->next;
		follow_free(f);
	}
	while (c->logs) {
		struct log_follow *f = c->logs;
		c->logs = f->next;
		free(f);
	}
	if (c->prev)
		c->prev->next = c->next;
	else
		c->s->conns = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->s->n_conns--;
	free(c->user);
	free(c->watch_cluster);
	free(c);
}

static void on_closed(void *arg, struct rpc *rpc)
{
	(void)rpc;
	conn_free(arg);
}

static void notify(struct conn *c, const char *method, const char *key, json_t *value)
{
	json_t *params = json_object();
	json_object_set_new(params, key, value);
	rpc_notify(c->rpc, method, params);
}

/* ---- pushes ------------------------------------------------------------------------------------------------------ */

static void push_snapshot(struct conn *c)
{
	struct engine *e = c->s->set.engine;
	json_t *j = json_object(), *part;
	json_put_int(j, "revision", c->s->revision);
	if (c->topics & TOPIC_CLUSTERS)
		json_object_set_new(j, "clusters", engine_status(e));
	if (c->topics & TOPIC_JOBS && (part = engine_jobs(e, c->watch_cluster, NULL)))
		json_object_set_new(j, "jobs", part);
	if (c->topics & TOPIC_REQUESTS && (part = engine_requests(e, true, REQUESTS_PUSHED, NULL)))
		json_object_set_new(j, "requests", part);
	if (c->topics & TOPIC_EVENTS && (part = engine_events(e, NULL, 0, EVENTS_PUSHED, NULL)))
		json_object_set_new(j, "events", part);
	if (c->topics & TOPIC_SPEND)
		json_object_set_new(j, "spend", engine_spend(e));
	rpc_notify(c->rpc, "snapshot", j);
}

static void push_requests(struct conn *c)
{
	for (struct follow *f = c->follows; f; f = f->next) {
		json_t *r = engine_request(c->s->set.engine, f->id, NULL);
		if (!r)
			continue;
		char *text = json_text(r);
		if (!str_eq(text, f->last)) {
			free(f->last);
			f->last = text;
			notify(c, "request", "request", json_incref(r));
		} else {
			free(text);
		}
		json_decref(r);
	}
}

static void push_logs(struct conn *c)
{
	for (struct log_follow **pp = &c->logs; *pp;) {
		struct log_follow *f = *pp;
		json_t *j = f->dirty ? engine_log_now(c->s->set.engine, &f->which) : NULL;
		bool over = j && json_bool(j, "complete", false);
		f->dirty = false;
		if (j)
			rpc_notify(c->rpc, "log", j);
		if (over) {
			*pp = f->next;
			free(f);
		} else {
			pp = &f->next;
		}
	}
}

/* A client that does not keep up gets the state of things when it reads again, not every state that was. */
static void on_push(void *arg)
{
	struct server *s = arg;
	s->push_timer = 0;
	s->revision++;
	int64_t start_us = mono_now_us();
	for (struct conn *c = s->conns; c; c = c->next) {
		if (!c->greeted || rpc_backlog(c->rpc) > BACKLOG_SOFT)
			continue;
		push_requests(c);
		if (c->topics)
			push_snapshot(c);
	}
	/* Where telling takes long (a thousand clusters, many clients), it is done seldom: a tenth of the time at most. */
	int64_t rest_ms = (mono_now_us() - start_us) * PUSH_REST / 1000;
	s->push_ms = rest_ms > PUSH_MS ? rest_ms : PUSH_MS;
}

static void on_push_logs(void *arg)
{
	struct server *s = arg;
	bool waiting = false;
	s->log_timer = 0;
	s->logs_pushed_ms = mono_now_ms();
	for (struct conn *c = s->conns; c; c = c->next) {
		if (!c->greeted || !c->logs)
			continue;
		if (rpc_backlog(c->rpc) > BACKLOG_SOFT)
			waiting = true;
		else
			push_logs(c);
	}
	if (waiting)
		s->log_timer = loop_after(s->set.loop, LOGS_MS * 10, on_push_logs, s);
}

static void push_soon(struct server *s, int64_t ms)
{
	if (!s->push_timer)
		s->push_timer = loop_after(s->set.loop, ms, on_push, s);
}

static void on_changed(void *arg)
{
	const struct server *s = arg;
	push_soon(arg, s->push_ms);
}

static void on_event(void *arg, const struct event *e)
{
	struct server *s = arg;
	for (struct conn *c = s->conns; c; c = c->next)
		for (struct follow *f = c->follows; f; f = f->next)
			if (e->request_id && f->id == e->request_id)
				notify(c, "event", "event", event_to_json(e));
	push_soon(s, s->push_ms);
}

static void on_request_over(void *arg, const struct request *r)
{
	struct server *s = arg;
	for (struct conn *c = s->conns; c; c = c->next) {
		for (struct follow **pp = &c->follows; *pp;) {
			struct follow *f = *pp;
			if (f->id != r->id) {
				pp = &f->next;
				continue;
			}
			rpc_answer(c->rpc, f->rpc, request_to_json(r));
			*pp = f->next;
			follow_free(f);
		}
	}
}

static void on_log_grew(void *arg, int64_t cluster_id, int64_t job_id)
{
	struct server *s = arg;
	bool any = false;
	for (struct conn *c = s->conns; c; c = c->next)
		for (struct log_follow *f = c->logs; f; f = f->next)
			if (f->which.cluster_id == cluster_id && f->which.job_id == job_id)
				any = f->dirty = true;
	if (any && !s->log_timer) {
		/* A line that somebody waits for: soon. But not a message a line, and nothing to those who only watch the states of things. */
		int64_t rested = mono_now_ms() - s->logs_pushed_ms;
		s->log_timer = loop_after(s->set.loop, rested >= LOGS_MS ? LOG_FIRST_MS : LOGS_MS - rested, on_push_logs, s);
	}
}

/* ---- methods ----------------------------------------------------------------------------------------------------- */

struct call_in {
	struct conn *c;
	const json_t *id, *params;
};

static void answer_or_refuse(const struct call_in *in, json_t *result, const struct err *err)
{
	if (result)
		rpc_answer(in->c->rpc, in->id, result);
	else
		rpc_refuse(in->c->rpc, in->id, err);
}

static int64_t limit_of(const json_t *params, int64_t dflt)
{
	int64_t n = json_int(params, "limit", dflt);
	return n < 1 ? 1 : n > LIMIT_MAX ? LIMIT_MAX : n;
}

static void do_hello(const struct call_in *in)
{
	struct err err;
	int64_t theirs = json_int(in->params, "protocol", 0);
	if (theirs != API_PROTOCOL) {
		err_set(&err, ERR_PROTOCOL, "the engine (pid %ld, skytop %s) speaks protocol %d, this skytop (%s) speaks %" PRId64
			": `skytop engine restart` starts the engine anew; clusters and jobs are not touched", (long)getpid(), api_build(), API_PROTOCOL,
		    json_str(in->params, "build", "?"), theirs);
		rpc_refuse(in->c->rpc, in->id, &err);
		return;
	}
	in->c->greeted = true;
	rpc_answer(in->c->rpc, in->id, json_pack("{s:i, s:s, s:I, s:I}", "protocol", API_PROTOCOL, "build", api_build(), "pid", (json_int_t)getpid(),
		"started_at", (json_int_t)in->c->s->started_at_ms));
}

static void do_submit(const struct call_in *in)
{
	struct err err;
	int64_t id = engine_submit(in->c->s->set.engine, in->c->user, json_str(in->params, "verb", ""), json_obj(in->params, "args"), &err);
	answer_or_refuse(in, id ? json_pack("{s:I}", "id", (json_int_t)id) : NULL, &err);
}

static void do_follow(const struct call_in *in)
{
	struct err err;
	int64_t id = json_int(in->params, "id", 0);
	json_t *r = engine_request(in->c->s->set.engine, id, &err);
	if (!r || json_object_get(r, "finished_at") != json_null()) {
		answer_or_refuse(in, r, &err);
		return;
	}
	json_decref(r);
	struct follow *f = xcalloc(1, sizeof *f);
	*f = (struct follow){.next = in->c->follows, .id = id, .rpc = json_deep_copy(in->id)};
	in->c->follows = f;
	push_soon(in->c->s, 0);
}

static void do_cancel(const struct call_in *in)
{
	struct err err;
	int rc = engine_cancel(in->c->s->set.engine, json_int(in->params, "id", 0), &err);
	answer_or_refuse(in, rc ? NULL : json_object(), &err);
}

static void do_requests(const struct call_in *in)
{
	struct err err;
	answer_or_refuse(in, engine_requests(in->c->s->set.engine, json_bool(in->params, "all", false), limit_of(in->params, 50), &err), &err);
}

/* Answers that come later must find their connection still there. */
struct later {
	struct server *s;
	struct rpc *rpc;
	json_t *id;
};

static struct later *later_create(const struct call_in *in)
{
	struct later *l = xcalloc(1, sizeof *l);
	*l = (struct later){in->c->s, in->c->rpc, json_deep_copy(in->id)};
	return l;
}

static struct conn *later_conn(const struct later *l)
{
	struct conn *c = l->s->conns;
	while (c && c->rpc != l->rpc)
		c = c->next;
	return c;
}

/* result stolen; NULL with err. */
static void later_end(struct later *l, json_t *result, const struct err *err)
{
	struct conn *c = later_conn(l);
	if (c && result)
		rpc_answer(c->rpc, l->id, result);
	else if (c)
		rpc_refuse(c->rpc, l->id, err);
	else
		json_decref(result);
	json_decref(l->id);
	free(l);
}

static void refreshed(void *arg)
{
	struct later *l = arg;
	later_end(l, engine_status(l->s->set.engine), NULL);
}

static void do_status(const struct call_in *in)
{
	if (json_bool(in->params, "refresh", false))
		engine_refresh(in->c->s->set.engine, json_str(in->params, "cluster", NULL), refreshed, later_create(in));
	else
		rpc_answer(in->c->rpc, in->id, engine_status(in->c->s->set.engine));
}

static void do_queue(const struct call_in *in)
{
	struct err err;
	struct engine *e = in->c->s->set.engine;
	const char *cluster = json_str(in->params, "cluster", NULL);
	json_t *jobs = engine_jobs(e, cluster, &err);
	if (!jobs && json_bool(in->params, "gone", false))
		jobs = engine_gone_jobs(e, cluster, &err);
	answer_or_refuse(in, jobs, &err);
}

static void do_events(const struct call_in *in)
{
	struct err err;
	answer_or_refuse(in, engine_events(in->c->s->set.engine, json_str(in->params, "cluster", NULL), json_int(in->params, "after", 0),
		limit_of(in->params, 100), &err), &err);
}

static void do_cost(const struct call_in *in)
{
	struct err err;
	answer_or_refuse(in, engine_cost(in->c->s->set.engine, json_int(in->params, "since", 0), &err), &err);
}

static void do_spend(const struct call_in *in)
{
	rpc_answer(in->c->rpc, in->id, engine_spend(in->c->s->set.engine));
}

static void do_budgets(const struct call_in *in)
{
	struct err err;
	answer_or_refuse(in, engine_budgets(in->c->s->set.engine, &err), &err);
}

static void do_budget_set(const struct call_in *in)
{
	struct err err;
	struct engine *e = in->c->s->set.engine;
	answer_or_refuse(in, engine_budget_set(e, in->c->user, in->params, &err) ? NULL : engine_budgets(e, &err), &err);
}

static void do_nodes(const struct call_in *in)
{
	struct err err;
	answer_or_refuse(in, engine_nodes(in->c->s->set.engine, json_str(in->params, "cluster", ""), &err), &err);
}

static void do_metrics(const struct call_in *in)
{
	struct err err;
	answer_or_refuse(in, engine_metrics(in->c->s->set.engine, in->params, &err), &err);
}

static void checked(void *arg, const json_t *result)
{
	later_end(arg, json_deep_copy(result), NULL);
}

static void do_check(const struct call_in *in)
{
	engine_check(in->c->s->set.engine, checked, later_create(in));
}

static void swept(void *arg, const json_t *result)
{
	later_end(arg, json_deep_copy(result), NULL);
}

static void do_sweep(const struct call_in *in)
{
	engine_sweep(in->c->s->set.engine, json_arr(in->params, "clouds"), swept, later_create(in));
}

static void inspected(void *arg, const json_t *result, const struct err *err)
{
	later_end(arg, result ? json_deep_copy(result) : NULL, err);
}

static void do_inspect(const struct call_in *in)
{
	struct err err;
	const json_t *settings = json_object_get(in->params, "settings");
	struct later *l = later_create(in);
	if (engine_inspect(in->c->s->set.engine, json_str(in->params, "provider", ""), settings, inspected, l, &err))
		later_end(l, NULL, &err);
}

static void planned(void *arg, json_t *plan, const struct err *err)
{
	later_end(arg, plan, err);
}

static void do_plan(const struct call_in *in)
{
	engine_plan(in->c->s->set.engine, in->params, planned, later_create(in));
}

static void offered(void *arg, json_t *live)
{
	later_end(arg, json_pack("{s:o}", "live", live), NULL);
}

static void do_offers(const struct call_in *in)
{
	engine_offers(in->c->s->set.engine, json_arr(in->params, "clouds"), offered, later_create(in));
}

struct log_later {
	struct later *later;
	bool follow;
};

static void logged(void *arg, json_t *log, const struct err *err)
{
	struct log_later l = *(struct log_later *)arg;
	free(arg);
	struct conn *c = later_conn(l.later);
	if (c && log && l.follow && !json_bool(log, "complete", false)) {
		struct log_follow *f = xcalloc(1, sizeof *f);
		*f = (struct log_follow){.next = c->logs, .which = {json_int(log, "cluster_id", 0), json_int(log, "job_id", 0), json_int(log, "rank", -1),
							      json_bool(log, "setup", false)}};
		c->logs = f;
	}
	later_end(l.later, log, err);
}

static void do_log(const struct call_in *in)
{
	struct log_later *l = xcalloc(1, sizeof *l);
	struct log_ask ask = {.cluster = json_str(in->params, "cluster", ""), .job = json_int(in->params, "job", 0), .rank = json_int(in->params, "rank", -1),
	    .setup = json_bool(in->params, "setup", false),
	    .tail = json_bool(in->params, "tail", false), .fresh = json_bool(in->params, "fresh", false)};
	*l = (struct log_later){later_create(in), json_bool(in->params, "follow", false)};
	engine_log(in->c->s->set.engine, &ask, logged, l);
}

static void do_watch(const struct call_in *in)
{
	size_t i;
	json_t *t;
	in->c->topics = 0;
	json_array_foreach(json_arr(in->params, "topics"), i, t)
		for (size_t k = 0; k < ARRAY_LEN(topic_names); k++)
			if (str_eq(json_string_value(t), topic_names[k]))
				in->c->topics |= 1u << k;
	own_str(&in->c->watch_cluster, json_str(in->params, "cluster", NULL));
	rpc_answer(in->c->rpc, in->id, json_object());
	push_snapshot(in->c);
}

static int64_t rss_kib(void)
{
	size_t len;
	char *text = fs_read("/proc/self/statm", 4096, &len, NULL);
	long pages = 0;
	if (text)
		sscanf(text, "%*s %ld", &pages);
	free(text);
	return text ? (int64_t)pages * (sysconf(_SC_PAGESIZE) / 1024) : -1;
}

static void do_engine(const struct call_in *in)
{
	struct server *s = in->c->s;
	json_t *clusters = engine_status(s->set.engine), *requests = engine_requests(s->set.engine, false, LIMIT_MAX, NULL);
	char *state = home_path(HOME_STATE, "");
	int64_t rss = rss_kib();
	json_t *j = json_pack("{s:I, s:s, s:i, s:I, s:i, s:I, s:I, s:s, s:s, s:b}", "pid", (json_int_t)getpid(), "build", api_build(), "protocol", API_PROTOCOL,
	    "started_at", (json_int_t)s->started_at_ms, "clients", s->n_conns, "clusters", (json_int_t)json_array_size(clusters), "requests",
	    (json_int_t)json_array_size(requests), "socket", s->set.socket_path, "state", state, "idle", engine_is_idle(s->set.engine));
	json_object_set_new(j, "rss_kib", rss < 0 ? json_null() : json_integer(rss));
	json_decref(clusters);
	json_decref(requests);
	free(state);
	rpc_answer(in->c->rpc, in->id, j);
}

static void on_leave(void *arg)
{
	struct server *s = arg;
	s->set.leave(s->set.arg);
}

static void do_shutdown(const struct call_in *in)
{
	rpc_answer(in->c->rpc, in->id, json_object());
	loop_after(in->c->s->set.loop, 10, on_leave, in->c->s); /* after the answer has gone out */
}

static const struct {
	const char *name;
	void (*run)(const struct call_in *in);
} methods[] = {
    {"hello", do_hello},   {"submit", do_submit}, {"follow", do_follow}, {"cancel", do_cancel}, {"requests", do_requests}, {"status", do_status},
    {"queue", do_queue},   {"events", do_events}, {"cost", do_cost},	 {"spend", do_spend},	{"nodes", do_nodes},	   {"check", do_check},
    {"inspect", do_inspect}, {"sweep", do_sweep}, {"metrics", do_metrics}, {"budgets", do_budgets}, {"budget_set", do_budget_set},
    {"offers", do_offers}, {"plan", do_plan},	   {"log", do_log},	  {"watch", do_watch},	 {"engine", do_engine}, {"shutdown", do_shutdown},
};

static void on_call(void *arg, struct rpc *rpc, const json_t *id, const char *method, const json_t *params)
{
	struct conn *c = arg;
	struct err err;
	struct call_in in = {c, id, params};
	if (!id)
		return; /* clients have nothing to notify us of */
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		if (strcmp(methods[i].name, method))
			continue;
		if (c->greeted || !strcmp(method, "hello") || !strcmp(method, "shutdown") || !strcmp(method, "engine")) {
			methods[i].run(&in); /* shutdown is for every version: it is how another version gets rid of us */
			return;
		}
		err_set(&err, ERR_PROTOCOL, "%s: say hello first", method);
		rpc_refuse(rpc, id, &err);
		return;
	}
	err_set(&err, ERR_USAGE, "this engine has no method '%.60s'", method);
	rpc_refuse(rpc, id, &err);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static char *user_name(uid_t uid)
{
	const struct passwd *pw = getpwuid(uid);
	return pw ? xstrdup(pw->pw_name) : xasprintf("uid-%u", (unsigned)uid);
}

static void on_accept(int fd, int events, void *arg)
{
	(void)events;
	struct server *s = arg;
	int cfd = accept(fd, NULL, NULL);
	if (cfd < 0)
		return;
	uid_t uid = unix_peer_uid(cfd);
	if (s->n_conns >= CONNS_MAX || (uid != geteuid() && uid != 0)) {
		log_line(LOG_WARN, "a connection of uid %u was refused", (unsigned)uid);
		close(cfd);
		return;
	}
	struct conn *c = xcalloc(1, sizeof *c);
	c->s = s;
	c->user = user_name(uid);
	c->next = s->conns;
	if (c->next)
		c->next->prev = c;
	s->conns = c;
	s->n_conns++;
	c->rpc = rpc_create(s->set.loop, cfd, &(struct rpc_handlers){on_call, on_closed, c});
}

static void on_idle_check(void *arg)
{
	struct server *s = arg;
	int64_t now = mono_now_ms();
	bool needed = s->n_conns || !engine_is_idle(s->set.engine);
	if (needed)
		s->idle_since_ms = now;
	else if (now - s->idle_since_ms >= s->set.idle_exit_ms) {
		log_line(LOG_INFO, "nothing to look after: leaving");
		s->set.leave(s->set.arg);
		return;
	}
	s->idle_timer = loop_after(s->set.loop, s->set.idle_exit_ms < IDLE_CHECK_MS ? s->set.idle_exit_ms + 1 : IDLE_CHECK_MS, on_idle_check, s);
}

struct server *server_create(const struct server_setup *setup)
{
	struct server *s = xcalloc(1, sizeof *s);
	s->set = *setup;
	s->push_ms = PUSH_MS;
	s->started_at_ms = wall_now_ms();
	s->idle_since_ms = mono_now_ms();
	engine_listen(setup->engine, &(struct engine_listener){on_changed, on_event, on_request_over, on_log_grew, s});
	loop_watch(setup->loop, setup->fd, LOOP_IN, on_accept, s);
	if (setup->idle_exit_ms >= 0)
		on_idle_check(s);
	return s;
}

void server_destroy(struct server *s)
{
	if (!s)
		return;
	engine_listen(s->set.engine, &(struct engine_listener){.arg = NULL});
	/* The door first: whoever sees its connection end must not be able to connect again. */
	loop_watch(s->set.loop, s->set.fd, 0, NULL, NULL);
	close(s->set.fd);
	while (s->conns) {
		rpc_destroy(s->conns->rpc);
		conn_free(s->conns);
	}
	loop_cancel(s->set.loop, s->push_timer);
	loop_cancel(s->set.loop, s->log_timer);
	loop_cancel(s->set.loop, s->idle_timer);
	free(s);
}
