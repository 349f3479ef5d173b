/* From the text of a filter to its terms. A term is a run of characters without blanks; "…" takes blanks and commas into
 * it, /…/ is a regular expression. Whatever is wrong is said with its column, and where a word nearly fits, that word.
 *
 * Regular expressions come from people but may come from a saved view or another program too, and the C library's can be
 * made to take exponential time or memory by counted repetition and back-references: those two are refused. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/num.h"
#include "core/base/str.h"
#include "core/model/accelerator.h"
#include "core/model/cloud.h"
#include "core/plan/filter_term.h"

enum { MAX_VALUES = 64, MAX_REGEX = 200, MAX_PLUSES = 8 };

const struct field filter_fields[] = {
	{"cloud", "provider infra", FIELD_CLOUD, SCOPE_TYPE, false, 0, "cloud:aws,gcp"},
	{"gpu", "accelerator acc", FIELD_GPU, SCOPE_TYPE, false, 0, "gpu:H100,A100*"},
	{"instance", "type instance_type", FIELD_INSTANCE, SCOPE_TYPE, false, 0, "instance:p5*"},
	{"arch", "", FIELD_ARCH, SCOPE_TYPE, false, 0, "arch:arm64"},
	{"region", "", FIELD_REGION, SCOPE_PLACE, false, 0, "region:us-*"},
	{"zone", "", FIELD_ZONE, SCOPE_PLACE, false, 0, "zone:us-east-1a"},
	{"source", "", FIELD_SOURCE, SCOPE_SOURCE, false, 0, "source:*import*"},
	{"avail", "available", FIELD_AVAIL, SCOPE_ROW, false, 0, "avail:yes,low"},
	{"price", "", FIELD_PRICE, SCOPE_ROW, true, 1, "price<2.5"},
	{"spot", "spot_price", FIELD_SPOT, SCOPE_ROW, true, 1, "spot<1"},
	{"pergpu", "per_gpu", FIELD_PER_GPU, SCOPE_ROW, true, 1, "pergpu<3"},
	{"n", "count gpus", FIELD_COUNT, SCOPE_TYPE, true, 1, "n>=8"},
	/* Memory is kept in MiB and written in GiB: x MiB × 15625 = y millionths of a GiB × 16. */
	{"mem", "gpumem gpu_mem vram", FIELD_GPU_MEM, SCOPE_TYPE, true, 16, "mem>=80"},
	{"ram", "memory", FIELD_RAM, SCOPE_TYPE, true, 16, "ram>=64"},
	{"vcpu", "vcpus cpu cpus", FIELD_VCPU, SCOPE_TYPE, true, 1, "vcpu>=16"},
	{"reclaim", "", FIELD_RECLAIM, SCOPE_ROW, true, 1, "reclaim<10"},
	{"saving", "save", FIELD_SAVING, SCOPE_ROW, true, 1, "saving>50"},
	{.name = NULL},
};

/* Other names of clouds and architectures that people write. */
static const struct {
	enum field_id field;
	const char *from, *to;
} synonyms[] = {
	{FIELD_CLOUD, "digitalocean", "do"}, {FIELD_CLOUD, "datacrunch", "verda"}, {FIELD_CLOUD, "amazon", "aws"},
	{FIELD_CLOUD, "google", "gcp"},	     {FIELD_ARCH, "x86", "x86_64"},	   {FIELD_ARCH, "amd64", "x86_64"},
	{FIELD_ARCH, "arm", "arm64"},	     {FIELD_ARCH, "aarch64", "arm64"},
};

struct parser {
	const char *text;
	size_t at;	   /* where reading goes on */
	size_t start, end; /* the term being read, without its '!' */
	struct filter *f;
	struct filter_error *where;
	struct err *err;
};

/* Record an error about the bytes [at, at + len) and return -1. */
__attribute__((format(printf, 5, 6)))
static int fail(struct parser *p, size_t at, size_t len, bool incomplete, const char *fmt, ...)
{
	char text[300];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	if (p->where)
		*p->where = (struct filter_error){at, len, incomplete};
	return err_set(p->err, ERR_INVALID, "filter, column %zu: %s", at + 1, text);
}

