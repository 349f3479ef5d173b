/* What is spent, for clients: rows of the ledger joined with what is known of their clusters, and figures of them from core/plan/spend.h.
 * Nothing is counted along. The rows of the last weeks are kept until the ledger moves, so that the figures of the top line, which are
 * asked for twenty times a second when much happens, cost no query.
 *
 * Simulated machines cost nothing: their figures are never added to real ones. The figures are the real ones, unless there is no real
 * money at all: then they are the simulated ones, and say so. */
#include "core/run/money.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/plan/spend.h"

enum { DAYS = 30, HOURS = 24, DAY_MS = 86400000, CHANGES_MAX = 20, WATCH_EVERY_MS = 5000, SPARK_CLUSTERS = 200, IDLE_WORTH_MS = 300000, CENT_UUSD = 10000 };

static const int warnings[] = {50, 80, 100};

struct money {
	int64_t changes, since_ms; /* of the ledger, when the rows were read; from when */
	struct ledger_row *rows;
	struct spend_interval *v; /* of the same places; owner: simulated or not */
	size_t n;
	bool read, budgets_read;
	struct budget *budgets;
	size_t n_budgets;
	int64_t watched_at_ms;
};

/* ---- the rows ---------------------------------------------------------------------------------------------------- */

static int64_t local_offset(void *arg, int64_t at_ms)
{
	(void)arg;
	time_t t = (time_t)(at_ms / 1000);
	struct tm tm;
	return localtime_r(&t, &tm) ? (int64_t)tm.tm_gmtoff * 1000 : 0;
}

static const struct spend_zone zone = {local_offset, NULL};

static bool is_simulated(struct engine *e, const char *provider)
{
	const struct provider *p = run_provider(e, provider);
	return p && p->simulated;
}

static void drop_rows(struct money *m)
{
	free(m->rows);
	free(m->v);
	m->rows = NULL;
	m->v = NULL;
	m->n = 0;
	m->read = false;
}

void money_free(struct money *m)
{
	if (!m)
		return;
	drop_rows(m);
	budgets_free(m->budgets, m->n_budgets);
	free(m);
}

/* When a cluster that runs may stop by itself at the soonest. */
static int64_t stops_at(struct engine *e, int64_t cluster_id, int64_t now)
{
	const struct unit *u = run_unit_by_id(e, cluster_id);
	return u && u->c->autostop_minutes >= 0 ? now + u->c->autostop_minutes * 60000 : 0;
}

/* All intervals that matter for this month and the last weeks, or since since_ms if that is earlier. */
static struct money *money_of(struct engine *e, int64_t since_ms, struct err *err)
{
	int64_t now = wall_now_ms(), from = spend_month(&zone, now, 0), weeks = spend_day(&zone, now, -DAYS - 1);
	from = weeks < from ? weeks : from;
	from = since_ms < from ? since_ms : from;
	if (!e->money)
		e->money = xcalloc(1, sizeof *e->money);
	struct money *m = e->money;
	if (!m->read || m->changes != state_ledger_changes(e->state) || m->since_ms > from) {
		drop_rows(m);
		if (state_ledger(e->state, from, &m->rows, &m->n, err))
			return NULL;
		m->v = xcalloc(m->n + 1, sizeof *m->v);
		m->changes = state_ledger_changes(e->state);
		m->since_ms = from;
		m->read = true;
	}
	for (size_t i = 0; i < m->n; i++) {
		const struct ledger_row *r = &m->rows[i];
		m->v[i] = (struct spend_interval){r->from_ms, r->to_ms, r->price_uusd_h, r->to_ms || r->disk ? 0 : stops_at(e, r->cluster_id, now),
		    is_simulated(e, r->provider), r->estimated, r->disk};
	}
	return m;
}

/* Those rows that keep() wants; the array is the caller's. */
typedef bool keep_fn(const struct ledger_row *r, const struct spend_interval *i, const void *arg);

static struct spend pick(const struct money *m, int64_t now, keep_fn *keep, const void *arg)
{
	struct spend_interval *v = xcalloc(m->n + 1, sizeof *v);
	size_t n = 0;
	for (size_t i = 0; i < m->n; i++)
		if (keep(&m->rows[i], &m->v[i], arg))
			v[n++] = m->v[i];
	return (struct spend){v, n, now, &zone};
}

