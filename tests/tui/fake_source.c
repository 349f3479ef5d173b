/* The scripted source. Time passes in it only as the loop's timers say, and its own clock stands still, so that every screen
 * is the same in every run. */
#include "tests/tui/fake_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/model/offer.h"
#include "core/plan/figures.h"
#include "tests/tui/fake_cost.h"

enum { ORDERS_MAX = 24, LOGS_MAX = 8, STEP_MS = 60, MINUTE = 60000, HOUR = 60 * MINUTE };

struct fake_order {
	struct fake *f;
	unsigned ticket;
	enum ui_verb verb;
	char cluster[64];
	int64_t id, request_id, autostop_min;
	bool autostop_down;
	int step;
};

struct fake_log {
	struct fake *f;
	unsigned log;
	bool older;	  /* the first part of what is before it was asked for */
	size_t line, due; /* due: thousandths of lines */
	unsigned timer;
	int ranks;	  /* > 1: lines are labelled, as in the merged log of several nodes */
};

struct fake {
	struct ui_source source;
	struct loop *loop;
	struct fake_options o;
	struct ui_sink sink;
	struct ui_snapshot snap;
	struct ui_cluster *clusters;
	char (*names)[32], (*progress)[80];
	size_t n_clusters;
	struct ui_job jobs[8];
	struct ui_node nodes[3];
	struct ui_gpu gpus[8];
	struct ui_request requests[ORDERS_MAX];		 /* ours, by order */
	struct ui_request others[3];			 /* that others have asked for, newest first */
	struct ui_request shown[ORDERS_MAX + 3];	 /* all, newest first */
	struct ui_event events[11];
	struct ui_cost *cost;
	struct fake_order orders[ORDERS_MAX];
	size_t n_orders;
	struct fake_log logs[LOGS_MAX];
	unsigned shuffle_timer, start_timer, metrics_timer;
	struct ui_metrics metrics;
	int64_t figures[FIGURES];
	const char *by[FIGURES];
	struct ui_metric_node metric_nodes[10];
	int16_t steps[3][RING_STEPS_MAX];
	enum measure measure;
	enum span span;
	unsigned shuffles;
	bool live_on;
	unsigned live_timer;
	struct offer live_rows[4];
	struct offers live;
	FILE *orders_file;
};

static void show_requests(struct fake *f)
{
	size_t n = 0;
	for (size_t i = f->n_orders; i-- > 0;)
		if (f->requests[i].id)
			f->shown[n++] = f->requests[i];
	for (size_t i = 0; !f->o.empty && i < ARRAY_LEN(f->others); i++)
		f->shown[n++] = f->others[i];
	f->snap.requests = f->shown;
	f->snap.n_requests = n;
}

static void tell(struct fake *f)
{
	show_requests(f);
	f->snap.revision++;
	f->sink.changed(f->sink.arg);
}

/* --- the world ---------------------------------------------------------------------------------------------------- */

/* What the agents say: of "train" all, of "bärchen" that it is idle. */
static void make_nodes(struct fake *f)
{
	const int64_t gib = INT64_C(1) << 30, now = f->o.now_ms;
	static const int64_t use[] = {97, 96, 98, 97, 95, 12, 97, 99};
	for (int64_t i = 0; i < 8; i++)
		f->gpus[i] = (struct ui_gpu){i, use[i], (i == 5 ? 3 : 71) * gib, 80 * gib, "NVIDIA H100 80GB HBM3"};
	f->nodes[0] = (struct ui_node){0, "i-0aa1", "203.0.113.10", "RUNNING", 0};
	f->nodes[1] = (struct ui_node){1, "i-0aa2", "203.0.113.11", "RUNNING", now - 3 * MINUTE};
	f->nodes[2] = (struct ui_node){0, "computeinstance-e00", "198.51.100.7", "RUNNING", 0};
	struct ui_cluster *train = &f->clusters[0], *idle = &f->clusters[3];
	train->node_list = f->nodes;
	train->n_node_list = 2;
	train->gpus = f->gpus;
	train->n_gpus = 8;
	train->heard_at_ms = now;
	train->busy = "job";
	train->load_milli = 41250;
	train->cpus = 192;
	train->mem_used = 612 * gib;
	train->mem_total = 2000 * gib;
	train->disk_used = 140 * gib;
	train->disk_total = 1024 * gib;
	idle->node_list = &f->nodes[2];
	idle->n_node_list = 1;
	idle->idle_since_ms = now - 22 * MINUTE;
	idle->jobs_running = 0;
	f->clusters[2].request = 90;
}

