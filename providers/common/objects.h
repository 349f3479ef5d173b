/* What object stores have in common for OBJECTS (core/provider.h): URIs, and which part of a bucket one names. Pure. */
#ifndef PROVIDERS_COMMON_OBJECTS_H
#define PROVIDERS_COMMON_OBJECTS_H
#include <jansson.h>
#include <stdbool.h>

#include "core/base/err.h"
#include "core/base/mem.h"

/* "SCHEME://BUCKET[/KEY]". The arena's. */
struct objects_uri {
	const char *bucket;
	const char *key;    /* as it stands there, not percent-encoded; "" for the whole bucket */
	const char *prefix; /* of what is below it: "", or the key with one slash at its end */
};

/* uri after "scheme://". INVALID: no bucket's name (letters, digits, "-", "_" and "."; 3 to 222 of them). */
int objects_uri(struct arena *a, const char *uri, struct objects_uri *out, struct err *err);
/* May there be a single object of that key? Not when nothing or a folder is meant. */
bool objects_may_be_one(const struct objects_uri *u);
/* The key of a name below the URI ("": the URI's own). */
const char *objects_key(struct arena *a, const struct objects_uri *u, const char *name);
/* One entry of the answer: name in the prefix. etag NULL: none. New reference. */
json_t *objects_entry(const char *name, int64_t size, const char *etag, bool folder);
/* The list that a member of parsed XML is, whether it occurred once or several times. Borrowed; *one (may be NULL before) keeps a list of one: decref it. */
const json_t *objects_list(const json_t *obj, const char *key, json_t **one);

#endif
