/* The screen's source over the engine's socket. Nothing blocks: connecting to a UNIX socket does not, starting an engine is left to a
 * child (`skytop engine start`). Logs are engine_logs.c's. What the engine pushes is kept as it came (JSON); the
 * snapshot's strings point into it. */
#include "tui/engine_source.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/api/client.h"
#include "core/api/protocol.h"
#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/io/proc.h"
#include "core/io/rpc.h"
#include "core/model/task.h"
#include "tui/cost.h"
#include "tui/engine_json.h"
#include "tui/engine_logs.h"
#include "tui/live_answer.h"
#include "tui/metrics_answer.h"

/* An idle screen looks for an engine seldom; one that has just left is back soon, or not at all. */
enum { RECONNECT_MS = 500, LOOK_MS = 15000, HELLO_MS = 5000, CALL_MS = 30000, START_MS = 15000, COST_GAP_MS = 1000,
	EVENTS_KEPT = 2000 };
#define COST_SINCE_MS (INT64_C(30) * 24 * 3600 * 1000)

/* An order that waits for the connection, or for its answer. */
struct order {
	struct order *next;
	struct source *s;
	unsigned ticket;
	char *method;
	json_t *params;
	bool plan;	/* a question: the answer goes to planned() */
	json_t *task;	/* … the one it was asked for */
	struct err err; /* set: it was refused before it was sent */
};

struct source {
	struct ui_source base;
	struct loop *loop;
	char *self;
	struct ui_sink sink;
	struct rpc *rpc;
	struct proc *starter;
	unsigned timer, teller, refuser;
	struct err refusal; /* what refuser tells all orders */
	int64_t retry_ms; /* doubles while nothing answers */
	bool greeted, started, looked_back;
	enum ui_link link;
	char *link_text, *focus;
	json_t *data; /* what the snapshot is made of */
	json_t *next; /* what was pushed since; becomes the snapshot when that is told, not under the hands of whoever looks at it */
	int64_t next_at_ms;
	struct ui_snapshot snap;
	struct ui_cluster *clusters;
	struct ui_job *jobs;
	struct ui_request *requests;
	struct ui_event *events;
	struct arena *arena;   /* of the snapshot */
	json_t *kept;	       /* events, oldest first: those that were pushed, and the ones before them */
	struct order *orders;
	struct engine_logs logs;
	struct ui_cost *cost, *next_cost;
	bool cost_wanted, cost_asked; /* somebody looks at it; a question is under way */
	unsigned cost_timer;
	int64_t cost_asked_ms;	      /* monotonic */
	struct metrics_feed metrics;
	struct live_feed live;
};

static void connect_now(struct source *s);
static void send_orders(struct source *s);

/* ---- the snapshot ------------------------------------------------------------------------------------------------ */

static void use_next(struct source *s);

static void on_tell(void *arg)
{
	struct source *s = arg;
	s->teller = 0;
	use_next(s);
	s->snap.metrics = metrics_feed_turn(&s->metrics);
	s->snap.live = live_feed_turn(&s->live, &s->snap.live_number);
	if (s->sink.changed)
		s->sink.changed(s->sink.arg);
}

static void changed(struct source *s)
{
	s->snap.revision++;
	if (!s->teller)
		s->teller = loop_after(s->loop, 0, on_tell, s);
}

static void set_link(struct source *s, enum ui_link link, const char *text)
{
	if (s->link == link && str_eq(s->link_text, text))
		return;
	s->link = link;
	free(s->link_text);
	s->link_text = xstrdup(text);
	s->snap.link = link;
	s->snap.link_text = s->link_text ? s->link_text : "";
	changed(s);
}