static void make_clusters(struct fake *f)
{
	int64_t now = f->o.now_ms;
	const struct ui_cluster script[] = {
	    {.name = "train", .status = "UP", .provider = "aws", .region = "us-east-1", .zone = "us-east-1a",
		.instance_type = "p5.48xlarge", .resources = "8x H100", .head_ip = "203.0.113.10", .user = "ada", .project = "vision", .nodes = 2,
		.price_uusd_h = 196640000, .running_uusd_h = 196640000, .cost_uusd = 624870000, .launched_at_ms = now - 3 * HOUR,
		.checked_at_ms = now - 2 * MINUTE, .autostop_min = 30, .autostop_down = true, .jobs_running = 1, .jobs_pending = 2},
	    {.name = "dev-box", .status = "STOPPED", .provider = "gcp", .region = "us-central1", .zone = "us-central1-b",
		.instance_type = "g2-standard-8", .resources = "1x L4", .user = "ada", .nodes = 1, .price_uusd_h = 23000, .price_estimated = true,
		.running_uusd_h = 853600, .cost_uusd = 12480000, .launched_at_ms = now - 50 * HOUR, .checked_at_ms = now - MINUTE,
		.autostop_min = -1, .jobs_running = 0, .jobs_pending = 0, .reason = "stopped by autostop"},
	    {.name = "sweep-7", .status = "INIT", .progress = "waiting for addresses 3/4", .provider = "lambda", .region = "us-west-2",
		.instance_type = "gpu_8x_a100", .resources = "8x A100", .user = "grace", .project = "default", .nodes = 4, .spot = false,
		.price_uusd_h = 57280000, .running_uusd_h = 57280000, .cost_uusd = 1200000, .launched_at_ms = now - 4 * MINUTE,
		.autostop_min = 10, .jobs_running = -1, .jobs_pending = -1},
	    {.name = "bärchen", .status = "UP", .provider = "nebius", .region = "eu-north1", .instance_type = "gpu-h100-sxm",
		.resources = "1x H100", .head_ip = "198.51.100.7", .user = "grace", .nodes = 1, .spot = true,
		.price_uusd_h = 1250000, .running_uusd_h = 1250000, .cost_uusd = PRICE_UNKNOWN, .launched_at_ms = now - 26 * HOUR,
		.checked_at_ms = now - 3 * HOUR, .autostop_min = 60, .jobs_running = 1, .jobs_pending = 0},
	};
	f->n_clusters = ARRAY_LEN(script) + f->o.clusters;
	f->clusters = xcalloc(f->n_clusters, sizeof *f->clusters);
	f->names = xcalloc(f->n_clusters, sizeof *f->names);
	f->progress = xcalloc(f->n_clusters, sizeof *f->progress);
	for (size_t i = 0; i < f->n_clusters; i++) {
		struct ui_cluster *c = &f->clusters[i];
		*c = script[i % ARRAY_LEN(script)];
		snprintf(f->names[i], sizeof f->names[i], i < ARRAY_LEN(script) ? "%s" : "%s-%zu", c->name, i);
		c->name = f->names[i];
		const char **texts[] = {&c->progress, &c->reason, &c->zone, &c->head_ip, &c->region, &c->user, &c->project, &c->busy};
		for (size_t t = 0; t < ARRAY_LEN(texts); t++)
			*texts[t] = *texts[t] ? *texts[t] : "";
		c->load_milli = c->cpus = c->mem_used = c->mem_total = c->disk_used = c->disk_total = c->ssh_sessions = -1;
	}
	make_nodes(f);
}

