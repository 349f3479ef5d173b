/* Ports: a bit for each of the 65535, so that overlapping and repeated ranges need no thought. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/num.h"
#include "core/model/amount.h"

/* A text this long lists more ports than there are reasons for, and would take its time. */
enum { PORTS = 65536, TEXT_MAX_LEN = 1000 };
struct port_set {
	unsigned char bits[PORTS / 8];
	size_t n;
};

struct port_set *port_set_create(void)
{
	return xcalloc(1, sizeof(struct port_set));
}

void port_set_destroy(struct port_set *p)
{
	free(p);
}

static bool has(const struct port_set *p, int port)
{
	return port < PORTS && (p->bits[port / 8] >> (port % 8) & 1);
}

/* One number of "8080-8090" in s[0..len), blanks around it allowed. */
static bool port_number(const char *s, size_t len, int64_t *out)
{
	char buf[16];
	while (len && isspace((unsigned char)*s))
		s++, len--;
	while (len && isspace((unsigned char)s[len - 1]))
		len--;
	if (!len || len >= sizeof buf || !isdigit((unsigned char)*s))
		return false;
	memcpy(buf, s, len);
	buf[len] = '\0';
	return num_int(buf, 0, 999999999999, out);
}

static const char *add_range(struct port_set *p, struct arena *a, const char *s, size_t len)
{
	const char *dash = memchr(s, '-', len);
	int64_t from, to;
	if (!port_number(s, dash ? (size_t)(dash - s) : len, &from) ||
	    !port_number(dash ? dash + 1 : s, dash ? len - (size_t)(dash - s) - 1 : len, &to))
		return arena_printf(a, "has '%.*s', which is neither a port nor a range of ports: 8080, \"8080-8090\"",
		    len > 40 ? 40 : (int)len, s);
	if (from < 1 || to < 1 || from >= PORTS || to >= PORTS)
		return arena_printf(a, "has '%.*s'; ports are 1 to 65535", len > 40 ? 40 : (int)len, s);
	if (from > to)
		return arena_printf(
		    a, "has the range %lld-%lld, whose start is above its end", (long long)from, (long long)to);
	for (int64_t i = from; i <= to; i++) {
		p->n += !has(p, (int)i);
		p->bits[i / 8] |= (unsigned char)(1u << (i % 8));
	}
	return NULL;
}

const char *port_set_add(struct port_set *p, struct arena *a, const char *text)
{
	if (!text[strspn(text, " \t")])
		return NULL;
	if (strlen(text) > TEXT_MAX_LEN)
		return "has a text of more than 1000 characters; write ranges";
	for (const char *s = text;; s++) {
		size_t len = strcspn(s, ",");
		const char *wrong = add_range(p, a, s, len);
		if (wrong)
			return wrong;
		s += len;
		if (!*s)
			return NULL;
	}
}

const char **port_set_ranges(const struct port_set *p, struct arena *a, size_t *n)
{
	const char **v = p->n ? arena_alloc(a, p->n * sizeof *v) : NULL;
	*n = 0;
	for (int i = 1; i < PORTS; i++) {
		if (!has(p, i))
			continue;
		int to = i;
		while (has(p, to + 1))
			to++;
		v[(*n)++] = to == i ? arena_printf(a, "%d", i) : arena_printf(a, "%d-%d", i, to);
		i = to;
	}
	return v;
}
