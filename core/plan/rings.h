/* What a node's measures were, for as long as it matters: three rings a node, each coarser and longer than the one before. Pure:
 * the time is passed in. Memory is the same however long it runs.
 *
 * A value is in tenths of a percent, or RING_UNKNOWN. Nothing is made up: a step in which nothing was heard is unknown. */
#ifndef CORE_PLAN_RINGS_H
#define CORE_PLAN_RINGS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

enum measure { MEASURE_GPU, MEASURE_GPU_MEM, MEASURE_CPU, MEASURE_MEM, MEASURE_DISK, MEASURE_NET, MEASURES };
enum span { SPAN_MINUTES, SPAN_HOURS, SPAN_DAYS, SPANS };
enum { RING_UNKNOWN = -1, RING_MAX = 9990, RING_STEPS_MAX = 672 };

struct measure_info {
	const char *name;    /* "gpu-mem": on the command line and in JSON */
	const char *title;   /* "GPU memory" */
	const char *explain; /* one sentence */
};
struct span_info {
	const char *name;  /* "10m" */
	const char *title; /* "10 minutes" */
	int64_t step_ms;
	size_t steps;
};
extern const struct measure_info measure_infos[MEASURES];
extern const struct span_info span_infos[SPANS];
/* By name; MEASURES and SPANS when there is none of that name. */
enum measure measure_named(const char *name);
enum span span_named(const char *name);

struct rings;

struct rings *rings_create(void);
void rings_destroy(struct rings *r); /* NULL is fine */

/* One reading. Several within a step are averaged. One that is older than the step under way is left out, unless the clock was set
 * back so far that nothing kept is from before it: then the ring begins anew. */
void rings_add(struct rings *r, int64_t at_ms, const int16_t values[MEASURES]);
/* The last n steps, oldest first, the last one being that of now_ms. */
void rings_read(const struct rings *r, enum measure m, enum span s, int64_t now_ms, int16_t *out, size_t n);
/* The last reading of all; unknown before the first. Returns when it was; 0: never. */
int64_t rings_last(const struct rings *r, int16_t out[MEASURES]);

/* What is worth keeping over a restart (all but the finest ring), appended as bytes of this machine; and back. take reads one from the
 * beginning of p: how many bytes it was, 0 when it is none. */
void rings_put(const struct rings *r, struct str *out);
size_t rings_take(struct rings *r, const char *p, size_t len);

#endif
