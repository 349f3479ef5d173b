/* Where measures come from: the head's agent says its status every few seconds on the stream that is there anyway; the agents of workers
 * are asked for theirs once a minute. A series a node, in memory, and in one file every few minutes. */
#include "core/run/metrics.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/plan/figures.h"
#include "core/plan/rings.h"
#include "core/plan/rings_file.h"
#include "core/run/metrics_priv.h"

enum {
	ASK_EVERY_MS = 60000, ASK_FIRST_MS = 5000, ASK_TIMEOUT_MS = 20000, ASKING_MAX = 4, SERIES_MAX = 2000, KEEP_EVERY_MS = 300000,
	CPU_EVERY_MS = 60000, GONE_MAX = 200, TICK_MS = 1000, KEPT_MAX = 64 << 20, NET_GAP_S = 600
};
static const double NET_SPEED = 1.25e9; /* bytes a second, where a link does not tell its own */

/* ---- series ------------------------------------------------------------------------------------------------------ */

static void series_free(struct series *s)
{
	remote_cancel(s->call);
	rings_destroy(s->rings);
	free(s->uid);
	free(s);
}

struct series *metrics_series(const struct metrics *m, const char *uid, int64_t rank)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->series[i]->rank == rank && !strcmp(m->series[i]->uid, uid))
			return m->series[i];
	return NULL;
}

static struct series *series_add(struct metrics *m, const char *uid, int64_t rank)
{
	if (m->n >= SERIES_MAX)
		return NULL;
	ARRAY_GROW(m->series, m->n, m->cap);
	struct series *s = m->series[m->n++] = xcalloc(1, sizeof *s);
	*s = (struct series){.m = m, .uid = xstrdup(uid), .rank = rank, .rings = rings_create(), .asked_ms = mono_now_ms() - ASK_EVERY_MS + ASK_FIRST_MS,
	    .gpus = -1, .gpus_idle = -1};
	return s;
}

static int16_t tenths(double part, double whole)
{
	double v = whole > 0 ? part * 1000 / whole : -1;
	return (int16_t)(v < 0 ? RING_UNKNOWN : v > RING_MAX ? RING_MAX : v + 0.5);
}

static double number(const json_t *j, const char *key)
{
	const json_t *v = json_object_get(j, key);
	return json_is_number(v) ? json_number_value(v) : -1;
}

/* The GPUs of a node: those that say how busy they are count. */
static void take_gpus(struct series *s, const json_t *status, int16_t values[MEASURES])
{
	enum { IDLE_BELOW = 10 };
	double use = 0, mem = 0, mem_total = 0;
	int64_t heard = 0, idle = 0;
	size_t i;
	json_t *gpu;
	json_array_foreach(json_arr(status, "gpus"), i, gpu) {
		double util = number(gpu, "util"), used = number(gpu, "mem_used"), total = number(gpu, "mem_total");
		if (util >= 0) {
			use += util > 100 ? 100 : util;
			heard++;
			idle += util < IDLE_BELOW;
		}
		if (used >= 0 && total > 0) {
			mem += used;
			mem_total += total;
		}
	}
	s->gpus = heard;
	s->gpus_idle = idle;
	if (heard)
		values[MEASURE_GPU] = tenths(use / (double)heard, 100);
	values[MEASURE_GPU_MEM] = tenths(mem, mem_total);
}

/* From one look to the next. Counters that went back are of a machine that started anew. */
static int16_t net_use(struct series *s, const json_t *net, int64_t at_ms)
{
	double in = number(net, "in"), out = number(net, "out"), speed = number(net, "speed");
	if (in < 0 || out < 0)
		return RING_UNKNOWN;
	double d_in = in - s->net_in, d_out = out - s->net_out, seconds = (double)(at_ms - s->net_at_ms) / 1000;
	bool known = s->net_at_ms && d_in >= 0 && d_out >= 0 && seconds >= 1 && seconds < NET_GAP_S;
	s->net_in = in;
	s->net_out = out;
	s->net_at_ms = at_ms;
	return known ? tenths((d_in > d_out ? d_in : d_out) / seconds, speed > 0 ? speed : NET_SPEED) : RING_UNKNOWN;
}

