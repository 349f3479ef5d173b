/* A scripted web server on loopback, on the test's own loop. */
#ifndef TESTS_RUN_WEB_H
#define TESTS_RUN_WEB_H
#include <stddef.h>
#include <stdint.h>

#include "core/io/loop.h"

enum web_act { WEB_REPLY, WEB_DROP, WEB_CUT, WEB_HANG };

/* What the next request for a path gets; the last one of a path is for all that follow. */
struct web_rule {
	const char *path;    /* what its path begins with */
	enum web_act act;    /* DROP: the connection ends; CUT: after half of the body; HANG: no answer */
	int status;
	const char *headers; /* "A: b\r\n"; NULL: none */
	const char *body;    /* NULL: the path itself */
	size_t pad;	     /* so many more bytes of body */
	int64_t delay_ms;
};

struct web_seen {
	char *path, *text; /* text: the whole request */
	int64_t at_ms;	   /* monotonic */
};

struct web {
	struct loop *loop;
	int fd, port;
	const struct web_rule *rules;
	size_t n_rules;
	int used[64];
	struct web_seen *seen;
	size_t n_seen, seen_cap;
	int open[10], most[10]; /* requests at once, in all and by the digit that their path ends in */
	struct web_conn *conns;
};

void web_open(struct web *w, struct loop *l, const struct web_rule *rules, size_t n);
void web_close(struct web *w);
/* How many requests began with this path. */
size_t web_count(const struct web *w, const char *path);
/* The nth (0…) of them; NULL: there is none. */
const struct web_seen *web_nth(const struct web *w, const char *path, size_t n);

#endif
