/* The accelerators field: names, counts, sets, lists, memory sizes, and braces.
 *
 * A memory size ("80GB+", "amd:192GB") stands for every GPU of that memory that is known. Braces around names with a
 * count behind them, {A100,V100,H100}:8, mean any of these, 8 of it. Unquoted that is no YAML, but people write it:
 * where the parser stumbles over it, it is read as if it were quoted. With blanks inside the braces ({A100, V100}:8) it
 * stays the syntax error that it is for other readers of these files, and the message says how to write it. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/num.h"
#include "core/base/str.h"
#include "core/model/accelerator.h"
#include "core/model/amount.h"
#include "core/model/task_priv.h"

enum { NAME_MAX_LEN = 200, MAX_ASKS = 256 };

/* A count: more than 0, fractions allowed. */
static bool read_count(const char *text, int64_t *micro)
{
	double v;
	if (!amount_number(text, &v) || v > 1e6 || llround(v * 1e6) <= 0)
		return false;
	*micro = (int64_t)llround(v * 1e6);
	return true;
}

/* ^[0-9]+[GMT]B\+?$ in any case → GiB; 0: it is none. A size that is no whole GB is -1. */
static int64_t memory_gib(const char *s, size_t len, bool *at_least)
{
	char buf[40];
	size_t n = 0;
	while (n < len && isdigit((unsigned char)s[n]))
		n++;
	if (!n || len < n + 2 || len > n + 3 || !strchr("gmtGMT", s[n]) || !strchr("bB", s[n + 1]) || n > 12)
		return 0;
	if (len == n + 3 && s[n + 2] != '+')
		return 0;
	*at_least = len == n + 3;
	memcpy(buf, s, n + 2);
	buf[n + 2] = '\0';
	int64_t gib;
	return amount_disk(buf, &gib, NULL) ? -1 : gib;
}

static int add(struct reading *r, const struct yaml_node *n, struct accelerator_asks *asks, struct accelerator_ask ask)
{
	for (size_t i = 0; i < asks->n; i++) {
		if (strcmp(asks->v[i].name, ask.name) || asks->v[i].count_micro != ask.count_micro)
			continue;
		asks->v[i].by_memory = asks->v[i].by_memory && ask.by_memory;
		return 0;
	}
	if (asks->n == MAX_ASKS)
		return refuse_at(r, n, "more than %d accelerators", MAX_ASKS);
	ARRAY_GROW(asks->v, asks->n, asks->cap);
	asks->v[asks->n++] = ask;
	return 0;
}

/* "16, 24, 32, …": the sizes that exist for a maker, for a message */
static void list_sizes(const char *vendor, char *buf, size_t size)
{
	const struct accelerator *a;
	bool seen[1024] = {false};
	size_t used = 0;
	buf[0] = '\0';
	for (size_t i = 0; (a = accelerator_at(i)); i++)
		if (accelerator_is_gpu(a) && (!vendor || str_ieq(a->vendor, vendor)) && a->mem_gib < 1024)
			seen[a->mem_gib] = true;
	for (size_t i = 0; i < ARRAY_LEN(seen) && used + 8 < size; i++)
		if (seen[i])
			used += (size_t)snprintf(buf + used, size - used, "%s%zu", used ? ", " : "", i);
}

static int add_by_memory(struct reading *r, const struct yaml_node *n, struct accelerator_asks *asks,
    const char *vendor, int64_t gib, bool at_least, int64_t count_micro)
{
	const struct accelerator *a;
	bool any = false, vendor_known = false;
	for (size_t i = 0; (a = accelerator_at(i)); i++) {
		if (!accelerator_is_gpu(a) || (vendor && !str_ieq(a->vendor, vendor)))
			continue;
		vendor_known = true;
		if (at_least ? a->mem_gib < gib : a->mem_gib != gib)
			continue;
		any = true;
		if (add(r, n, asks, (struct accelerator_ask){a->name, count_micro, true}))
			return -1;
	}
	if (any)
		return 0;
	if (!vendor_known)
		return refuse_at(
		    r, n, "accelerators: the maker '%.40s' is not known; it is one of nvidia, amd, intel", vendor);
	char sizes[300];
	list_sizes(vendor, sizes, sizeof sizes);
	return refuse_at(r, n, "accelerators: no GPU%s%.40s with %s%lld GB is known; there are %s GB",
	    vendor ? " of " : "", vendor ? vendor : "", at_least ? "at least " : "exactly ", (long long)gib, sizes);
}

