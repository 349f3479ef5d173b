/* What is leased of a machine: so many GPUs (or a part of one), CPUs, memory. Its name says all of it, so that a type that was chosen
 * an hour ago means the same on any host. */
#ifndef PROVIDERS_SSH_SHAPE_H
#define PROVIDERS_SSH_SHAPE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum { SHAPE_MODEL_MAX = 80, SHAPE_NAME_MAX = 160, SHAPES_MAX = 256 };

struct shape {
	char model[SHAPE_MODEL_MAX]; /* "" without GPUs */
	int64_t gpu_milli;	     /* thousandths: 500 is half a GPU; above 1000 whole ones only */
	int64_t cpus;		     /* 0: not counted, the host does not say how many it has */
	int64_t mem_mib;	     /* 0: not counted */
};

/* "8cpu-32gb", "4xH100-48cpu-900gb", "0.5xH100-6cpu-112gb", "2cpu-512mb". */
void shape_name(const struct shape *s, char buf[SHAPE_NAME_MAX]);
/* The shape that a name means; false: none. */
bool shape_parse(const char *name, struct shape *out);

/* A machine as shapes see it. */
struct shape_host {
	int64_t cpus, mem_mib; /* 0: not known */
	const char *model[64]; /* of its GPUs, several models possible */
	int64_t count[64];
	size_t n_models;
	int64_t gpus; /* of all models */
};
/* The shapes in which a machine is offered: 1, 2, 4, … and all CPUs; a tenth, a quarter, half, 1, 2, 4, … and all GPUs of a model; each with
 * its share of the rest. Returns how many. */
size_t shapes_of(const struct shape_host *h, struct shape out[SHAPES_MAX]);
/* What a shape costs of a machine that costs so much as a whole. */
int64_t shape_price(const struct shape *s, const struct shape_host *h, int64_t whole_uusd_h);

#endif
