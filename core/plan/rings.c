/* Each ring is an array of steps, the newest at the index of its number modulo the length. Readings are added up in the step under
 * way and written as their mean at once, so that reading needs no other case for it. */
#include "core/plan/rings.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

const struct measure_info measure_infos[MEASURES] = {
    [MEASURE_GPU] = {"gpu", "GPU use", "How busy a node's GPUs are, as nvidia-smi says: the mean of all of them."},
    [MEASURE_GPU_MEM] = {"gpu-mem", "GPU memory", "Memory of a node's GPUs that is in use, of all they have."},
    [MEASURE_CPU] = {"cpu", "CPU load", "Processes that run or wait (load of the last minute), of as many as there are processors; can exceed 100%."},
    [MEASURE_MEM] = {"mem", "Memory", "Memory of the node that is in use, of all it has."},
    [MEASURE_DISK] = {"disk", "Disk", "Space in use on the disk that the node's home is on."},
    [MEASURE_NET] = {"net", "Network",
	"What goes over the node's network, in or out, whichever is more, of its link's speed, or of 10 Gbit/s where that is not told; loopback does not count."},
};

const struct span_info span_infos[SPANS] = {
    [SPAN_MINUTES] = {"10m", "10 minutes", 5000, 120},
    [SPAN_HOURS] = {"6h", "6 hours", 60000, 360},
    [SPAN_DAYS] = {"7d", "7 days", 900000, 672},
};

enum { STEPS_ALL = 120 + 360 + 672 };

struct ring {
	int64_t step; /* the number of the newest; 0: nothing yet */
	int64_t sum[MEASURES];
	int32_t n[MEASURES]; /* readings in it */
};

struct rings {
	struct ring ring[SPANS];
	int64_t at_ms;
	int16_t last[MEASURES];
	int16_t values[STEPS_ALL][MEASURES];
};

static size_t base_of(enum span s)
{
	size_t at = 0;
	for (int i = 0; i < (int)s; i++)
		at += span_infos[i].steps;
	return at;
}

static int16_t *slot(struct rings *r, enum span s, int64_t step)
{
	return r->values[base_of(s) + (size_t)(step % (int64_t)span_infos[s].steps)];
}

static void forget(int16_t *values)
{
	for (int m = 0; m < MEASURES; m++)
		values[m] = RING_UNKNOWN;
}

static void forget_ring(struct rings *r, enum span s)
{
	for (size_t i = 0; i < span_infos[s].steps; i++)
		forget(slot(r, s, (int64_t)i));
	r->ring[s] = (struct ring){.step = 0};
}

enum measure measure_named(const char *name)
{
	int m = 0;
	while (m < MEASURES && !str_eq(measure_infos[m].name, name))
		m++;
	return (enum measure)m;
}

enum span span_named(const char *name)
{
	int s = 0;
	while (s < SPANS && !str_eq(span_infos[s].name, name))
		s++;
	return (enum span)s;
}

struct rings *rings_create(void)
{
	struct rings *r = xcalloc(1, sizeof *r);
	for (int s = 0; s < SPANS; s++)
		forget_ring(r, (enum span)s);
	forget(r->last);
	return r;
}

void rings_destroy(struct rings *r)
{
	free(r);
}

/* Make `step` the newest; what lies between it and the former one is unknown. False: it is older than what is kept of it. */
static bool advance(struct rings *r, enum span s, int64_t step)
{
	struct ring *g = &r->ring[s];
	int64_t steps = (int64_t)span_infos[s].steps;
	if (step == g->step)
		return true;
	if (step < g->step && g->step - step < steps)
		return false;
	if (step < g->step || step - g->step >= steps)
		forget_ring(r, s);
	else
		for (int64_t i = g->step + 1; i < step; i++)
			forget(slot(r, s, i));
	*g = (struct ring){.step = step};
	forget(slot(r, s, step));
	return true;
}

static int16_t in_bounds(int v)
{
	return (int16_t)(v < 0 ? RING_UNKNOWN : v > RING_MAX ? RING_MAX : v);
}

void rings_add(struct rings *r, int64_t at_ms, const int16_t values[MEASURES])
{
	if (at_ms <= 0)
		return;
	for (int s = 0; s < SPANS; s++) {
		struct ring *g = &r->ring[s];
		int64_t step = at_ms / span_infos[s].step_ms;
		if (!advance(r, (enum span)s, step))
			continue;
		int16_t *to = slot(r, (enum span)s, step);
		for (int m = 0; m < MEASURES; m++) {
			int16_t v = in_bounds(values[m]);
			if (v == RING_UNKNOWN)
				continue;
			g->sum[m] += v;
			g->n[m]++;
			to[m] = (int16_t)((g->sum[m] + g->n[m] / 2) / g->n[m]);
		}
	}
	r->at_ms = at_ms;
	for (int m = 0; m < MEASURES; m++)
		r->last[m] = in_bounds(values[m]);
}

void rings_read(const struct rings *r, enum measure m, enum span s, int64_t now_ms, int16_t *out, size_t n)
{
	int64_t now = now_ms / span_infos[s].step_ms, newest = r->ring[s].step, steps = (int64_t)span_infos[s].steps;
	for (size_t i = 0; i < n; i++) {
		int64_t step = now - (int64_t)(n - 1 - i);
		bool kept = step > 0 && step <= newest && newest - step < steps;
		out[i] = kept ? r->values[base_of(s) + (size_t)(step % steps)][m] : (int16_t)RING_UNKNOWN;
	}
}

int64_t rings_last(const struct rings *r, int16_t out[MEASURES])
{
	memcpy(out, r->last, sizeof r->last);
	return r->at_ms;
}

/* ---- over a restart ---------------------------------------------------------------------------------------------- */

void rings_put(const struct rings *r, struct str *out)
{
	for (int s = SPAN_HOURS; s < SPANS; s++) {
		str_addn(out, (const char *)&r->ring[s], sizeof r->ring[s]);
		str_addn(out, (const char *)r->values[base_of((enum span)s)], span_infos[s].steps * sizeof r->values[0]);
	}
}

size_t rings_take(struct rings *r, const char *p, size_t len)
{
	size_t at = 0;
	for (int s = SPAN_HOURS; s < SPANS; s++) {
		size_t size = span_infos[s].steps * sizeof r->values[0];
		struct ring *g = &r->ring[s];
		if (len - at < sizeof *g + size)
			return 0;
		memcpy(g, p + at, sizeof *g);
		memcpy(r->values[base_of((enum span)s)], p + at + sizeof *g, size);
		at += sizeof *g + size;
		if (g->step < 0)
			g->step = 0;
		for (int m = 0; m < MEASURES; m++) {
			if (g->n[m] < 0 || g->sum[m] < 0 || g->sum[m] > (int64_t)RING_MAX * g->n[m])
				g->n[m] = 0, g->sum[m] = 0;
			for (size_t i = 0; i < span_infos[s].steps; i++)
				slot(r, (enum span)s, (int64_t)i)[m] = in_bounds(slot(r, (enum span)s, (int64_t)i)[m]);
		}
	}
	return at;
}
