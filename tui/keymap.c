/* The keys as they are in force, and keys.yaml, which changes them:
 *
 *   clusters:
 *     stop: C-s          # this key instead of S
 *     exec: [x, e]       # two keys
 *     ssh: []            # none: the palette can still do it
 *
 * A line gives an action all its keys in that scope; what the file does not mention stays. An action can be bound where it
 * works: in the scope that binds it in the table, or in one above. A key that is taken in the same scope is a conflict: it is
 * reported and not given away. Help, palette and quit always keep a key, or nobody would find the way out. */
#include "tui/keymap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/model/yaml.h"

enum { KEYS_BYTES = 64 << 10, KEYS_PER_ACTION = 8, KEYMAP_MAX = 400 };

struct bound {
	struct key key;
	const struct yaml_node *node; /* where the file says it; NULL: the table. Of the file being read only */
};

struct keymap {
	struct arena *arena; /* names of keys that are not in the table */
	struct key_binding list[KEYMAP_MAX];
	struct bound bound[KEYMAP_MAX];
	size_t n;
};

/* --- looking up --------------------------------------------------------------------------------------------------- */

const struct key_binding *keymap_list(const struct keymap *m, size_t *n)
{
	*n = m->n;
	return m->list;
}

static const struct key_binding *find(const struct keymap *m, enum key_scope scope, struct key k)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->list[i].scope == scope && key_eq(m->bound[i].key, k))
			return &m->list[i];
	return NULL;
}

enum action key_action(const struct keymap *m, enum key_scope scope, struct key k)
{
	for (;; scope = key_scope_below(scope)) {
		const struct key_binding *b = find(m, scope, k);
		if (b || scope == SCOPE_GLOBAL)
			return b ? b->action : ACTION_NONE;
	}
}

const char *key_of_action(const struct keymap *m, enum key_scope scope, enum action a)
{
	for (;; scope = key_scope_below(scope)) {
		for (size_t i = 0; i < m->n; i++)
			if (m->list[i].scope == scope && m->list[i].action == a)
				return m->list[i].key;
		if (scope == SCOPE_GLOBAL)
			return NULL;
	}
}

const char *keys_of_action(const struct keymap *m, enum key_scope scope, enum action a, char *buf, size_t size)
{
	size_t used = 0;
	buf[0] = '\0';
	for (size_t i = 0; i < m->n && used < size; i++)
		if (m->list[i].scope == scope && m->list[i].action == a)
			used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? " " : "", m->list[i].key);
	return buf;
}

/* --- making ------------------------------------------------------------------------------------------------------- */

static void add(struct keymap *m, enum key_scope scope, const char *name, enum action a, const struct yaml_node *node)
{
	struct key k;
	if (m->n == KEYMAP_MAX || !key_parse(name, &k))
		return;
	m->list[m->n] = (struct key_binding){scope, name, a};
	m->bound[m->n++] = (struct bound){k, node};
}

static void reset(struct keymap *m)
{
	m->n = 0;
	for (size_t i = 0; i < key_table_len; i++)
		add(m, key_table[i].scope, key_table[i].key, key_table[i].action, NULL);
}

struct keymap *keymap_create(void)
{
	struct keymap *m = xcalloc(1, sizeof *m);
	m->arena = arena_create();
	reset(m);
	return m;
}