static void make_rest(struct fake *f)
{
	int64_t now = f->o.now_ms;
	const struct ui_job jobs[] = {
	    {"train", 5, "eval", "PENDING", "8x H100", "ada", now - 3 * MINUTE, 0, 0, -1, "", 2},
	    {"train", 4, "finetune-2", "PENDING", "8x H100", "ada", now - 20 * MINUTE, 0, 0, -1, "", 1},
	    {"train", 3, "finetune", "RUNNING", "8x H100", "ada", now - 2 * HOUR, now - 2 * HOUR, 0, -1, "", 2},
	    {"train", 2, "prepare", "SUCCEEDED", "", "ada", now - 170 * MINUTE, now - 169 * MINUTE, now - 150 * MINUTE, 0, "", 1},
	    {"train", 1, "smoke", "FAILED", "1x H100", "ada", now - 175 * MINUTE, now - 175 * MINUTE, now - 174 * MINUTE, 1, "", 1},
	    {"b\xc3\xa4rchen", 2, "notebook", "CANCELLED", "1x H100", "grace", now - 25 * HOUR, now - 25 * HOUR, now - 22 * MINUTE, 130, "", 1},
	    {"b\xc3\xa4rchen", 1, "", "FAILED_SETUP", "1x H100", "grace", now - 26 * HOUR, now - 26 * HOUR, now - 25 * HOUR, 2, "", 1},
	    {"dev-box", 1, "shell", "FAILED_DRIVER", "1x L4", "ada", now - 49 * HOUR, now - 49 * HOUR, now - 48 * HOUR, -1, "", 1},
	};
	/* Newest first, as the source has to give them. */
	const struct ui_event events[] = {
	    {now - 2 * MINUTE, "sweep-7", "creating nodes", false, 11, 90, "step", "info", "create", 4200, ""},
	    {now - 2 * MINUTE, "sweep-7", "choosing where", false, 10, 90, "step", "info", "plan", 10, ""},
	    {now - 3 * MINUTE, "sweep-7", "aws us-east-1a p4d.24xlarge: there is no capacity for p4d.24xlarge in us-east-1a just now", true, 9, 90,
		"provision.failed", "warn", "", -1, "aws us-east-1a p4d.24xlarge"},
	    {now - 4 * MINUTE, "sweep-7", "choosing where", false, 8, 90, "step", "info", "plan", 30, ""},
	    {now - 4 * MINUTE, "sweep-7", "looking at offers", false, 7, 90, "step", "info", "offers", 1800, ""},
	    {now - 3 * MINUTE, "train", "job 5 eval submitted by ada", false, 6, 0, "job.status", "info", "", -1, ""},
	    {now - 22 * MINUTE, "b\xc3\xa4rchen", "job 2 notebook: CANCELLED", true, 5, 0, "job.over", "warn", "", -1, ""},
	    {now - 50 * MINUTE, "dev-box", "start dev-box: the quota of L4 GPUs in us-central1 is used up (8 of 8)", true, 4, 89, "request.failed", "error", "", -1, ""},
	    {now - 174 * MINUTE, "train", "job 1 smoke: FAILED: exit status 1 on node 1", true, 3, 0, "job.over", "warn", "", -1, ""},
	    {now - 3 * HOUR, "train", "up after 3m 12s at aws us-east-1a", false, 2, 0, "cluster.up", "info", "", -1, ""},
	    {now - 48 * HOUR, "dev-box", "job 1 shell: FAILED_DRIVER: node 0 is gone", true, 1, 0, "job.over", "error", "", -1, ""},
	};
	memcpy(f->jobs, jobs, sizeof jobs);
	memcpy(f->events, events, sizeof events);
	f->others[0] = (struct ui_request){90, "launch", "sweep-7", "RUNNING", "waiting for addresses 3/4", "", now - 4 * MINUTE, 0,
	    "grace", "wait", now - 4 * MINUTE, false, "", 0};
	f->others[1] = (struct ui_request){89, "start", "dev-box", "FAILED", "", "start dev-box: the quota of L4 GPUs in us-central1 is used up (8 of 8)",
	    now - 51 * MINUTE, now - 50 * MINUTE, "ada", "start", now - 51 * MINUTE, false, "ask the provider for a higher quota, or allow more places", 0};
	f->others[2] = (struct ui_request){88, "launch", "train", "SUCCEEDED", "", "", now - 3 * HOUR - 4 * MINUTE, now - 3 * HOUR, "ada", "finish",
	    now - 3 * HOUR - 4 * MINUTE, false, "", 1};
}

/* The money of what is shown. */
static void add_up(struct fake *f)
{
	int64_t now = 0;
	for (size_t i = 0; i < f->snap.n_clusters; i++)
		now += f->snap.clusters[i].price_uusd_h;
	f->snap.spend = (struct ui_spend){f->snap.n_clusters ? now : 0, 87100000, 412900000, false};
}

static void fill(struct fake *f)
{
	f->snap.link = UI_LINK_UP;
	f->snap.at_ms = f->o.now_ms;
	f->snap.cost = f->cost = fake_cost(f->o.now_ms, f->o.empty);
	if (f->o.empty) {
		f->snap.spend = (struct ui_spend){0, 0, PRICE_UNKNOWN, false};
		return;
	}
	f->snap.clusters = f->clusters;
	f->snap.n_clusters = f->n_clusters;
	f->snap.events = f->events;
	f->snap.n_events = ARRAY_LEN(f->events);
	f->snap.jobs = f->jobs;
	f->snap.n_jobs = ARRAY_LEN(f->jobs);
	show_requests(f);
	add_up(f);
}

static void on_lost(void *arg)
{
	struct fake *f = arg;
	f->snap.link = UI_LINK_LOST;
	tell(f);
}

static void on_start(void *arg)
{
	struct fake *f = arg;
	fill(f);
	tell(f);
	f->start_timer = f->o.lost ? loop_after(f->loop, STEP_MS, on_lost, f) : 0;
}

