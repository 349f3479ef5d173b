/* Running a filter over a table of offers. 140,000 rows share some 3,500 types and 1,500 places, so every term about a text
 * or a size is decided once for each type and each place: one bit a term. A row then matches when the bits of its type,
 * its place and its source together have every term; only prices and the like are looked at row by row. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/str.h"
#include "core/plan/filter_term.h"
#include "core/plan/order.h"

static const char *const avail_names[] = {
	[AVAILABLE_UNKNOWN] = "unknown", [AVAILABLE_YES] = "yes", [AVAILABLE_LOW] = "low", [AVAILABLE_NO] = "no"};

/* --- texts ----------------------------------------------------------------------------------------------------------*/

/* needle is in lower case. Returns where it starts in hay, case folded, or NULL. */
static const char *find_folded(const char *hay, const char *needle, size_t len)
{
	int lo = needle[0], up = toupper((unsigned char)needle[0]);
	for (; *hay; hay++) {
		if (*hay != lo && *hay != up)
			continue;
		size_t i = 1;
		while (i < len && tolower((unsigned char)hay[i]) == (unsigned char)needle[i])
			i++;
		if (i == len)
			return hay;
	}
	return NULL;
}

static bool text_has(const struct term *t, const char *text)
{
	if (!text || !*text)
		return false;
	if (t->kind == TERM_REGEX)
		return regexec(t->regex, text, 0, NULL, 0) == 0;
	for (size_t i = 0; i < t->n_values; i++) {
		size_t len = strlen(t->values[i]);
		if (len == 0 || find_folded(text, t->values[i], len))
			return true;
	}
	return false;
}

/* A text that is not there is only what "" asks for: gpu:* are machines that have one, zone:"" offers of no zone. */
static bool text_is(const struct term *t, const char *text)
{
	bool none = !text || !*text;
	for (size_t i = 0; i < t->n_values; i++)
		if (none ? !*t->values[i] : str_glob(t->values[i], text))
			return true;
	return false;
}

/* --- numbers --------------------------------------------------------------------------------------------------------*/

static bool in_ranges(const struct term *t, int64_t v)
{
	for (size_t i = 0; i < t->n_ranges; i++)
		if (v >= t->ranges[i].lo && v <= t->ranges[i].hi)
			return !t->outside;
	return t->outside;
}

/* The field's number in the unit of its limits; false: unknown. */
static bool type_number(const struct offer_type *y, enum field_id id, int64_t *v)
{
	switch (id) {
	case FIELD_COUNT:
		*v = y->accel_count_micro;
		return *v >= 0;
	case FIELD_GPU_MEM:
		*v = y->gpu_mem_mib * 15625;
		return y->accelerator && y->gpu_mem_mib >= 0;
	case FIELD_RAM:
		*v = y->mem_mib * 15625;
		return y->mem_mib >= 0;
	case FIELD_VCPU:
		*v = y->vcpus_micro;
		return *v >= 0;
	default:
		return false;
	}
}

static bool row_number(const struct offers *o, size_t row, enum field_id id, int64_t *v)
{
	const struct offer *r = &o->rows[row];
	switch (id) {
	case FIELD_PRICE:
		*v = r->price_uusd_h;
		return *v != PRICE_UNKNOWN;
	case FIELD_SPOT:
		*v = r->spot_uusd_h;
		return *v != PRICE_UNKNOWN;
	case FIELD_PER_GPU:
		*v = offer_per_gpu(o, row, false);
		return *v != PRICE_UNKNOWN;
	case FIELD_RECLAIM:
		*v = (int64_t)r->reclaim * 1000000;
		return r->reclaim != RECLAIM_UNKNOWN;
	case FIELD_SAVING:
		if (!offer_value(o, row, OFFER_BY_SAVING, v))
			return false;
		*v *= 100; /* percent */
		return true;
	default:
		return false;
	}
}

/* --- terms ----------------------------------------------------------------------------------------------------------*/

static const char *type_text(const struct offer_type *y, enum field_id id)
{
	switch (id) {
	case FIELD_CLOUD:
		return y->provider;
	case FIELD_GPU:
		return y->accelerator;
	case FIELD_INSTANCE:
		return y->instance_type;
	default:
		return y->arch;
	}
}

/* Does the type alone fulfil the term (its "not" aside)? */
static bool type_fits(const struct term *t, const struct offer_type *y)
{
	int64_t v;
	switch (t->kind) {
	case TERM_WORDS:
	case TERM_REGEX:
		return text_has(t, y->accelerator) || text_has(t, y->instance_type) || text_has(t, y->provider);
	case TERM_TEXT:
		return t->field->scope == SCOPE_TYPE && text_is(t, type_text(y, t->field->id));
	case TERM_NUMBER:
		return t->field->scope == SCOPE_TYPE && type_number(y, t->field->id, &v) && in_ranges(t, v);
	case TERM_ACCEL:
		return y->accelerator && str_glob(t->values[0], y->accelerator) && in_ranges(t, y->accel_count_micro);
	case TERM_SPOT:
		return false;
	}
	return false;
}

static bool place_fits(const struct term *t, const struct offer_place *p)
{
	if (t->kind == TERM_WORDS || t->kind == TERM_REGEX)
		return text_has(t, p->region) || text_has(t, p->zone);
	return t->kind == TERM_TEXT && t->field->scope == SCOPE_PLACE &&
	    text_is(t, t->field->id == FIELD_REGION ? p->region : p->zone);
}

static bool is_row_term(const struct term *t)
{
	return t->kind == TERM_SPOT || (t->field && t->field->scope == SCOPE_ROW);
}