static void unpick(struct spend *s)
{
	free((void *)(uintptr_t)s->v);
}

static bool keep_world(const struct ledger_row *r, const struct spend_interval *i, const void *arg)
{
	(void)r;
	return (i->owner != 0) == *(const bool *)arg;
}

static bool keep_cluster(const struct ledger_row *r, const struct spend_interval *i, const void *arg)
{
	(void)i;
	return r->cluster_id == *(const int64_t *)arg;
}

/* Is the money that is shown simulated: is there some, and no real one? What costs nothing (this machine) is no money. */
static bool shows_simulated(const struct money *m)
{
	bool simulated = false;
	for (size_t i = 0; i < m->n; i++) {
		if (!m->v[i].owner && m->v[i].price_uusd_h)
			return false;
		simulated = simulated || m->v[i].owner;
	}
	return simulated;
}

static bool any_of(const struct money *m, bool simulated)
{
	for (size_t i = 0; i < m->n; i++)
		if ((m->v[i].owner != 0) == simulated)
			return true;
	return false;
}

/* ---- figures ----------------------------------------------------------------------------------------------------- */

static void put_sum(json_t *j, const char *key, const struct spend_sum *sum)
{
	json_object_set_new(j, key, sum->unknown ? json_null() : json_integer(sum->uusd));
}

/* now, today, month. Where something has no price the figure is null, and "known" says what is known of it. */
static void put_figures(json_t *j, const struct spend *s)
{
	struct spend_sum now = spend_rate(s), today = spend_today(s), month = spend_this_month(s);
	put_sum(j, "now_uusd_h", &now);
	put_sum(j, "today_uusd", &today);
	put_sum(j, "month_uusd", &month);
	json_put_bool(j, "estimated", now.estimated || month.estimated);
	json_object_set_new(j, "known", json_pack("{s:I, s:I, s:I}", "now_uusd_h", (json_int_t)now.uusd, "today_uusd", (json_int_t)today.uusd, "month_uusd",
		(json_int_t)month.uusd));
}

static json_t *projection(const struct spend *s)
{
	struct spend_projection p = spend_project(s);
	char method[240], last[80] = "";
	if (p.days)
		snprintf(last, sizeof last, "; band: the least and the most of a day in the last %d days", p.days);
	snprintf(method, sizeof method, "so far + the present rate until its end%s%s", last,
	    p.autostop ? p.days ? ", or autostop" : "; least: autostop" : "");
	return json_pack("{s:I, s:I, s:I, s:I, s:b, s:s}", "uusd", (json_int_t)p.point_uusd, "low_uusd", (json_int_t)p.low_uusd, "high_uusd",
	    (json_int_t)p.high_uusd, "ends_at", (json_int_t)p.ends_ms, "unknown", p.unknown, "method", method);
}

/* ---- budgets ----------------------------------------------------------------------------------------------------- */

static struct money *budgets_of(struct engine *e, struct err *err)
{
	struct money *m = money_of(e, INT64_MAX, err);
	if (!m || m->budgets_read)
		return m;
	if (state_load_budgets(e->state, &m->budgets, &m->n_budgets, err))
		return NULL;
	m->budgets_read = true;
	return m;
}

static void forget_budgets(struct money *m)
{
	budgets_free(m->budgets, m->n_budgets);
	m->budgets = NULL;
	m->n_budgets = 0;
	m->budgets_read = false;
}

static bool keep_budget(const struct ledger_row *r, const struct spend_interval *i, const void *arg)
{
	const struct budget *b = arg;
	return (i->owner != 0) == b->simulated && (!b->project[0] || str_eq(r->project, b->project));
}

/* Of this month, what is known of it. */
static int64_t spent_of(const struct money *m, const struct budget *b)
{
	struct spend s = pick(m, wall_now_ms(), keep_budget, b);
	int64_t spent = spend_this_month(&s).uusd;
	unpick(&s);
	return spent;
}