#define TAKE(field, type, key, of, newest_first)                                                                                            \
	do {                                                                                                                                \
		json_t *list = json_arr(s->data, key);                                                                                      \
		size_t n = json_array_size(list);                                                                                           \
		s->field = xreallocarray(s->field, n + 1, sizeof(struct type));                                                             \
		for (size_t i = 0; i < n; i++)                                                                                              \
			s->field[newest_first ? n - 1 - i : i] = of(json_array_get(list, i));                                               \
		s->snap.field = s->field;                                                                                                   \
		s->snap.n_##field = n;                                                                                                      \
	} while (0)

static void take_snapshot(struct source *s, const json_t *params)
{
	json_decref(s->next);
	s->next = json_deep_copy(params);
	s->next_at_ms = wall_now_ms();
	changed(s);
	metrics_feed_pushed(&s->metrics, s->rpc);
}

/* The engine pushes the newest events. Those before them that were seen here are kept, so that an error does not vanish. */
static void keep_events(struct source *s)
{
	size_t i;
	json_t *e, *kept = s->kept ? s->kept : json_array();
	int64_t last = json_int(json_array_get(kept, json_array_size(kept) - 1), "id", 0);
	json_array_foreach(json_arr(s->data, "events"), i, e)
		if (json_int(e, "id", 0) > last)
			json_array_append(kept, e);
	while (json_array_size(kept) > EVENTS_KEPT)
		json_array_remove(kept, 0);
	s->kept = kept;
	json_object_set(s->data, "events", kept);
}

static void use_next(struct source *s)
{
	if (s->next_cost) {
		ui_cost_free(s->cost);
		s->snap.cost = s->cost = s->next_cost;
		s->next_cost = NULL;
	}
	if (!s->next)
		return;
	json_decref(s->data);
	s->data = s->next;
	s->next = NULL;
	keep_events(s);
	arena_destroy(s->arena);
	s->arena = arena_create();
	TAKE(clusters, ui_cluster, "clusters", engine_json_cluster, false);
	for (size_t i = 0; i < s->snap.n_clusters; i++)
		engine_json_nodes(&s->clusters[i], json_array_get(json_arr(s->data, "clusters"), i), s->arena);
	TAKE(jobs, ui_job, "jobs", engine_json_job, false);
	TAKE(requests, ui_request, "requests", engine_json_request, false);
	TAKE(events, ui_event, "events", engine_json_event, true);
	const json_t *spend = json_obj(s->data, "spend");
	s->snap.spend = (struct ui_spend){json_int(spend, "now_uusd_h", PRICE_UNKNOWN), json_int(spend, "today_uusd", PRICE_UNKNOWN),
	    json_int(spend, "budget_left_uusd", PRICE_UNKNOWN), json_bool(spend, "simulated", false)};
	s->snap.at_ms = s->next_at_ms;
}

/* ---- the connection ---------------------------------------------------------------------------------------------- */

static void nothing(void *arg, const json_t *result, const struct err *err)
{
	(void)arg;
	(void)result;
	(void)err;
}

static void watch(struct source *s)
{
	json_t *p = json_pack("{s:[s,s,s,s,s]}", "topics", "clusters", "jobs", "requests", "events", "spend");
	if (s->focus && s->focus[0] && strcmp(s->focus, "*"))
		json_put_str(p, "cluster", s->focus);
	rpc_call(s->rpc, "watch", p, CALL_MS, nothing, NULL);
}

/* ---- the report on money ----------------------------------------------------------------------------------------- */

static void ask_cost(struct source *s);

static void on_cost(void *arg, const json_t *result, const struct err *err)
{
	struct source *s = arg;
	s->cost_asked = false;
	if (err) {
		s->cost_wanted = s->cost_wanted || err->code == ERR_NETWORK; /* a lost connection is asked again */
		return;
	}
	ui_cost_free(s->next_cost);
	s->next_cost = ui_cost_read(json_deep_copy(result));
	changed(s);
	ask_cost(s); /* if somebody wanted it meanwhile */
}

static void on_cost_timer(void *arg)
{
	struct source *s = arg;
	s->cost_timer = 0;
	ask_cost(s);
}

