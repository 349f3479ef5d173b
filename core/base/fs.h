/* Files and the folders skytop lives in. */
#ifndef CORE_BASE_FS_H
#define CORE_BASE_FS_H
#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

/* The folders of this user (XDG), or all under $SKYTOP_HOME when that is set. Absolute, no trailing slash. */
enum home_dir {
	HOME_CONFIG,  /* ~/.config/skytop         | $SKYTOP_HOME/config */
	HOME_STATE,   /* ~/.local/state/skytop    | $SKYTOP_HOME/state  */
	HOME_CACHE,   /* ~/.cache/skytop          | $SKYTOP_HOME/cache  */
	HOME_DATA,    /* ~/.local/share/skytop    | $SKYTOP_HOME/data   */
	HOME_RUNTIME, /* $XDG_RUNTIME_DIR/skytop (else the state folder)  | $SKYTOP_HOME/run */
};
/* "<folder>/<name>", name may be "". The caller frees. */
char *home_path(enum home_dir dir, const char *name);
/* Where the installed data files are (agent, recipes, themes, snapshot): $SKYTOP_SHARE, else the build tree's share/ and
 * themes/ when the program runs from there, else pkgdatadir. "<folder>/<name>"; the caller frees. */
char *share_path(const char *name);

char *path_join(const char *dir, const char *name); /* caller frees */
const char *path_base(const char *path);	    /* points into path */
/* "~" and "~/x" expanded with $HOME; else a copy. Caller frees. */
char *path_expand(const char *path);

/* Make a folder and its parents, new ones with mode 0700. An existing folder is fine. */
int fs_mkdirs(const char *path, struct err *err);
bool fs_exists(const char *path);
bool fs_is_dir(const char *path);
/* The whole of a regular file, NUL-terminated, at most max bytes (more: INVALID). len may be NULL. Caller frees. Blocks on the disk. */
char *fs_read(const char *path, size_t max, size_t *len, struct err *err);
/* Write whole files or nothing: a temporary beside it, fsync, rename. mode as for open. */
int fs_write(const char *path, const void *data, size_t len, unsigned mode, struct err *err);
/* Delete a tree without following links, however deep it is, and also folders of ours that are read-only. Missing is fine, and
 * so is another process that deletes the same at the same time. */
int fs_remove_tree(const char *path, struct err *err);

#endif