static json_t *budget_json(const struct money *m, const struct budget *b)
{
	int64_t spent = spent_of(m, b), left = b->month_uusd - spent;
	json_t *j = json_object();
	json_put_str(j, "project", b->project[0] ? b->project : NULL);
	json_put_bool(j, "simulated", b->simulated);
	json_put_int(j, "month_uusd", b->month_uusd);
	json_put_int(j, "spent_uusd", spent);
	json_put_int(j, "left_uusd", left > 0 ? left : 0);
	json_put_int(j, "percent", b->month_uusd > 0 ? (int64_t)((double)spent * 100 / (double)b->month_uusd) : 100);
	json_put_bool(j, "block", b->block);
	json_put_str(j, "set_by", b->user);
	return j;
}

json_t *engine_budgets(struct engine *e, struct err *err)
{
	struct money *m = budgets_of(e, err);
	json_t *a = m ? json_array() : NULL;
	for (size_t i = 0; m && i < m->n_budgets; i++)
		json_array_append_new(a, budget_json(m, &m->budgets[i]));
	return a;
}

static struct budget *find_budget(struct money *m, const char *project, bool simulated)
{
	for (size_t i = 0; i < m->n_budgets; i++)
		if (str_eq(m->budgets[i].project, project) && m->budgets[i].simulated == simulated)
			return &m->budgets[i];
	return NULL;
}

int engine_budget_set(struct engine *e, const char *user, const json_t *p, struct err *err)
{
	struct money *m = budgets_of(e, err);
	const char *project = json_str(p, "project", "");
	bool simulated = json_bool(p, "simulated", false), clear = json_bool(p, "clear", false);
	if (!m)
		return -1;
	const struct budget *before = find_budget(m, project, simulated);
	struct budget b = {.project = (char *)(uintptr_t)project, .user = (char *)(uintptr_t)user, .simulated = simulated,
	    .month_uusd = json_int(p, "month_uusd", before ? before->month_uusd : 0), .block = json_bool(p, "block", before && before->block)};
	if (!clear && b.month_uusd <= 0)
		return err_set(err, ERR_INVALID, "a budget is more than 0 dollars a month; to have none: skytop budget clear");
	if (strlen(project) > 60)
		return err_set(err, ERR_INVALID, "the name of a project has at most 60 bytes");
	if (clear && !before)
		return err_set(err, ERR_NOT_FOUND, "there is no %sbudget of %s%s", simulated ? "simulated " : "", project[0] ? "project " : "all projects", project);
	if ((clear ? state_drop_budget(e->state, project, simulated, err) : state_save_budget(e->state, &b, err)) || state_commit(e->state, err)) {
		state_rollback(e->state);
		return err_wrap(err, "the budget cannot be kept");
	}
	forget_budgets(m);
	m->watched_at_ms = 0;
	money_tick(e); /* what is reached already is said now */
	run_changed(e);
	return 0;
}

/* "all projects", "project x" */
static const char *whose(const struct budget *b, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s", b->simulated ? "(simulated) " : "", b->project[0] ? "project " : "all projects", b->project);
	return buf;
}

static void warn_of(struct engine *e, const struct budget *b, int64_t spent, int percent)
{
	char who[100], a[40], c[40];
	run_event(e, NULL, NULL, "budget.reached", percent >= 100 ? "error" : "warn",
	    json_pack("{s:s, s:b, s:i, s:I, s:I}", "project", b->project, "simulated", b->simulated, "percent", percent, "spent_uusd", (json_int_t)spent,
		"month_uusd", (json_int_t)b->month_uusd),
	    "%d%% of the month's budget of %s is spent: $%s of $%s%s; `skytop budget set` changes it", percent, whose(b, who, sizeof who),
	    money_text(spent, a, sizeof a), money_text(b->month_uusd, c, sizeof c),
	    !b->block ? "" : percent >= 100 ? ", launches are refused" : ", at 100% launches are refused");
}

void money_tick(struct engine *e)
{
	struct err err;
	int64_t now = wall_now_ms();
	/* Not at every tick; a clock that was set back must not silence it. */
	if (e->money && now >= e->money->watched_at_ms && now - e->money->watched_at_ms < WATCH_EVERY_MS)
		return;
	struct money *m = budgets_of(e, &err);
	if (!m)
		return;
	m->watched_at_ms = now;
	int64_t month = spend_month(&zone, now, 0);
	for (size_t i = 0; i < m->n_budgets; i++) {
		struct budget *b = &m->budgets[i];
		int64_t spent = spent_of(m, b);
		int reached = spend_reached(spent, b->month_uusd, warnings, ARRAY_LEN(warnings));
		if (reached <= (b->told_month_ms == month ? b->told_percent : 0))
			continue;
		b->told_month_ms = month;
		b->told_percent = reached;
		if (state_save_budget(e->state, b, &err))
			log_line(LOG_ERROR, "budget: %s", err.text);
		warn_of(e, b, spent, reached);
		run_commit(e);
	}
}