/* One accelerator "NAME", "NAME:COUNT", "MEMORY[+][:COUNT]", "VENDOR:MEMORY[+][:COUNT]". outer is the count when the
 * text has none. */
static int read_one(
    struct reading *r, const struct yaml_node *n, const char *text, int64_t outer, struct accelerator_asks *asks)
{
	static const char want[] = "accelerators: '%.60s' must be NAME, NAME:COUNT, 80GB+, or VENDOR:80GB+:COUNT";
	if (strlen(text) > NAME_MAX_LEN)
		return refuse_at(r, n, want, text);
	const char *part[3] = {text};
	size_t len[3], parts = 1;
	for (const char *c = text; (c = strchr(c, ':')); c++) {
		if (parts == 3)
			return refuse_at(r, n, want, text);
		part[parts++] = c + 1;
	}
	for (size_t i = 0; i < parts; i++)
		len[i] = strcspn(part[i], ":");
	bool at_least = false;
	int64_t first = memory_gib(part[0], len[0], &at_least), count = outer, gib = first;
	size_t count_at = 1;
	char *vendor = NULL;
	if (!first && parts > 1) {
		gib = memory_gib(part[1], len[1], &at_least);
		vendor = gib ? arena_strndup(r->tree, part[0], len[0]) : NULL;
		count_at = gib ? 2 : 1;
	}
	if (parts > count_at + 1 || (parts == 3 && !gib))
		return refuse_at(r, n, want, text);
	if (parts > count_at && !read_count(part[count_at], &count))
		return refuse_at(
		    r, n, "accelerators: the count '%.40s' must be a number above 0, as in H100:8", part[count_at]);
	if (gib < 0)
		return refuse_at(r, n, "accelerators: '%.60s' is not a whole number of GB", text);
	if (gib)
		return add_by_memory(r, n, asks, vendor, gib, at_least, count);
	struct accelerator_ask ask = {arena_strndup(r->dag->memory->arena, part[0], len[0]), count, false};
	return add(r, n, asks, ask);
}

/* "{A100,V100:4}:8": each inside, with the count behind the braces when it has none of its own. */
static int read_braces(struct reading *r, const struct yaml_node *n, const char *text, struct accelerator_asks *asks)
{
	const char *close = strchr(text, '}');
	int64_t count = 1000000;
	if (!close || (close[1] && close[1] != ':') || strchr(text + 1, '{'))
		return refuse_at(r, n, "accelerators: '%.60s' must be {NAME,NAME,…}:COUNT", text);
	if (close[1] && !read_count(close + 2, &count))
		return refuse_at(
		    r, n, "accelerators: the count '%.40s' must be a number above 0, as in {A100,H100}:8", close + 2);
	for (const char *p = text + 1; p < close; p++) {
		size_t len = strcspn(p, ",}"), from = 0, to = len;
		while (from < to && isspace((unsigned char)p[from]))
			from++;
		while (to > from && isspace((unsigned char)p[to - 1]))
			to--;
		if (from == to)
			return refuse_at(r, n, "accelerators: '%.60s' has an empty place between its braces", text);
		if (read_one(r, n, arena_strndup(r->tree, p + from, to - from), count, asks))
			return -1;
		p += len;
	}
	if (!asks->n)
		return refuse_at(r, n, "accelerators: '%.60s' names none", text);
	return 0;
}

static int read_text(struct reading *r, const struct yaml_node *n, struct accelerator_asks *asks)
{
	return n->text[0] == '{' ? read_braces(r, n, n->text, asks) : read_one(r, n, n->text, 1000000, asks);
}