static void on_shuffle(void *arg)
{
	struct fake *f = arg;
	f->shuffles++;
	/* Figures and places change, names stay with what they name: a rotation, and other prices. */
	struct ui_cluster first = f->clusters[0];
	memmove(f->clusters, f->clusters + 1, (f->n_clusters - 1) * sizeof *f->clusters);
	f->clusters[f->n_clusters - 1] = first;
	for (size_t i = 0; i < f->n_clusters; i++)
		f->clusters[i].price_uusd_h = 1000000 + (int64_t)((i * 7919 + f->shuffles * 104729) % 97) * 1000000;
	add_up(f);
	tell(f);
	f->shuffle_timer = loop_after(f->loop, f->o.shuffle_ms, on_shuffle, f);
}

static void on_no_engine(void *arg)
{
	struct fake *f = arg;
	f->start_timer = 0;
	f->snap.link_text = "no engine runs; an order starts one";
	tell(f);
}

static void start(struct ui_source *s, const struct ui_sink *sink)
{
	struct fake *f = (struct fake *)s;
	f->sink = *sink;
	if (f->o.no_engine) {
		f->start_timer = loop_after(f->loop, 0, on_no_engine, f);
		return;
	}
	f->snap.link = UI_LINK_CONNECTING;
	f->start_timer = loop_after(f->loop, 0, on_start, f);
	if (f->o.shuffle_ms)
		f->shuffle_timer = loop_after(f->loop, f->o.shuffle_ms, on_shuffle, f);
}

static const struct ui_snapshot *snapshot(struct ui_source *s)
{
	return &((struct fake *)s)->snap;
}

static void focus(struct ui_source *s, const char *cluster)
{
	(void)s;
	(void)cluster;
}

/* --- orders ------------------------------------------------------------------------------------------------------- */

static struct ui_cluster *cluster_named(struct fake *f, const char *name)
{
	for (size_t i = 0; i < f->n_clusters; i++)
		if (!strcmp(f->clusters[i].name, name))
			return &f->clusters[i];
	return NULL;
}

/* What was asked to stop is stopped: ours, or another's. */
static void stop_request(struct fake *f, int64_t id)
{
	struct ui_request *all[] = {f->requests, f->others};
	const size_t n[] = {f->n_orders, ARRAY_LEN(f->others)};
	for (size_t k = 0; k < ARRAY_LEN(all); k++) {
		for (size_t i = 0; i < n[k]; i++) {
			struct ui_request *r = &all[k][i];
			if (r->id != id)
				continue;
			r->state = "CANCELLED";
			r->progress = "";
			r->ended_at_ms = f->o.now_ms;
		}
	}
}

static void carry_out(struct fake *f, const struct fake_order *o)
{
	if (o->verb == UI_CANCEL_REQUEST)
		stop_request(f, o->id);
	for (size_t i = 0; o->verb == UI_CANCEL_JOB && i < ARRAY_LEN(f->jobs); i++) {
		if (f->jobs[i].id == o->id && !strcmp(f->jobs[i].cluster, o->cluster)) {
			f->jobs[i].status = "CANCELLED";
			f->jobs[i].ended_at_ms = f->o.now_ms;
		}
	}
	struct ui_cluster *c = cluster_named(f, o->cluster);
	if (!c)
		return;
	if (o->verb == UI_STOP) {
		c->status = "STOPPED";
		c->price_uusd_h = 23000;
		c->jobs_running = c->jobs_pending = 0;
	} else if (o->verb == UI_START) {
		c->status = "UP";
		c->price_uusd_h = c->running_uusd_h;
	} else if (o->verb == UI_AUTOSTOP) {
		c->autostop_min = o->autostop_min;
		c->autostop_down = o->autostop_down;
	} else if (o->verb == UI_DOWN) {
		size_t at = (size_t)(c - f->clusters);
		memmove(c, c + 1, (--f->n_clusters - at) * sizeof *c);
		f->snap.n_clusters = f->n_clusters;
	}
	add_up(f);
}

static void on_step(void *arg)
{
	struct fake_order *o = arg;
	struct fake *f = o->f;
	struct ui_request *r = &f->requests[o - f->orders];
	struct ui_cluster *c = cluster_named(f, o->cluster);
	char *progress = c ? f->progress[c - f->clusters] : NULL;
	o->step++;
	if (f->o.refuse) {
		struct err err = {.code = ERR_QUOTA};
		snprintf(err.text, sizeof err.text, "%s %s: the budget of project default is used up ($500.00 of $500.00); raise it with "
		    "skytop budget set, or wait for December", ui_verb_name(o->verb), o->cluster);
		f->sink.replied(f->sink.arg, o->ticket, 0, &err);
		return;
	}
	if (o->step == 1) {
		f->sink.replied(f->sink.arg, o->ticket, o->request_id, NULL);
	} else if (o->step == 2) {
		r->state = "RUNNING";
		r->step = o->verb == UI_LAUNCH ? "create" : "";
		r->started_at_ms = f->o.now_ms;
		r->progress = "asking the cloud";
		if (progress) {
			snprintf(progress, sizeof f->progress[0], "%s: asking the cloud", ui_verb_name(o->verb));
			c->progress = progress;
		}
		tell(f);
	} else {
		if (c)
			c->progress = "";
		r->state = "SUCCEEDED";
		r->job = o->verb == UI_LAUNCH ? 1 : 0;
		r->progress = "";
		r->ended_at_ms = f->o.now_ms;
		carry_out(f, o);
		tell(f);
		return;
	}
	if (!f->o.hang || o->step < 2)
		loop_after(f->loop, STEP_MS, on_step, o);
}