static bool word_in(const char *list, const char *word, size_t len)
{
	while (*list) {
		size_t n = strcspn(list, " ");
		if (n == len && !strncasecmp(list, word, len))
			return true;
		list += n + (list[n] == ' ');
	}
	return false;
}

static const struct field *find_field(const char *name, size_t len)
{
	for (const struct field *f = filter_fields; f->name; f++)
		if ((strlen(f->name) == len && !strncasecmp(f->name, name, len)) || word_in(f->aliases, name, len))
			return f;
	return NULL;
}

static const struct field *field_by_id(enum field_id id)
{
	const struct field *f = filter_fields;
	while (f->id != id)
		f++;
	return f;
}

static int unknown_field(struct parser *p, size_t len)
{
	const char *names[ARRAY_LEN(filter_fields)];
	size_t n = 0;
	for (const struct field *f = filter_fields; f->name; f++)
		names[n++] = f->name;
	char *word = arena_strndup(p->f->arena, p->text + p->start, len);
	const char *near = text_nearest(word, names, n);
	if (near)
		return fail(p, p->start, len, false, "there is no field '%.40s'; did you mean '%s'?", word, near);
	return fail(p, p->start, len, false, "there is no field '%.40s'; write \"%.40s…\" to search for it as text", word,
	    word);
}

static struct term *add_term(struct parser *p, enum term_kind kind, bool negated)
{
	struct term *t = &p->f->terms[p->f->n++];
	*t = (struct term){.kind = kind, .negated = negated};
	return t;
}

/* The comma-separated values in [at, end), quotes removed; commas inside quotes do not separate. */
static int read_values(struct parser *p, struct term *t, size_t at)
{
	t->values = arena_alloc(p->f->arena, MAX_VALUES * sizeof *t->values);
	char *out = arena_alloc(p->f->arena, p->end - at + 2 * MAX_VALUES);
	for (size_t i = at;; i++) {
		bool quoted = false, any_quote = false;
		char *start = out;
		size_t from = i;
		for (; i < p->end && (quoted || p->text[i] != ','); i++) {
			if (p->text[i] == '"')
				quoted = !quoted, any_quote = true;
			else
				*out++ = p->text[i];
		}
		*out++ = '\0';
		if (!*start && !any_quote)
			return fail(p, from, 0, i == p->end, "a value is missing");
		if (t->n_values == MAX_VALUES)
			return fail(p, from, i - from, false, "more than %d values", MAX_VALUES);
		t->values[t->n_values++] = start;
		if (i >= p->end)
			return 0;
	}
}

static const char *synonym(enum field_id field, const char *value)
{
	const struct cloud *cloud = field == FIELD_CLOUD ? cloud_find(value) : NULL;
	if (cloud)
		return cloud->name;
	for (size_t i = 0; i < ARRAY_LEN(synonyms); i++)
		if (synonyms[i].field == field && str_ieq(synonyms[i].from, value))
			return synonyms[i].to;
	return value;
}

static int check_text_value(struct parser *p, const struct field *field, const char **value, size_t at)
{
	static const char *const avail[] = {"yes", "low", "no", "unknown"};
	*value = synonym(field->id, *value);
	if (field->id == FIELD_GPU) {
		if (strchr(*value, ':'))
			return fail(p, at, p->end - at, false, "for a GPU and a count write %.40s, without gpu:", *value);
		if (!strpbrk(*value, "*?"))
			*value = accelerator_canonical(*value);
	}
	if (field->id == FIELD_AVAIL) {
		for (size_t i = 0; i < ARRAY_LEN(avail); i++)
			if (str_ieq(avail[i], *value))
				return 0;
		for (size_t i = 0; i < ARRAY_LEN(avail); i++) /* being typed */
			if (str_starts(avail[i], *value))
				return fail(p, at, p->end - at, true, "avail is one of yes, low, no, unknown");
		return fail(p, at, p->end - at, false, "avail is one of yes, low, no, unknown");
	}
	return 0;
}

