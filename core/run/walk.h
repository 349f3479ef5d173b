/* Looking at a folder of this machine: what of it is to be on the nodes. Blocks: for the packer, not for the loop. */
#ifndef CORE_RUN_WALK_H
#define CORE_RUN_WALK_H
#include "core/model/tree.h"

/* What is not an error, for people. Each at most a line; the first few of a kind are named, the rest counted. */
struct walk_notes {
	struct str specials; /* names of sockets, pipes and devices, which stay here */
	size_t n_specials;
};

enum walk_rules {
	WALK_ALL,     /* everything */
	WALK_IGNORES, /* less what .skyignore in the folder itself names; without one, less what .gitignore files in it and below and
		       * .git/info/exclude name */
};

/* The tree of a folder (a link to one is followed, links inside are links), sorted; folders always with rwx for their owner. NULL with
 * err: a folder that cannot be read is named. What vanishes meanwhile is not in it. A file written within the last moments has the
 * mtime TREE_MTIME_UNSURE. */
struct tree *walk_folder(const char *path, enum walk_rules rules, struct walk_notes *notes, struct err *err);

/* Fill type, mode, size and mtime of an entry from what lstat said; false for what cannot be sent. */
struct stat;
bool walk_entry(const struct stat *st, int64_t now_ns, struct tree_entry *e);
int64_t walk_now_ns(void);

#endif