struct fake_budget {
	struct fake *f;
	unsigned ticket;
};

/* No request: the answer is all there is. */
static void on_budget(void *arg)
{
	struct fake_budget b = *(struct fake_budget *)arg;
	free(arg);
	b.f->sink.replied(b.f->sink.arg, b.ticket, 0, NULL);
}

static void send(struct ui_source *s, unsigned ticket, const struct ui_order *order)
{
	struct fake *f = (struct fake *)s;
	if (f->orders_file) {
		fprintf(f->orders_file, "%s cluster=%s task=%s command=%s infra=%s type=%s gpus=%s spot=%d nodes=%lld autostop=%lld%s "
		    "id=%lld%s%s\n", ui_verb_name(order->verb), order->cluster ? order->cluster : "-",
		    order->task_file ? path_base(order->task_file) : "-", order->command ? order->command : "-",
		    order->infra ? order->infra : "-", order->instance_type ? order->instance_type : "-",
		    order->gpus ? order->gpus : "-", order->spot, (long long)order->nodes,
		    order->autostop_min == INT64_MIN ? -2LL : (long long)order->autostop_min, order->autostop_down ? ",down" : "",
		    (long long)order->id, order->env ? " env=" : "", order->env ? order->env : "");
		fflush(f->orders_file);
	}
	if (order->verb == UI_BUDGET) {
		if (f->orders_file)
			fprintf(f->orders_file, "  %lld a month, project \"%s\"%s%s\n", (long long)order->month_uusd, order->project,
			    order->block ? ", blocks" : "", order->simulated ? ", simulated" : "");
		fflush(f->orders_file);
		struct fake_budget *b = xcalloc(1, sizeof *b);
		*b = (struct fake_budget){f, ticket};
		loop_after(f->loop, STEP_MS, on_budget, b);
		return;
	}
	if (f->n_orders == ORDERS_MAX)
		return;
	struct fake_order *o = &f->orders[f->n_orders];
	*o = (struct fake_order){.f = f, .ticket = ticket, .verb = order->verb, .id = order->id,
	    .request_id = 100 + (int64_t)f->n_orders, .autostop_min = order->autostop_min, .autostop_down = order->autostop_down};
	snprintf(o->cluster, sizeof o->cluster, "%s", order->cluster ? order->cluster : "");
	f->requests[f->n_orders++] = (struct ui_request){.id = o->request_id, .verb = ui_verb_name(o->verb), .object = o->cluster,
	    .state = "PENDING", .progress = "", .error = "", .created_at_ms = f->o.now_ms, .user = "ada", .step = "", .hint = ""};
	loop_after(f->loop, STEP_MS, on_step, o);
}

/* --- plans -------------------------------------------------------------------------------------------------------- */

struct fake_plan {
	struct fake *f;
	unsigned ticket;
	int64_t nodes;
	bool spot;
};

static void on_plan(void *arg)
{
	struct fake_plan p = *(struct fake_plan *)arg;
	struct fake *f = p.f;
	free(arg);
	if (f->o.refuse) {
		struct err err = {.code = ERR_NO_RESOURCE, .text = "no offer fits H100:8 in mars/north-1: no cloud is called mars. Relax the request, or see "
								   "what there is: skytop offers 'h100 n>=8'"};
		f->sink.planned(f->sink.arg, p.ticket, NULL, &err);
		return;
	}
	const int64_t n = p.nodes > 0 ? p.nodes : 1, as_of = f->o.now_ms - 48 * HOUR;
	const struct ui_place places[] = {
	    {"nebius", "eu-north1", "", "gpu-h200-sxm_8gpu-128vcpu-1600gb", "8x H200", n, p.spot, false, 11600000, 11600000 * n, "nebius.csv", as_of, true,
		"unknown", false, true, 28050, "list price of eu-north1, 2026", ""},
	    {"lambda", "us-east-1", "", "gpu_8x_h100_sxm5", "8x H100", n, false, false, 23920000, 23920000 * n, "lambda API", f->o.now_ms - MINUTE, false,
		"yes", false, false, PRICE_UNKNOWN, "", ""},
	    {"aws", "us-east-1", "us-east-1a", "p5.48xlarge", "8x H100", n, true, true, 24110000, 24110000 * n, "aws.csv", as_of, false, "unknown", false, false,
		28050, "list price of us-east-1, 2026", ""},
	    {"gcp", "us-east4", "us-east4-a", "a3-highgpu-8g", "8x H100", n, true, true, 24220000, 24220000 * n, "gcp.csv", as_of, false, "unknown", false, false,
		PRICE_UNKNOWN, "", "PREEMPTIBLE_NVIDIA_H100_GPUS, limit 0, used 0"},
	};
	const struct ui_plan plan = {places, ARRAY_LEN(places), "aws: spot prices are estimates of the last hour"};
	f->sink.planned(f->sink.arg, p.ticket, &plan, NULL);
}

