/* Keys and their names, and the one table of which key does what.
 *
 * Rules of the table (a test holds us to them): in one scope a key is bound once; nothing that destroys is on a control
 * key, where the hand of someone used to another program may fall on it; whatever a key does, the palette can do too. */
#include "tui/keys.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"

const struct key_binding key_table[] = {
    {SCOPE_OFFERS, "/", ACTION_FILTER},
    {SCOPE_OFFERS, "Enter", ACTION_DETAILS},
    {SCOPE_OFFERS, "l", ACTION_LAUNCH},
    {SCOPE_OFFERS, "t", ACTION_GROUP},
    {SCOPE_OFFERS, "F", ACTION_SAVED},
    {SCOPE_OFFERS, "U", ACTION_PRICES},

    {SCOPE_CLUSTERS, "o", ACTION_LOGS},
    {SCOPE_CLUSTERS, "O", ACTION_LOGS_BESIDE},
    {SCOPE_CLUSTERS, "x", ACTION_EXEC},
    {SCOPE_CLUSTERS, "l", ACTION_LAUNCH},
    {SCOPE_CLUSTERS, "S", ACTION_STOP},
    {SCOPE_CLUSTERS, "R", ACTION_START},
    {SCOPE_CLUSTERS, "D", ACTION_DOWN_CLUSTER},
    {SCOPE_CLUSTERS, "a", ACTION_AUTOSTOP},
    {SCOPE_CLUSTERS, "c", ACTION_CANCEL_JOB},
    {SCOPE_CLUSTERS, "h", ACTION_SSH},
    {SCOPE_CLUSTERS, "X", ACTION_CANCEL_REQUEST},

    {SCOPE_LOGS, "f", ACTION_FOLLOW},
    {SCOPE_LOGS, "/", ACTION_SEARCH},
    {SCOPE_LOGS, "n", ACTION_NEXT_MATCH},
    {SCOPE_LOGS, "N", ACTION_PREV_MATCH},
    {SCOPE_LOGS, "w", ACTION_WRAP},
    {SCOPE_LOGS, "s", ACTION_SAVE},
    {SCOPE_LOGS, "Left", ACTION_LEFT},
    {SCOPE_LOGS, "Right", ACTION_RIGHT},
    {SCOPE_LOGS, "&", ACTION_LOG_FILTER},
    {SCOPE_LOGS, "o", ACTION_LOG_OPEN},
    {SCOPE_LOGS, "|", ACTION_SPLIT_BESIDE},
    {SCOPE_LOGS, "%", ACTION_SPLIT_BESIDE},
    {SCOPE_LOGS, "-", ACTION_SPLIT_BELOW},
    {SCOPE_LOGS, "\"", ACTION_SPLIT_BELOW},
    {SCOPE_LOGS, "z", ACTION_PANE_ZOOM},
    {SCOPE_LOGS, "x", ACTION_PANE_CLOSE},
    {SCOPE_LOGS, "t", ACTION_TIMES},
    {SCOPE_LOGS, "O", ACTION_LOG_OPEN_BESIDE},
    {SCOPE_LOGS, "c", ACTION_CONTEXT},
    {SCOPE_LOGS, "r", ACTION_RANK},
    {SCOPE_LOGS, "v", ACTION_SELECT},
    {SCOPE_LOGS, "Tab", ACTION_PANE},
    {SCOPE_LOGS, "S-Tab", ACTION_PANE_BEFORE},
    {SCOPE_LOGS, "S-Left", ACTION_PANE_LEFT},
    {SCOPE_LOGS, "S-Down", ACTION_PANE_DOWN},
    {SCOPE_LOGS, "S-Up", ACTION_PANE_UP},
    {SCOPE_LOGS, "S-Right", ACTION_PANE_RIGHT},
    {SCOPE_LOGS, "M-Left", ACTION_CUT_LEFT},
    {SCOPE_LOGS, "M-Down", ACTION_CUT_DOWN},
    {SCOPE_LOGS, "M-Up", ACTION_CUT_UP},
    {SCOPE_LOGS, "M-Right", ACTION_CUT_RIGHT},
    {SCOPE_LOGS, "M-1", ACTION_PANE_NUMBER},
    {SCOPE_LOGS, "M-2", ACTION_PANE_NUMBER},
    {SCOPE_LOGS, "M-3", ACTION_PANE_NUMBER},
    {SCOPE_LOGS, "M-4", ACTION_PANE_NUMBER},
    {SCOPE_LOGS, "M-5", ACTION_PANE_NUMBER},
    {SCOPE_LOGS, "M-6", ACTION_PANE_NUMBER},
    {SCOPE_LOGS, "M-7", ACTION_PANE_NUMBER},
    {SCOPE_LOGS, "M-8", ACTION_PANE_NUMBER},
    {SCOPE_LOGS, "C-w", ACTION_PANE_CHORD},

    {SCOPE_COST, "b", ACTION_BREAKDOWN},
    {SCOPE_COST, "c", ACTION_CHANGES},
    {SCOPE_COST, "B", ACTION_BUDGET},
    {SCOPE_COST, "Enter", ACTION_DETAILS},

    {SCOPE_METRICS, "m", ACTION_MEASURE},
    {SCOPE_METRICS, "t", ACTION_SPAN},

    {SCOPE_JOBS, "o", ACTION_LOGS},
    {SCOPE_JOBS, "O", ACTION_LOGS_BESIDE},
    {SCOPE_JOBS, "c", ACTION_CANCEL_JOB},

    {SCOPE_ACTIVITY, "x", ACTION_CANCEL_REQUEST},
    {SCOPE_ACTIVITY, "e", ACTION_ERRORS},
    {SCOPE_ACTIVITY, "o", ACTION_LOGS},

    {SCOPE_RECIPES, "Enter", ACTION_DETAILS},
    {SCOPE_RECIPES, "l", ACTION_LAUNCH},
    {SCOPE_RECIPES, "e", ACTION_EDIT},

    {SCOPE_LIST, "/", ACTION_FILTER},
    {SCOPE_LIST, "s", ACTION_SORT_MENU},
    {SCOPE_LIST, "<", ACTION_SORT_PREV},
    {SCOPE_LIST, ">", ACTION_SORT_NEXT},
    {SCOPE_LIST, "r", ACTION_SORT_REVERSE},
    {SCOPE_LIST, "Enter", ACTION_DETAILS},
    {SCOPE_LIST, "Tab", ACTION_PANE},
    {SCOPE_LIST, "Space", ACTION_MARK},

    {SCOPE_MOVE, "j", ACTION_DOWN},
    {SCOPE_MOVE, "Down", ACTION_DOWN},
    {SCOPE_MOVE, "k", ACTION_UP},
    {SCOPE_MOVE, "Up", ACTION_UP},
    {SCOPE_MOVE, "PgDn", ACTION_PAGE_DOWN},
    {SCOPE_MOVE, "C-f", ACTION_PAGE_DOWN},
    {SCOPE_MOVE, "PgUp", ACTION_PAGE_UP},
    {SCOPE_MOVE, "C-b", ACTION_PAGE_UP},
    {SCOPE_MOVE, "C-d", ACTION_HALF_DOWN},
    {SCOPE_MOVE, "C-u", ACTION_HALF_UP},
    {SCOPE_MOVE, "g", ACTION_TOP},
    {SCOPE_MOVE, "Home", ACTION_TOP},
    {SCOPE_MOVE, "G", ACTION_BOTTOM},
    {SCOPE_MOVE, "End", ACTION_BOTTOM},

    {SCOPE_GLOBAL, "?", ACTION_HELP},
    {SCOPE_GLOBAL, "F1", ACTION_HELP},
    {SCOPE_GLOBAL, ":", ACTION_PALETTE},
    {SCOPE_GLOBAL, "1", ACTION_VIEW_OFFERS},
    {SCOPE_GLOBAL, "2", ACTION_VIEW_CLUSTERS},
    {SCOPE_GLOBAL, "3", ACTION_VIEW_JOBS},
    {SCOPE_GLOBAL, "4", ACTION_VIEW_MANAGED},
    {SCOPE_GLOBAL, "5", ACTION_VIEW_SERVICES},
    {SCOPE_GLOBAL, "6", ACTION_VIEW_LOGS},
    {SCOPE_GLOBAL, "7", ACTION_VIEW_COST},
    {SCOPE_GLOBAL, "8", ACTION_VIEW_METRICS},
    {SCOPE_GLOBAL, "9", ACTION_VIEW_ACTIVITY},
    {SCOPE_GLOBAL, "0", ACTION_VIEW_RECIPES},
    {SCOPE_GLOBAL, "y", ACTION_COPY},
    {SCOPE_GLOBAL, "m", ACTION_MOUSE},
    {SCOPE_GLOBAL, "!", ACTION_MESSAGES},
    {SCOPE_GLOBAL, "Esc", ACTION_BACK},
    {SCOPE_GLOBAL, "C-l", ACTION_REDRAW},
    {SCOPE_GLOBAL, "C-z", ACTION_SUSPEND},
    {SCOPE_GLOBAL, "q", ACTION_QUIT},
    {SCOPE_GLOBAL, "C-c", ACTION_QUIT},
};
const size_t key_table_len = ARRAY_LEN(key_table);