/* By our clock: the node's may be wrong. */
static void series_take(struct series *s, const json_t *status, int64_t at_ms)
{
	int16_t values[MEASURES];
	for (int i = 0; i < MEASURES; i++)
		values[i] = RING_UNKNOWN;
	const json_t *load = json_array_get(json_arr(status, "load"), 0);
	take_gpus(s, status, values);
	if (json_is_number(load))
		values[MEASURE_CPU] = tenths(json_number_value(load), number(status, "cpus"));
	if (number(status, "mem_used") >= 0)
		values[MEASURE_MEM] = tenths(number(status, "mem_used"), number(status, "mem_total"));
	if (number(status, "disk_used") >= 0)
		values[MEASURE_DISK] = tenths(number(status, "disk_used"), number(status, "disk_total"));
	values[MEASURE_NET] = net_use(s, json_obj(status, "net"), at_ms);
	rings_add(s->rings, at_ms, values);
	s->m->dirty = true;
}

void metrics_take(struct unit *u, const json_t *status)
{
	struct metrics *m = u->engine->metrics;
	if (!m)
		return;
	struct series *s = metrics_series(m, u->c->uid, 0);
	if (!s)
		s = series_add(m, u->c->uid, 0);
	if (s)
		series_take(s, status, wall_now_ms());
}

/* ---- workers ----------------------------------------------------------------------------------------------------- */

static void on_status(void *arg, const char *out, size_t len, const struct err *err)
{
	struct series *s = arg;
	s->call = NULL;
	s->m->asking--;
	json_t *j = err ? NULL : json_parse(out, len, NULL);
	if (!strcmp(json_str(j, "type", ""), "status"))
		series_take(s, j, wall_now_ms());
	json_decref(j);
}

static void ask(struct series *s, struct unit *u, const struct node *n, int64_t now_ms)
{
	s->asked_ms = now_ms;
	s->call = remote_run(u->engine->remotes, n->reach,
	    &(struct remote_spec){.command = "exec sh \"$HOME/.skytop/skytop-agent\" status", .timeout_ms = ASK_TIMEOUT_MS}, "asking for the status", on_status, s);
	s->m->asking += s->call != NULL;
}

static void ask_workers(struct unit *u, int64_t now_ms)
{
	struct metrics *m = u->engine->metrics;
	for (size_t i = 0; i < u->c->n_nodes && m->asking < ASKING_MAX; i++) {
		const struct node *n = &u->c->nodes[i];
		if (!n->rank || n->status != NODE_RUNNING || !n->reach)
			continue;
		struct series *s = metrics_series(m, u->c->uid, n->rank);
		if (!s)
			s = series_add(m, u->c->uid, n->rank);
		if (s && !s->call && now_ms - s->asked_ms >= ASK_EVERY_MS)
			ask(s, u, n, now_ms);
	}
}

/* When the last step of the longest ring ends in which anything is known, and so nothing of it is any more; 0: nothing is. */
static int64_t known_until(const struct rings *r, int64_t now_ms)
{
	const struct span_info *days = &span_infos[SPAN_DAYS];
	int16_t v[RING_STEPS_MAX];
	for (int k = 0; k < MEASURES; k++) {
		rings_read(r, (enum measure)k, SPAN_DAYS, now_ms, v, days->steps);
		for (size_t i = days->steps; i-- > 0;)
			if (v[i] >= 0)
				return now_ms + days->step_ms * (int64_t)(i + 1);
	}
	return 0;
}

/* Its node is gone: what it did stays to be seen for a while. */
static bool keep_gone(struct series *s, int64_t now_ms)
{
	if (!s->gone_until_ms) {
		s->m->asking -= s->call != NULL;
		remote_cancel(s->call);
		s->call = NULL;
		s->gone_until_ms = known_until(s->rings, now_ms);
	}
	return s->gone_until_ms > now_ms;
}

static void drop(struct metrics *m, size_t i)
{
	m->asking -= m->series[i]->call != NULL;
	series_free(m->series[i]);
	m->series[i] = m->series[--m->n];
}

/* Of those that are gone, the one whose measures are the oldest. */
static size_t oldest_gone(const struct metrics *m)
{
	size_t oldest = SIZE_MAX;
	for (size_t i = 0; i < m->n; i++)
		if (m->series[i]->gone_until_ms && (oldest == SIZE_MAX || m->series[i]->gone_until_ms < m->series[oldest]->gone_until_ms))
			oldest = i;
	return oldest;
}