/* When somebody wants it; at most once a second. */
static void ask_cost(struct source *s)
{
	int64_t rested = mono_now_ms() - s->cost_asked_ms;
	if (!s->cost_wanted || s->cost_asked || s->cost_timer || !s->greeted)
		return;
	if (s->cost_asked_ms && rested < COST_GAP_MS) {
		s->cost_timer = loop_after(s->loop, COST_GAP_MS - rested, on_cost_timer, s);
		return;
	}
	s->cost_wanted = false;
	s->cost_asked = true;
	s->cost_asked_ms = mono_now_ms();
	rpc_call(s->rpc, "cost", json_pack("{s:I}", "since", (json_int_t)(wall_now_ms() - COST_SINCE_MS)), CALL_MS, on_cost, s);
}

static void src_ask_cost(struct ui_source *base)
{
	struct source *s = (struct source *)base;
	s->cost_wanted = true;
	ask_cost(s);
}

static void on_hello(void *arg, const json_t *result, const struct err *err)
{
	(void)result;
	struct source *s = arg;
	if (err) {
		rpc_destroy(s->rpc);
		s->rpc = NULL;
		set_link(s, UI_LINK_LOST, err->text);
		return; /* another version: it does not help to ask again */
	}
	s->greeted = true;
	s->retry_ms = 0;
	set_link(s, UI_LINK_UP, NULL);
	ask_cost(s); /* before the first snapshot, so that it is there with it */
	watch(s);
	metrics_feed_ask(&s->metrics, s->rpc);
	live_feed_connected(&s->live, s->rpc);
	send_orders(s);
	engine_logs_connected(&s->logs, s->rpc);
}

static void on_retry(void *arg)
{
	struct source *s = arg;
	s->timer = 0;
	connect_now(s);
}

static void retry_later(struct source *s)
{
	if (s->timer)
		return;
	s->retry_ms = s->link == UI_LINK_NONE || s->retry_ms * 2 > LOOK_MS ? LOOK_MS : s->retry_ms ? s->retry_ms * 2 : RECONNECT_MS;
	s->timer = loop_after(s->loop, s->retry_ms, on_retry, s);
}

static void on_notice(void *arg, struct rpc *rpc, const json_t *id, const char *method, const json_t *params)
{
	(void)rpc;
	struct source *s = arg;
	if (!id && !strcmp(method, "snapshot"))
		take_snapshot(s, params);
	else if (!id && !strcmp(method, "log"))
		engine_logs_news(&s->logs, params);
}

static void on_closed(void *arg, struct rpc *rpc)
{
	(void)rpc;
	struct source *s = arg;
	s->rpc = NULL;
	s->greeted = s->cost_asked = false;
	engine_logs_connected(&s->logs, NULL);
	live_feed_connected(&s->live, NULL);
	set_link(s, UI_LINK_LOST, "the engine left");
	retry_later(s);
}

static void refuse_all(struct source *s, const struct err *err);

static void on_refuse(void *arg)
{
	struct source *s = arg;
	s->refuser = 0;
	refuse_all(s, &s->refusal);
}

/* From the loop: whoever has just ordered is still within his call. */
static void refuse_soon(struct source *s, const struct err *err)
{
	s->refusal = *err;
	if (!s->refuser)
		s->refuser = loop_after(s->loop, 0, on_refuse, s);
}

static void on_started(void *arg, int status, bool timed_out)
{
	struct source *s = arg;
	struct err err;
	s->starter = NULL;
	if (!timed_out && WIFEXITED(status) && !WEXITSTATUS(status)) {
		connect_now(s);
		return;
	}
	err_set(&err, ERR_FAILED, "the engine did not come up: run `skytop engine start` to see why");
	set_link(s, UI_LINK_NONE, err.text);
	refuse_all(s, &err);
}