/* Do all the clouds that this may go to only pretend? */
static bool only_simulated(struct engine *e, const struct request *r)
{
	const struct unit *u = run_unit(e, json_str(r->args, "cluster", NULL));
	const json_t *task = json_obj(r->args, "task"), *j;
	size_t i, n = 0;
	if (u && u->c->provider)
		return is_simulated(e, u->c->provider);
	json_array_foreach(json_arr(task, "resources"), i, j) {
		const char *cloud = json_str(j, "cloud", NULL);
		if (cloud && !is_simulated(e, cloud))
			return false;
		n += cloud != NULL;
	}
	if (n && n == json_array_size(json_arr(task, "resources")))
		return true;
	json_array_foreach(json_arr(r->args, "clouds"), i, j)
		if (!is_simulated(e, json_string_value(j)))
			return false;
	return json_array_size(json_arr(r->args, "clouds")) > 0;
}

int money_allows(struct engine *e, const struct request *r, struct err *err)
{
	const struct unit *u = run_unit(e, json_str(r->args, "cluster", NULL));
	char who[100], a[40], b[40], day[24];
	bool spends = str_eq(r->verb, "launch") || str_eq(r->verb, "start");
	if (!spends || (u && u->c->status == CLUSTER_UP))
		return 0; /* what runs already is paid for */
	struct money *m = budgets_of(e, err);
	if (!m)
		return -1;
	bool simulated = m->n_budgets && only_simulated(e, r);
	for (size_t i = 0; i < m->n_budgets; i++) {
		const struct budget *x = &m->budgets[i];
		if (!x->block || x->simulated != simulated || (x->project[0] && !str_eq(x->project, r->project)))
			continue;
		int64_t spent = spent_of(m, x), next = spend_month(&zone, wall_now_ms(), 1);
		if (spent < x->month_uusd)
			continue;
		time_rfc3339(next + local_offset(NULL, next), day, sizeof day);
		return err_set(err, ERR_BUDGET, "the month's budget of %s is used up: $%s of $%s; `skytop budget set AMOUNT%s%s%s` raises it, --no-block lets "
			"launches pass, or it begins anew on %.10s", whose(x, who, sizeof who), money_text(spent, a, sizeof a),
		    money_text(x->month_uusd, b, sizeof b), x->project[0] ? " --project " : "", x->project, x->simulated ? " --simulated" : "", day);
	}
	return 0;
}

/* ---- the top line ------------------------------------------------------------------------------------------------ */

/* The budget that is nearest to its end, of those that count what is shown; NULL: there is none. */
static json_t *tightest(const struct money *m, bool simulated)
{
	json_t *best = NULL;
	for (size_t i = 0; i < m->n_budgets; i++) {
		if (m->budgets[i].simulated != simulated)
			continue;
		json_t *j = budget_json(m, &m->budgets[i]);
		if (best && json_int(best, "left_uusd", 0) <= json_int(j, "left_uusd", 0)) {
			json_decref(j);
			continue;
		}
		json_decref(best);
		best = j;
	}
	return best;
}

static json_t *spend_json(const struct money *m)
{
	bool simulated = shows_simulated(m), other = true;
	json_t *j = json_object(), *budget = tightest(m, simulated);
	struct spend s = pick(m, wall_now_ms(), keep_world, &simulated);
	put_figures(j, &s);
	json_put_bool(j, "simulated", simulated);
	json_object_set_new(j, "projection", projection(&s));
	json_object_set_new(j, "budget_left_uusd", budget ? json_integer(json_int(budget, "left_uusd", 0)) : json_null());
	json_object_set_new(j, "budget", budget ? budget : json_null());
	unpick(&s);
	if (!simulated && any_of(m, true)) { /* beside real money: kept apart */
		json_t *apart = json_object();
		s = pick(m, wall_now_ms(), keep_world, &other);
		put_figures(apart, &s);
		unpick(&s);
		json_object_set_new(j, "apart", apart);
	}
	return j;
}