/* Series of clusters and nodes that are gone go, once nothing of them is known any more. */
static void sweep(struct engine *e)
{
	struct metrics *m = e->metrics;
	size_t n_gone = 0;
	int64_t now_ms = wall_now_ms();
	for (size_t i = 0; i < m->n;) {
		bool there = false;
		for (size_t k = 0; k < e->n_units && !there; k++)
			there = !strcmp(e->units[k]->c->uid, m->series[i]->uid) &&
				(!e->units[k]->c->n_nodes || m->series[i]->rank < (int64_t)e->units[k]->c->n_nodes);
		if (there)
			m->series[i]->gone_until_ms = 0;
		if (there || keep_gone(m->series[i], now_ms)) {
			n_gone += !there;
			i++;
		} else {
			drop(m, i);
		}
	}
	for (; n_gone > GONE_MAX; n_gone--)
		drop(m, oldest_gone(m));
}

/* ---- over a restart ---------------------------------------------------------------------------------------------- */

static void keep(struct metrics *m)
{
	struct err err;
	struct rings_of_node *v = xcalloc(m->n + 1, sizeof *v);
	struct str out = str_new(KEPT_MAX);
	for (size_t i = 0; i < m->n; i++)
		v[i] = (struct rings_of_node){m->series[i]->uid, m->series[i]->rank, m->series[i]->rings};
	rings_pack(v, m->n, &out);
	char *path = home_path(HOME_STATE, "metrics.rings");
	if (out.full)
		log_line(LOG_WARN, "measures of %zu nodes are too many to be kept", m->n);
	else if (fs_write(path, out.data, out.len, 0600, &err))
		log_line(LOG_WARN, "measures are not kept: %s", err.text);
	free(path);
	str_free(&out);
	free(v);
	m->dirty = false;
	m->kept_ms = mono_now_ms();
}

static struct rings *take_kept(void *arg, const char *uid, int64_t rank)
{
	struct series *s = series_add(arg, uid, rank);
	return s ? s->rings : NULL;
}

static void load(struct metrics *m)
{
	char *path = home_path(HOME_STATE, "metrics.rings");
	size_t len;
	char *data = fs_read(path, KEPT_MAX, &len, NULL);
	if (data && !rings_unpack(data, len, take_kept, m)) {
		char *aside = xasprintf("%s.damaged", path);
		log_line(LOG_WARN, "%s was damaged: it is now %s, and measures begin anew", path, aside);
		rename(path, aside);
		free(aside);
		while (m->n)
			series_free(m->series[--m->n]);
	}
	free(data);
	free(path);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static int64_t cpu_ms(void)
{
	struct rusage u;
	if (getrusage(RUSAGE_SELF, &u))
		return 0;
	return (int64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

void metrics_start(struct engine *e)
{
	struct metrics *m = e->metrics = xcalloc(1, sizeof *m);
	m->cpu_tenths = FIGURE_UNKNOWN;
	m->kept_ms = m->cpu_at_ms = mono_now_ms();
	m->cpu_ms = cpu_ms();
	load(m);
	sweep(e); /* whoever asks at once is told of those that are gone, too */
}

void metrics_stop(struct engine *e)
{
	struct metrics *m = e->metrics;
	if (!m)
		return;
	if (m->dirty)
		keep(m);
	while (m->n)
		series_free(m->series[--m->n]);
	state_lately_clear(&m->lately);
	free(m->series);
	free(m);
	e->metrics = NULL;
}

static void take_lag(struct metrics *m, int64_t now_ms)
{
	int64_t late = now_ms - m->tick_ms - TICK_MS;
	if (m->tick_ms)
		m->lags[m->n_lags++ % LAGS] = (int32_t)(late < 0 ? 0 : late > INT32_MAX ? INT32_MAX : late);
	m->tick_ms = now_ms;
	if (now_ms - m->cpu_at_ms < CPU_EVERY_MS)
		return;
	int64_t used = cpu_ms();
	m->cpu_tenths = figure_share(used - m->cpu_ms, now_ms - m->cpu_at_ms);
	m->cpu_ms = used;
	m->cpu_at_ms = now_ms;
}

void metrics_tick(struct engine *e)
{
	struct metrics *m = e->metrics;
	int64_t now = mono_now_ms();
	take_lag(m, now);
	sweep(e);
	for (size_t i = 0; i < e->n_units; i++) {
		struct unit *u = e->units[i];
		if (u->c->status == CLUSTER_UP && u->c->n_nodes > 1 && !run_op_of(e, u->c->name, NULL))
			ask_workers(u, now);
	}
	if (m->dirty && now - m->kept_ms >= KEEP_EVERY_MS)
		keep(m);
}
