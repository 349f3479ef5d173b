/* Inside of the fetch step: fetch.c decides what comes next, fetch_nodes.c talks with nodes. */
#ifndef CORE_RUN_FETCH_PRIV_H
#define CORE_RUN_FETCH_PRIV_H
#include "core/run/fetch.h"
#include "core/run/listing.h"

/* Of one source on one node. */
struct fetch_need {
	bool differs;		/* it is not there as it is in its store: planned, and put in place */
	unsigned char *missing; /* a bit an object: to be fetched; NULL: none */
	size_t n_missing;
};

/* An object that a node did not get. */
struct fetch_left {
	size_t object;
	int status; /* of HTTP; 0: no answer; −1: another size than it should have */
};

struct fetch_node {
	struct fetch_need *needs; /* one a source */
	bool behind;		  /* any of them differs */
	int64_t done, now, total; /* bytes that came: of windows that are over, and until now; that are to come in all */
	struct fetch_left *left;  /* of the present window */
	size_t n_left, left_cap;
	struct str line; /* of its output, the last, which is not whole yet */
	char why[300];	 /* what its tools complained of; "" */
};

struct fetch {
	struct op *op;
	struct listing *listing;
	char *ticket;
	struct fetch_node *nodes;
	size_t n_nodes;
	/* The window: objects [lo, hi) of a source, those of them that a node lacks, and links to these. */
	size_t source, lo, hi, *asked, n_asked;
	json_t *links;
	struct call *call;
	int64_t linked_at_ms;
	int idle, anew, lost; /* tries that brought nothing; listings anew; connections lost */
	unsigned timer;
	json_t *notes;
	int64_t started_ms, told_at_ms;
};

/* Has the node yet to fetch an object (its index)? And: now it has it. */
bool fetch_is_missing(const struct fetch_need *n, size_t object);
void fetch_got(struct fetch_need *n, size_t object);

/* Each ends with the function that comes next, or with an error. */
void fetch_ask_state(struct fetch *f, void (*next)(struct op *op));
void fetch_plan(struct fetch *f, void (*next)(struct op *op));
void fetch_get(struct fetch *f, void (*next)(struct op *op));
void fetch_place(struct fetch *f, void (*next)(struct op *op));
void fetch_lost(struct op *op, const struct err *err); /* a command on a node failed; in fetch.c */

#endif
