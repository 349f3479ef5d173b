/* Looking at nodes, making them, describing them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/str.h"
#include "core/model/yaml.h"

static const struct yaml_pair *find(const struct yaml_node *map, const char *key)
{
	for (size_t i = 0; map && map->kind == YAML_MAP && i < map->n; i++)
		if (!strcmp(map->pairs[i].key->text, key))
			return &map->pairs[i];
	return NULL;
}

struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
	const struct yaml_pair *p = find(map, key);
	return p ? p->value : NULL;
}

struct yaml_node *yaml_get_set(const struct yaml_node *map, const char *key)
{
	struct yaml_node *n = yaml_get(map, key);
	return n && n->kind != YAML_NULL ? n : NULL;
}

const struct yaml_node *yaml_key(const struct yaml_node *map, const char *key)
{
	const struct yaml_pair *p = find(map, key);
	return p ? p->key : NULL;
}

bool yaml_whole(const struct yaml_node *n, int64_t *out)
{
	if (n->kind == YAML_INT && !n->too_big) {
		*out = n->integer;
		return true;
	}
	if (n->kind != YAML_FLOAT || n->real != floor(n->real) || fabs(n->real) > 9e15)
		return false;
	*out = (int64_t)n->real;
	return true;
}

static struct yaml_node *make(struct arena *a, enum yaml_kind kind, const char *text, const char *source)
{
	struct yaml_node *n = arena_alloc(a, sizeof *n);
	*n = (struct yaml_node){
	    .kind = kind, .text = arena_strdup(a, text), .len = strlen(text), .source = source, .weight = 1};
	return n;
}

struct yaml_node *yaml_new_string(struct arena *a, const char *text, const char *source)
{
	struct yaml_node *n = make(a, YAML_STRING, text, source);
	n->quoted = true;
	return n;
}

struct yaml_node *yaml_new_int(struct arena *a, int64_t v, const char *source)
{
	char text[24];
	snprintf(text, sizeof text, "%lld", (long long)v);
	struct yaml_node *n = make(a, YAML_INT, text, source);
	n->integer = v;
	n->real = (double)v;
	return n;
}

struct yaml_node *yaml_new_bool(struct arena *a, bool v, const char *source)
{
	struct yaml_node *n = make(a, YAML_BOOL, v ? "true" : "false", source);
	n->flag = v;
	return n;
}

struct yaml_node *yaml_new_map(struct arena *a, const char *source)
{
	return make(a, YAML_MAP, "", source);
}

struct yaml_node *yaml_copy(struct arena *a, const struct yaml_node *n)
{
	struct yaml_node *c = arena_alloc(a, sizeof *c);
	*c = *n;
	if (n->kind == YAML_MAP && n->n) {
		c->pairs = arena_alloc(a, n->n * sizeof *c->pairs);
		memcpy(c->pairs, n->pairs, n->n * sizeof *c->pairs);
	}
	if (n->kind == YAML_LIST && n->n) {
		c->items = arena_alloc(a, n->n * sizeof(*c->items));
		memcpy(c->items, n->items, n->n * sizeof(*c->items));
	}
	return c;
}

void yaml_put(struct arena *a, struct yaml_node *map, const char *key, struct yaml_node *value)
{
	for (size_t i = 0; i < map->n; i++) {
		if (strcmp(map->pairs[i].key->text, key))
			continue;
		if (value) {
			map->pairs[i].value = value;
			return;
		}
		memmove(&map->pairs[i], &map->pairs[i + 1], (map->n - i - 1) * sizeof *map->pairs);
		map->n--;
		return;
	}
	if (!value)
		return;
	struct yaml_pair *pairs = arena_alloc(a, (map->n + 1) * sizeof *pairs);
	if (map->n)
		memcpy(pairs, map->pairs, map->n * sizeof *pairs);
	pairs[map->n++] = (struct yaml_pair){yaml_new_string(a, key, value->source), value};
	map->pairs = pairs;
}

static json_t *json_of_map(const struct yaml_node *n)
{
	json_t *j = json_object();
	for (size_t i = 0; i < n->n; i++)
		json_object_set_new(j, n->pairs[i].key->text, yaml_json(n->pairs[i].value));
	return j;
}

json_t *yaml_json(const struct yaml_node *n)
{
	switch (n->kind) {
	case YAML_NULL:
		return json_null();
	case YAML_BOOL:
		return json_boolean(n->flag);
	case YAML_INT:
		return n->too_big ? json_string(n->text) : json_integer(n->integer);
	case YAML_FLOAT:
		return isfinite(n->real) ? json_real(n->real) : json_null();
	case YAML_DATE:
	case YAML_STRING:
		return json_stringn(n->text, n->len);
	case YAML_MAP:
		return json_of_map(n);
	case YAML_LIST:
		break;
	}
	json_t *j = json_array();
	for (size_t i = 0; i < n->n; i++)
		json_array_append_new(j, yaml_json(n->items[i]));
	return j;
}

const char *yaml_kind_name(enum yaml_kind kind)
{
	static const char *const names[] = {
	    [YAML_NULL] = "nothing",
	    [YAML_BOOL] = "true or false",
	    [YAML_INT] = "a whole number",
	    [YAML_FLOAT] = "a number",
	    [YAML_DATE] = "a date",
	    [YAML_STRING] = "text",
	    [YAML_LIST] = "a list",
	    [YAML_MAP] = "a map",
	};
	return names[kind];
}

/* At most 60 bytes, cut between characters, control characters shown as '?'. */
static const char *clip(const char *text, char *buf, size_t size)
{
	struct str s = str_new(4096);
	size_t len = strlen(text), max = size - 4 < 60 ? size - 4 : 60, cut = len;
	if (len > max) {
		for (cut = max; cut && ((unsigned char)text[cut] & 0xC0) == 0x80;)
			cut--;
	}
	text_clean(&s, text, cut);
	snprintf(buf, size, "%s%s", str_text(&s), cut < len ? "…" : "");
	str_free(&s);
	return buf;
}

const char *yaml_describe(const struct yaml_node *n, char *buf, size_t size)
{
	char text[80];
	if (n->hidden) {
		snprintf(buf, size, "a value with a secret in it");
		return buf;
	}
	clip(n->text, text, sizeof text);
	switch (n->kind) {
	case YAML_NULL:
	case YAML_LIST:
	case YAML_MAP:
		snprintf(buf, size, "%s", yaml_kind_name(n->kind));
		break;
	case YAML_BOOL:
		snprintf(buf, size, "%s (true or false)", text);
		break;
	case YAML_INT:
	case YAML_FLOAT:
		snprintf(buf, size, "the number %s", text);
		break;
	case YAML_DATE:
		snprintf(buf, size, "the date %s", text);
		break;
	case YAML_STRING:
		snprintf(buf, size, "'%s'", text);
		break;
	}
	return buf;
}