static int read_map_entry(struct reading *r, const struct yaml_pair *p, struct accelerator_asks *asks)
{
	const char *text = p->key->text;
	char what[128];
	if (p->value->kind != YAML_NULL && p->value->kind != YAML_INT && p->value->kind != YAML_FLOAT)
		return refuse_at(r, p->value, "accelerators: the count of '%.60s' must be a number, not %s", text,
		    yaml_describe(p->value, what, sizeof what));
	if (p->value->kind != YAML_NULL)
		text = arena_printf(r->tree, "%s:%s", text, yaml_python(r->tree, p->value));
	return read_one(r, p->value->kind == YAML_NULL ? p->key : p->value, text, 1000000, asks);
}

int accelerators_read(struct reading *r, const struct yaml_node *n, struct accelerator_asks *asks)
{
	*asks = (struct accelerator_asks){0};
	if (!n || n->kind == YAML_NULL)
		return 0;
	if (n->kind == YAML_STRING)
		return read_text(r, n, asks);
	if (!n->n)
		return refuse_at(r, n, "accelerators is empty; leave the field out to ask for none");
	asks->list = n->kind == YAML_LIST;
	char what[128];
	for (size_t i = 0; i < n->n; i++) {
		if (n->kind == YAML_MAP) {
			if (read_map_entry(r, &n->pairs[i], asks))
				return -1;
			continue;
		}
		if (n->items[i]->kind != YAML_STRING)
			return refuse_at(r, n->items[i], "accelerators[%zu] must be text like H100:8, not %s", i,
			    yaml_describe(n->items[i], what, sizeof what));
		if (read_text(r, n->items[i], asks))
			return -1;
	}
	return 0;
}

/* --- the unquoted form ------------------------------------------------------------------------------------------- */

/* Does "accelerators:" or "gpus:" with blanks behind it end just before `open`? */
static bool is_value_of_accelerators(const char *line, size_t open)
{
	size_t i = open;
	while (i && (line[i - 1] == ' ' || line[i - 1] == '\t'))
		i--;
	if (i == open || !i || line[i - 1] != ':')
		return false;
	i--;
	static const char *const keys[] = {"accelerators", "gpus"};
	for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
		size_t n = strlen(keys[k]);
		if (i >= n && !memcmp(line + i - n, keys[k], n) && (i == n || strchr(" \t{,-?\"'", line[i - n - 1])))
			return true;
	}
	return false;
}

/* The braces that end just before `column`, where ":COUNT" follows: their start and the end of the count. */
static bool find_braces(const char *line, size_t len, size_t column, size_t *from, size_t *to, bool *blanks)
{
	if (column > len || !column || line[column - 1] != '}' || column == len || line[column] != ':')
		return false;
	size_t open = column - 1, end = column + 1;
	while (open && line[open] != '{' && !strchr("\"'#", line[open]))
		open--;
	while (end < len && (isdigit((unsigned char)line[end]) || line[end] == '.'))
		end++;
	if (line[open] != '{' || end == column + 1 || (end < len && !strchr(" \t\r,}]", line[end])))
		return false;
	*blanks = false;
	for (size_t i = open; i < column; i++)
		*blanks = *blanks || line[i] == ' ' || line[i] == '\t';
	*from = open;
	*to = end;
	return is_value_of_accelerators(line, open);
}

bool accelerators_quote(const char *line, size_t len, size_t column, size_t *from, size_t *to)
{
	bool blanks;
	return find_braces(line, len, column, from, to, &blanks) && !blanks;
}

bool accelerators_almost(const char *text, size_t len, const struct where *at)
{
	const char *end = text + len;
	for (int i = 1; i < at->line && text < end; i++) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		text = nl ? nl + 1 : end;
	}
	const char *nl = memchr(text, '\n', (size_t)(end - text));
	size_t line = (size_t)((nl ? nl : end) - text), column = 0, from, to;
	for (int c = 1; c < at->column && column < line; c++)
		do
			column++;
		while (column < line && ((unsigned char)text[column] & 0xC0) == 0x80);
	bool blanks;
	return find_braces(text, line, column, &from, &to, &blanks) && blanks;
}