static void start_engine(struct source *s)
{
	struct err err;
	const char *const argv[] = {s->self, "engine", "start", "--quiet", NULL};
	if (s->starter)
		return;
	set_link(s, UI_LINK_CONNECTING, "starting the engine");
	s->starter = proc_start(s->loop, &(struct proc_spec){.argv = argv, .timeout_ms = START_MS}, &(struct proc_handlers){NULL, on_started, s}, &err);
	if (!s->starter) {
		set_link(s, UI_LINK_NONE, err.text);
		refuse_soon(s, &err);
	}
}

/* An engine that has left may have left clusters that are stopped: it is started to tell of them. Once: it may have reasons to fail. */
static bool has_past(struct source *s)
{
	char *path = home_path(HOME_STATE, "state.db");
	bool has = !s->looked_back && fs_exists(path);
	s->looked_back = true;
	free(path);
	return has;
}

/* Nobody there is started; too many at once wait their turn. What else is wrong no waiting mends. */
static void not_connected(struct source *s, const struct err *err)
{
	struct err told = *err;
	if (err->code == ERR_NOT_FOUND && (s->orders || has_past(s))) {
		start_engine(s);
		return;
	}
	if (err->code != ERR_NOT_FOUND && err->code != ERR_THROTTLED) {
		err_set(&told, err->code, "%s; SKYTOP_HOME and XDG_RUNTIME_DIR say where the engine's socket is", err->text);
		refuse_soon(s, &told);
	}
	if (s->link != UI_LINK_LOST)
		set_link(s, UI_LINK_NONE, err->code == ERR_NOT_FOUND ? "no engine runs; the first launch starts one" : told.text);
}

static void connect_now(struct source *s)
{
	struct err err;
	if (s->rpc || !s->started)
		return;
	char *path = api_socket_path();
	int fd = unix_connect(path, &err);
	free(path);
	if (fd < 0) {
		not_connected(s, &err);
		retry_later(s);
		return;
	}
	s->rpc = rpc_create(s->loop, fd, &(struct rpc_handlers){on_notice, on_closed, s});
	if (s->link != UI_LINK_UP)
		set_link(s, UI_LINK_CONNECTING, "connecting");
	rpc_call(s->rpc, "hello", json_pack("{s:i, s:s}", "protocol", API_PROTOCOL, "build", api_build()), HELLO_MS, on_hello, s);
}

static void src_start(struct ui_source *base, const struct ui_sink *sink)
{
	struct source *s = (struct source *)base;
	s->sink = *sink;
	s->started = true;
	connect_now(s);
}

static const struct ui_snapshot *src_snapshot(struct ui_source *base)
{
	return &((struct source *)base)->snap;
}

static void src_focus(struct ui_source *base, const char *cluster)
{
	struct source *s = (struct source *)base;
	if (str_eq(s->focus, cluster))
		return;
	free(s->focus);
	s->focus = xstrdup(cluster);
	if (s->greeted)
		watch(s);
}

/* ---- orders ------------------------------------------------------------------------------------------------------ */

static void order_free(struct order *o)
{
	json_decref(o->params);
	json_decref(o->task);
	free(o->method);
	free(o);
}

static void reply(const struct order *o, const json_t *result, const struct err *err)
{
	const struct ui_sink *k = &o->s->sink;
	if (!o->plan) {
		if (k->replied)
			k->replied(k->arg, o->ticket, err ? 0 : json_int(result, "id", 0), err);
		return;
	}
	struct arena *arena = arena_create();
	struct ui_plan plan = engine_json_plan(result, o->task, arena);
	if (k->planned)
		k->planned(k->arg, o->ticket, err ? NULL : &plan, err);
	arena_destroy(arena);
}

static void refuse_all(struct source *s, const struct err *err)
{
	while (s->orders) {
		struct order *o = s->orders;
		s->orders = o->next;
		reply(o, NULL, err);
		order_free(o);
	}
}

static void on_answer(void *arg, const json_t *result, const struct err *err)
{
	struct order *o = arg;
	reply(o, result, err);
	order_free(o);
}

