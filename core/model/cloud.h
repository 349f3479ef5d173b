/* The names of clouds, and the short form "cloud/region/zone" of where something runs. */
#ifndef CORE_MODEL_CLOUD_H
#define CORE_MODEL_CLOUD_H
#include <stdbool.h>
#include <stddef.h>

#include "core/base/mem.h"

struct cloud {
	const char *name;  /* "aws": lower case, as everywhere in this program */
	const char *title; /* "AWS": for people */
	bool one_name;	   /* what follows the slash is one name, slashes and all: a Kubernetes context */
};

/* Case folded; aliases ("k8s") are understood. NULL: not known. */
const struct cloud *cloud_find(const char *name);
/* The i-th; NULL past the end. */
const struct cloud *cloud_at(size_t i);
/* The known name nearest to a mistyped one; NULL. */
const char *cloud_nearest(const char *name);

struct place {
	const char *cloud, *region, *zone; /* NULL: any */
};
/* "aws", "aws/us-east-1/us-east-1a", "k8s/context", "* /us-east-1" (without the blank). NULL, or what is wrong as the end of a
 * sentence; texts are the arena's. */
const char *infra_parse(struct arena *a, const char *text, struct place *out);
/* The shortest text that means the place; NULL when it is anywhere. */
const char *infra_text(struct arena *a, const struct place *p);

#endif