static void plan(struct ui_source *s, unsigned ticket, const struct ui_order *order)
{
	struct fake *f = (struct fake *)s;
	if (f->o.hang)
		return;
	struct fake_plan *p = xcalloc(1, sizeof *p);
	*p = (struct fake_plan){f, ticket, order->nodes, order->spot};
	loop_after(f->loop, STEP_MS, on_plan, p);
}

/* --- logs --------------------------------------------------------------------------------------------------------- */

static void make_line(size_t n, int ranks, struct str *out)
{
	size_t rank = ranks > 1 ? n * 7 % 11 % (size_t)ranks : 0;
	if (ranks > 1)
		rank ? str_addf(out, "(worker%zu, rank=%zu, pid=47%zu) ", rank, rank, rank) : str_add(out, "(head, rank=0, pid=470) ");
	str_addf(out, "2026-11-25 11:%02zu:%02zu ", n / 60 % 60, n % 60);
	if (n % 25 == 24)
		str_addf(out, "ERROR rank 3: NCCL watchdog: collective %zu timed out after 600 s, retrying", n);
	else if (n % 10 == 9)
		str_addf(out, "WARNING loss spike at step %zu: gradient norm 14.2, clipped to 1.0", n);
	else if (n % 7 == 6)
		str_addf(out, "INFO \033[32mcheckpoint\033[0m saved to /ckpt/step-%zu \033[1m(3.1 GB)\033[0m", n);
	else
		str_addf(out, "INFO step %zu loss %zu.%03zu lr 3.0e-4 tokens/s 412%03zu", n, 3 - n % 3, n * 37 % 1000, n * 11 % 1000);
	str_addc(out, '\n');
}

enum { PIECE_LINES = 500 };

static void send_piece(struct fake_log *g, size_t count)
{
	struct str s = str_new(64 << 20);
	for (size_t i = 0; i < count; i++) {
		if (g->f->o.log_stamps)
			str_addf(&s, "@%lld.%u ", (long long)mono_now_ms(), g->log);
		make_line(g->line++, g->ranks, &s);
	}
	/* Made at one a second, whatever time it is. */
	g->f->sink.log_data(g->f->sink.arg, g->log, str_text(&s), s.len, g->f->o.now_ms + (int64_t)(g->line - count) * 1000);
	str_free(&s);
}

/* In pieces, as a log is read. */
static void send_lines(struct fake_log *g, size_t count)
{
	for (; count > PIECE_LINES; count -= PIECE_LINES)
		send_piece(g, PIECE_LINES);
	send_piece(g, count);
}

static void on_log(void *arg)
{
	struct fake_log *g = arg;
	struct fake *f = g->f;
	enum { EVERY_MS = 20 };
	if (!g->line && f->o.log_file) {
		size_t len;
		char *data = fs_read(f->o.log_file, 64 << 20, &len, NULL);
		if (data)
			f->sink.log_data(f->sink.arg, g->log, data, len, f->o.now_ms);
		free(data);
		g->line = 1;
	} else if (!g->line) {
		send_lines(g, f->o.log_lines ? f->o.log_lines : 200);
	} else {
		g->due += (size_t)f->o.log_per_s * EVERY_MS;
		send_lines(g, g->due / 1000);
		g->due %= 1000;
	}
	if (f->o.log_per_s)
		g->timer = loop_after(f->loop, EVERY_MS, on_log, g);
	else
		g->timer = 0;
	if (f->o.log_file)
		f->sink.log_end(f->sink.arg, g->log, false, "job 3 SUCCEEDED");
}

static void log_open(struct ui_source *s, unsigned log, const struct ui_log_spec *spec)
{
	struct fake *f = (struct fake *)s;
	for (size_t i = 0; i < LOGS_MAX; i++) {
		if (f->logs[i].log)
			continue;
		f->logs[i] = (struct fake_log){.f = f, .log = log, .ranks = !strcmp(spec->cluster, "sweep-7") ? 4 : 1};
		f->logs[i].timer = loop_after(f->loop, 0, on_log, &f->logs[i]);
		return;
	}
}

