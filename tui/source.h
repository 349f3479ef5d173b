/* Where the screen gets the world from: snapshots of what the engine says, and orders sent to it. The screen knows only
 * this interface; the engine's client implements it, and so does a scripted source for tests. Nothing here blocks:
 * whatever takes time is told through the sink, from the loop. */
#ifndef TUI_SOURCE_H
#define TUI_SOURCE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/num.h"
#include "core/io/loop.h"
#include "core/plan/rings.h"

/* --- what is known ----------------------------------------------------------------------------------------------- */

/* Strings in a snapshot are never NULL: unknown is "". Times are UTC milliseconds, 0 unknown. Counts are -1 unknown,
 * money is PRICE_UNKNOWN. All are the engine's words, foreign text included: the screen cleans what it draws. */
struct ui_cluster {
	const char *name;	   /* unique: the identity every order uses */
	const char *status;	   /* INIT UP STOPPED, as the engine says it */
	const char *progress;	   /* what it is doing now: "syncing workdir 41%"; "" when nothing */
	const char *reason;	   /* why it is in this state; "" */
	const char *provider, *region, *zone;
	const char *instance_type;
	const char *resources;	   /* for people: "8x H100" */
	const char *head_ip;
	const char *user, *project;
	int64_t nodes;
	bool spot, simulated;
	int64_t price_uusd_h;	   /* of the whole cluster as it is now: what it costs each hour, disks included */
	bool price_estimated;
	int64_t running_uusd_h;	   /* what it costs (or would, once started) while it runs */
	int64_t cost_uusd;	   /* so far, since launch */
	int64_t launched_at_ms;
	int64_t checked_at_ms;	   /* when the provider last confirmed this state */
	int64_t autostop_min;	   /* idle minutes; -1: off */
	bool autostop_down;	   /* then tears down instead of stopping */
	int64_t jobs_running, jobs_pending;
	const struct ui_node *node_list; /* by rank */
	size_t n_node_list;
	int64_t request;	   /* that is at work on it now; 0: none */
	int64_t idle_since_ms;	   /* 0: it is not idle, or that is not known */
	const char *busy;	   /* what keeps it from being idle: "job", "gpu", "ssh"; "" nothing, or not known */
	/* What the agent on its head said last, of the head; sizes in bytes. */
	int64_t heard_at_ms;	   /* 0: nothing yet */
	const struct ui_gpu *gpus;
	size_t n_gpus;
	int64_t load_milli, cpus, mem_used, mem_total, disk_used, disk_total, ssh_sessions;
};

struct ui_node {
	int64_t rank;
	const char *id, *ip;	   /* the provider's name for it, and its address */
	const char *status;	   /* INTENT PENDING RUNNING STOPPED GONE */
	int64_t silent_since_ms;   /* not heard of since then; 0: it answers */
};

struct ui_gpu {
	int64_t index, util_percent, mem_used, mem_total;
	const char *name;
};

struct ui_job {
	const char *cluster;
	int64_t id;
	const char *name, *status, *resources, *user;
	int64_t submitted_at_ms, started_at_ms, ended_at_ms;
	int64_t exit_code;	   /* -1: none yet */
	const char *reason;	   /* why nothing is heard of it; "" */
	int64_t nodes;		   /* that it runs on, each a rank */
};

/* A durable request: what somebody asked the engine to do. */
struct ui_request {
	int64_t id;
	const char *verb, *object; /* "stop", "train" */
	const char *state;	   /* PENDING RUNNING SUCCEEDED FAILED CANCELLED */
	const char *progress;	   /* "stopping nodes 1/2" */
	const char *error;	   /* what went wrong and what to do; "" */
	int64_t created_at_ms, ended_at_ms;
	const char *user;
	const char *step;	   /* the one under way: "create" */
	int64_t started_at_ms;	   /* 0: it waits its turn */
	bool cancelling;	   /* somebody asked it to stop */
	const char *hint;	   /* what can be done about the error, in general; "" */
	int64_t job;		   /* that it has started; 0 */
};

struct ui_event {
	int64_t at_ms;
	const char *object, *text;
	bool bad;
	int64_t id;		   /* in the order in which they happened, from 1 */
	int64_t request;	   /* of which it is a part; 0: none */
	const char *kind;	   /* "step", "provision.failed", "job.over" … */
	const char *level;	   /* info warn error */
	const char *step;	   /* of kind "step": its name; "" */
	int64_t took_ms;	   /* of kind "step"; else -1 */
	const char *where;	   /* of kind "provision.failed": the place that was tried; "" */
};

struct ui_spend {
	int64_t now_uusd_h, today_uusd, budget_left_uusd; /* each may be PRICE_UNKNOWN */
	bool simulated; /* some of it is a simulated cloud's, and no money */
};