static const struct {
	const char *title;
	enum key_scope below;
} scopes[SCOPES] = {
    [SCOPE_GLOBAL] = {"Everywhere", SCOPE_GLOBAL},
    [SCOPE_MOVE] = {"Moving", SCOPE_GLOBAL},
    [SCOPE_LIST] = {"Lists", SCOPE_MOVE},
    [SCOPE_OFFERS] = {"Offers", SCOPE_LIST},
    [SCOPE_CLUSTERS] = {"Clusters", SCOPE_LIST},
    [SCOPE_LOGS] = {"Logs", SCOPE_MOVE},
    [SCOPE_COST] = {"Cost", SCOPE_LIST},
    [SCOPE_METRICS] = {"Metrics", SCOPE_LIST},
    [SCOPE_JOBS] = {"Jobs", SCOPE_LIST},
    [SCOPE_ACTIVITY] = {"Activity", SCOPE_LIST},
    [SCOPE_RECIPES] = {"Recipes", SCOPE_LIST},
};

static const struct {
	const char *name;
	uint32_t code;
} names[] = {
    {"Up", KEYS_UP}, {"Down", KEYS_DOWN}, {"Left", KEYS_LEFT}, {"Right", KEYS_RIGHT}, {"Home", KEYS_HOME},
    {"End", KEYS_END}, {"PgUp", KEYS_PAGE_UP}, {"PgDn", KEYS_PAGE_DOWN}, {"Ins", KEYS_INSERT}, {"Del", KEYS_DELETE},
    {"BS", KEYS_BACKSPACE}, {"Enter", KEYS_ENTER}, {"Tab", KEYS_TAB}, {"Esc", KEYS_ESC}, {"Space", ' '},
};

