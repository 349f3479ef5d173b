/* What clients may see of measures and figures. What state.db and the disk are asked for is kept for a quarter of a minute, so that
 * whoever looks at a screen full of figures costs next to nothing. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/plan/figures.h"
#include "core/plan/rings.h"
#include "core/run/metrics.h"
#include "core/run/metrics_priv.h"

enum { LATELY_MS = 15000, FRESH_MS = 120000, DAY_MS = 86400000, PROVIDERS_MAX = 32, FILES_MAX = 20000 };

static json_t *tenths_json(int64_t v)
{
	return v < 0 ? json_null() : json_real((double)v / 10);
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

static json_t *steps_json(const struct rings *r, enum measure m, enum span s, int64_t now_ms)
{
	int16_t v[RING_STEPS_MAX];
	size_t n = span_infos[s].steps;
	json_t *out = json_array();
	rings_read(r, m, s, now_ms, v, n);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(out, tenths_json(v[i]));
	return out;
}

static json_t *node_json(const struct metrics *m, const struct unit *u, const struct node *n, enum measure measure, enum span span, int64_t now_ms)
{
	const struct series *s = metrics_series(m, u->c->uid, n->rank);
	int16_t last[MEASURES];
	int64_t at = s ? rings_last(s->rings, last) : 0;
	bool fresh = at && now_ms - at <= FRESH_MS;
	json_t *now = json_object(), *j = json_pack("{s:s, s:I, s:s}", "cluster", u->c->name, "rank", (json_int_t)n->rank, "status", node_status_name(n->status));
	for (int i = 0; i < MEASURES; i++)
		json_object_set_new(now, measure_infos[i].name, tenths_json(fresh ? last[i] : RING_UNKNOWN));
	json_object_set_new(j, "heard_at", at ? json_integer(at) : json_null());
	json_object_set_new(j, "now", now);
	if (s)
		json_object_set_new(j, "series", steps_json(s->rings, measure, span, now_ms));
	else
		json_object_set_new(j, "series", json_array());
	return j;
}

static bool says_anything(const json_t *series)
{
	size_t i;
	json_t *v;
	json_array_foreach(series, i, v)
		if (!json_is_null(v))
			return true;
	return false;
}

/* The uid of a cluster is its name and, after a dash, what makes it its own. */
static size_t name_len(const struct series *s)
{
	const char *dash = strrchr(s->uid, '-');
	return dash ? (size_t)(dash - s->uid) : strlen(s->uid);
}

static bool is_of(const struct series *s, const char *cluster)
{
	return !cluster || (strlen(cluster) == name_len(s) && !strncmp(s->uid, cluster, name_len(s)));
}

/* Nodes that are gone, where they did something in that time. */
static void add_gone(const struct metrics *m, const char *cluster, enum measure measure, enum span span, int64_t now_ms, json_t *out)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct series *s = m->series[i];
		json_t *steps = s->gone_until_ms && is_of(s, cluster) ? steps_json(s->rings, measure, span, now_ms) : NULL;
		if (says_anything(steps)) {
			json_t *now = json_object();
			for (int k = 0; k < MEASURES; k++)
				json_object_set_new(now, measure_infos[k].name, json_null());
			json_array_append_new(out, json_pack("{s:s%, s:I, s:s, s:n, s:o, s:O}", "cluster", s->uid, name_len(s), "rank", (json_int_t)s->rank,
						       "status", node_status_name(NODE_GONE), "heard_at", "now", now, "series", steps));
		}
		json_decref(steps);
	}
}

static bool is_known(struct engine *e, const char *cluster)
{
	for (size_t i = 0; i < e->metrics->n; i++)
		if (is_of(e->metrics->series[i], cluster))
			return true;
	return run_unit(e, cluster) != NULL;
}

static json_t *nodes_json(struct engine *e, const char *cluster, enum measure measure, enum span span, int64_t now_ms)
{
	json_t *out = json_array();
	for (size_t i = 0; i < e->n_units; i++) {
		const struct unit *u = e->units[i];
		for (size_t k = 0; k < u->c->n_nodes && (!cluster || str_eq(u->c->name, cluster)); k++)
			if (u->c->status != CLUSTER_STOPPED)
				json_array_append_new(out, node_json(e->metrics, u, &u->c->nodes[k], measure, span, now_ms));
	}
	add_gone(e->metrics, cluster, measure, span, now_ms, out);
	return out;
}

/* ---- figures ----------------------------------------------------------------------------------------------------- */

