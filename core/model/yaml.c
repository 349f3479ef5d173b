/* YAML text → tree of nodes with positions, on libyaml's event stream.
 *
 * Invariants: a tree is finite and has no cycle; map keys are scalars and differ; nothing is read past the limits,
 * which are checked while reading, so that a hostile file costs time in proportion to the limit and not to what it
 * would expand to. An alias shares the node of its anchor: memory stays small, and `weight` counts what a reader who
 * follows all aliases would visit. Every refusal has a position.
 *
 * Does not: keep comments or styles (but `quoted`), know tags beyond the standard scalars, or say anything about what
 * keys mean (see schema.c). */
#include "core/model/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

#include "core/base/fs.h"
#include "core/base/str.h"

static const struct yaml_limits defaults = {.bytes = 10 << 20, .nodes = 200000, .expanded = 1000000, .depth = 64};
enum { MAX_QUOTES = 32, MAX_ANCHORS = 1000 };

struct anchor {
	const char *name;
	struct yaml_node *node;
	bool open; /* its node is still being read */
};

/* A double quote that was put into the text: column in the changed text. */
struct inserted {
	int line, column;
};

struct reader {
	yaml_parser_t parser;
	yaml_event_t event;
	bool have_event;
	struct arena *arena;
	const char *file;
	const struct str *text;
	struct yaml_limits limits;
	struct anchor *anchors;
	size_t n_anchors, cap_anchors;
	size_t n_nodes;
	int depth;
	struct inserted inserted[2 * MAX_QUOTES];
	size_t n_inserted;
	size_t error_line, error_column; /* of a syntax error, 0-based, in the text as parsed */
	bool syntax;
	struct where at;
	struct err *err;
};

/* --- messages ---------------------------------------------------------------------------------------------------- */

static int report(
    struct err *err, struct where *at, const char *file, struct where w, const char *source, const char *text)
{
	w.file = file;
	if (at)
		*at = w;
	if (source)
		return err_set(err, ERR_INVALID, "%s: %s", source, text);
	if (!w.line)
		return err_set(err, ERR_INVALID, "%s: %s", file ? file : "task", text);
	return err_set(err, ERR_INVALID, "%s:%d:%d: %s", file ? file : "task", w.line, w.column, text);
}

int yaml_err(struct err *err, struct where *at, const char *file, const struct yaml_node *n, const char *fmt, ...)
{
	char text[900];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	struct where w = {.line = n ? n->line : 0, .column = n ? n->column : 0};
	return report(err, at, file, w, n ? n->source : NULL, text);
}

/* The mark of a byte. */
static yaml_mark_t mark_at(const char *text, size_t offset)
{
	yaml_mark_t m = {0};
	for (size_t i = 0; i < offset; i++) {
		m.column += ((unsigned char)text[i] & 0xC0) != 0x80;
		if (text[i] == '\n') {
			m.line++;
			m.column = 0;
		}
	}
	return m;
}

static struct where position(const struct reader *r, yaml_mark_t mark)
{
	struct where w = {.file = r->file, .line = (int)mark.line + 1, .column = (int)mark.column + 1};
	int extra = 0;
	for (size_t i = 0; i < r->n_inserted; i++)
		extra += r->inserted[i].line == w.line && r->inserted[i].column < w.column;
	w.column -= extra;
	return w;
}