json_t *engine_spend(struct engine *e)
{
	struct money *m = budgets_of(e, NULL);
	return m ? spend_json(m) : json_pack("{s:n, s:n, s:n}", "now_uusd_h", "today_uusd", "month_uusd");
}

/* ---- the report -------------------------------------------------------------------------------------------------- */

/* Since when it is idle by our clock: the node counts by its own, which may be wrong. 0: it is not, or nobody knows. */
static int64_t idle_since(const struct unit *u, const char *key, int64_t now)
{
	enum { FRESH_MS = 120000 };
	int64_t since = json_int(u->heartbeat, key, 0);
	if (!since || u->c->status != CLUSTER_UP || now - u->heartbeat_at_ms > FRESH_MS)
		return 0;
	int64_t at = u->heartbeat_at_ms - (json_int(u->heartbeat, "now", u->heartbeat_at_ms) - since);
	return at < u->c->launched_at_ms ? u->c->launched_at_ms : at > now ? now : at;
}

static void put_time(json_t *j, const char *key, int64_t at_ms)
{
	json_object_set_new(j, key, at_ms ? json_integer(at_ms) : json_null());
}

static json_t *series(const struct spend *s, bool days)
{
	int64_t edges[DAYS + 1], values[DAYS];
	size_t n = days ? DAYS : HOURS;
	json_t *a = json_array();
	if (days)
		spend_days(s, n, edges);
	else
		spend_hours(s, n, edges);
	spend_buckets(s, edges, n, values);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(a, values[i] < 0 ? json_null() : json_integer(values[i]));
	return a;
}

/* What a cluster that is alive wastes: idle machines, and disks of stopped ones. */
static void put_alive(json_t *j, struct unit *u, const struct spend *s)
{
	int64_t idle = u ? idle_since(u, "idle_since", s->now_ms) : 0, gpu = u ? idle_since(u, "gpu_idle_since", s->now_ms) : 0;
	int64_t since = idle && (!gpu || idle < gpu) ? idle : gpu;
	struct spend_sum rate = spend_rate(s), wasted = spend_between(s, since ? since : s->now_ms, s->now_ms);
	bool stopped = u && u->c->status == CLUSTER_STOPPED;
	put_time(j, "idle_since", idle);
	put_time(j, "gpu_idle_since", gpu);
	json_object_set_new(j, "wasted_uusd", since && !rate.unknown ? json_integer(wasted.uusd) : json_null());
	/* A pause between two jobs is no waste, and what is free wastes nothing. */
	json_put_bool(j, "wasteful", since && s->now_ms - since >= IDLE_WORTH_MS && (rate.uusd || rate.unknown));
	json_put_bool(j, "stopped", stopped);
	/* An estimate; nothing is open for disks that cost nothing. */
	json_object_set_new(j, "disk_uusd_h", stopped && !rate.unknown ? json_integer(rate.disk_uusd) : json_null());
	if (u && u->c->autostop_minutes >= 0)
		json_put_int(j, "autostop_minutes", u->c->autostop_minutes);
}

static void put_cluster(struct engine *e, json_t *j, const struct money *m, bool spark)
{
	int64_t id = json_int(j, "cluster_id", 0), now = wall_now_ms(), from = INT64_MAX, to = 0;
	struct spend s = pick(m, now, keep_cluster, &id);
	struct spend_sum all = spend_between(&s, INT64_MIN / 2, INT64_MAX), rate = spend_rate(&s);
	bool running = false;
	for (size_t i = 0; i < s.n; i++) {
		int64_t end = s.v[i].to_ms ? s.v[i].to_ms : now;
		from = s.v[i].from_ms < from ? s.v[i].from_ms : from;
		to = end > to ? end : to;
		running = running || (!s.v[i].to_ms && !s.v[i].disk);
	}
	put_time(j, "from", s.n ? from : 0);
	put_time(j, "to", to);
	json_put_int(j, "duration_ms", all.ms);
	put_sum(j, "cost_uusd", &all);
	json_put_int(j, "disks_uusd", all.disk_uusd);
	json_object_set_new(j, "known", json_pack("{s:I}", "cost_uusd", (json_int_t)all.uusd));
	json_put_bool(j, "running", running);
	json_put_bool(j, "simulated", is_simulated(e, json_str(j, "provider", NULL)));
	struct spend_sum today = spend_today(&s), month = spend_this_month(&s);
	put_sum(j, "now_uusd_h", &rate);
	put_sum(j, "today_uusd", &today);
	put_sum(j, "month_uusd", &month);
	put_alive(j, run_unit_by_id(e, id), &s);
	if (spark)
		json_object_set_new(j, "hours", series(&s, false));
	unpick(&s);
}

