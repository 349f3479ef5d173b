/* A tree of files as sync knows it: what was there when it was looked at, and what differs from another look. Pure.
 *
 * Printed (manifests are kept between syncs) as one record an entry, in order of path, each ended by a NUL:
 *	f MODE SIZE MTIME_NS PATH | d MODE 0 0 PATH | l 777 0 0 PATH NUL TARGET        (MODE octal; PATH "." for the root folder) */
#ifndef CORE_MODEL_TREE_H
#define CORE_MODEL_TREE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/str.h"

enum {
	TREE_ENTRIES_MAX = 1000000,
	TREE_PATH_MAX = 3000,	  /* bytes of a path below the root, and of a link's target */
	TREE_NAME_MAX = 255,
	TREE_TEXT_MAX = 1 << 30,  /* of a printed tree */
	TREE_MTIME_UNSURE = -1,	  /* it may have changed while it was looked at: differs from everything */
};

enum tree_type { TREE_FILE = 'f', TREE_DIR = 'd', TREE_LINK = 'l' };

struct tree_entry {
	enum tree_type type;
	unsigned mode;	    /* permission bits; 0777 for links */
	int64_t size;	    /* of files, else 0 */
	int64_t mtime_ns;   /* of files, else 0 */
	const char *path;   /* "a/b", never with "." or ".." or an empty part; "" is the root folder */
	const char *target; /* of links, else NULL */
};

struct tree {
	struct tree_entry *v; /* by path (strcmp) once sorted */
	size_t n, cap;
	struct arena *texts;
};

struct tree *tree_create(void);
void tree_destroy(struct tree *t); /* NULL is fine */
/* Append a copy. INVALID: too many entries, a path that is too long or that no node could keep. */
int tree_add(struct tree *t, const struct tree_entry *e, struct err *err);
void tree_sort(struct tree *t);
/* Drop the entries whose mark is set; marks has t->n members. */
void tree_drop(struct tree *t, const bool *marks);

void tree_print(const struct tree *t, struct str *out);
/* A sorted tree without doubles, or NULL: PROTOCOL. */
struct tree *tree_parse(const char *text, size_t len, struct err *err);

struct tree_change {
	size_t files, folders; /* to be sent; links count as files */
	size_t deleted;
	int64_t bytes;
};
/* Both sorted; old may be NULL (nothing is there). touched (old->n members, may be NULL) marks what is no longer on the other side as
 * old has it. send (now->n members) gets what must travel: the new, the changed, the touched, and every folder above such a one.
 * True: there is a difference. */
bool tree_compare(const struct tree *old, const bool *touched, const struct tree *now, bool *send, struct tree_change *sum);

#endif
