/* Recipes: task files to start from. They are read where they lie: the person's own folder first (recipes beside config.yaml), then the
 * installed one, so that a file of the same name replaces ours. */
#ifndef TUI_RECIPE_H
#define TUI_RECIPE_H
#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

struct recipe {
	char *name, *path, *text;
	char *title, *needs; /* its first comment line, and what follows "# Needs: "; may be "" */
	bool own;	     /* from the person's folder */
};

struct recipes {
	struct recipe *v; /* by name */
	size_t n, cap;
};

/* Both folders. NOT_FOUND names them when there is no recipe in either. *rs is to be freed in any case. Blocks on the disk. */
int recipes_load(struct recipes *rs, struct err *err);
void recipes_free(struct recipes *rs);
const struct recipe *recipes_find(const struct recipes *rs, const char *name);
/* Where the person's own file of that name is, or would be; caller frees. */
char *recipe_own_path(const char *name);

#endif
