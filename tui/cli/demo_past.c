/* What the demo's engine remembers of the weeks before it was started: clusters that are gone, their jobs, what they cost and how busy they
 * were. Written before there is an engine, as an engine would have written it, all of it simulated. */
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/model/cluster.h"
#include "core/plan/rings_file.h"
#include "core/store/state.h"
#include "tui/cli/demo.h"

#define HOUR_MS (INT64_C(3600) * 1000)

static const struct past {
	const char *name, *type, *accelerator, *project;
	int64_t count, nodes, ago_h, hours, cents_h; /* of one node */
	bool spot;
	enum job_status ended;
} past[] = {
    {"tokenizer", "sim-l4", "L4", "data", 1, 1, 690, 20, 70, false, JOB_SUCCEEDED},
    {"probe", "sim-8x-h100", "H100", "llama", 8, 1, 610, 1, 2390, false, JOB_FAILED},
    {"finetune-a", "sim-8x-h100", "H100", "llama", 8, 1, 560, 3, 2410, true, JOB_SUCCEEDED},
    {"sweep-1", "sim-a100-80gb", "A100-80GB", "llama", 1, 4, 480, 9, 105, true, JOB_SUCCEEDED},
    {"notebook", "sim-l4", "L4", "data", 1, 1, 400, 30, 72, false, JOB_CANCELLED},
    {"sweep-2", "sim-a100-80gb", "A100-80GB", "llama", 1, 4, 330, 11, 98, true, JOB_SUCCEEDED},
    {"chat-old", "sim-l40s", "L40S", "serving", 1, 1, 260, 44, 182, false, JOB_SUCCEEDED},
    {"eval", "sim-l4", "L4", "llama", 1, 2, 170, 6, 71, true, JOB_FAILED},
    {"nightly", "sim-a100-80gb", "A100-80GB", "llama", 1, 3, 120, 8, 101, true, JOB_SUCCEEDED},
    {"nightly", "sim-a100-80gb", "A100-80GB", "llama", 1, 3, 72, 8, 99, true, JOB_SUCCEEDED},
    {"nightly", "sim-a100-80gb", "A100-80GB", "llama", 1, 3, 45, 8, 103, true, JOB_SUCCEEDED},
    {"train-small", "sim-8x-h100", "H100", "llama", 8, 1, 30, 2, 2370, false, JOB_SUCCEEDED},
    {"dev", "sim-l4", "L4", "data", 1, 1, 14, 9, 70, false, JOB_SUCCEEDED},
    {"nightly", "sim-a100-80gb", "A100-80GB", "llama", 1, 3, 11, 8, 100, true, JOB_SUCCEEDED},
};

static struct cluster *cluster_of(const struct past *p, size_t i, const char *provider, int64_t from_ms)
{
	struct cluster *c = xcalloc(1, sizeof *c);
	*c = (struct cluster){.uid = xasprintf("%s-past%zu", p->name, i), .name = xstrdup(p->name), .user = xstrdup("you"), .project = xstrdup(p->project),
	    .status = CLUSTER_UP, .provider = xstrdup(provider), .region = xstrdup("sim-north"), .zone = xstrdup("sim-north-a"),
	    .instance_type = xstrdup(p->type), .accelerator = xstrdup(p->accelerator), .accel_count_micro = p->count * 1000000, .use_spot = p->spot,
	    .price_uusd_h = p->cents_h * 10000, .price_source = xstrdup("simulated prices"), .autostop_minutes = -1, .created_at_ms = from_ms,
	    .launched_at_ms = from_ms};
	c->nodes = xcalloc((size_t)p->nodes, sizeof *c->nodes);
	c->n_nodes = (size_t)p->nodes;
	for (size_t n = 0; n < c->n_nodes; n++)
		c->nodes[n] = (struct node){.rank = (int64_t)n, .status = NODE_RUNNING, .token = xasprintf("past%zu-%zu", i, n), .created_at_ms = from_ms};
	return c;
}

static int save_job(struct state *s, const struct cluster *c, const struct past *p, int64_t from_ms, int64_t to_ms, struct err *err)
{
	enum { START_MS = 40000, WAIT_MS = 1500, END_MS = 30000 };
	struct job j = {.cluster_id = c->id, .id = 1, .key = c->uid, .name = c->name, .user = c->user, .status = p->ended,
	    .submitted_at_ms = from_ms + START_MS, .started_at_ms = from_ms + START_MS + WAIT_MS, .ended_at_ms = to_ms - END_MS,
	    .exit_code = p->ended == JOB_SUCCEEDED ? 0 : 1, .num_nodes = p->nodes, .log_complete = true};
	return state_save_job(s, &j, err);
}