static int parse_text(struct parser *p, const struct field *field, size_t at, bool negated)
{
	struct term *t = add_term(p, TERM_TEXT, negated);
	t->field = field;
	if (read_values(p, t, at) < 0)
		return -1;
	for (size_t i = 0; i < t->n_values; i++)
		if (check_text_value(p, field, &t->values[i], at) < 0)
			return -1;
	return 0;
}

/* "2.5", "$2.5", "80GB", "10%" in millionths of the field's unit, scaled to its values. */
static int read_number(struct parser *p, const struct field *field, const char *text, size_t at, int64_t *out)
{
	size_t len = strlen(text), skip = *text == '$';
	const char *digits = text + skip;
	size_t n = strspn(digits, "0123456789.");
	const char *unit = digits + n;
	int64_t v, factor = field->limit_factor;
	bool memory = field->limit_factor == 16;
	if (!n && !*unit)
		return fail(p, at, p->end - at, true, "a number is missing");
	if (memory && (str_ieq(unit, "t") || str_ieq(unit, "tb") || str_ieq(unit, "tib")))
		factor *= 1024;
	else if (*unit && !(memory && (str_ieq(unit, "g") || str_ieq(unit, "gb") || str_ieq(unit, "gib"))) &&
	    !((field->id == FIELD_RECLAIM || field->id == FIELD_SAVING) && str_eq(unit, "%")))
		return fail(p, at, len, false, "'%.40s' is not a number", text);
	if (n == 1 && *digits == '.')
		return fail(p, at, len, true, "a number is missing");
	char *copy = arena_strndup(p->f->arena, digits, n);
	if (n && copy[n - 1] == '.')
		copy[n - 1] = '\0'; /* "2." while "2.5" is being typed */
	if (!num_micro(copy, &v) || v > INT64_MAX / factor / 4)
		return fail(p, at, len, false, "'%.40s' is not a number", text);
	*out = v * factor;
	return 0;
}

static int parse_number(struct parser *p, const struct field *field, size_t op_at, size_t op_len, bool negated)
{
	struct term *t = add_term(p, TERM_NUMBER, negated);
	t->field = field;
	size_t at = op_at + op_len;
	if (read_values(p, t, at) < 0)
		return -1;
	char op = p->text[op_at];
	bool equal = op_len == 2;
	t->outside = op == '!';
	if (t->n_values > 1 && (op == '<' || op == '>'))
		return fail(p, at, p->end - at, false, "%c compares with one number", op);
	t->ranges = arena_alloc(p->f->arena, t->n_values * sizeof *t->ranges);
	for (size_t i = 0; i < t->n_values; i++) {
		int64_t v = 0;
		if (read_number(p, field, t->values[i], at, &v) < 0)
			return -1;
		struct range r = {v, v};
		if (op == '<')
			r = (struct range){INT64_MIN, equal ? v : v - 1};
		if (op == '>')
			r = (struct range){equal ? v : v + 1, INT64_MAX};
		t->ranges[t->n_ranges++] = r;
	}
	return 0;
}

/* H100:8 and H100:8+, where the name before the colon is no field. */
static int parse_accel(struct parser *p, size_t colon, bool negated)
{
	struct arena *a = p->f->arena;
	char *name = arena_strndup(a, p->text + p->start, colon - p->start);
	char *count = arena_strndup(a, p->text + colon + 1, p->end - colon - 1);
	size_t n = strlen(count);
	bool at_least = n > 1 && count[n - 1] == '+';
	int64_t micro;
	if (at_least)
		count[n - 1] = '\0';
	if (!num_micro(count, &micro) || micro > INT64_MAX / 4)
		return unknown_field(p, colon - p->start);
	struct term *t = add_term(p, TERM_ACCEL, negated);
	t->values = arena_alloc(a, sizeof *t->values);
	t->values[t->n_values++] = strpbrk(name, "*?") ? name : accelerator_canonical(name);
	t->ranges = arena_alloc(a, sizeof *t->ranges);
	/* A hundredth is no difference: A10:0.167 is sold as 0.16667. */
	t->ranges[t->n_ranges++] = (struct range){micro - 10000, at_least ? INT64_MAX : micro + 10000};
	return 0;
}