/* Idle ones that cost most first, then what runs by its rate, then what is stopped, then what is gone, the newest first. */
struct ranked {
	json_t *j;
	int64_t rank, key;
	size_t at;
};

static int by_rank(const void *pa, const void *pb)
{
	const struct ranked *a = pa, *b = pb;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (a->key != b->key)
		return a->key > b->key ? -1 : 1;
	return a->at < b->at ? -1 : a->at > b->at;
}

static json_t *sorted(json_t *rows)
{
	size_t i, n = json_array_size(rows);
	struct ranked *r = xcalloc(n + 1, sizeof *r);
	json_t *j, *out = json_array();
	json_array_foreach(rows, i, j) {
		bool idle = json_bool(j, "wasteful", false), running = json_bool(j, "running", false);
		int64_t rank = running && idle ? 0 : running ? 1 : json_bool(j, "stopped", false) ? 2 : 3;
		int64_t key = rank == 0 ? json_int(j, "wasted_uusd", INT64_MAX) : rank == 1 ? json_int(j, "now_uusd_h", INT64_MAX) : json_int(j, "to", 0);
		r[i] = (struct ranked){j, rank, key, i};
	}
	qsort(r, n, sizeof *r, by_rank);
	for (i = 0; i < n; i++)
		json_array_append(out, r[i].j);
	free(r);
	json_decref(rows);
	return out;
}

/* ---- by cloud, project, user ------------------------------------------------------------------------------------- */

struct group {
	const char *key, *name; /* of rows: "user" */
	const json_t *by_id;	/* cluster id as text → its row */
	bool simulated;
};

static const char *name_of(const struct group *g, const struct ledger_row *r)
{
	char id[32];
	if (str_eq(g->key, "cloud"))
		return r->provider;
	if (str_eq(g->key, "project"))
		return r->project;
	snprintf(id, sizeof id, "%" PRId64, r->cluster_id);
	return json_str(json_object_get(g->by_id, id), g->key, "?");
}

static bool keep_group(const struct ledger_row *r, const struct spend_interval *i, const void *arg)
{
	const struct group *g = arg;
	return (i->owner != 0) == g->simulated && str_eq(name_of(g, r), g->name);
}

static json_t *breakdown(const struct money *m, const char *key, const json_t *by_id, bool simulated)
{
	struct group g = {key, NULL, by_id, simulated};
	json_t *seen = json_object(), *out = json_array();
	for (size_t i = 0; i < m->n && json_object_size(seen) < 200; i++) {
		g.name = name_of(&g, &m->rows[i]);
		if ((m->v[i].owner != 0) != simulated || json_object_get(seen, g.name))
			continue;
		json_object_set_new(seen, g.name, json_true());
		json_t *j = json_object();
		struct spend s = pick(m, wall_now_ms(), keep_group, &g);
		json_put_str(j, "name", g.name);
		put_figures(j, &s);
		json_object_set_new(j, "hours", series(&s, false));
		json_object_set_new(j, "days", series(&s, true));
		unpick(&s);
		json_array_append_new(out, j);
	}
	json_decref(seen);
	return out;
}

/* ---- since yesterday --------------------------------------------------------------------------------------------- */

static const char *const why_names[] = {"same", "launched", "ended", "price", "hours"};

