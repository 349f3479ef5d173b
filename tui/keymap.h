/* Which key means which action where, as it is in force: the table of keys.h, changed by the person's keys.yaml. */
#ifndef TUI_KEYMAP_H
#define TUI_KEYMAP_H
#include <stddef.h>

#include "core/base/str.h"
#include "tui/keys.h"

struct keymap;

struct keymap *keymap_create(void); /* as the table has it */
void keymap_destroy(struct keymap *m); /* NULL is fine */

/* Replace what the map has by the table's keys as changed by a file's text. What is wrong is appended to problems, a line
 * "FILE:LINE:COLUMN: …" each, and stays as the table has it. `file` is its name for messages. */
void keymap_read(struct keymap *m, const char *text, size_t len, const char *file, struct str *problems);
/* The person's own, ~/.config/skytop/keys.yaml; none is the table. Blocks on the disk. */
void keymap_load(struct keymap *m, struct str *problems);
/* Everything as a keys.yaml that says the same, with what each action does. */
void keymap_dump(const struct keymap *m, struct str *out);

/* All bindings, in the order in which the footer offers them. Borrowed until the map is read anew. */
const struct key_binding *keymap_list(const struct keymap *m, size_t *n);
/* What the key means in a view of this scope; ACTION_NONE. */
enum action key_action(const struct keymap *m, enum key_scope scope, struct key k);
/* The first key of an action in this scope or below it; NULL: none. */
const char *key_of_action(const struct keymap *m, enum key_scope scope, enum action a);
/* All keys of an action where it is bound, "j Down", for help. buf ≥ 64. */
const char *keys_of_action(const struct keymap *m, enum key_scope scope, enum action a, char *buf, size_t size);

#endif