static int refuse(struct reader *r, yaml_mark_t mark, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int refuse(struct reader *r, yaml_mark_t mark, const char *fmt, ...)
{
	char text[900];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return report(r->err, &r->at, r->file, position(r, mark), NULL, text);
}

static int syntax_error(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	yaml_mark_t mark = p->problem_mark;
	const char *problem = p->problem ? p->problem : "cannot be read";
	r->syntax = p->error == YAML_SCANNER_ERROR || p->error == YAML_PARSER_ERROR;
	if (p->error == YAML_READER_ERROR)
		mark = mark_at(str_text(r->text), p->problem_offset < r->text->len ? p->problem_offset : r->text->len);
	r->error_line = mark.line;
	r->error_column = mark.column;
	if (!r->syntax)
		return refuse(r, mark, "not YAML: %s", problem);
	const char *hint = strstr(problem, "cannot start any token")
			       ? "; tabs cannot indent, and text that starts with @ ` % or a bracket needs quotes"
			       : "";
	if (p->context && p->context_mark.line != mark.line)
		return refuse(r, mark, "not YAML: %s (%s that starts in line %zu)%s", problem, p->context,
		    p->context_mark.line + 1, hint);
	return refuse(
	    r, mark, "not YAML: %s%s%s%s", p->context ? p->context : "", p->context ? ", " : "", problem, hint);
}

/* --- events ------------------------------------------------------------------------------------------------------ */

static int next(struct reader *r)
{
	if (r->have_event)
		yaml_event_delete(&r->event);
	r->have_event = false;
	if (!yaml_parser_parse(&r->parser, &r->event))
		return syntax_error(r);
	r->have_event = true;
	return 0;
}

static struct yaml_node *node_new(struct reader *r, enum yaml_kind kind)
{
	if (++r->n_nodes > r->limits.nodes) {
		refuse(
		    r, r->event.start_mark, "more than %zu values: too large for a file of this kind", r->limits.nodes);
		return NULL;
	}
	struct yaml_node *n = arena_alloc(r->arena, sizeof *n);
	struct where w = position(r, r->event.start_mark);
	*n = (struct yaml_node){.kind = kind, .line = w.line, .column = w.column, .text = "", .weight = 1};
	return n;
}

static struct anchor *anchor_find(struct reader *r, const char *name)
{
	for (size_t i = r->n_anchors; i-- > 0;)
		if (!strcmp(r->anchors[i].name, name))
			return &r->anchors[i];
	return NULL;
}

/* Remember the node under its anchor (a later anchor of the same name wins). *index is where; SIZE_MAX: it has none. */
static int anchor_open(struct reader *r, const yaml_char_t *name, struct yaml_node *n, size_t *index)
{
	*index = SIZE_MAX;
	if (!name)
		return 0;
	if (r->n_anchors == MAX_ANCHORS)
		return refuse(r, r->event.start_mark, "more than %d anchors", MAX_ANCHORS);
	ARRAY_GROW(r->anchors, r->n_anchors, r->cap_anchors);
	*index = r->n_anchors;
	r->anchors[r->n_anchors++] = (struct anchor){arena_strdup(r->arena, (const char *)name), n, true};
	return 0;
}

static void anchor_close(struct reader *r, size_t index)
{
	if (index != SIZE_MAX)
		r->anchors[index].open = false;
}

static int add_weight(struct reader *r, struct yaml_node *parent, const struct yaml_node *child)
{
	parent->weight += child->weight;
	if (parent->weight > r->limits.expanded)
		return refuse(r, r->event.start_mark, "aliases expand to more than %zu values", r->limits.expanded);
	return 0;
}

/* --- scalars ----------------------------------------------------------------------------------------------------- */

enum tag {
	TAG_NONE,
	TAG_STR,
	TAG_INT,
	TAG_FLOAT,
	TAG_BOOL,
	TAG_NULL,
	TAG_TIMESTAMP,
	TAG_MAP,
	TAG_SET,
	TAG_SEQ,
	TAG_UNKNOWN
};
static const char *const tag_names[] = {
    [TAG_STR] = "str",
    [TAG_INT] = "int",
    [TAG_FLOAT] = "float",
    [TAG_BOOL] = "bool",
    [TAG_NULL] = "null",
    [TAG_TIMESTAMP] = "timestamp",
    [TAG_MAP] = "map",
    [TAG_SET] = "set",
    [TAG_SEQ] = "seq",
};

static enum tag tag_of(const yaml_char_t *tag, bool scalar)
{
	static const char prefix[] = "tag:yaml.org,2002:";
	const char *t = (const char *)tag;
	if (!t)
		return TAG_NONE;
	if (!strcmp(t, "!"))
		return scalar ? TAG_STR : TAG_NONE;
	if (!str_starts(t, prefix))
		return TAG_UNKNOWN;
	for (size_t i = 1; i < ARRAY_LEN(tag_names); i++)
		if (!strcmp(t + sizeof prefix - 1, tag_names[i]))
			return (enum tag)i;
	return TAG_UNKNOWN;
}

static int refuse_tag(struct reader *r, const yaml_char_t *tag)
{
	return refuse(r, r->event.start_mark, "the tag %.60s is not known here", (const char *)tag);
}

/* An explicit tag over a scalar: the value must be of that kind. */
static int apply_tag(struct reader *r, struct yaml_node *n, enum tag tag)
{
	static const enum yaml_kind kinds[] = {
	    [TAG_INT] = YAML_INT,
	    [TAG_FLOAT] = YAML_FLOAT,
	    [TAG_BOOL] = YAML_BOOL,
	    [TAG_NULL] = YAML_NULL,
	    [TAG_TIMESTAMP] = YAML_DATE,
	};
	if (tag == TAG_STR) {
		n->kind = YAML_STRING;
		return 0;
	}
	yaml_resolve(n);
	if (tag == TAG_FLOAT && n->kind == YAML_INT)
		n->kind = YAML_FLOAT;
	if (n->kind != kinds[tag])
		return refuse(
		    r, r->event.start_mark, "'%.60s' is not a value of the tag !!%s", n->text, tag_names[tag]);
	return 0;
}

static struct yaml_node *read_scalar(struct reader *r)
{
	struct yaml_node *n = node_new(r, YAML_STRING);
	if (!n)
		return NULL;
	enum tag tag = tag_of(r->event.data.scalar.tag, true);
	size_t len = r->event.data.scalar.length, index;
	if (tag > TAG_TIMESTAMP) {
		refuse_tag(r, r->event.data.scalar.tag);
		return NULL;
	}
	if (memchr(r->event.data.scalar.value, 0, len)) {
		refuse(r, r->event.start_mark, "text with a NUL character in it");
		return NULL;
	}
	n->text = arena_strndup(r->arena, (const char *)r->event.data.scalar.value, len);
	n->len = len;
	n->quoted = r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	if (tag != TAG_NONE) {
		if (apply_tag(r, n, tag))
			return NULL;
	} else if (!n->quoted) {
		yaml_resolve(n);
	}
	if (anchor_open(r, r->event.data.scalar.anchor, n, &index))
		return NULL;
	anchor_close(r, index);
	return n;
}

static struct yaml_node *read_alias(struct reader *r)
{
	const char *name = (const char *)r->event.data.alias.anchor;
	const struct anchor *a = anchor_find(r, name);
	if (!a) {
		refuse(r, r->event.start_mark, "there is no anchor &%.60s above this alias", name);
		return NULL;
	}
	if (a->open) {
		refuse(r, r->event.start_mark, "the alias *%.60s stands inside the value it names", name);
		return NULL;
	}
	return a->node;
}

/* --- maps -------------------------------------------------------------------------------------------------------- */

static int key_compare(const void *a, const void *b)
{
	const struct yaml_node *x = *(struct yaml_node *const *)a, *y = *(struct yaml_node *const *)b;
	int c = strcmp(x->text, y->text);
	return c ? c : x->line != y->line ? x->line - y->line : x->column - y->column;
}

/* Keys are compared by their text, so that 1 and "1" are one: both end up as the same name. */
static int check_duplicates(struct reader *r, const struct yaml_node *map)
{
	struct yaml_node **keys = xreallocarray(NULL, map->n ? map->n : 1, sizeof *keys);
	const struct yaml_node *bad = NULL, *first = NULL;
	for (size_t i = 0; i < map->n; i++)
		keys[i] = map->pairs[i].key;
	qsort(keys, map->n, sizeof *keys, key_compare);
	for (size_t i = 1; i < map->n; i++)
		if (!strcmp(keys[i]->text, keys[i - 1]->text) && (!bad || keys[i]->line < bad->line)) {
			first = keys[i - 1];
			bad = keys[i];
		}
	free(keys);
	if (!bad)
		return 0;
	return yaml_err(r->err, &r->at, r->file, bad,
	    "duplicate key '%.60s' (also in line %d); remove one of them, so that it is clear which value is meant",
	    bad->text, first->line);
}

static bool is_merge(const struct yaml_node *key)
{
	return !key->quoted && !strcmp(key->text, "<<");
}

/* Add the pairs of `from` whose keys the map does not have yet. */
static int merge_from(struct reader *r, struct yaml_node *map, size_t *cap, const struct yaml_node *from)
{
	if (from->kind != YAML_MAP)
		return yaml_err(r->err, &r->at, r->file, from, "<< takes in a map or a list of maps, not %s",
		    yaml_kind_name(from->kind));
	for (size_t i = 0; i < from->n; i++) {
		if (yaml_get(map, from->pairs[i].key->text))
			continue;
		/* Looking through all keys each time must not become a way to burn hours. */
		if (map->n > 1000)
			return yaml_err(r->err, &r->at, r->file, from,
			    "a map of more than 1000 keys cannot be merged into another");
		if (map->n == *cap) {
			struct yaml_pair *bigger = arena_alloc(r->arena, (*cap * 2 + 8) * sizeof *bigger);
			memcpy(bigger, map->pairs, map->n * sizeof *bigger);
			map->pairs = bigger;
			*cap = *cap * 2 + 8;
		}
		map->pairs[map->n++] = from->pairs[i];
		map->weight += from->pairs[i].key->weight + from->pairs[i].value->weight;
		if (map->weight > r->limits.expanded)
			return yaml_err(r->err, &r->at, r->file, from, "aliases expand to more than %zu values",
			    r->limits.expanded);
	}
	return 0;
}

/* Replace the << keys by what they name. Own keys win, earlier merges win over later ones. */
static int resolve_merges(struct reader *r, struct yaml_node *map)
{
	size_t cap = map->n, kept = 0, n_merges = 0;
	struct yaml_node *merges[8];
	for (size_t i = 0; i < map->n; i++) {
		if (!is_merge(map->pairs[i].key)) {
			map->pairs[kept++] = map->pairs[i];
			continue;
		}
		if (n_merges == ARRAY_LEN(merges))
			return yaml_err(r->err, &r->at, r->file, map->pairs[i].key, "too many << in one map");
		merges[n_merges++] = map->pairs[i].value;
	}
	map->n = kept;
	for (size_t i = 0; i < n_merges; i++) {
		if (merges[i]->kind != YAML_LIST) {
			if (merge_from(r, map, &cap, merges[i]))
				return -1;
			continue;
		}
		for (size_t k = 0; k < merges[i]->n; k++)
			if (merge_from(r, map, &cap, merges[i]->items[k]))
				return -1;
	}
	return 0;
}

static struct yaml_node *read_node(struct reader *r);

static struct yaml_node *read_key(struct reader *r)
{
	struct yaml_node *key = read_node(r);
	if (key && (key->kind == YAML_LIST || key->kind == YAML_MAP)) {
		yaml_err(r->err, &r->at, r->file, key, "%s cannot be a key", yaml_kind_name(key->kind));
		return NULL;
	}
	return key;
}

/* The events of a map or list up to its end; the node is already made. */
static int read_children(struct reader *r, struct yaml_node *n)
{
	yaml_event_type_t end = n->kind == YAML_MAP ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
	struct yaml_pair *pairs = NULL;
	struct yaml_node **items = NULL;
	size_t cap = 0;
	int rc = -1;
	for (;;) {
		if (next(r))
			goto out;
		if (r->event.type == end)
			break;
		if (n->kind == YAML_LIST) {
			struct yaml_node *item = read_node(r);
			if (!item || add_weight(r, n, item))
				goto out;
			ARRAY_GROW(items, n->n, cap);
			items[n->n++] = item;
			continue;
		}
		struct yaml_pair pair = {.key = read_key(r)};
		if (!pair.key || next(r) || !(pair.value = read_node(r)))
			goto out;
		if (add_weight(r, n, pair.key) || add_weight(r, n, pair.value))
			goto out;
		ARRAY_GROW(pairs, n->n, cap);
		pairs[n->n++] = pair;
	}
	if (n->n) {
		size_t size = n->n * (n->kind == YAML_MAP ? sizeof *pairs : sizeof *items);
		void *kept = arena_alloc(r->arena, size);
		memcpy(kept, n->kind == YAML_MAP ? (void *)pairs : (void *)items, size);
		n->pairs = n->kind == YAML_MAP ? kept : NULL;
		n->items = n->kind == YAML_LIST ? kept : NULL;
	}
	rc = 0;
out:
	free(pairs);
	free(items);
	return rc;
}

static struct yaml_node *read_collection(struct reader *r, enum yaml_kind kind)
{
	bool map = kind == YAML_MAP;
	const yaml_char_t *name = map ? r->event.data.mapping_start.anchor : r->event.data.sequence_start.anchor;
	const yaml_char_t *tag = map ? r->event.data.mapping_start.tag : r->event.data.sequence_start.tag;
	enum tag t = tag_of(tag, false);
	size_t index;
	if (t != TAG_NONE && t != (map ? TAG_MAP : TAG_SEQ) && !(map && t == TAG_SET)) {
		refuse_tag(r, tag);
		return NULL;
	}
	if (r->depth == r->limits.depth) {
		refuse(r, r->event.start_mark, "nested more than %d levels deep", r->limits.depth);
		return NULL;
	}
	struct yaml_node *n = node_new(r, kind);
	if (!n || anchor_open(r, name, n, &index))
		return NULL;
	r->depth++;
	int rc = read_children(r, n);
	r->depth--;
	if (rc)
		return NULL;
	anchor_close(r, index);
	if (map && (check_duplicates(r, n) || resolve_merges(r, n)))
		return NULL;
	return n;
}

/* The value that the current event starts. */
static struct yaml_node *read_node(struct reader *r)
{
	switch ((int)r->event.type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(r);
	case YAML_ALIAS_EVENT:
		return read_alias(r);
	case YAML_SEQUENCE_START_EVENT:
		return read_collection(r, YAML_LIST);
	case YAML_MAPPING_START_EVENT:
		return read_collection(r, YAML_MAP);
	default:
		refuse(r, r->event.start_mark, "a value is missing here");
		return NULL;
	}
}

/* --- documents --------------------------------------------------------------------------------------------------- */

static int read_documents(struct reader *r, struct yaml_file *f)
{
	struct yaml_node **docs = NULL;
	size_t cap = 0;
	int rc = -1;
	if (next(r))
		return -1;
	while (!next(r)) {
		if (r->event.type == YAML_STREAM_END_EVENT) {
			rc = 0;
			break;
		}
		if (next(r))
			break;
		r->n_anchors = 0;
		struct yaml_node *doc = read_node(r);
		if (!doc || next(r))
			break;
		ARRAY_GROW(docs, f->n, cap);
		docs[f->n++] = doc;
	}
	if (f->n) {
		f->docs = arena_alloc(f->arena, f->n * sizeof *docs);
		memcpy(f->docs, docs, f->n * sizeof *docs);
	}
	free(docs);
	return rc;
}

static void add_inserted(struct reader *r, int line, int column)
{
	for (size_t i = 0; i < r->n_inserted; i++)
		if (r->inserted[i].line == line && r->inserted[i].column >= column)
			r->inserted[i].column++;
	r->inserted[r->n_inserted++] = (struct inserted){line, column};
}

static int characters(const char *s, size_t bytes)
{
	int n = 0;
	for (size_t i = 0; i < bytes; i++)
		n += ((unsigned char)s[i] & 0xC0) != 0x80;
	return n;
}

/* After a syntax error: ask whether something on that line is to be quoted, and if so do it. */
static bool quote_and_retry(struct reader *r, const struct yaml_options *opt, struct str *text)
{
	if (!r->syntax || !opt || !opt->quote || r->n_inserted == ARRAY_LEN(r->inserted))
		return false;
	const char *line = str_text(text), *end = line + text->len;
	for (size_t i = 0; i < r->error_line && line < end; i++) {
		const char *nl = memchr(line, '\n', (size_t)(end - line));
		line = nl ? nl + 1 : end;
	}
	const char *nl = memchr(line, '\n', (size_t)(end - line));
	size_t len = (size_t)((nl ? nl : end) - line), column = 0, from, to;
	for (size_t c = 0; c < r->error_column && column < len; c++)
		do
			column++;
		while (column < len && ((unsigned char)line[column] & 0xC0) == 0x80);
	if (!opt->quote(line, len, column, &from, &to) || to > len || from >= to ||
	    memchr(line + from, '"', to - from) || memchr(line + from, '\\', to - from))
		return false;
	struct str quoted = str_new(text->max + 2 * MAX_QUOTES);
	size_t start = (size_t)(line - str_text(text));
	str_addn(&quoted, str_text(text), start + from);
	str_addc(&quoted, '"');
	str_addn(&quoted, line + from, to - from);
	str_addc(&quoted, '"');
	str_addn(&quoted, line + to, text->len - start - to);
	int number = (int)r->error_line + 1, first = characters(line, from) + 1, last = characters(line, to) + 2;
	add_inserted(r, number, first);
	add_inserted(r, number, last);
	str_free(text);
	*text = quoted;
	return true;
}

static struct yaml_file *parse_once(struct reader *r, const struct str *text)
{
	struct yaml_file *f = xcalloc(1, sizeof *f);
	f->arena = r->arena = arena_create();
	r->n_nodes = r->n_anchors = 0;
	r->depth = 0;
	r->syntax = false;
	r->text = text;
	if (!yaml_parser_initialize(&r->parser))
		abort();
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r->parser, (const unsigned char *)str_text(text), text->len);
	int rc = read_documents(r, f);
	if (r->have_event)
		yaml_event_delete(&r->event);
	r->have_event = false;
	yaml_parser_delete(&r->parser);
	if (!rc)
		return f;
	yaml_file_free(f);
	return NULL;
}

