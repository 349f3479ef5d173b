/* What a URI of an object store names, as files and folders to be: names that are safe below a folder, in order, with the folders above them. Pure. */
#ifndef CORE_RUN_OBJECTS_H
#define CORE_RUN_OBJECTS_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/str.h"

enum { OBJECTS_MAX = 100000, OBJECTS_NAMES_MAX = 64 << 20 };

struct object {
	const char *name; /* in its store, below the URI; "" is the URI's own */
	const char *path; /* below the destination: "a/b" */
	const char *etag; /* NULL: its store tells none */
	int64_t size;
	uint64_t id;	  /* of this content at this place: another when name, size or etag is another */
};

struct objects {
	struct object *v; /* by path, once arranged */
	size_t n, cap;
	const char **folders; /* by path, "" (the destination itself) first; none for a single object */
	size_t n_folders, folders_cap;
	size_t seen, names_bytes, folders_bytes, left_out;
	int64_t bytes;
	struct str left_names; /* the first few that were left out, and why, for people */
	struct arena *texts;
};

struct objects *objects_create(void);
void objects_destroy(struct objects *o); /* NULL is fine */

/* Take a part of OBJECTS' answer. INVALID: more than OBJECTS_MAX, or names of more than OBJECTS_NAMES_MAX bytes; PROTOCOL. */
int objects_take(struct objects *o, const json_t *part, struct err *err);
/* After the last: paths are made, what cannot be a file is left out. single: the one object is the file `as`. INVALID: the paths of all folders are more
 * than OBJECTS_NAMES_MAX bytes, which names that are deep enough come to. */
int objects_arrange(struct objects *o, bool single, const char *as, struct err *err);

/* The path below a folder that a name stands for: no empty parts, at most 3000 bytes, parts of at most 255. NULL: it is none, since it would lead out of there (".."),
 * or no file system or shell would take it; *why says so. Caller frees. */
char *objects_path(const char *name, const char **why);
/* What all of it is called: 32 hex digits, others when anything in it is another. */
void objects_id(const struct objects *o, char id[33]);

#endif
