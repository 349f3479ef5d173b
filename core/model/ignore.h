/* What is left out of an upload: the rules of .gitignore files (https://git-scm.com/docs/gitignore, https://git-scm.com/docs/git-check-ignore),
 * which .skyignore shares. Pure: whoever walks a tree hands in the texts.
 *
 * Rules are kept as a stack: a walk adds those of a folder when it goes in, and takes them back when it comes out. */
#ifndef CORE_MODEL_IGNORE_H
#define CORE_MODEL_IGNORE_H
#include <stdbool.h>
#include <stddef.h>

struct ignore;

struct ignore *ignore_create(void);
void ignore_destroy(struct ignore *ig); /* NULL is fine */

/* Put the rules of one file on the stack; dir is the folder it stands in, relative to the root ("" for the root itself, else
 * "a/b"). What is added later wins. Bytes that are no rule are passed over, as git does. */
void ignore_add(struct ignore *ig, const char *dir, const char *text, size_t len);
/* How much is on the stack, and back to that. */
size_t ignore_mark(const struct ignore *ig);
void ignore_release(struct ignore *ig, size_t mark);

/* Is this path ("a/b", relative to the root) left out by the rules on the stack? A path below a folder that is left out is too, but
 * it is for the caller not to go in there. */
bool ignore_match(const struct ignore *ig, const char *path, bool is_dir);

/* git's wildmatch with WM_PATHNAME: "**" between slashes goes over folders, "*", "?" and "[…]" never match a slash. */
bool ignore_glob(const char *pattern, const char *text);

#endif