static void send_orders(struct source *s)
{
	while (s->greeted && s->orders) {
		struct order *o = s->orders;
		s->orders = o->next;
		json_t *params = o->params;
		o->params = NULL;
		rpc_call(s->rpc, o->method, params, CALL_MS, on_answer, o);
	}
}

static void on_refused(void *arg)
{
	struct order *o = arg;
	reply(o, NULL, &o->err);
	order_free(o);
}

/* The task of an order: a file, a command, or just machines. NULL with err. */
static json_t *task_of(const struct ui_order *o, struct err *err)
{
	struct arena *arena = arena_create();
	const struct task_override over = {.envs = engine_json_env(o->env, arena), .infra = o->infra,
	    .instance_type = o->instance_type, .gpus = o->gpus, .num_nodes = o->nodes > 0 ? o->nodes : 0,
	    .use_spot = o->spot ? 1 : 0};
	struct where at;
	bool file = o->task_file && o->task_file[0];
	struct dag *d = file ? dag_load(o->task_file, &over, &at, err) : dag_of_command(o->command ? o->command : "", &over, err);
	arena_destroy(arena);
	if (d && d->n_tasks != 1) {
		err_set(err, ERR_UNSUPPORTED, "%s holds %zu tasks; one can be launched", o->task_file, d->n_tasks);
		dag_destroy(d);
		return NULL;
	}
	if (d)
		dag_make_absolute(d);
	json_t *packed = d ? task_pack(&d->tasks[0]) : NULL;
	dag_destroy(d);
	return packed;
}

static json_t *autostop_of(const struct ui_order *o)
{
	return json_pack("{s:I, s:b}", "idle_minutes", (json_int_t)(o->autostop_min < 0 ? -1 : o->autostop_min < 1 ? 1 : o->autostop_min), "down", o->autostop_down);
}

static json_t *args_of(const struct ui_order *o, struct err *err)
{
	json_t *a = json_object();
	if (o->cluster && o->cluster[0])
		json_put_str(a, "cluster", o->cluster);
	if (o->verb == UI_LAUNCH || o->verb == UI_EXEC) {
		json_t *task = task_of(o, err);
		if (!task) {
			json_decref(a);
			return NULL;
		}
		json_object_set_new(a, "task", task);
	}
	if (o->verb == UI_AUTOSTOP || ((o->verb == UI_LAUNCH || o->verb == UI_START) && o->autostop_min != INT64_MIN))
		json_object_set_new(a, "autostop", autostop_of(o));
	if (o->verb == UI_CANCEL_JOB)
		json_object_set_new(a, "jobs", json_pack("[I]", (json_int_t)o->id));
	return a;
}

static void enqueue(struct source *s, struct order *o)
{
	struct order **pp = &s->orders;
	while (*pp)
		pp = &(*pp)->next;
	*pp = o;
	if (s->greeted)
		send_orders(s);
	else if (!s->rpc)
		connect_now(s);
}

static json_t *budget_of(const struct ui_order *o)
{
	json_t *p = json_pack("{s:b}", "simulated", o->simulated);
	if (o->project && o->project[0])
		json_put_str(p, "project", o->project);
	if (o->month_uusd == PRICE_UNKNOWN) {
		json_put_bool(p, "clear", true);
	} else {
		json_put_int(p, "month_uusd", o->month_uusd);
		json_put_bool(p, "block", o->block);
	}
	return p;
}

static void src_send(struct ui_source *base, unsigned ticket, const struct ui_order *order)
{
	struct source *s = (struct source *)base;
	struct order *o = xcalloc(1, sizeof *o);
	bool submits = order->verb != UI_CANCEL_REQUEST && order->verb != UI_BUDGET;
	*o = (struct order){.s = s, .ticket = ticket, .method = xstrdup(submits ? "submit" : order->verb == UI_BUDGET ? "budget_set" : "cancel")};
	json_t *args = submits ? args_of(order, &o->err) : NULL;
	if (order->verb == UI_CANCEL_REQUEST) {
		o->params = json_pack("{s:I}", "id", (json_int_t)order->id);
	} else if (order->verb == UI_BUDGET) {
		o->params = budget_of(order);
	} else if (args) {
		o->params = json_pack("{s:s, s:o}", "verb", ui_verb_name(order->verb), "args", args);
	} else {
		loop_after(s->loop, 0, on_refused, o);
		return;
	}
	enqueue(s, o);
}

