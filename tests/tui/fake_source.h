/* A world for screens to be tested in: fixed clusters, jobs and money; orders are carried out by a script, in steps of the loop's
 * time; logs are made up. Nothing in it is random. */
#ifndef TESTS_TUI_FAKE_SOURCE_H
#define TESTS_TUI_FAKE_SOURCE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/source.h"

/* 2026-11-25 12:00 UTC: what time it is in this world. */
#define FAKE_NOW_MS INT64_C(1795608000000)

struct fake_options {
	int64_t now_ms;		/* 0: FAKE_NOW_MS */
	size_t clusters;	/* how many more than the four of the script */
	bool no_engine;
	bool empty;		/* an engine without clusters */
	bool lost;		/* the engine goes away after the first snapshot */
	bool refuse;		/* every order is refused */
	bool hang;		/* orders are accepted and never end */
	int shuffle_ms;		/* a new snapshot with other figures and order every so many ms; 0: never */
	size_t log_lines;	/* of each log at once; 0: 200 */
	int log_per_s;		/* then so many lines a second; 0: none */
	bool log_stamps;	/* a line begins with when it was made (monotonic, ms) and its log's number: "@1234.1 " */
	bool own;		/* there are machines of one's own, whose offers are others whenever somebody looks again */
	const char *log_file;	/* … or the bytes of this file */
	const char *orders_file; /* each order is written here, one line */
};

struct ui_source *fake_source_create(struct loop *l, const struct fake_options *o);

#endif