/* Apparent sizes of the plain files of a folder; *left bounds the work. */
static int64_t folder_bytes(const char *path, int *left)
{
	int64_t sum = 0;
	struct stat st;
	DIR *d = opendir(path);
	for (struct dirent *f; d && *left > 0 && (f = readdir(d)); --*left)
		if (f->d_name[0] != '.' && !fstatat(dirfd(d), f->d_name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode))
			sum += st.st_size;
	if (d)
		closedir(d);
	return sum;
}

static void refresh(struct engine *e)
{
	struct metrics *m = e->metrics;
	struct err err;
	int64_t now = mono_now_ms();
	if (m->lately_ms && now - m->lately_ms < LATELY_MS)
		return;
	int left = FILES_MAX;
	state_lately_clear(&m->lately);
	if (state_lately(e->state, wall_now_ms() - (int64_t)FIGURES_DAYS * DAY_MS, &m->lately, &err))
		log_line(LOG_WARN, "figures: %s", err.text);
	m->log_bytes = 0;
	for (size_t i = 0; i < e->n_units; i++) {
		char *path = path_join(e->logs_dir, e->units[i]->c->uid);
		m->log_bytes += folder_bytes(path, &left);
		free(path);
	}
	m->lately_ms = now;
}

static int64_t launch_times(const struct state_lately *l, const char *provider, int percent)
{
	int64_t *v = xcalloc(l->n_launches + 1, sizeof *v);
	size_t n = 0;
	for (size_t i = 0; i < l->n_launches; i++)
		if (!provider || !strcmp(l->launches[i].provider, provider))
			v[n++] = l->launches[i].ms;
	int64_t q = figure_quantile(v, n, percent);
	free(v);
	return q;
}

static void put_lately(struct state_lately *l, int64_t v[FIGURES])
{
	v[FIGURE_JOBS_ENDED] = l->jobs_succeeded + l->jobs_failed + l->jobs_cancelled;
	v[FIGURE_JOB_SUCCESS] = figure_share(l->jobs_succeeded, l->jobs_succeeded + l->jobs_failed);
	v[FIGURE_QUEUE_WAIT_P50] = figure_quantile(l->queue_waits, l->n_queue_waits, 50);
	v[FIGURE_QUEUE_WAIT_P95] = figure_quantile(l->queue_waits, l->n_queue_waits, 95);
	v[FIGURE_JOB_TIME_P50] = figure_quantile(l->job_times, l->n_job_times, 50);
	v[FIGURE_LAUNCHES] = l->launches_succeeded + l->launches_failed + l->launches_cancelled;
	v[FIGURE_LAUNCH_SUCCESS] = figure_share(l->launches_succeeded, l->launches_succeeded + l->launches_failed);
	v[FIGURE_LAUNCH_P50] = launch_times(l, NULL, 50);
	v[FIGURE_LAUNCH_P95] = launch_times(l, NULL, 95);
	v[FIGURE_FAILOVERS] = l->failovers;
	v[FIGURE_RETRIES] = l->retries;
	v[FIGURE_REQUESTS_FAILED] = l->requests_failed;
	v[FIGURE_HOSTS_LOST] = l->hosts_lost;
}

static void put_gpus(const struct metrics *m, int64_t now_ms, int64_t v[FIGURES])
{
	int64_t gpus = 0, idle = 0, use = 0;
	int16_t last[MEASURES];
	for (size_t i = 0; i < m->n; i++) {
		const struct series *s = m->series[i];
		if (now_ms - rings_last(s->rings, last) > FRESH_MS || s->gpus <= 0 || s->gone_until_ms)
			continue;
		gpus += s->gpus;
		idle += s->gpus_idle;
		use += last[MEASURE_GPU] * s->gpus;
	}
	v[FIGURE_GPUS] = gpus;
	v[FIGURE_GPUS_IDLE] = gpus ? idle : FIGURE_UNKNOWN;
	v[FIGURE_GPU_USE] = gpus ? use / gpus : FIGURE_UNKNOWN;
}

static void put_nodes(const struct engine *e, int64_t now_ms, int64_t v[FIGURES])
{
	v[FIGURE_CLUSTERS_UP] = v[FIGURE_NODES_UP] = v[FIGURE_NODES_SILENT] = 0;
	for (size_t i = 0; i < e->n_units; i++) {
		const struct unit *u = e->units[i];
		bool up = u->c->status == CLUSTER_UP;
		v[FIGURE_CLUSTERS_UP] += up;
		if (up && u->heartbeat_at_ms && now_ms - u->heartbeat_at_ms > v[FIGURE_HEARTBEAT_AGE])
			v[FIGURE_HEARTBEAT_AGE] = now_ms - u->heartbeat_at_ms;
		for (size_t k = 0; k < u->c->n_nodes; k++) {
			const struct node *n = &u->c->nodes[k];
			int64_t silent = up && n->silent_since_ms ? now_ms - n->silent_since_ms : -1;
			v[FIGURE_NODES_UP] += n->status == NODE_RUNNING;
			v[FIGURE_NODES_SILENT] += silent >= 0;
			v[FIGURE_SILENCE_MAX] = silent > v[FIGURE_SILENCE_MAX] ? silent : v[FIGURE_SILENCE_MAX];
		}
	}
}

