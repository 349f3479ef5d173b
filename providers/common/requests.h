/* The arguments of verbs, for cloud sides: looked at before they are believed. */
#ifndef PROVIDERS_COMMON_REQUESTS_H
#define PROVIDERS_COMMON_REQUESTS_H
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/provider.h"

struct sandbox;

enum { REQUEST_NODES_MAX = 1000, REQUEST_NAME_MAX = 256 };

/* The parts of a request. Borrowed; never NULL but config. */
struct request {
	enum provider_verb verb;
	const json_t *args, *config;
	const char *state_dir, *self;
	int64_t now_ms;
};
int request_parse(const json_t *request, struct request *out, struct err *err);

/* CREATE: a cluster, 1…1000 nodes with tokens that differ. INVALID otherwise. */
int request_check_create(const json_t *args, struct err *err);
/* The record of one node that CREATE asks for. New reference. */
json_t *request_record(const json_t *args, const json_t *node);
/* How many of the nodes that CREATE asks for are not there yet. */
size_t request_missing(const struct sandbox *sb, const json_t *args);
/* The first node of CREATE that is there already, though in a state that ends; NULL. Borrowed. */
json_t *request_ending(const struct sandbox *sb, const json_t *args);

/* START and STOP name nodes by "ids", by "cluster", or by both, of which ids counts within the cluster. TERMINATE means
 * all of the cluster and all of the ids. */
bool request_names(const struct sandbox *sb, const json_t *args, const json_t *rec);
bool request_condemns(const struct sandbox *sb, const json_t *args, const json_t *rec);
/* INVALID when neither ids nor cluster is given. */
int request_check_target(const json_t *args, struct err *err);
/* The cluster whose records have to be loaded to serve such a request; NULL: all of them. */
const char *request_scope(const json_t *args, bool or_ids);

/* A plain number of a configuration, integer, real or text ("0.35"), in millionths; dflt when absent. Negative ones and
 * nonsense are INVALID, and `what` says whose key it is. */
int request_micro(const json_t *obj, const char *key, const char *what, int64_t dflt, int64_t *out, struct err *err);
/* A whole number in [0, max]. */
int request_whole(
    const json_t *obj, const char *key, const char *what, int64_t max, int64_t dflt, int64_t *out, struct err *err);

#endif
