/* The settings of a user: ~/.config/skytop/config.yaml. A table says which there are; what is wrong in the file is reported
 * and the default is used, so that a slip in one setting never stops the program. */
#ifndef CORE_MODEL_CONFIG_H
#define CORE_MODEL_CONFIG_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum config_type {
	CONFIG_TEXT,
	CONFIG_URL,	/* http:// or https:// */
	CONFIG_INT,
	CONFIG_MINUTES, /* also as a duration (2h); "never" is -1 */
	CONFIG_DOLLARS, /* micro-dollars; "none" is PRICE_UNKNOWN */
	CONFIG_BOOL,
	CONFIG_CLOUDS,	/* names of clouds; empty: all that have credentials */
};

enum { CONFIG_SEVERAL = 1 };

struct config_key {
	const char *name; /* "catalog.url" */
	enum config_type type;
	const char *dflt; /* as it would be written; "" for empty text and lists */
	int64_t min, max; /* CONFIG_INT and CONFIG_MINUTES; CONFIG_TEXT: min is CONFIG_SEVERAL where it is several, with commas: a list will do */
	const char *help; /* one sentence */
};
extern const struct config_key config_keys[];
extern const size_t config_n_keys;
const struct config_key *config_key_find(const char *name); /* NULL: there is none */

struct config;
/* Read a file; path NULL is the user's. A missing file is all defaults. Never NULL. Blocks on the disk. */
struct config *config_load(const char *path);
struct config *config_parse(const char *text, size_t len, const char *file);
void config_destroy(struct config *c); /* NULL is fine */

/* What was wrong: "FILE:LINE:COLUMN: …; the default is used". */
size_t config_n_problems(const struct config *c);
const char *config_problem(const struct config *c, size_t i);

/* Values. An unknown name or one of another type aborts: a slip in our own code. Borrowed from c. */
const char *config_text(const struct config *c, const char *name); /* "" when unset */
int64_t config_int(const struct config *c, const char *name);	   /* CONFIG_INT, CONFIG_MINUTES, CONFIG_DOLLARS */
bool config_bool(const struct config *c, const char *name);
/* Canonical names, NULL-terminated, *n of them (n may be NULL). */
const char *const *config_clouds(const struct config *c, const char *name, size_t *n);
/* Where a value is from: "default", or "FILE:LINE". */
const char *config_source(const struct config *c, const char *name);
/* The value as it would be written. */
const char *config_shown(const struct config *c, const char *name);
/* What stands under one name in the file ("local"), with defaults filled in, for whoever takes its settings as JSON. New ref. */
json_t *config_section(const struct config *c, const char *name);

/* Check a value as the file would be checked; a list is written a,b. 0, or INVALID saying what is allowed. */
int config_check(const char *name, const char *value, struct err *err);
/* Write one setting into the file (path NULL: the user's), which is made when it is not there and otherwise changed in that
 * place alone: comments and order stay. value NULL takes the setting out. Refused, with nothing changed: an unknown name, a bad
 * value, a file that is not valid YAML, or one written in a form that cannot be changed safely. Whole or not at all. */
int config_set(const char *path, const char *name, const char *value, struct err *err);

#endif