void keymap_destroy(struct keymap *m)
{
	if (!m)
		return;
	arena_destroy(m->arena);
	free(m);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

struct reader {
	struct keymap *m;
	const char *file;
	struct str *problems;
};

/* A line of the file: all keys of an action in a scope. */
struct entry {
	enum key_scope scope;
	enum action action;
	const struct yaml_node *keys[KEYS_PER_ACTION];
	size_t n;
};

#define PROBLEM(r, node, ...)                                                                                          \
	do {                                                                                                           \
		struct err problem = {0};                                                                              \
		yaml_err(&problem, NULL, (r)->file, (node), __VA_ARGS__);                                              \
		str_addf((r)->problems, "%s\n", problem.text);                                                         \
	} while (0)

static const char *text_of(const struct yaml_node *n)
{
	return n->text ? n->text : "";
}

static bool scope_named(const char *name, enum key_scope *out)
{
	for (enum key_scope s = 0; s < SCOPES; s++) {
		if (str_ieq(key_scope_title(s), name)) {
			*out = s;
			return true;
		}
	}
	return false;
}

static enum action action_named(const char *name)
{
	for (int a = ACTION_NONE + 1; a < ACTIONS; a++)
		if (str_eq(action_info((enum action)a)->name, name))
			return (enum action)a;
	return ACTION_NONE;
}

/* Does the action do something in views of this scope? Where the table binds it, and above; everywhere when it does not. */
static bool works_in(enum key_scope scope, enum action a)
{
	bool bound = false;
	for (size_t i = 0; i < key_table_len; i++) {
		if (key_table[i].action != a)
			continue;
		bound = true;
		if (key_scope_reaches(scope, key_table[i].scope))
			return true;
	}
	return !bound;
}

static void wrong_scope(struct reader *r, const struct yaml_node *n)
{
	const char *names[SCOPES];
	for (enum key_scope s = 0; s < SCOPES; s++)
		names[s] = key_scope_title(s);
	const char *near = text_nearest(text_of(n), names, SCOPES);
	PROBLEM(r, n, "there is no place %.40s for keys%s%s%s; `skytop screen --dump-keys` prints them all", text_of(n),
	    near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static void wrong_action(struct reader *r, const struct yaml_node *n)
{
	const char *names[ACTIONS];
	for (int a = ACTION_NONE + 1; a < ACTIONS; a++)
		names[a - 1] = action_info((enum action)a)->name;
	const char *near = text_nearest(text_of(n), names, ACTIONS - 1);
	PROBLEM(r, n, "there is no action %.40s%s%s%s; `skytop screen --dump-keys` prints them all", text_of(n),
	    near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static bool add_key(struct reader *r, struct entry *e, const struct yaml_node *n)
{
	struct key k;
	if (n->kind == YAML_LIST || n->kind == YAML_MAP || !key_parse(text_of(n), &k)) {
		PROBLEM(r, n, "there is no key %.40s: write it as j, G, C-d, M-x, S-Tab, F5, PgDn, Space or Enter", text_of(n));
		return false;
	}
	if (e->n == KEYS_PER_ACTION) {
		PROBLEM(r, n, "an action takes %d keys at most", KEYS_PER_ACTION);
		return false;
	}
	e->keys[e->n++] = n;
	return true;
}

/* The line's keys: one, a list, or none. False: something is wrong, and was said. */
static bool read_entry(struct reader *r, const struct yaml_pair *p, enum key_scope scope, struct entry *e)
{
	*e = (struct entry){.scope = scope, .action = action_named(text_of(p->key))};
	if (e->action == ACTION_NONE) {
		wrong_action(r, p->key);
		return false;
	}
	if (!works_in(scope, e->action)) {
		PROBLEM(r, p->key, "%s does nothing there", text_of(p->key));
		return false;
	}
	if (p->value->kind == YAML_NULL)
		return true;
	if (p->value->kind != YAML_LIST)
		return add_key(r, e, p->value);
	bool good = true;
	for (size_t i = 0; i < p->value->n; i++)
		good = add_key(r, e, p->value->items[i]) && good;
	return good;
}

/* Put the entry where the action had its first key, so that the footer keeps its order. */
static void apply(struct keymap *m, const struct entry *e)
{
	struct key_binding list[KEYMAP_MAX];
	struct bound bound[KEYMAP_MAX];
	size_t n = m->n, at = n;
	memcpy(list, m->list, n * sizeof *list);
	memcpy(bound, m->bound, n * sizeof *bound);
	for (size_t i = n; i-- > 0;)
		if (list[i].scope == e->scope && list[i].action == e->action)
			at = i;
	m->n = 0;
	for (size_t i = 0; i <= n; i++) {
		for (size_t k = 0; i == at && k < e->n; k++)
			add(m, e->scope, arena_strdup(m->arena, e->keys[k]->text), e->action, e->keys[k]);
		if (i == n || (list[i].scope == e->scope && list[i].action == e->action) || m->n == KEYMAP_MAX)
			continue;
		m->list[m->n] = list[i];
		m->bound[m->n++] = bound[i];
	}
}

static void drop(struct keymap *m, size_t i)
{
	m->n--;
	memmove(&m->list[i], &m->list[i + 1], (m->n - i) * sizeof *m->list);
	memmove(&m->bound[i], &m->bound[i + 1], (m->n - i) * sizeof *m->bound);
}

/* The first binding other than i of the same key in the same scope; m->n. */
static size_t rival_of(const struct keymap *m, size_t i)
{
	size_t j = 0;
	while (j < m->n && (j == i || m->list[j].scope != m->list[i].scope || !key_eq(m->bound[j].key, m->bound[i].key)))
		j++;
	return j;
}

/* A key that two actions of a scope claim stays with the table's, or with the first in the file. */
static void settle_conflicts(struct reader *r)
{
	struct keymap *m = r->m;
	for (size_t i = m->n; i-- > 0;) {
		size_t j = rival_of(m, i);
		if (j == m->n)
			continue;
		const struct yaml_node *a = m->bound[i].node, *b = m->bound[j].node;
		size_t loser = !a ? j : !b ? i : a->line > b->line || (a->line == b->line && a->column > b->column) ? i : j;
		size_t keeper = loser == i ? j : i;
		PROBLEM(r, m->bound[loser].node, "%s is %s in %s already: give that another key first, or %s another one",
		    m->list[loser].key, action_info(m->list[keeper].action)->name, key_scope_title(m->list[keeper].scope),
		    action_info(m->list[loser].action)->name);
		drop(m, loser);
		if (loser == j && j < i)
			i--;
	}
}

/* Give back their keys in the table to those actions without which nobody finds the way. */
static void keep_the_way_out(struct reader *r, const struct yaml_node *root)
{
	static const enum action needed[] = {ACTION_HELP, ACTION_PALETTE, ACTION_QUIT};
	for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
		if (key_of_action(r->m, SCOPE_GLOBAL, needed[i]))
			continue;
		PROBLEM(r, root, "%s needs a key everywhere: it keeps its own", action_info(needed[i])->name);
		for (size_t t = 0; t < key_table_len; t++) {
			struct key k;
			if (key_table[t].action != needed[i] || !key_parse(key_table[t].key, &k))
				continue;
			const struct key_binding *taken = find(r->m, SCOPE_GLOBAL, k);
			if (taken)
				drop(r->m, (size_t)(taken - r->m->list));
			add(r->m, SCOPE_GLOBAL, key_table[t].key, needed[i], NULL);
		}
	}
}

static void read_scope(struct reader *r, const struct yaml_pair *p)
{
	enum key_scope scope;
	if (!scope_named(text_of(p->key), &scope)) {
		wrong_scope(r, p->key);
		return;
	}
	if (p->value->kind != YAML_MAP && p->value->kind != YAML_NULL) {
		PROBLEM(r, p->value, "here belong lines such as: quit: [q, C-c]");
		return;
	}
	for (size_t i = 0; i < p->value->n; i++) {
		struct entry e;
		if (read_entry(r, &p->value->pairs[i], scope, &e))
			apply(r->m, &e);
	}
}

void keymap_read(struct keymap *m, const char *text, size_t len, const char *file, struct str *problems)
{
	struct reader r = {m, file, problems};
	struct yaml_options opt = {.limits = {.bytes = KEYS_BYTES, .nodes = 4000, .expanded = 4000, .depth = 8}};
	struct err err = {0};
	reset(m);
	arena_destroy(m->arena);
	m->arena = arena_create();
	struct yaml_file *f = yaml_parse(text, len, file, &opt, NULL, &err);
	if (!f) {
		str_addf(problems, "%s\n", err.text);
		return;
	}
	const struct yaml_node *root = f->n ? f->docs[0] : NULL;
	if (root && root->kind == YAML_MAP) {
		for (size_t i = 0; i < root->n; i++)
			read_scope(&r, &root->pairs[i]);
		settle_conflicts(&r);
		keep_the_way_out(&r, root);
	} else if (root && root->kind != YAML_NULL) {
		PROBLEM(&r, root, "here belong places such as `everywhere:` with lines such as: quit: [q, C-c]");
	}
	for (size_t i = 0; i < m->n; i++)
		m->bound[i].node = NULL;
	yaml_file_free(f);
}

void keymap_load(struct keymap *m, struct str *problems)
{
	char *path = home_path(HOME_CONFIG, "keys.yaml");
	struct err err = {0};
	size_t len = 0;
	char *text = fs_exists(path) ? fs_read(path, KEYS_BYTES, &len, &err) : NULL;
	if (err.code)
		str_addf(problems, "%s\n", err.text);
	keymap_read(m, text ? text : "", len, path, problems);
	free(text);
	free(path);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static bool listed_before(const struct keymap *m, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (m->list[j].scope == m->list[i].scope && m->list[j].action == m->list[i].action)
			return true;
	return false;
}

static void dump_line(const struct keymap *m, enum key_scope scope, enum action a, struct str *out)
{
	struct str line = str_new(400);
	const char *sep = "";
	str_addf(&line, "  %s: [", action_info(a)->name);
	for (size_t i = 0; i < m->n; i++) {
		if (m->list[i].scope != scope || m->list[i].action != a)
			continue;
		const char *key = m->list[i].key;
		str_addf(&line, strchr(key, '\'') ? "%s\"%s\"" : "%s'%s'", sep, key);
		sep = ", ";
	}
	str_add(&line, "]");
	str_addf(out, "%-40s # %s\n", str_text(&line), action_info(a)->title);
	str_free(&line);
}

/* The table binds it there, and the map does not any more. */
static void dump_unbound(const struct keymap *m, enum key_scope scope, struct str *out)
{
	for (size_t i = 0; i < key_table_len; i++) {
		char keys[64];
		const struct key_binding *b = &key_table[i];
		bool first = i == 0 || key_table[i - 1].scope != scope || key_table[i - 1].action != b->action;
		if (b->scope == scope && first && !keys_of_action(m, scope, b->action, keys, sizeof keys)[0])
			dump_line(m, scope, b->action, out);
	}
}

static void add_lower(struct str *out, const char *text)
{
	for (; *text; text++)
		str_addc(out, (char)(*text >= 'A' && *text <= 'Z' ? *text + ('a' - 'A') : *text));
}

void keymap_dump(const struct keymap *m, struct str *out)
{
	str_add(out, "# Keys of the screen: what ~/.config/skytop/keys.yaml can say. A line gives an action its keys in that place,\n"
		     "# [] takes them away; what is left out keeps its keys. A view's own keys come before those of lists and moving,\n"
		     "# those before the ones that count everywhere. Changes count at once.\n");
	for (enum key_scope s = 0; s < SCOPES; s++) {
		add_lower(out, key_scope_title(s));
		str_add(out, ":\n");
		for (size_t i = 0; i < m->n; i++)
			if (m->list[i].scope == s && !listed_before(m, i))
				dump_line(m, s, m->list[i].action, out);
		dump_unbound(m, s, out);
	}
}
