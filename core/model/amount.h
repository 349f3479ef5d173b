/* Amounts, sizes, durations and ports as people write them in task files and on the command line. Every reader gives NULL
 * when the text is fine, otherwise what is wrong with it, as the end of a sentence: "must be …". Outputs are untouched then. */
#ifndef CORE_MODEL_AMOUNT_H
#define CORE_MODEL_AMOUNT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/mem.h"

/* "at least 4", "exactly 16", "4 per vCPU" or nothing. */
struct amount {
	bool set;
	bool at_least;	/* written with + */
	bool per_vcpu;	/* memory only: "4x" */
	int64_t micro;	/* millionths of a vCPU; for memory millionths of a GiB */
	const char *text; /* canonical text: "8+", "16.0"; NULL when not set */
};

/* "4", "0.5", "8+". The text comes from the arena. */
const char *amount_cpus(struct arena *a, const char *text, struct amount *out);
/* "16", "16+", "16GB", "1.5TB+", "4x" (GiB per vCPU). Units are binary, in any case. `may_be_zero`: Slurm's "all of it". */
const char *amount_memory(struct arena *a, const char *text, bool may_be_zero, struct amount *out);
/* "256", "500GB", "1TB" as whole GiB; "500+" when at_least is not NULL. */
const char *amount_disk(const char *text, int64_t *gib, bool *at_least);
/* "30", "10m", "2h", "1d", "1w" as minutes. */
const char *amount_minutes(const char *text, int64_t *minutes);
/* "30", "30s", "5m", "1h", "1d", "1w" as seconds. */
const char *amount_seconds(const char *text, int64_t *seconds);
/* "nvme", "ssd", "nvme:500", "500+" → canonical "nvme:500+". */
const char *amount_local_disk(struct arena *a, const char *text, const char **out);
/* A finite decimal, also with an exponent, blanks around it allowed. */
bool amount_number(const char *text, double *out);

/* A set of ports, to which texts like "8080", "8080-8090" and "80,443" are added. */
struct port_set;
struct port_set *port_set_create(void);
void port_set_destroy(struct port_set *p);
/* NULL or what is wrong; the text is the arena's. */
const char *port_set_add(struct port_set *p, struct arena *a, const char *text);
/* Sorted, neighbours merged: "8080-8082", "9000". The array and its texts are the arena's; NULL when empty. */
const char **port_set_ranges(const struct port_set *p, struct arena *a, size_t *n);

#endif
