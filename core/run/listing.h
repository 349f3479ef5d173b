/* What the mounts of a task from elsewhere (buckets, the web) are: asked of the providers whose stores they are in. */
#ifndef CORE_RUN_LISTING_H
#define CORE_RUN_LISTING_H
#include <jansson.h>

#include "core/run/objects.h"
#include "core/run/run.h"

struct task;

struct source {
	json_t *item; /* as mounts_remote has it, with "root" and, of a single file, "name" */
	const char *uri, *key;
	char *shown; /* the URI for people, logs and state.db: what is secret in it (the signature of a presigned link) is left out */
	const struct provider *provider;
	struct objects *objects;
	bool single, is_public, other; /* other: not the provider's own store */
	char id[33];
	char *region; /* of the bucket; NULL */
};

struct listing {
	struct engine *engine;
	struct source *v;
	size_t n;
	size_t at; /* which is being asked about */
	struct call *call;
	unsigned timer;
	struct err err;
	void (*told)(void *arg, const struct source *s); /* some more of it is known */
	void (*fn)(void *arg, const struct err *err);
	void *arg;
};

/* Does somebody have a store for each of the task's URIs? UNSUPPORTED names the first without. */
int listing_check(struct engine *e, const struct task *t, struct err *err);
/* Ask about all of them, one after the other. fn once, later, unless destroyed; told may be NULL. NULL: as listing_check. What has no sources calls fn, too. */
struct listing *listing_start(struct engine *e, const struct task *t, void (*told)(void *arg, const struct source *s), void (*fn)(void *arg, const struct err *err),
    void *arg, struct err *err);
void listing_destroy(struct listing *l); /* at any time; NULL is fine */
/* Links to objects of a source: args as OBJECTS has them. New reference. */
json_t *listing_link_args(const struct source *s, const size_t *which, size_t n);

#endif