/* Measures and figures; asked for while somebody looks at them. Measures are in tenths of a percent, RING_UNKNOWN where nothing is known. */
struct ui_metric_node {
	const char *cluster;
	int64_t rank;
	bool gone;		   /* it is there no more */
	int64_t heard_at_ms;	   /* of its agent; 0: never */
	int16_t now[MEASURES];
	const int16_t *steps;	   /* of the measure and the span asked for, oldest first */
	size_t n_steps;
};

struct ui_metrics {
	int64_t at_ms;		   /* when the last step was; 0: nothing was told yet */
	enum measure measure;
	enum span span;
	const struct ui_metric_node *nodes; /* those of a cluster together, by rank */
	size_t n_nodes;
	const int64_t *figures;	   /* all of core/plan/figures.h, in its units; there once at_ms is */
	const char *const *by;	   /* of each "aws 3m 2s, gcp 1m 50s", or "" */
};

enum ui_link {
	UI_LINK_NONE,	    /* no engine runs, and none was asked for */
	UI_LINK_CONNECTING, /* starting or connecting */
	UI_LINK_UP,
	UI_LINK_LOST,	    /* was there, is gone: what is shown is old */
};

struct ui_cost;
struct offers;

struct ui_snapshot {
	uint64_t revision;	   /* changes whenever anything below does */
	enum ui_link link;
	const char *link_text;	   /* why there is no engine, for people; "" */
	int64_t at_ms;		   /* when the engine said this; 0: never yet */
	const struct ui_cluster *clusters;
	size_t n_clusters;
	const struct ui_job *jobs; /* of the clusters asked for by focus, newest first */
	size_t n_jobs;
	const struct ui_request *requests; /* newest first; running ones and those that ended lately */
	size_t n_requests;
	const struct ui_event *events; /* newest first */
	size_t n_events;
	struct ui_spend spend;
	const struct ui_cost *cost; /* the report last asked for (tui/cost.h); NULL: none yet */
	const struct ui_metrics *metrics; /* NULL: not asked for, or not told yet */
	const struct offers *live; /* what the person's own machines offer now; NULL: not asked for, not told, or there is no engine any more */
	unsigned live_number;	   /* another one whenever those are others; 0: never any */
};

/* --- what can be asked ------------------------------------------------------------------------------------------- */

enum ui_verb {
	UI_LAUNCH, UI_EXEC, UI_STOP, UI_START, UI_DOWN, UI_AUTOSTOP, UI_CANCEL_JOB, UI_CANCEL_REQUEST, UI_BUDGET, UI_PRICES, UI_VERBS
};

/* An order. Strings may be NULL where they do not matter; they are borrowed during the call only. */
struct ui_order {
	enum ui_verb verb;
	const char *cluster;	   /* launch: the name to give; "" lets the engine choose */
	const char *task_file;	   /* launch, exec: a path, or NULL */
	const char *command;	   /* launch, exec: run this instead of a file */
	const char *infra;	   /* launch: "aws/us-east-1/us-east-1a"; NULL: anywhere */
	const char *instance_type; /* launch */
	const char *gpus;	   /* launch: "H100:8" */
	bool spot;		   /* launch */
	int64_t nodes;		   /* launch; 0: as the task says */
	int64_t autostop_min;	   /* launch, start, autostop: -1 off; INT64_MIN: as it is */
	bool autostop_down;
	int64_t id;		   /* UI_CANCEL_JOB: the job; UI_CANCEL_REQUEST: the request */
	const char *env;	   /* launch: "NAME=value NAME=value" */
	int64_t month_uusd;	   /* budget: so much a month; PRICE_UNKNOWN: none any more */
	const char *project;	   /* budget: of this one; "" of all */
	bool block, simulated;	   /* budget: refuse launches once it is used up; of simulated machines */
};

/* Where a launch would go. */
struct ui_place {
	const char *provider, *region, *zone, *instance_type;
	const char *resources;	   /* "8x H100" */
	int64_t nodes;
	bool spot, estimated;	   /* estimated: the price is */
	int64_t price_uusd_h;	   /* of one node */
	int64_t total_uusd_h;
	const char *source;	   /* who said that price */
	int64_t as_of_ms;	   /* when; 0 unknown */
	bool stale;
	const char *available;	   /* yes low no unknown */
	bool over_cap;		   /* dearer than max_hourly_cost allows */
	bool chosen;
	int64_t disk_uusd_h;	   /* what the disk of one node goes on costing while it is stopped, always an estimate; 0 nothing, PRICE_UNKNOWN */
	const char *disk_source;   /* who says so; "" */
	const char *no_quota;	   /* why it is not tried: "GPUS, limit 4, used 4"; "" there is room, as far as is known */
};
struct ui_plan {
	const struct ui_place *places; /* one of each kind, cheapest first */
	size_t n_places;
	const char *notes;	   /* lines; "" */
};

