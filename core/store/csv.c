/* Reading CSV in place. Price lists are megabytes, so there is no copying: a field's end is overwritten by a NUL, doubled
 * quotes are squeezed where they stand. Nothing is touched before the whole record is known to be good.
 *
 * A quote that is never closed would swallow the rest of the file as one field. Fields have a maximum, and after a bad
 * record reading goes on at the line after its first, so that one slip costs one line, or few. */
#include "core/store/csv.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

void csv_start(struct csv *c, char *text, size_t len)
{
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		text += 3;
		len -= 3;
	}
	*c = (struct csv){.at = text, .end = text + len, .next_line = 1};
	*c->end = '\0';
}

/* The closing quote of the field that starts at p, or NULL. *doubled: there are quotes inside it. */
static char *closing_quote(struct csv *c, char *p, bool *doubled)
{
	char *start = p;
	for (;;) {
		char *q = memchr(p, '"', (size_t)(c->end - p));
		if (!q || q - start > CSV_MAX_FIELD) {
			c->problem = q ? "a quoted field is too long" : "a quote is never closed";
			return NULL;
		}
		if (memchr(p, '\0', (size_t)(q - p))) {
			c->problem = "a NUL byte";
			return NULL;
		}
		if (q[1] != '"') /* there is a NUL at the end of all */
			return q;
		*doubled = true;
		p = q + 2;
	}
}

/* The end of a bare field: the comma, the line's end or the buffer's. NULL: a quote or NUL in it. */
static char *bare_end(struct csv *c, char *p)
{
	char *start = p;
	while (p < c->end && *p != ',' && *p != '\n') {
		if (*p == '"' || *p == '\0') {
			c->problem = *p ? "a quote inside a field that does not start with one" : "a NUL byte";
			return NULL;
		}
		p++;
	}
	if (p - start > CSV_MAX_FIELD) {
		c->problem = "a field is too long";
		return NULL;
	}
	return p;
}

/* Cut the fields off and undouble their quotes. */
static void finish(struct csv *c, uint64_t doubled)
{
	for (size_t i = 0; i < c->n; i++) {
		*c->ends[i] = '\0';
		if (!(doubled >> i & 1))
			continue;
		char *out = c->fields[i];
		for (char *p = out; p < c->ends[i]; p += 1 + (*p == '"'))
			*out++ = *p;
		*out = '\0';
	}
}

/* One record from c->at; moves c->at behind it. */
static enum csv_result record(struct csv *c)
{
	char *p = c->at;
	uint64_t doubled = 0;
	for (bool more = true; more;) {
		if (c->n == CSV_MAX_FIELDS) {
			c->problem = "too many fields";
			return CSV_BAD;
		}
		bool quoted = p < c->end && *p == '"', twice = false;
		char *field = p + quoted;
		char *end = quoted ? closing_quote(c, field, &twice) : bare_end(c, p);
		if (!end)
			return CSV_BAD;
		p = end + quoted;
		if (quoted && p < c->end && *p == '\r' && (p + 1 == c->end || p[1] == '\n'))
			p++;
		if (p < c->end && *p != ',' && *p != '\n') {
			c->problem = "text after a closing quote";
			return CSV_BAD;
		}
		more = p < c->end && *p == ',';
		if (!more && !quoted && end > field && end[-1] == '\r')
			end--;
		c->fields[c->n] = field;
		c->ends[c->n] = end;
		doubled |= (uint64_t)twice << c->n++;
		p += p < c->end;
	}
	for (char *s = c->at; (s = memchr(s, '\n', (size_t)(p - s))); s++)
		c->next_line++;
	c->at = p;
	finish(c, doubled);
	return CSV_ROW;
}

enum csv_result csv_next(struct csv *c)
{
	while (c->at < c->end && (*c->at == '\n' || (*c->at == '\r' && c->at + 1 < c->end && c->at[1] == '\n'))) {
		c->next_line += *c->at == '\n';
		c->at++;
	}
	if (c->at >= c->end)
		return CSV_END;
	c->line = c->next_line;
	c->n = 0;
	c->problem = NULL;
	char *start = c->at, *eol = memchr(start, '\n', (size_t)(c->end - start));
	if (record(c) == CSV_ROW)
		return CSV_ROW;
	c->at = eol ? eol + 1 : c->end;
	c->next_line = c->line + 1;
	return CSV_BAD;
}
