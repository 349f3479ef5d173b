/* The catalog's newest prices from the clouds themselves (OFFERS {"catalog": true}), in the process that wants them: no engine is asked. */
#ifndef CORE_API_LIVE_H
#define CORE_API_LIVE_H
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/provider.h"
#include "core/store/catalog.h"

struct live_update {
	const struct provider *const *providers; /* NULL-terminated */
	const char *const *clouds; /* names, NULL-terminated; NULL or none: every cloud that answers without more being said */
	const char *self;	   /* path of this program */
	json_t *provider_config;   /* {"aws": {…}, "http": {…}}; borrowed; may be NULL */
	const char *(*var)(const char *name); /* the environment; NULL: the process's */
	int64_t deadline_ms;	   /* for everything; 0: fifteen minutes */
	bool force;		   /* take a list however short it is */
	/* How far a cloud is: offers so far, and its own words ("us-east-1", ""); over: it is done, or (text) left out, why. May be NULL. */
	void (*progress)(void *arg, const char *cloud, size_t offers, const char *text, bool over);
	void *arg;
};

/* Ask all at once, then put those whose whole answer came into the catalog, in one transaction: a price that moved leaves its mark in the
 * history. What broke off, is empty, or has less than half of what came last time from there, leaves the old offers and marks them stale;
 * a cloud without credentials is left out, unless it was named: then it is refused. -1 when nothing could be had or written. Blocks. */
int live_update(const struct live_update *want, struct import_report *report, struct err *err);
/* The same with the files named; snapshot may be NULL. */
int live_update_at(const char *path, const char *snapshot, const struct live_update *want, struct import_report *report, struct err *err);

/* Does this provider have a price list of its own, unlike machines of this computer or of one's own? */
bool live_has_list(const struct provider *p);

#endif
