/* Field tables against trees. The rules are those of the JSON schemas that task files are written for: unknown fields
 * are refused, true is no number, 2.0 is a whole number. The first thing wrong is reported, but unknown fields of one
 * map come together, since who mistypes one often mistypes two. */
#include "core/model/schema.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/str.h"

static unsigned kind_of(const struct yaml_node *n)
{
	int64_t whole;
	switch (n->kind) {
	case YAML_NULL:
		return S_NULL;
	case YAML_BOOL:
		return S_BOOL;
	case YAML_INT:
		return S_INT | S_NUM;
	case YAML_FLOAT:
		return yaml_whole(n, &whole) ? S_INT | S_NUM : S_NUM;
	case YAML_STRING:
		return S_STR;
	case YAML_LIST:
		return S_LIST;
	case YAML_MAP:
		return S_MAP;
	case YAML_DATE:
		break;
	}
	return 0;
}

/* "text or a whole number" */
static void kinds_text(unsigned kinds, struct str *out)
{
	static const struct {
		unsigned kind;
		const char *name;
	} names[] = {
	    {S_STR, "text"},
	    {S_BOOL, "true or false"},
	    {S_NUM, "a number"},
	    {S_INT, "a whole number"},
	    {S_LIST, "a list"},
	    {S_MAP, "a map"},
	    {S_NULL, "nothing"},
	};
	if (kinds & S_NUM)
		kinds &= ~(unsigned)S_INT;
	if (kinds & ~(unsigned)S_NULL)
		kinds &= ~(unsigned)S_NULL;
	const char *sep = "";
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!(kinds & names[i].kind))
			continue;
		str_addf(out, "%s%s", sep, names[i].name);
		sep = " or ";
	}
}

static int wrong(const struct schema_type *t, const struct yaml_node *n, const char *name, const struct schema_place *p)
{
	char what[128];
	struct str want = str_new(600);
	if (t->want)
		str_add(&want, t->want);
	else
		kinds_text(t->kinds, &want);
	bool scalar = n->kind == YAML_INT || n->kind == YAML_FLOAT || n->kind == YAML_BOOL || n->kind == YAML_DATE;
	bool any_text = t->kinds == S_STR && !t->words && !t->check;
	const char *quote = scalar && any_text && !n->source && !n->hidden ? n->text : NULL;
	int rc = yaml_err(p->err, p->at, p->file, n, "%s must be %s, not %s%s%.60s%s", name, str_text(&want),
	    yaml_describe(n, what, sizeof what), quote ? "; in quotes it would be text: \"" : "", quote ? quote : "",
	    quote ? "\"" : "");
	str_free(&want);
	return rc;
}

/* "a, b, c": at most as many as fit a message */
static void list_words(struct str *out, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n && out->len < 500; i++)
		str_addf(out, "%s%s", i ? ", " : "", words[i]);
}

static int check_word(
    const struct schema_type *t, const struct yaml_node *n, const char *name, const struct schema_place *p)
{
	size_t count = 0;
	for (; t->words[count]; count++)
		if (str_ieq(t->words[count], n->text))
			return 0;
	char what[128];
	struct str all = str_new(600);
	list_words(&all, t->words, count);
	const char *near = n->hidden ? NULL : text_nearest(n->text, t->words, count);
	int rc = yaml_err(p->err, p->at, p->file, n, "%s: %s is not one of %s%s%s%s", name,
	    yaml_describe(n, what, sizeof what), str_text(&all), near ? "; did you mean '" : "", near ? near : "",
	    near ? "'?" : "");
	str_free(&all);
	return rc;
}

static int check_range(
    const struct schema_type *t, const struct yaml_node *n, const char *name, const struct schema_place *p)
{
	if (n->real >= t->min && n->real <= t->max && !(n->kind == YAML_INT && n->too_big))
		return 0;
	char low[40], high[40];
	yaml_float_text(t->min, low, sizeof low);
	yaml_float_text(t->max, high, sizeof high);
	for (char *c = low; (c = strstr(c, ".0")); c++)
		*c = '\0';
	for (char *c = high; (c = strstr(c, ".0")); c++)
		*c = '\0';
	if (isinf(t->max))
		return yaml_err(p->err, p->at, p->file, n, "%s must be at least %s, not %.40s", name, low, n->text);
	return yaml_err(p->err, p->at, p->file, n, "%s must be between %s and %s, not %.40s", name, low, high, n->text);
}

/* Same text and kind: good enough for the lists that must not repeat themselves (numbers and words). */
static int check_unique(const struct yaml_node *n, const char *name, const struct schema_place *p)
{
	for (size_t i = 1; i < n->n; i++)
		for (size_t k = 0; k < i; k++)
			if (n->items[i]->kind == n->items[k]->kind && !strcmp(n->items[i]->text, n->items[k]->text))
				return yaml_err(p->err, p->at, p->file, n->items[i], "%s has '%.60s' twice", name,
				    n->items[i]->text);
	return 0;
}