static void say_why(const struct spend_change *c, int64_t now, char *buf, size_t size)
{
	char a[40], b[40];
	if (c->why == SPEND_LAUNCHED)
		snprintf(buf, size, "launched %s", ago_text(c->at_ms, now, a, sizeof a));
	else if (c->why == SPEND_ENDED)
		snprintf(buf, size, "stopped %s", ago_text(c->at_ms, now, a, sizeof a));
	else if (c->why == SPEND_PRICE)
		snprintf(buf, size, "price $%s, was $%s an hour", money_text(c->price_after, a, sizeof a), money_text(c->price_before, b, sizeof b));
	else
		snprintf(buf, size, "ran %s, %s the day before", duration_text(c->now.ms, a, sizeof a), duration_text(c->before.ms, b, sizeof b));
}

static json_t *change_of(const struct spend *s, const json_t *row)
{
	char text[120];
	struct spend_change c = spend_compare(s);
	bool unknown = c.now.unknown || c.before.unknown;
	if (c.why == SPEND_SAME || (!unknown && c.diff_uusd > -CENT_UUSD && c.diff_uusd < CENT_UUSD))
		return NULL;
	say_why(&c, s->now_ms, text, sizeof text);
	json_t *j = json_object();
	json_put_str(j, "name", json_str(row, "name", "?"));
	json_put_str(j, "id", json_str(row, "id", NULL));
	json_object_set_new(j, "diff_uusd", unknown ? json_null() : json_integer(c.diff_uusd));
	put_sum(j, "day_uusd", &c.now);
	put_sum(j, "day_before_uusd", &c.before);
	json_put_str(j, "why", why_names[c.why]);
	json_put_str(j, "text", text);
	return j;
}

static int64_t size_of(const json_t *j)
{
	int64_t d = json_int(j, "diff_uusd", 0);
	return d < 0 ? -d : d;
}

/* The greatest differences first. */
static json_t *changes(const struct money *m, const json_t *rows, bool simulated)
{
	json_t *a = json_array(), *row;
	size_t i, k;
	json_array_foreach(rows, i, row) {
		int64_t id = json_int(row, "cluster_id", 0);
		if (json_bool(row, "simulated", false) != simulated)
			continue;
		struct spend s = pick(m, wall_now_ms(), keep_cluster, &id);
		json_t *j = change_of(&s, row);
		unpick(&s);
		if (!j)
			continue;
		for (k = 0; k < json_array_size(a) && size_of(json_array_get(a, k)) >= size_of(j);)
			k++;
		json_array_insert_new(a, k, j);
		if (json_array_size(a) > CHANGES_MAX)
			json_array_remove(a, CHANGES_MAX);
	}
	return a;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

json_t *engine_cost(struct engine *e, int64_t since_ms, struct err *err)
{
	struct money *m = money_of(e, since_ms, err);
	json_t *known = m ? state_spenders(e->state, m->since_ms, err) : NULL, *rows = json_array(), *by_id = json_object(), *j;
	if (!known || !budgets_of(e, err)) {
		json_decref(known);
		json_decref(rows);
		json_decref(by_id);
		return NULL;
	}
	bool simulated = shows_simulated(m);
	int64_t now = wall_now_ms();
	size_t i;
	json_array_foreach(known, i, j) {
		char id[32];
		snprintf(id, sizeof id, "%" PRId64, json_int(j, "cluster_id", 0));
		json_object_set(by_id, id, j);
		put_cluster(e, j, m, i < SPARK_CLUSTERS);
		if (json_bool(j, "running", false) || json_int(j, "to", 0) >= since_ms)
			json_array_append(rows, j);
	}
	struct spend s = pick(m, now, keep_world, &simulated);
	json_t *out = json_object(), *by = json_object();
	json_put_int(out, "at", now);
	json_put_bool(out, "simulated", simulated);
	json_object_set_new(out, "spend", spend_json(m));
	json_object_set_new(out, "changes", changes(m, known, simulated));
	json_object_set_new(out, "clusters", sorted(rows));
	static const char *const keys[] = {"cloud", "project", "user"};
	for (i = 0; i < ARRAY_LEN(keys); i++)
		json_object_set_new(by, keys[i], breakdown(m, keys[i], by_id, simulated));
	json_object_set_new(out, "by", by);
	json_object_set_new(out, "hours", series(&s, false));
	json_object_set_new(out, "days", series(&s, true));
	json_object_set_new(out, "budgets", engine_budgets(e, NULL));
	unpick(&s);
	json_decref(by_id);
	json_decref(known);
	return out;
}