/* A hundred lines from the day before, and fifty of the one before that. */
static void on_older(void *arg)
{
	struct fake_log *g = arg;
	struct fake *f = g->f;
	struct str s = str_new(1 << 20);
	for (int i = 0; i < (g->older ? 50 : 100); i++)
		str_addf(&s, "INFO older line %d of %s\n", i, g->older ? "Monday" : "Tuesday");
	f->sink.log_older(f->sink.arg, g->log, str_text(&s), s.len, f->o.now_ms - (g->older ? 48 : 24) * HOUR);
	f->sink.log_older(f->sink.arg, g->log, NULL, !g->older, 0);
	g->older = true;
	str_free(&s);
}

static void log_older(struct ui_source *s, unsigned log)
{
	struct fake *f = (struct fake *)s;
	for (size_t i = 0; i < LOGS_MAX; i++)
		if (f->logs[i].log == log)
			loop_after(f->loop, STEP_MS, on_older, &f->logs[i]);
}

static void log_close(struct ui_source *s, unsigned log)
{
	struct fake *f = (struct fake *)s;
	for (size_t i = 0; i < LOGS_MAX; i++) {
		if (f->logs[i].log != log)
			continue;
		loop_cancel(f->loop, f->logs[i].timer);
		f->logs[i] = (struct fake_log){0};
	}
}

/* --- metrics ------------------------------------------------------------------------------------------------------ */

/* Three nodes that are heard of, two of them with a gap, four that never were, and three that are gone. */
static void make_metrics(struct fake *f, enum measure m, enum span span)
{
	static const struct {
		const char *cluster;
		int64_t rank;
		int16_t now[MEASURES];
	} script[] = {
	    {"train", 0, {974, 880, 320, 410, 560, -1}}, {"train", 1, {40, 870, 1250, 930, 560, -1}}, {"sweep-7", 0, {-1, -1, -1, -1, -1, -1}},
	    {"sweep-7", 1, {-1, -1, -1, -1, -1, -1}}, {"sweep-7", 2, {-1, -1, -1, -1, -1, -1}}, {"sweep-7", 3, {-1, -1, -1, -1, -1, -1}},
	    {"b\xc3\xa4rchen", 0, {610, 450, 120, 200, 910, -1}},
	    {"night-run", 0, {-1, -1, -1, -1, -1, -1}}, {"eval", 0, {-1, -1, -1, -1, -1, -1}}, {"eval", 1, {-1, -1, -1, -1, -1, -1}},
	};
	enum { THERE = 7 }; /* the rest is gone */
	size_t n = span_infos[span].steps, series = 0;
	f->metrics = (struct ui_metrics){.at_ms = f->o.now_ms, .measure = m, .span = span, .nodes = f->metric_nodes,
	    .n_nodes = f->o.empty ? 0 : ARRAY_LEN(script), .figures = f->figures, .by = f->by};
	for (size_t i = 0; i < ARRAY_LEN(script); i++) {
		bool known = script[i].now[m] >= 0;
		f->metric_nodes[i] = (struct ui_metric_node){.cluster = script[i].cluster, .rank = script[i].rank, .gone = i >= THERE,
		    .heard_at_ms = script[i].now[MEASURE_CPU] >= 0 ? f->o.now_ms - 3000 : 0, .steps = f->steps[0], .n_steps = 0};
		memcpy(f->metric_nodes[i].now, script[i].now, sizeof script[i].now);
		if (!known)
			continue;
		int16_t *to = f->steps[series];
		for (size_t k = 0; k < n; k++) {
			int v = script[i].now[m] - (int)((n - 1 - k) * (7 + 3 * series) % 400) * (int)(1 + k % 2);
			bool gap = series == 1 && k > n / 3 && k < n / 2;
			to[k] = (int16_t)(gap || (series == 2 && k < n / 4) ? RING_UNKNOWN : v < 0 ? 0 : v);
		}
		f->metric_nodes[i].steps = to;
		f->metric_nodes[i].n_steps = n;
		series++;
	}
	static const int64_t figures[FIGURES] = {2, 3, 17, 8, 541, 212, 943, 8200, 744000, 1320000, 19, 947, 192000, 431000, 7, 2, FIGURE_UNKNOWN, 1, 4, 1, 0,
	    FIGURE_UNKNOWN, 4100, 48100000, 2300000, 1, 12, 9400000, 4};
	for (int i = 0; i < FIGURES; i++) {
		f->figures[i] = f->o.empty ? FIGURE_UNKNOWN : figures[i];
		f->by[i] = f->o.empty || i != FIGURE_LAUNCH_P50 ? "" : "aws 3m 12s, lambda 1m 50s";
	}
}