static int parse_words(struct parser *p, bool negated)
{
	struct term *t = add_term(p, TERM_WORDS, negated);
	if (read_values(p, t, p->start) < 0)
		return -1;
	for (size_t i = 0; i < t->n_values; i++) {
		char *low = arena_strdup(p->f->arena, t->values[i]);
		for (char *c = low; *c; c++)
			*c = (char)tolower((unsigned char)*c);
		t->values[i] = low;
	}
	return 0;
}

/* The operator of a term: where it starts and how long it is; 0: none. Only after a name, and not inside quotes. */
static size_t find_operator(const struct parser *p, size_t *at)
{
	size_t i = p->start;
	while (i < p->end && (isalnum((unsigned char)p->text[i]) || strchr("_-.*?", p->text[i])))
		i++;
	*at = i;
	if (i == p->end || i == p->start || !strchr(":<>=!", p->text[i]))
		return 0;
	if (p->text[i] == ':')
		return 1;
	if (p->text[i] == '!')
		return i + 1 < p->end && p->text[i + 1] == '=' ? 2 : 0;
	return i + 1 < p->end && p->text[i + 1] == '=' ? 2 : 1;
}

static int parse_operator(struct parser *p, size_t op, size_t op_len, bool negated)
{
	const struct field *field = find_field(p->text + p->start, op - p->start);
	if (!field)
		return p->text[op] == ':' ? parse_accel(p, op, negated) : unknown_field(p, op - p->start);
	/* gpu: is the name, gpu>= the number of them. */
	if (field->id == FIELD_GPU && p->text[op] != ':')
		field = field_by_id(FIELD_COUNT);
	if (field->numeric)
		return parse_number(p, field, op, op_len, negated);
	if (p->text[op] == '<' || p->text[op] == '>')
		return fail(p, op, op_len, false, "%s is a text: use %s:", field->name, field->help);
	return parse_text(p, field, op + op_len, negated ^ (p->text[op] == '!'));
}

static int check_regex(struct parser *p, const char *re, size_t len)
{
	if (len > MAX_REGEX)
		return fail(p, p->start, len, false, "the expression is longer than %d bytes", MAX_REGEX);
	int pluses = 0;
	for (size_t i = 0; i < len; i++) {
		/* The C library writes x+ out as xx*: twenty of them, one around the other, are a million copies of x. */
		if (re[i] == '+' && ++pluses > MAX_PLUSES)
			return fail(p, p->start + 1 + i, 1, false, "more than %d times + in one expression", MAX_PLUSES);
		if (re[i] == '\\' && i + 1 < len) {
			if (isdigit((unsigned char)re[i + 1]))
				return fail(p, p->start + 1 + i, 2, false, "back-references are not supported");
			i++;
		} else if (re[i] == '{') {
			return fail(p, p->start + 1 + i, 1, false, "counted repetition {n,m} is not supported");
		}
	}
	return 0;
}

static int parse_regex(struct parser *p, bool negated)
{
	size_t i = p->start + 1;
	while (p->text[i] && p->text[i] != '/')
		i += p->text[i] == '\\' && p->text[i + 1] ? 2 : 1;
	if (!p->text[i])
		return fail(p, p->start, i - p->start, true, "a / is missing at the end of the expression");
	size_t len = i - p->start - 1;
	p->at = i + 1;
	if (!len)
		return fail(p, p->start, 2, true, "the expression is empty");
	char *re = arena_strndup(p->f->arena, p->text + p->start + 1, len);
	if (check_regex(p, re, len) < 0)
		return -1;
	regex_t *r = arena_alloc(p->f->arena, sizeof *r);
	int rc = regcomp(r, re, REG_EXTENDED | REG_ICASE);
	if (rc) {
		char why[100];
		regerror(rc, r, why, sizeof why);
		return fail(p, p->start, len + 2, false, "not a regular expression: %s", why);
	}
	add_term(p, TERM_REGEX, negated)->regex = r;
	return 0;
}

