/* Tables that say which fields a map in a file may have, of what type, and the one function that holds a tree against
 * them: unknown fields with the nearest right word, wrong types, words outside a list, numbers out of range, patterns. What
 * such a table cannot say (rules between fields) is checked by whoever reads the values. */
#ifndef CORE_MODEL_SCHEMA_H
#define CORE_MODEL_SCHEMA_H
#include "core/model/yaml.h"

enum {
	S_NULL = 1,
	S_BOOL = 2,
	S_INT = 4,  /* a whole number; 2.0 is one */
	S_NUM = 8,  /* any number */
	S_STR = 16,
	S_LIST = 32,
	S_MAP = 64,
	S_ANY = 127,
};

struct schema;
struct schema_type {
	unsigned kinds;		       /* S_…; 0: the field is refused, and `want` says why and what to write */
	const char *want;	       /* what is wanted, for people: "minutes, like 30, or a duration like 2h" */
	const char *const *words;      /* text must be one of these, case folded; NULL-terminated */
	bool (*check)(const char *text); /* text must pass; where a map is allowed: its keys instead */
	const char *key_want;	       /* what keys must be, for people */
	bool ranged;		       /* numbers must be in [min, max] */
	double min, max;
	const struct schema *map;      /* S_MAP with named fields */
	const struct schema_type *each; /* what list items, and values of a map without fields, must be; NULL: anything */
	size_t max_items;	       /* of a list or map; 0: no limit */
	bool some, unique;	       /* a list: not empty; no item twice */
};

struct schema_field {
	const char *name;
	struct schema_type type;
	bool required;
	bool internal; /* read, but not spoken of: other programs write it */
};

struct schema {
	const char *what; /* whose fields: "resources" */
	const struct schema_field *fields;
	size_t n;
	bool skip_null; /* a null value is as good as none */
	bool open;	/* unknown fields pass, but for slips of the hand */
};
#define SCHEMA(name, table, ...) {.what = (name), .fields = (table), .n = sizeof(table) / sizeof *(table), __VA_ARGS__}

/* Where a check happens: file is its name for messages. */
struct schema_place {
	const char *file;
	struct where *at; /* may be NULL */
	struct err *err;
};

/* 0, or -1 with INVALID at the first thing that is wrong. */
int schema_check(const struct schema *s, const struct yaml_node *n, const struct schema_place *p);
/* One value under the name it has for people. */
int schema_check_type(
    const struct schema_type *t, const struct yaml_node *n, const char *name, const struct schema_place *p);
const struct schema_field *schema_find(const struct schema *s, const char *name);

#endif