bool key_eq(struct key a, struct key b)
{
	return a.code == b.code && a.mods == b.mods;
}

static void add_base_name(struct str *s, uint32_t code)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (names[i].code == code) {
			str_add(s, names[i].name);
			return;
		}
	}
	if (code >= KEYS_F1 && code <= KEYS_F12) {
		str_addf(s, "F%u", code - KEYS_F1 + 1);
		return;
	}
	char utf8[4];
	str_addn(s, utf8, utf8_encode(code, utf8));
}

const char *key_name(struct key k, char *buf, size_t size)
{
	struct str s = str_new(64);
	str_addf(&s, "%s%s%s", k.mods & KEYS_CTRL ? "C-" : "", k.mods & KEYS_ALT ? "M-" : "",
	    k.mods & KEYS_SHIFT ? "S-" : "");
	add_base_name(&s, k.code);
	snprintf(buf, size, "%s", str_text(&s));
	str_free(&s);
	return buf;
}

static bool parse_base(const char *name, uint32_t *code)
{
	unsigned cp;
	size_t n = utf8_decode(name, strlen(name), &cp);
	if (n && !name[n]) {
		*code = cp;
		return cp > ' ' && cp != 0x7f;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_ieq(names[i].name, name)) {
			*code = names[i].code;
			return true;
		}
	}
	unsigned f;
	char rest;
	if (name[0] != 'F' || sscanf(name + 1, "%2u%c", &f, &rest) != 1 || f < 1 || f > 12)
		return false;
	*code = KEYS_F1 + f - 1;
	return true;
}

bool key_parse(const char *name, struct key *out)
{
	static const char letters[] = "SMC"; /* in the order of the bits */
	struct key k = {0};
	while (name[0] && name[1] == '-' && name[2]) {
		const char *at = strchr(letters, name[0]);
		if (!at)
			return false;
		k.mods |= (uint8_t)(1 << (at - letters));
		name += 2;
	}
	if (!parse_base(name, &k.code))
		return false;
	*out = k;
	return true;
}

bool key_is_text(struct key k)
{
	return k.code >= ' ' && k.code < KEYS_UP && k.code != 0x7f && !(k.mods & (KEYS_CTRL | KEYS_ALT));
}

enum key_scope key_scope_below(enum key_scope scope)
{
	return scopes[scope].below;
}

const char *key_scope_title(enum key_scope scope)
{
	return scopes[scope].title;
}

bool key_scope_reaches(enum key_scope scope, enum key_scope bound)
{
	for (;; scope = scopes[scope].below) {
		if (scope == bound)
			return true;
		if (scope == SCOPE_GLOBAL)
			return false;
	}
}

static bool same_action(const struct key_binding *a, const struct key_binding *b)
{
	return a->scope == b->scope && a->action == b->action;
}

/* Is this the first binding of its action in its scope? */
static bool first_of_action(const struct key_binding *b)
{
	for (const struct key_binding *earlier = key_table; earlier < b; earlier++)
		if (same_action(earlier, b))
			return false;
	return true;
}

static void all_keys(const struct key_binding *b, char *buf, size_t size)
{
	size_t used = 0;
	buf[0] = '\0';
	for (size_t i = 0; i < key_table_len && used < size; i++)
		if (same_action(&key_table[i], b))
			used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? " " : "", key_table[i].key);
}

bool key_doc_at(size_t i, struct key_doc *out)
{
	static const enum key_scope order[] = {SCOPE_OFFERS, SCOPE_CLUSTERS, SCOPE_JOBS, SCOPE_LOGS, SCOPE_COST, SCOPE_METRICS, SCOPE_ACTIVITY, SCOPE_RECIPES,
	    SCOPE_LIST, SCOPE_MOVE, SCOPE_GLOBAL};
	for (size_t s = 0; s < ARRAY_LEN(order); s++) {
		for (size_t k = 0; k < key_table_len; k++) {
			const struct key_binding *b = &key_table[k];
			if (b->scope != order[s] || !first_of_action(b) || i--)
				continue;
			out->scope = key_scope_title(b->scope);
			out->action = b->action;
			all_keys(b, out->keys, sizeof out->keys);
			return true;
		}
	}
	return false;
}
