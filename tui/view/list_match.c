/* What the filter of a list means. The item is what its columns show, so that whatever can be read can be looked for. */
#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/num.h"
#include "core/base/str.h"
#include "tui/menu.h"
#include "tui/view/list.h"

enum { TERM_MAX = 200, ALL_MAX = 8000 };

/* The column whose title begins with the word; "price" stands for $/h. */
static size_t column_named(const struct list_fields *f, const char *word, size_t len)
{
	if (len == 5 && !strncasecmp(word, "price", 5))
		word = "$/h", len = 3;
	for (size_t i = 0; len && i < f->n_columns; i++)
		if (!strncasecmp(f->columns[i].title, word, len))
			return i;
	return f->n_columns;
}

/* The first number of a cell: "~$1,234.5" is 1234.5. */
static bool number_of(const char *text, double *out)
{
	char digits[64];
	size_t n = 0;
	while (*text && !isdigit((unsigned char)*text))
		text++;
	for (; (isdigit((unsigned char)*text) || *text == '.' || *text == ',') && n < sizeof digits - 1; text++)
		if (*text != ',')
			digits[n++] = *text;
	digits[n] = '\0';
	return n > 0 && num_double(digits, out);
}

static bool compare_number(const struct list_fields *f, size_t column, const char *op, const char *text)
{
	struct grid_cell cell = {.n_spans = 0};
	double have, want;
	f->cell(f->arg, column, &cell);
	if (!number_of(cell.text, &have) || !number_of(text, &want))
		return false;
	if (op[0] == '<')
		return op[1] == '=' ? have <= want : have < want;
	return op[1] == '=' ? have >= want : have > want;
}

static bool match_regex(const char *pattern, const char *all)
{
	regex_t re;
	if (regcomp(&re, pattern, REG_EXTENDED | REG_ICASE | REG_NOSUB))
		return true; /* not finished yet */
	bool hit = !regexec(&re, all, 0, NULL, 0);
	regfree(&re);
	return hit;
}

static bool match_term(const struct list_fields *f, const char *term, const char *all)
{
	size_t len = strlen(term), name = strcspn(term, ":<>=");
	if (term[0] == '/')
		return match_regex(term + 1, all);
	size_t column = term[name] ? column_named(f, term, name) : f->n_columns;
	if (column == f->n_columns)
		return !len || menu_match(term, all);
	const char *op = term + name, *value = op + 1 + (op[1] == '=');
	if (!*value)
		return true; /* not finished yet */
	if (*op == '<' || *op == '>')
		return compare_number(f, column, op, value);
	struct grid_cell cell = {.n_spans = 0};
	f->cell(f->arg, column, &cell);
	return *op == '=' ? !strcasecmp(cell.text, value) : str_istr(cell.text, value) != NULL;
}

static void add_all(const struct list_fields *f, struct str *all)
{
	for (size_t i = 0; i < f->n_columns; i++) {
		struct grid_cell cell = {.n_spans = 0};
		f->cell(f->arg, i, &cell);
		str_addf(all, "%s ", cell.text);
	}
	str_add(all, f->words ? f->words : "");
}

bool list_match(const char *filter, const struct list_fields *f)
{
	struct str all = str_new(ALL_MAX);
	bool hit = true;
	add_all(f, &all);
	for (const char *p = filter + strspn(filter, " "); hit && *p; p += strspn(p, " ")) {
		char term[TERM_MAX];
		bool not = *p == '!';
		p += not;
		/* A regular expression goes to its second slash, and may hold blanks. */
		const char *end = *p == '/' ? strchr(p + 1, '/') : NULL;
		size_t n = end ? (size_t)(end - p) : *p == '/' ? strlen(p) : strcspn(p, " "), skip = n + (end != NULL);
		n = n < sizeof term - 1 ? n : sizeof term - 1;
		memcpy(term, p, n);
		term[n] = '\0';
		p += skip;
		hit = !n || match_term(f, term, str_text(&all)) != not;
	}
	str_free(&all);
	return hit;
}
