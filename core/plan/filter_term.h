/* What filter_parse.c makes and filter.c runs: the terms of a filter. No one else includes it. */
#ifndef CORE_PLAN_FILTER_TERM_H
#define CORE_PLAN_FILTER_TERM_H
#include <regex.h>

#include "core/base/mem.h"
#include "core/plan/filter.h"

/* What a field is a property of: where it has to be looked at, and how often. */
enum field_scope { SCOPE_TYPE, SCOPE_PLACE, SCOPE_SOURCE, SCOPE_ROW };

enum field_id {
	FIELD_CLOUD,
	FIELD_GPU,
	FIELD_INSTANCE,
	FIELD_ARCH,
	FIELD_REGION,
	FIELD_ZONE,
	FIELD_SOURCE,
	FIELD_AVAIL,
	FIELD_PRICE,
	FIELD_SPOT,
	FIELD_PER_GPU,
	FIELD_COUNT,
	FIELD_GPU_MEM,
	FIELD_RAM,
	FIELD_VCPU,
	FIELD_RECLAIM,
	FIELD_SAVING,
};

struct field {
	const char *name;
	const char *aliases;	/* blank-separated */
	enum field_id id;
	enum field_scope scope;
	bool numeric;
	int limit_factor;	/* a written number in millionths, times this, is in the unit of the field's values */
	const char *help;
};

enum term_kind {
	TERM_WORDS,  /* one of values[] occurs in a text of type or place */
	TERM_REGEX,  /* regex is found in one of them */
	TERM_TEXT,   /* the field's text is one of values[] (globs) */
	TERM_NUMBER, /* the field's number lies in one of the ranges */
	TERM_SPOT,   /* sold as spot */
	TERM_ACCEL,  /* values[0] is the accelerator, ranges[0] its count */
};

struct range {
	int64_t lo, hi; /* both included */
};

struct term {
	enum term_kind kind;
	bool negated;	   /* !term */
	bool outside;	   /* != : known, and in none of the ranges */
	const struct field *field;
	const char **values; /* words are in lower case */
	size_t n_values;
	struct range *ranges;
	size_t n_ranges;
	regex_t *regex;
};

struct filter {
	struct arena *arena; /* owns all but the insides of the regexes */
	struct term terms[FILTER_MAX_TERMS];
	size_t n;
};

/* The table of fields, ended by a NULL name. */
extern const struct field filter_fields[];

#endif