static void put_engine(const struct engine *e, int64_t v[FIGURES])
{
	const struct metrics *m = e->metrics;
	size_t n = m->n_lags < LAGS ? m->n_lags : LAGS;
	int64_t lags[LAGS];
	struct stat st, wal_st;
	char *db = home_path(HOME_STATE, "state.db"), *wal = home_path(HOME_STATE, "state.db-wal"), *statm = fs_read("/proc/self/statm", 4096, NULL, NULL);
	long pages = 0;
	for (size_t i = 0; i < n; i++)
		lags[i] = m->lags[i];
	v[FIGURE_LOOP_LAG_P95] = figure_quantile(lags, n, 95);
	v[FIGURE_LOOP_LAG_MAX] = n ? lags[n - 1] : FIGURE_UNKNOWN;
	v[FIGURE_ENGINE_CPU] = m->cpu_tenths;
	v[FIGURE_LOG_BYTES] = m->log_bytes;
	if (!stat(db, &st))
		v[FIGURE_STATE_BYTES] = st.st_size + (!stat(wal, &wal_st) ? wal_st.st_size : 0);
	if (statm && sscanf(statm, "%*s %ld", &pages) == 1)
		v[FIGURE_ENGINE_RSS] = (int64_t)pages * sysconf(_SC_PAGESIZE);
	v[FIGURE_REQUESTS_OPEN] = (int64_t)e->n_ops;
	free(statm);
	free(wal);
	free(db);
}

static json_t *value_json(enum figure f, int64_t v)
{
	if (v < 0)
		return json_null();
	return figure_infos[f].unit == FIGURE_PERCENT ? tenths_json(v) : json_integer(v);
}

static json_t *by_provider(const struct state_lately *l, enum figure f)
{
	json_t *by = json_object();
	for (size_t i = 0; i < l->n_launches && json_object_size(by) < PROVIDERS_MAX; i++) {
		const char *p = l->launches[i].provider;
		if (p[0] && !json_object_get(by, p))
			json_object_set_new(by, p, value_json(f, launch_times(l, p, f == FIGURE_LAUNCH_P50 ? 50 : 95)));
	}
	return by;
}

static json_t *figures_json(struct engine *e, int64_t now_ms)
{
	int64_t v[FIGURES];
	json_t *out = json_array();
	for (int i = 0; i < FIGURES; i++)
		v[i] = FIGURE_UNKNOWN;
	refresh(e);
	put_lately(&e->metrics->lately, v);
	put_gpus(e->metrics, now_ms, v);
	put_nodes(e, now_ms, v);
	put_engine(e, v);
	for (int i = 0; i < FIGURES; i++) {
		const struct figure_info *f = &figure_infos[i];
		json_t *j = json_pack("{s:s, s:s, s:s, s:o, s:s}", "name", f->name, "title", f->title, "unit", figure_unit_name(f->unit), "value",
		    value_json((enum figure)i, v[i]), "explain", f->explain);
		if (i == FIGURE_LAUNCH_P50 || i == FIGURE_LAUNCH_P95)
			json_object_set_new(j, "by_provider", by_provider(&e->metrics->lately, (enum figure)i));
		json_array_append_new(out, j);
	}
	return out;
}

json_t *engine_metrics(struct engine *e, const json_t *params, struct err *err)
{
	const char *cluster = json_str(params, "cluster", NULL), *m = json_str(params, "measure", "gpu"), *s = json_str(params, "span", "10m");
	enum measure measure = measure_named(m);
	enum span span = span_named(s);
	int64_t now = wall_now_ms();
	if (cluster && !is_known(e, cluster)) {
		run_no_cluster(e, cluster, err);
		return NULL;
	}
	if (measure == MEASURES || span == SPANS) {
		err_set(err, ERR_USAGE, measure == MEASURES ? "there is no measure '%.40s'" : "there is no span '%.40s'", measure == MEASURES ? m : s);
		return NULL;
	}
	return json_pack("{s:I, s:s, s:s, s:I, s:I, s:o, s:o}", "at", (json_int_t)now, "measure", m, "span", s, "step_ms", (json_int_t)span_infos[span].step_ms,
	    "days", (json_int_t)FIGURES_DAYS, "nodes", nodes_json(e, cluster, measure, span, now), "figures", figures_json(e, now));
}