static bool row_fits(const struct term *t, const struct offers *o, size_t row)
{
	int64_t v;
	const struct offer *r = &o->rows[row];
	if (t->kind == TERM_SPOT)
		return r->spot_uusd_h != PRICE_UNKNOWN;
	if (t->kind == TERM_TEXT)
		return text_is(t, avail_names[r->available < ARRAY_LEN(avail_names) ? r->available : 0]);
	return row_number(o, row, t->field->id, &v) && in_ranges(t, v);
}

/* --- public ---------------------------------------------------------------------------------------------------------*/

bool filter_is_empty(const struct filter *f)
{
	return !f || f->n == 0;
}

void offer_list_free(struct offer_list *l)
{
	free(l->rows);
	*l = (struct offer_list){0};
}

static void list_reserve(struct offer_list *l, size_t n)
{
	if (l->cap >= n)
		return;
	l->rows = xreallocarray(l->rows, n, sizeof *l->rows);
	l->cap = n;
}

/* One bit a term for every type, place and source; one block, to be freed by its first pointer. */
struct masks {
	uint64_t *type, *place, *source;
	uint64_t want;	 /* terms that these bits decide */
	uint64_t negate; /* those of them that must not be fulfilled */
};

static struct masks make_masks(const struct filter *f, const struct offers *o)
{
	struct masks m = {.type = xcalloc(o->n_types + o->n_places + o->n_sources + 1, sizeof(uint64_t))};
	m.place = m.type + o->n_types;
	m.source = m.place + o->n_places;
	for (size_t k = 0; k < f->n; k++) {
		const struct term *t = &f->terms[k];
		uint64_t bit = UINT64_C(1) << k;
		if (is_row_term(t))
			continue;
		m.want |= bit;
		if (t->negated)
			m.negate |= bit;
		bool both = t->kind == TERM_WORDS || t->kind == TERM_REGEX;
		enum field_scope scope = t->field ? t->field->scope : SCOPE_TYPE;
		for (size_t i = 0; (both || scope == SCOPE_TYPE) && i < o->n_types; i++)
			m.type[i] |= type_fits(t, &o->types[i]) ? bit : 0;
		for (size_t i = 0; (both || scope == SCOPE_PLACE) && i < o->n_places; i++)
			m.place[i] |= place_fits(t, &o->places[i]) ? bit : 0;
		for (size_t i = 0; scope == SCOPE_SOURCE && i < o->n_sources; i++)
			m.source[i] |= text_is(t, o->sources[i].name) ? bit : 0;
	}
	return m;
}

void filter_run(const struct filter *f, const struct offers *o, struct offer_list *out)
{
	list_reserve(out, o->n_rows);
	out->n = 0;
	if (filter_is_empty(f)) {
		for (size_t i = 0; i < o->n_rows; i++)
			out->rows[out->n++] = (uint32_t)i;
		return;
	}
	const struct term *row_terms[FILTER_MAX_TERMS];
	size_t n_row = 0;
	for (size_t k = 0; k < f->n; k++)
		if (is_row_term(&f->terms[k]))
			row_terms[n_row++] = &f->terms[k];
	struct masks m = make_masks(f, o);
	for (size_t i = 0; i < o->n_rows; i++) {
		const struct offer *r = &o->rows[i];
		uint64_t has = m.type[r->type] | m.place[r->place] | m.source[r->source];
		if (((has ^ m.negate) & m.want) != m.want)
			continue;
		size_t k = 0;
		while (k < n_row && row_fits(row_terms[k], o, i) != row_terms[k]->negated)
			k++;
		out->rows[out->n] = (uint32_t)i;
		out->n += k == n_row;
	}
	free(m.type);
}

bool filter_match(const struct filter *f, const struct offers *o, size_t row)
{
	const struct offer *r = &o->rows[row];
	for (size_t k = 0; f && k < f->n; k++) {
		const struct term *t = &f->terms[k];
		bool fits;
		if (is_row_term(t))
			fits = row_fits(t, o, row);
		else if (t->field && t->field->scope == SCOPE_SOURCE)
			fits = text_is(t, o->sources[r->source].name);
		else
			fits = type_fits(t, &o->types[r->type]) || place_fits(t, &o->places[r->place]);
		if (fits == t->negated)
			return false;
	}
	return true;
}

/* --- highlighting ---------------------------------------------------------------------------------------------------*/

/* The first match of a term in text from `at` on; false: none. */
static bool next_span(const struct term *t, const char *text, size_t at, struct filter_span *span)
{
	bool found = false;
	if (t->kind == TERM_REGEX) {
		regmatch_t m;
		if (regexec(t->regex, text + at, 1, &m, at ? REG_NOTBOL : 0) || m.rm_eo == m.rm_so)
			return false;
		*span = (struct filter_span){at + (size_t)m.rm_so, (size_t)(m.rm_eo - m.rm_so)};
		return true;
	}
	for (size_t i = 0; t->kind == TERM_WORDS && i < t->n_values; i++) {
		size_t len = strlen(t->values[i]);
		const char *hit = len ? find_folded(text + at, t->values[i], len) : NULL;
		if (hit && (!found || (size_t)(hit - text) < span->at)) {
			*span = (struct filter_span){(size_t)(hit - text), len};
			found = true;
		}
	}
	return found;
}

size_t filter_spans(const struct filter *f, const char *text, struct filter_span *spans, size_t max)
{
	size_t n = 0, at = 0;
	while (f && text && n < max) {
		struct filter_span best = {0, 0}, s = {0, 0};
		for (size_t k = 0; k < f->n; k++) {
			const struct term *t = &f->terms[k];
			if (t->negated || !next_span(t, text, at, &s))
				continue;
			if (!best.len || s.at < best.at || (s.at == best.at && s.len > best.len))
				best = s;
		}
		if (!best.len)
			break;
		spans[n++] = best;
		at = best.at + best.len;
	}
	return n;
}