/* Set [start, end) to the next run without blanks, quotes taken whole. */
static int next_token(struct parser *p)
{
	bool quoted = false;
	p->start = p->at;
	while (p->text[p->at] && (quoted || !isspace((unsigned char)p->text[p->at])))
		quoted ^= p->text[p->at++] == '"';
	p->end = p->at;
	if (quoted)
		return fail(p, p->start, p->end - p->start, true, "a quote is missing");
	return 0;
}

static int parse_term(struct parser *p)
{
	bool negated = p->text[p->at] == '!';
	p->at += negated;
	if (p->f->n == FILTER_MAX_TERMS)
		return fail(p, p->at, 0, false, "more than %d terms", FILTER_MAX_TERMS);
	if (p->text[p->at] == '/') {
		p->start = p->at;
		return parse_regex(p, negated);
	}
	if (next_token(p) < 0)
		return -1;
	if (p->start == p->end)
		return fail(p, p->start, 0, true, "! stands before what is not wanted");
	size_t op, op_len = find_operator(p, &op);
	if (op_len)
		return parse_operator(p, op, op_len, negated);
	if (p->end - p->start == 4 && !strncasecmp(p->text + p->start, "spot", 4)) {
		add_term(p, TERM_SPOT, negated);
		return 0;
	}
	return parse_words(p, negated);
}

static int parse(struct parser *p)
{
	for (;;) {
		while (isspace((unsigned char)p->text[p->at]))
			p->at++;
		if (!p->text[p->at])
			return 0;
		if (parse_term(p) < 0)
			return -1;
	}
}

struct filter *filter_compile(const char *text, struct filter_error *where, struct err *err)
{
	struct filter *f = xcalloc(1, sizeof *f);
	struct parser p = {.text = text, .f = f, .where = where, .err = err};
	f->arena = arena_create();
	if (strlen(text) > FILTER_MAX_TEXT) {
		fail(&p, FILTER_MAX_TEXT, 0, false, "longer than %d bytes", FILTER_MAX_TEXT);
	} else if (parse(&p) == 0) {
		return f;
	}
	filter_destroy(f);
	return NULL;
}

void filter_destroy(struct filter *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++)
		if (f->terms[i].regex)
			regfree(f->terms[i].regex);
	arena_destroy(f->arena);
	free(f);
}

size_t filter_complete(const char *prefix, const char **out, size_t max)
{
	static const char *const starts[] = {"cloud:", "gpu:",	  "instance:", "arch:", "region:", "zone:",    "source:", "avail:",
	    "price<", "spot", "spot<", "pergpu<", "n>=", "mem>=", "ram>=",    "vcpu>=", "reclaim<", "saving>"};
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_LEN(starts) && n < max; i++)
		if (!strncasecmp(starts[i], prefix, strlen(prefix)))
			out[n++] = starts[i];
	return n;
}

const char *const *filter_help(void)
{
	static const char *const lines[] = {
	    "h100 us-east        words: each occurs in GPU, cloud, instance, region or zone",
	    "h100,h200           any of several; \"in quotes\" with blanks and commas",
	    "H100:8  H100:8+     a GPU and how many of it, or at least so many",
	    "cloud:aws,gcp       whole values, any of several, with * and ?: cloud gpu instance",
	    "region:us-*         region zone arch source avail (yes, low, no, unknown)",
	    "price<2.5 spot<=1   dollars an hour; pergpu<3 for one GPU of the machine",
	    "n>=8 mem>=80        number of GPUs, GB of one GPU; vcpu>=16 ram>=64 of the machine",
	    "reclaim<10          percent of spot machines taken back in a month; saving>50: spot against price",
	    "spot                sold as spot",
	    "/gpu_[18]x/         regular expression",
	    "!term               not",
	    NULL,
	};
	return lines;
}
