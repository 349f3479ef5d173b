/* The language in which offers are filtered: at `/` on the screen, and as arguments of `skytop offers`.
 *
 *   words            h100 us-east       every word must occur in one of: GPU, cloud, instance, region, zone (case folded);
 *                    h100,h200          any of several; "two words" is one
 *   field:value      cloud:aws,gcp region:us-* gpu:H100 instance:p5* zone: arch:arm64 avail:yes,low source:
 *                                       whole value, globs with * and ?, any of several; gpu:* has one, zone:"" none
 *   comparisons      price<2.5 spot<=1 pergpu<3 n>=8 (or gpu>=8) mem>=80 (GB of one GPU) ram>=64 vcpu>=16
 *                    reclaim<10 saving>50                < <= > >= = !=; an unknown value fails them all
 *   spot             sold as spot
 *   NAME:COUNT       H100:8, H100:8+    as SkyPilot writes accelerators
 *   /regex/          extended, case folded, over the same texts as words
 *   !term            not
 *
 * Terms are joined by "and". Pure: no I/O, no clock. A filter belongs to no table: it is run over whatever is current. */
#ifndef CORE_PLAN_FILTER_H
#define CORE_PLAN_FILTER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/model/offer.h"

struct filter;

/* Where a text is wrong: bytes [at, at + len). incomplete: it is the beginning of something right ("price<", "cloud:",
 * "/a"), so that a screen that filters as one types keeps the last good filter and waits. */
struct filter_error {
	size_t at, len;
	bool incomplete;
};

enum { FILTER_MAX_TEXT = 1000, FILTER_MAX_TERMS = 60 };

/* Compile. "" and blanks match everything. NULL: err says what is wrong, at which column, and the nearest right word;
 * *where (may be NULL) has the position. Caller destroys. */
struct filter *filter_compile(const char *text, struct filter_error *where, struct err *err);
/* NULL is fine. */
void filter_destroy(struct filter *f);
/* True when everything matches (also for NULL). */
bool filter_is_empty(const struct filter *f);

/* A list of rows: indices into offers.rows. Zero-initialised is empty; kept and used again from run to run. */
struct offer_list {
	uint32_t *rows;
	size_t n, cap;
};
void offer_list_free(struct offer_list *l);

/* All rows that match, in table order, replace what is in *out. f may be NULL: all. Texts and numbers of types and places
 * are looked at once each; the rows cost a few instructions: 140,000 take well under a millisecond. */
void filter_run(const struct filter *f, const struct offers *o, struct offer_list *out);
/* One row. For a single question; slower than filter_run per row. */
bool filter_match(const struct filter *f, const struct offers *o, size_t row);

/* Where positive words and regexes match in a cell's text, to highlight: at most max spans, in order, not overlapping.
 * Returns how many. */
struct filter_span {
	size_t at, len;
};
size_t filter_spans(const struct filter *f, const char *text, struct filter_span *spans, size_t max);

/* What a completion offers after typing `prefix` as the start of a term: names of fields with their operator ("cloud:",
 * "price<"). Borrowed, static; fills at most max, returns how many. */
size_t filter_complete(const char *prefix, const char **out, size_t max);
/* One line of help a kind of term, for `?` and for `skytop offers --help`; NULL-terminated, static. */
const char *const *filter_help(void);

#endif