static void on_metrics(void *arg)
{
	struct fake *f = arg;
	f->metrics_timer = 0;
	if (f->measure == MEASURES) /* nobody looks any more */
		return;
	make_metrics(f, f->measure, f->span);
	f->snap.metrics = &f->metrics;
	tell(f);
}

static void metrics(struct ui_source *s, enum measure m, enum span span)
{
	struct fake *f = (struct fake *)s;
	if (f->measure == m && f->span == span)
		return;
	f->measure = m;
	f->span = span;
	if (m != MEASURES && !f->o.no_engine && !f->metrics_timer)
		f->metrics_timer = loop_after(f->loop, 0, on_metrics, f);
}

/* --- machines of one's own ---------------------------------------------------------------------------------------- */

/* The H100s of the pool are free, or leased, by turns. */
static void on_live(void *arg)
{
	static const struct offer_type types[] = {
	    {"ssh", "8xH100-192cpu-2048gb", "H100", "x86_64", 8000000, 81920, 192000000, 2097152},
	    {"ssh", "1xRTX4090-8cpu-64gb", "RTX4090", NULL, 1000000, 24576, 8000000, 65536},
	    {"ssh", "2xA100-64cpu-512gb", "A100", NULL, 2000000, 40960, 64000000, 524288},
	    {"local", "4cpu-16gb", NULL, NULL, 0, -1, 4000000, 16384},
	};
	static const struct offer_place places[] = {{"ssh", "lab", ""}, {"ssh", "attic", ""}, {"ssh", "lab", ""}, {"local", "local", ""}};
	static const struct offer_source source = {"your own machines", FAKE_NOW_MS, true, false, false, true};
	struct fake *f = arg;
	f->live_timer = 0;
	uint8_t now = f->snap.live_number % 2 ? AVAILABLE_NO : AVAILABLE_YES;
	const struct offer rows[] = {
	    {1600000, PRICE_UNKNOWN, 0, 0, 0, now, RECLAIM_UNKNOWN, OFFER_LIVE | 1},
	    {PRICE_UNKNOWN, PRICE_UNKNOWN, 1, 1, 0, AVAILABLE_YES, RECLAIM_UNKNOWN, OFFER_LIVE | 2},
	    {800000, PRICE_UNKNOWN, 2, 2, 0, AVAILABLE_LOW, RECLAIM_UNKNOWN, OFFER_LIVE | 3},
	    {0, PRICE_UNKNOWN, 3, 3, 0, AVAILABLE_UNKNOWN, RECLAIM_UNKNOWN, OFFER_LIVE | 4},
	};
	memcpy(f->live_rows, rows, sizeof rows);
	f->live = (struct offers){f->live_rows, 4, types, 4, places, 4, &source, 1};
	f->snap.live = &f->live;
	f->snap.live_number++;
	tell(f);
}

static void live(struct ui_source *s, bool on)
{
	struct fake *f = (struct fake *)s;
	if (f->live_on == on)
		return;
	f->live_on = on;
	if (on && f->o.own && !f->live_timer)
		f->live_timer = loop_after(f->loop, STEP_MS, on_live, f);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static void destroy(struct ui_source *s)
{
	struct fake *f = (struct fake *)s;
	for (size_t i = 0; i < LOGS_MAX; i++)
		loop_cancel(f->loop, f->logs[i].timer);
	loop_cancel(f->loop, f->shuffle_timer);
	loop_cancel(f->loop, f->start_timer);
	loop_cancel(f->loop, f->metrics_timer);
	loop_cancel(f->loop, f->live_timer);
	if (f->orders_file)
		fclose(f->orders_file);
	ui_cost_free(f->cost);
	free(f->clusters);
	free(f->names);
	free(f->progress);
	free(f);
}

static const struct ui_source_ops ops = {start, snapshot, focus, send, log_open, log_close, destroy, NULL, metrics, plan, log_older, live};

struct ui_source *fake_source_create(struct loop *l, const struct fake_options *o)
{
	struct fake *f = xcalloc(1, sizeof *f);
	f->source.ops = &ops;
	f->loop = l;
	f->o = *o;
	f->o.now_ms = o->now_ms ? o->now_ms : FAKE_NOW_MS;
	f->snap = (struct ui_snapshot){.link_text = "", .spend = {PRICE_UNKNOWN, PRICE_UNKNOWN, PRICE_UNKNOWN, false}};
	f->orders_file = o->orders_file ? fopen(o->orders_file, "a") : NULL;
	f->measure = MEASURES;
	make_clusters(f);
	make_rest(f);
	return &f->source;
}