static int check_bytes(struct reader *r, const char *text, size_t len)
{
	size_t bad;
	const char *what = NULL, *nul = memchr(text, 0, len);
	if (len > r->limits.bytes) {
		char large[80];
		snprintf(large, sizeof large, "larger than %zu MB: too large for a file of this kind",
		    r->limits.bytes >> 20);
		return report(r->err, &r->at, r->file, (struct where){0}, NULL, large);
	}
	if (!utf8_valid(text, len, &bad))
		what = "not UTF-8 text";
	if (nul && (!what || (size_t)(nul - text) < bad)) {
		bad = (size_t)(nul - text);
		what = "a binary file, not text";
	}
	return what ? refuse(r, mark_at(text, bad), "%s", what) : 0;
}

static struct yaml_limits limits_of(const struct yaml_options *opt)
{
	struct yaml_limits l = opt ? opt->limits : defaults;
	l.bytes = l.bytes ? l.bytes : defaults.bytes;
	l.nodes = l.nodes ? l.nodes : defaults.nodes;
	l.expanded = l.expanded ? l.expanded : defaults.expanded;
	l.depth = l.depth ? l.depth : defaults.depth;
	return l;
}

struct yaml_file *yaml_parse(
    const char *text, size_t len, const char *file, const struct yaml_options *opt, struct where *at, struct err *err)
{
	struct reader *r = xcalloc(1, sizeof *r);
	struct yaml_file *f = NULL;
	r->file = file;
	r->err = err;
	r->limits = limits_of(opt);
	if (!check_bytes(r, text, len)) {
		struct str copy = str_new(len + 1);
		str_addn(&copy, text, len);
		do
			f = parse_once(r, &copy);
		while (!f && quote_and_retry(r, opt, &copy));
		str_free(&copy);
	}
	if (!f && at)
		*at = r->at;
	free(r->anchors);
	free(r);
	return f;
}

