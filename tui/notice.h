/* Notices: short lines over the view that say what was ordered, how far it is and how it ended; and the list of all of
 * them. Pure state: the time is passed in. */
#ifndef TUI_NOTICE_H
#define TUI_NOTICE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "tui/canvas.h"
#include "tui/source.h"

enum { NOTICES_MAX = 64, NOTICE_TEXT_MAX = 1100, NOTICE_SHOWN_MS = 4000, NOTICES_AT_ONCE = 3 };

enum notice_state {
	NOTICE_SENT,	/* waits for the engine to take it */
	NOTICE_RUNNING, /* taken: the request goes on */
	NOTICE_DONE,
	NOTICE_FAILED,	/* stays on the screen until a key */
};

struct notice {
	enum notice_state state;
	unsigned number;    /* tells it from all others */
	unsigned ticket;    /* of an order; 0: just a line */
	int64_t request_id; /* 0: not known yet */
	char what[120];	    /* "stop train" */
	char object[64];    /* "train" */
	char text[NOTICE_TEXT_MAX];
	int64_t since_ms, ended_ms;
	bool hidden;	    /* has been seen */
	bool told;	    /* a failure: notices_untold has given it */
	bool unwanted;	    /* is to be stopped as soon as the engine has taken it */
};

/* Newest last. */
struct notices {
	struct notice *list; /* NOTICES_MAX */
	size_t n;
	unsigned next_ticket, next_number;
};

void notices_init(struct notices *ns);
void notices_finish(struct notices *ns);
void notices_say(struct notices *ns, bool bad, const char *text, int64_t now_ms);
/* An order goes out; returns its ticket. */
unsigned notices_order(struct notices *ns, const struct ui_order *order, int64_t now_ms);
void notices_replied(struct notices *ns, unsigned ticket, int64_t request_id, const struct err *err, int64_t now_ms);
/* Follow the requests in a new snapshot. */
void notices_follow(struct notices *ns, const struct ui_snapshot *snap, int64_t now_ms);
/* A key was pressed: failures that have been on the screen are seen now. */
void notices_seen(struct notices *ns, int64_t now_ms);
/* What is going on with an object: the newest order about it that has not ended; NULL. */
const struct notice *notices_about(const struct notices *ns, const char *object);
/* An order that waits for the engine to take it is wanted no more; others are left alone. */
void notices_unwanted(struct notices *ns, unsigned ticket);
/* One of those that the engine has taken meanwhile, once; NULL: there is none. */
const struct notice *notices_to_stop(struct notices *ns);
/* A failure that this has not given yet; NULL: there is none. */
const struct notice *notices_untold(struct notices *ns);
/* Milliseconds until one disappears or its elapsed time changes; -1: none will. */
int64_t notices_wait_ms(const struct notices *ns, int64_t now_ms);
/* "stop train: stopping nodes 1/2" */
void notice_words(const struct notice *n, struct str *out);
/* Over the lower right part of area. but: the ticket of an order that something else tells about; 0. */
void notices_draw(const struct notices *ns, struct canvas *c, struct rect area, int64_t now_ms, unsigned but);

#endif
