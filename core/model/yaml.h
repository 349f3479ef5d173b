/* YAML 1.1 files as a tree that knows where each thing stood. Scalars are resolved as PyYAML's safe loader does, because
 * task files were written for it: yes, no, on and off are booleans, 017 is fifteen, 0o17 and 1e3 are text, 1:30 is ninety.
 * Used for task files, the config file and themes. */
#ifndef CORE_MODEL_YAML_H
#define CORE_MODEL_YAML_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/model/where.h"

enum yaml_kind { YAML_NULL, YAML_BOOL, YAML_INT, YAML_FLOAT, YAML_DATE, YAML_STRING, YAML_LIST, YAML_MAP };

struct yaml_pair;
/* What an alias names is one node with several parents. Nothing in a tree is its own ancestor. */
struct yaml_node {
	enum yaml_kind kind;
	bool quoted;	    /* a scalar in quotes, or a block of text */
	bool hidden;	    /* holds a secret: errors do not repeat it */
	int line, column;   /* where it starts */
	const char *source; /* NULL: the file; otherwise what it came from: "--gpus". Then line is 0 */
	const char *text;   /* scalars: as written, without quotes; NUL-terminated and without NULs inside */
	size_t len;
	bool flag;	    /* YAML_BOOL */
	int64_t integer;    /* YAML_INT */
	bool too_big;	    /* YAML_INT that does not fit: integer is unusable, text has its digits */
	double real;	    /* YAML_FLOAT; for YAML_INT the same number */
	struct yaml_node **items; /* YAML_LIST */
	struct yaml_pair *pairs;  /* YAML_MAP: in the order of the file; merge keys (<<) are resolved; keys differ */
	size_t n;	    /* of items or pairs */
	size_t weight;	    /* nodes below and with it, aliases counted each time */
};
struct yaml_pair {
	struct yaml_node *key, *value; /* neither is NULL; keys are scalars */
};

/* What is read at most. 0: the default in brackets. */
struct yaml_limits {
	size_t bytes;	 /* [10 MB] */
	size_t nodes;	 /* [200,000] */
	size_t expanded; /* nodes when every alias is written out [1,000,000] */
	int depth;	 /* [64] */
};

struct yaml_options {
	struct yaml_limits limits;
	/* On a syntax error: is there something on this line that is to be read as if it were in double quotes? column is the
	 * byte offset of the error. Gives the bytes [*from, *to), on which the file is parsed again. NULL: never. */
	bool (*quote)(const char *line, size_t len, size_t column, size_t *from, size_t *to);
};

/* A parsed file: its documents in order. The roots and all below belong to it. */
struct yaml_file {
	struct arena *arena;
	struct yaml_node **docs; /* an empty document is a YAML_NULL node */
	size_t n;
};

/* Parse. `file` is its name for messages. opt may be NULL. Failure: INVALID, "FILE:LINE:COLUMN: …", the position also in *at
 * (may be NULL; at->file is `file`). Refused: bytes that are not UTF-8, NULs, duplicate keys at any depth, keys that are
 * lists or maps, unknown tags, an anchor within itself, and what is past the limits. */
struct yaml_file *yaml_parse(const char *text, size_t len, const char *file, const struct yaml_options *opt,
    struct where *at, struct err *err);
/* Read a file and parse it; "-" is stdin. Blocks. */
struct yaml_file *yaml_parse_file(const char *path, const struct yaml_options *opt, struct where *at, struct err *err);
/* The bytes of a file, or of stdin for "-": at most max (0: 10 MB), otherwise INVALID. Caller frees. Blocks. */
char *yaml_slurp(const char *path, size_t max, size_t *len, struct err *err);
void yaml_file_free(struct yaml_file *f); /* NULL is fine */

/* The value of a key (by its text), or NULL when map is not a map or has no such key. */
struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);
/* As yaml_get, but NULL also for a null value. */
struct yaml_node *yaml_get_set(const struct yaml_node *map, const char *key);
/* The key itself, for messages about it. */
const struct yaml_node *yaml_key(const struct yaml_node *map, const char *key);
/* A whole number: an integer, or a float without a fraction. */
bool yaml_whole(const struct yaml_node *n, int64_t *out);

/* Nodes that stand in no file. All from the arena. */
struct yaml_node *yaml_new_string(struct arena *a, const char *text, const char *source);
struct yaml_node *yaml_new_int(struct arena *a, int64_t v, const char *source);
struct yaml_node *yaml_new_bool(struct arena *a, bool v, const char *source);
struct yaml_node *yaml_new_map(struct arena *a, const char *source);
/* A copy of the node itself; what is below it is shared. For changing it without changing other aliases of it. */
struct yaml_node *yaml_copy(struct arena *a, const struct yaml_node *n);
/* Set or replace (NULL: remove) the value of a key in a map. */
void yaml_put(struct arena *a, struct yaml_node *map, const char *key, struct yaml_node *value);

/* Resolve a plain scalar: fills kind and value of n from n->text. */
void yaml_resolve(struct yaml_node *n);
/* str(v) as Python writes it: True, None, 1.5, [1, 'a'], {'k': 1}. arena's. */
const char *yaml_python(struct arena *a, const struct yaml_node *n);
/* The shortest decimal that means the same double, as Python's repr: 0.5, 1e+16, 2.0. buf ≥ 32. */
const char *yaml_float_text(double v, char *buf, size_t size);
/* As JSON: keys become strings, dates their text, inf and nan null. New reference. */
json_t *yaml_json(const struct yaml_node *n);

/* "a list", "the number 12", "the text 'abc'": for messages; never more than 60 characters of it. buf ≥ 128. */
const char *yaml_describe(const struct yaml_node *n, char *buf, size_t size);
const char *yaml_kind_name(enum yaml_kind kind); /* "a list" */

/* INVALID with "FILE:LINE:COLUMN: text" at a node ("--gpus: text" for one from a source), the position also in *at. n NULL:
 * the file as a whole. Returns -1. */
int yaml_err(struct err *err, struct where *at, const char *file, const struct yaml_node *n, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

#endif
