/* Keys: what a keyboard can say, how it is written, and which key means which action where. */
#ifndef TUI_KEYS_H
#define TUI_KEYS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/action.h"

/* A key without a character of its own; above all Unicode. */
enum key_code {
	KEYS_UP = 0x110000, KEYS_DOWN, KEYS_LEFT, KEYS_RIGHT, KEYS_HOME, KEYS_END, KEYS_PAGE_UP, KEYS_PAGE_DOWN,
	KEYS_INSERT, KEYS_DELETE, KEYS_BACKSPACE, KEYS_ENTER, KEYS_TAB, KEYS_ESC,
	KEYS_F1, KEYS_F12 = KEYS_F1 + 11,
	KEYS_CODES_END
};

enum { KEYS_SHIFT = 1, KEYS_ALT = 2, KEYS_CTRL = 4 };

/* A character stands for itself (capitals need no KEYS_SHIFT); with KEYS_CTRL letters are lower case. */
struct key {
	uint32_t code;
	uint8_t mods;
};

bool key_eq(struct key a, struct key b);
/* "j", "C-d", "M-x", "PgDn", "S-Tab", "Space". buf ≥ 24. */
const char *key_name(struct key k, char *buf, size_t size);
/* The reverse; false if it is none. */
bool key_parse(const char *name, struct key *out);
/* A character that can be typed into a field. */
bool key_is_text(struct key k);

/* Where a key counts. A view's own keys come first, then those of what it is (a list, something that scrolls), then the
 * global ones. */
enum key_scope {
	SCOPE_GLOBAL, SCOPE_MOVE, SCOPE_LIST, SCOPE_OFFERS, SCOPE_CLUSTERS, SCOPE_LOGS, SCOPE_COST, SCOPE_METRICS, SCOPE_JOBS, SCOPE_ACTIVITY,
	SCOPE_RECIPES, SCOPES
};

struct key_binding {
	enum key_scope scope;
	const char *key; /* as key_parse reads it */
	enum action action;
};

/* The one table of what is bound unless the person says otherwise, in the order in which the footer offers the keys. */
extern const struct key_binding key_table[];
extern const size_t key_table_len;

/* For lists of all keys, such as the man page's: the i-th action of some scope, in the order of scopes, with all its keys
 * as the table has them. */
struct key_doc {
	const char *scope; /* heading */
	char keys[64];	   /* "j Down" */
	enum action action;
};
/* False past the end. */
bool key_doc_at(size_t i, struct key_doc *out);
/* "Offers", "Everywhere": headings of help and man page. */
const char *key_scope_title(enum key_scope scope);
/* Do bindings of `bound` count in `scope`: is it the same, or below it? */
bool key_scope_reaches(enum key_scope scope, enum key_scope bound);
/* One step down: what is asked next when a scope does not bind a key; SCOPE_GLOBAL is the last. */
enum key_scope key_scope_below(enum key_scope scope);

#endif