static void src_plan(struct ui_source *base, unsigned ticket, const struct ui_order *order)
{
	struct source *s = (struct source *)base;
	struct order *o = xcalloc(1, sizeof *o);
	*o = (struct order){.s = s, .ticket = ticket, .plan = true, .method = xstrdup("plan")};
	json_t *task = task_of(order, &o->err);
	if (!task) {
		loop_after(s->loop, 0, on_refused, o);
		return;
	}
	o->task = json_incref(task);
	o->params = json_pack("{s:o}", "task", task);
	enqueue(s, o);
}

/* ---- logs -------------------------------------------------------------------------------------------------------- */

static void src_log_open(struct ui_source *base, unsigned id, const struct ui_log_spec *spec)
{
	engine_logs_open(&((struct source *)base)->logs, id, spec);
}

static void src_log_close(struct ui_source *base, unsigned id)
{
	engine_logs_close(&((struct source *)base)->logs, id);
}

static void src_log_older(struct ui_source *base, unsigned id)
{
	engine_logs_older(&((struct source *)base)->logs, id);
}

/* ---- metrics ----------------------------------------------------------------------------------------------------- */

static void on_feed(void *arg)
{
	changed(arg);
}

static void src_metrics(struct ui_source *base, enum measure m, enum span span)
{
	struct source *s = (struct source *)base;
	metrics_feed_want(&s->metrics, s->greeted ? s->rpc : NULL, m, span);
}

static void src_live(struct ui_source *base, bool on)
{
	live_feed_want(&((struct source *)base)->live, on);
}

static void src_destroy(struct ui_source *base)
{
	struct source *s = (struct source *)base;
	engine_logs_finish(&s->logs);
	while (s->orders) {
		struct order *o = s->orders;
		s->orders = o->next;
		order_free(o);
	}
	loop_cancel(s->loop, s->timer);
	loop_cancel(s->loop, s->teller);
	loop_cancel(s->loop, s->cost_timer);
	proc_destroy(s->starter);
	loop_cancel(s->loop, s->refuser);
	rpc_destroy(s->rpc);
	json_decref(s->data);
	json_decref(s->next);
	ui_cost_free(s->cost);
	ui_cost_free(s->next_cost);
	metrics_feed_finish(&s->metrics);
	live_feed_finish(&s->live);
	json_decref(s->kept);
	arena_destroy(s->arena);
	free(s->clusters);
	free(s->jobs);
	free(s->requests);
	free(s->events);
	free(s->link_text);
	free(s->focus);
	free(s->self);
	free(s);
}

struct ui_source *engine_source_create(struct loop *l, const char *self)
{
	static const struct ui_source_ops ops = {src_start, src_snapshot, src_focus, src_send, src_log_open, src_log_close, src_destroy, src_ask_cost,
	    src_metrics, src_plan, src_log_older, src_live};
	struct source *s = xcalloc(1, sizeof *s);
	s->base.ops = &ops;
	s->loop = l;
	s->self = xstrdup(self);
	s->logs = (struct engine_logs){.loop = l, .sink = &s->sink};
	s->metrics = (struct metrics_feed){.measure = MEASURES, .news = on_feed, .arg = s};
	s->live = (struct live_feed){.loop = l, .news = on_feed, .arg = s};
	s->snap = (struct ui_snapshot){.link = UI_LINK_NONE, .link_text = "", .spend = {PRICE_UNKNOWN, PRICE_UNKNOWN, PRICE_UNKNOWN, false}};
	return &s->base;
}