static char *read_stdin(size_t max, size_t *len, struct err *err)
{
	struct str s = str_new(max + 1);
	char buf[16384];
	ssize_t n;
	while ((n = read(0, buf, sizeof buf)) != 0 && !s.full) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_errno(err, "cannot read standard input");
			str_free(&s);
			return NULL;
		}
		str_addn(&s, buf, (size_t)n);
	}
	if (s.full) {
		err_set(err, ERR_INVALID, "standard input is larger than %zu bytes, the most that is read", max);
		str_free(&s);
		return NULL;
	}
	*len = s.len;
	return str_take(&s);
}

char *yaml_slurp(const char *path, size_t max, size_t *len, struct err *err)
{
	max = max ? max : defaults.bytes;
	return strcmp(path, "-") ? fs_read(path, max, len, err) : read_stdin(max, len, err);
}

struct yaml_file *yaml_parse_file(const char *path, const struct yaml_options *opt, struct where *at, struct err *err)
{
	size_t len;
	if (at)
		*at = (struct where){.file = path};
	char *text = yaml_slurp(path, limits_of(opt).bytes, &len, err);
	if (!text)
		return NULL;
	struct yaml_file *f = yaml_parse(text, len, strcmp(path, "-") ? path : "standard input", opt, at, err);
	free(text);
	return f;
}

void yaml_file_free(struct yaml_file *f)
{
	if (!f)
		return;
	arena_destroy(f->arena);
	free(f);
}