static int check_list(
    const struct schema_type *t, const struct yaml_node *n, const char *name, const struct schema_place *p)
{
	char item[200];
	if (t->some && !n->n)
		return yaml_err(p->err, p->at, p->file, n, "%s must not be empty", name);
	if (t->max_items && n->n > t->max_items)
		return yaml_err(
		    p->err, p->at, p->file, n, "%s has %zu items; at most %zu are allowed", name, n->n, t->max_items);
	if (t->unique && n->n <= 1000 && check_unique(n, name, p))
		return -1;
	for (size_t i = 0; t->each && i < n->n; i++) {
		snprintf(item, sizeof item, "%s[%zu]", name, i);
		if (schema_check_type(t->each, n->items[i], item, p))
			return -1;
	}
	return 0;
}

static int check_map(
    const struct schema_type *t, const struct yaml_node *n, const char *name, const struct schema_place *p)
{
	char item[200];
	if (t->max_items && n->n > t->max_items)
		return yaml_err(p->err, p->at, p->file, n, "%s has %zu entries; at most %zu %s allowed", name, n->n,
		    t->max_items, t->max_items == 1 ? "is" : "are");
	if (t->map)
		return schema_check(t->map, n, p);
	for (size_t i = 0; i < n->n; i++) {
		const struct yaml_pair *pair = &n->pairs[i];
		if (t->check && !t->check(pair->key->text))
			return yaml_err(p->err, p->at, p->file, pair->key, "%s: the name '%.60s' must be %s", name,
			    pair->key->text, t->key_want ? t->key_want : "another");
		snprintf(item, sizeof item, "%.80s '%.60s'", name, pair->key->text);
		if (t->each && schema_check_type(t->each, pair->value, item, p))
			return -1;
	}
	return 0;
}

int schema_check_type(
    const struct schema_type *t, const struct yaml_node *n, const char *name, const struct schema_place *p)
{
	unsigned kind = kind_of(n);
	if (!(t->kinds & kind))
		return wrong(t, n, name, p);
	if (kind & S_STR) {
		if (t->words && check_word(t, n, name, p))
			return -1;
		if (t->check && !(t->kinds & S_MAP) && !t->check(n->text))
			return wrong(t, n, name, p);
	}
	if ((kind & S_NUM) && t->ranged && check_range(t, n, name, p))
		return -1;
	if (kind & S_LIST)
		return check_list(t, n, name, p);
	if (kind & S_MAP)
		return check_map(t, n, name, p);
	return 0;
}

const struct schema_field *schema_find(const struct schema *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->fields[i].name, name))
			return &s->fields[i];
	return NULL;
}

/* The fields a person may write: neither internal nor refused ones. */
static size_t public_names(const struct schema *s, const char **names, size_t max)
{
	size_t n = 0;
	for (size_t i = 0; i < s->n && n < max; i++)
		if (!s->fields[i].internal && s->fields[i].type.kinds)
			names[n++] = s->fields[i].name;
	return n;
}

static int report_unknown(const struct schema *s, const struct yaml_node *n, const struct schema_place *p)
{
	const char *names[64];
	size_t n_names = public_names(s, names, ARRAY_LEN(names));
	const struct yaml_node *first = NULL;
	struct str text = str_new(700);
	bool far = false;
	for (size_t i = 0; i < n->n && text.len < text.max / 2; i++) {
		const struct yaml_node *key = n->pairs[i].key;
		if (schema_find(s, key->text))
			continue;
		const char *near = text_nearest(key->text, names, n_names);
		if (s->open && !near)
			continue;
		str_add(&text, first ? " " : "");
		if (near)
			str_addf(&text, "Instead of '%.60s', did you mean '%s'?", key->text, near);
		else
			str_addf(&text, "Found unsupported field '%.60s'.", key->text);
		far = far || !near;
		first = first ? first : key;
	}
	if (first && far) {
		str_addf(&text, " Fields of %s: ", s->what);
		list_words(&text, names, n_names);
	}
	int rc = first ? yaml_err(p->err, p->at, p->file, first, "%s", str_text(&text)) : 0;
	str_free(&text);
	return rc;
}

int schema_check(const struct schema *s, const struct yaml_node *n, const struct schema_place *p)
{
	if (n->kind != YAML_MAP)
		return yaml_err(
		    p->err, p->at, p->file, n, "%s must be a map of fields, not %s", s->what, yaml_kind_name(n->kind));
	if (report_unknown(s, n, p))
		return -1;
	for (size_t i = 0; i < n->n; i++) {
		const struct yaml_pair *pair = &n->pairs[i];
		const struct schema_field *f = schema_find(s, pair->key->text);
		if (!f || (s->skip_null && pair->value->kind == YAML_NULL))
			continue;
		if (!f->type.kinds)
			return yaml_err(p->err, p->at, p->file, pair->key, "%s", f->type.want);
		if (schema_check_type(&f->type, pair->value, f->name, p))
			return -1;
	}
	for (size_t i = 0; i < s->n; i++)
		if (s->fields[i].required && !yaml_get(n, s->fields[i].name))
			return yaml_err(p->err, p->at, p->file, n, "'%s' is missing in %s", s->fields[i].name, s->what);
	return 0;
}