static int save(struct state *s, const struct past *p, size_t i, const char *provider, int64_t now_ms, struct err *err)
{
	int64_t from_ms = now_ms - p->ago_h * HOUR_MS, to_ms = from_ms + p->hours * HOUR_MS;
	struct cluster *c = cluster_of(p, i, provider, from_ms);
	int rc = state_save_cluster(s, c, err);
	for (size_t n = 0; !rc && n < c->n_nodes; n++) {
		rc = state_ledger_open(s, c, &c->nodes[n], NULL, from_ms, err) || state_ledger_close(s, &c->nodes[n], to_ms, err);
		c->nodes[n].status = NODE_GONE;
		c->nodes[n].gone_at_ms = to_ms;
	}
	c->status = CLUSTER_REMOVED;
	c->removed_at_ms = to_ms;
	rc = rc || state_save_cluster(s, c, err) || save_job(s, c, p, from_ms, to_ms, err);
	cluster_destroy(c);
	return rc;
}

/* --- how busy they were ------------------------------------------------------------------------------------------- */

enum { SAMPLE_MS = 60000, NODES_MAX = 64, MEASURES_BYTES = 16 << 20 };

/* As the demo's nvidia-smi has it (demo_world.c): busy, with the dips of checkpoints; a job that failed ends in idleness. */
static void sample(const struct past *p, int64_t minute, int64_t minutes, int64_t rank, int16_t v[MEASURES])
{
	bool ended = p->ended != JOB_SUCCEEDED && minute > minutes * 2 / 3;
	int64_t wave = (minute * 7 + rank * 31) % 15, dip = (minute + rank * 5) % 47 < 5 ? 3 : 1;
	v[MEASURE_GPU] = (int16_t)(ended ? 0 : (840 + wave * 10) / dip);
	v[MEASURE_GPU_MEM] = (int16_t)(ended ? 20 : 710 + rank * 13 % 90);
	v[MEASURE_CPU] = (int16_t)(ended ? 15 : 120 + wave * 20);
	v[MEASURE_MEM] = (int16_t)(ended ? 40 : 310 + minute * 40 / (minutes + 1));
	v[MEASURE_DISK] = (int16_t)(180 + minute * 90 / (minutes + 1));
	v[MEASURE_NET] = (int16_t)(ended ? 0 : dip > 1 ? 220 : 35);
}

static struct rings *rings_of(const struct past *p, int64_t rank, int64_t now_ms)
{
	struct rings *r = rings_create();
	int16_t v[MEASURES];
	int64_t from_ms = now_ms - p->ago_h * HOUR_MS, minutes = p->hours * HOUR_MS / SAMPLE_MS;
	for (int64_t i = 0; i < minutes; i++) {
		sample(p, i, minutes, rank, v);
		rings_add(r, from_ms + i * SAMPLE_MS, v);
	}
	return r;
}

static int save_measures(int64_t now_ms, struct err *err)
{
	struct rings_of_node v[NODES_MAX];
	struct rings *rings[NODES_MAX];
	size_t n = 0;
	char *path = home_path(HOME_STATE, "metrics.rings"), *uids[ARRAY_LEN(past)] = {NULL};
	for (size_t i = 0; i < ARRAY_LEN(past); i++) {
		const int64_t week_h = 7 * 24;
		uids[i] = xasprintf("%s-past%zu", past[i].name, i);
		for (int64_t rank = 0; rank < past[i].nodes && n < NODES_MAX && past[i].ago_h - past[i].hours < week_h; rank++) {
			rings[n] = rings_of(&past[i], rank, now_ms);
			v[n] = (struct rings_of_node){uids[i], rank, rings[n]};
			n++;
		}
	}
	struct str out = str_new(MEASURES_BYTES);
	rings_pack(v, n, &out);
	int rc = out.full ? err_set(err, ERR_FAILED, "the demo's past is too long") : fs_write(path, out.data, out.len, 0600, err);
	str_free(&out);
	for (size_t i = 0; i < n; i++)
		rings_destroy(rings[i]);
	for (size_t i = 0; i < ARRAY_LEN(past); i++)
		free(uids[i]);
	free(path);
	return rc;
}

int demo_past(const struct demo *d, int64_t now_ms, struct err *err)
{
	char *path = home_path(HOME_STATE, "state.db"), *moved = NULL;
	struct state *s = state_open(path, &moved, err);
	int rc = s ? 0 : -1;
	for (size_t i = 0; !rc && i < ARRAY_LEN(past); i++)
		rc = save(s, &past[i], i, d->cloud->name, now_ms, err);
	rc = rc || state_commit(s, err) || save_measures(now_ms, err);
	state_close(s);
	free(moved);
	free(path);
	return rc;
}