struct ui_log_spec {
	const char *cluster;
	int64_t job_id;		   /* -1: the newest */
	int64_t tail_lines;	   /* start so many lines before the end; -1: at the start */
	int64_t rank;		   /* what this rank alone wrote; -1: all of them, each line with its label */
	bool setup;		   /* what its setup said; rank is not -1 */
};

/* What the source tells. All are called from the loop, never from within a call into the source. */
struct ui_sink {
	void (*changed)(void *arg);				   /* the snapshot is another one */
	/* The engine took the order (request_id, err NULL; from now on it is in snapshot.requests), or refused it. */
	void (*replied)(void *arg, unsigned ticket, int64_t request_id, const struct err *err);
	/* at_ms: when these bytes came to the engine; 0: not known. */
	void (*log_data)(void *arg, unsigned log, const char *data, size_t len, int64_t at_ms);
	/* Nothing more will come. text: "job 3 SUCCEEDED", or why it broke off when `broken`. The log stays to be closed. */
	void (*log_end)(void *arg, unsigned log, bool broken, const char *text);
	void *arg;
	/* Where it would be launched, or err: why nowhere. plan is lent for the call. */
	void (*planned)(void *arg, unsigned ticket, const struct ui_plan *plan, const struct err *err);
	/* What comes before all that was told of this log, a stretch of it from its beginning to its end; then once with data NULL: that was it,
	 * and len says whether there is more before (1) or not (0). */
	void (*log_older)(void *arg, unsigned log, const char *data, size_t len, int64_t at_ms);
};

struct ui_source;

struct ui_source_ops {
	/* Begin to connect; at once something can be asked of it, which waits for the connection. sink is copied. */
	void (*start)(struct ui_source *s, const struct ui_sink *sink);
	/* What is known now; never NULL. It stays as it is, at the same place, until changed() is told: then the one before is
	 * gone. */
	const struct ui_snapshot *(*snapshot)(struct ui_source *s);
	/* Which cluster's jobs are looked at: "" none, "*" those of all. */
	void (*focus)(struct ui_source *s, const char *cluster);
	/* Send an order; ticket is the caller's, for replied(). */
	void (*send)(struct ui_source *s, unsigned ticket, const struct ui_order *order);
	/* Follow a job's log; `log` is the caller's number for it, not 0, unused. Data begins with tail_lines. */
	void (*log_open)(struct ui_source *s, unsigned log, const struct ui_log_spec *spec);
	void (*log_close)(struct ui_source *s, unsigned log); /* nothing is told about it any more */
	void (*destroy)(struct ui_source *s);
	/* The report on money is looked at: have a new one in the snapshot soon. May be asked at any time and often. */
	void (*ask_cost)(struct ui_source *s);
	/* What is to be in snapshot.metrics from now on; MEASURES: nothing, nobody looks. Asking for the same again costs nothing. */
	void (*metrics)(struct ui_source *s, enum measure m, enum span span);
	/* Where would this be launched? ticket is the caller's, for planned(). */
	void (*plan)(struct ui_source *s, unsigned ticket, const struct ui_order *order);
	/* Tell some of what comes before what was told of a log: log_older(). Once at a time; some tens of thousands of lines at most. */
	void (*log_older)(struct ui_source *s, unsigned log);
	/* Somebody looks at offers, or nobody does any more: keep snapshot.live up to date meanwhile, every half minute; an engine is not
	 * started for that. Asking for the same again costs nothing. */
	void (*live)(struct ui_source *s, bool on);
};

/* The first member of every implementation. */
struct ui_source {
	const struct ui_source_ops *ops;
};

/* Wrappers. destroy(NULL) is fine; a NULL source is a world without engine. */
void ui_source_start(struct ui_source *s, const struct ui_sink *sink);
const struct ui_snapshot *ui_source_snapshot(struct ui_source *s);
void ui_source_focus(struct ui_source *s, const char *cluster);
void ui_source_send(struct ui_source *s, unsigned ticket, const struct ui_order *order);
void ui_source_log_open(struct ui_source *s, unsigned log, const struct ui_log_spec *spec);
void ui_source_log_close(struct ui_source *s, unsigned log);
void ui_source_log_older(struct ui_source *s, unsigned log); /* some sources cannot: nothing is told */
void ui_source_ask_cost(struct ui_source *s);
void ui_source_plan(struct ui_source *s, unsigned ticket, const struct ui_order *order);
void ui_source_destroy(struct ui_source *s);
void ui_source_live(struct ui_source *s, bool on); /* some sources cannot: there are none */
void ui_source_metrics(struct ui_source *s, enum measure m, enum span span);

/* "stop": the verb as the command line calls it. */
const char *ui_verb_name(enum ui_verb verb);

#endif
