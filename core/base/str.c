/* Strings. Every buffer that foreign bytes can grow has a maximum, given where it is made. */
#include "core/base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/mem.h"

struct str str_new(size_t max)
{
	return (struct str){.max = max};
}

void str_free(struct str *s)
{
	free(s->data);
	*s = (struct str){.max = s->max};
}

void str_clear(struct str *s)
{
	s->len = 0;
	s->full = false;
	if (s->data)
		s->data[0] = '\0';
}

static bool str_room(struct str *s, size_t n)
{
	if (s->full || n > s->max - s->len) {
		s->full = true;
		return false;
	}
	if (s->len + n + 1 > s->cap) {
		size_t cap = s->cap ? s->cap : 64;
		while (cap < s->len + n + 1)
			cap *= 2;
		s->data = xrealloc(s->data, cap);
		s->cap = cap;
	}
	return true;
}

void str_addn(struct str *s, const char *p, size_t n)
{
	if (!str_room(s, n))
		return;
	memcpy(s->data + s->len, p, n);
	s->len += n;
	s->data[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
	str_addn(s, text, strlen(text));
}

void str_addc(struct str *s, char c)
{
	str_addn(s, &c, 1);
}

void str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap, copy;
	va_start(ap, fmt);
	va_copy(copy, ap);
	int n = vsnprintf(NULL, 0, fmt, copy);
	va_end(copy);
	if (n > 0 && str_room(s, (size_t)n)) {
		vsnprintf(s->data + s->len, (size_t)n + 1, fmt, ap);
		s->len += (size_t)n;
	}
	va_end(ap);
}

void str_shift(struct str *s, size_t n)
{
	if (n > s->len)
		n = s->len;
	if (!n)
		return;
	memmove(s->data, s->data + n, s->len - n);
	s->len -= n;
	s->data[s->len] = '\0';
}

const char *str_text(const struct str *s)
{
	return s->data && s->len ? s->data : "";
}

char *str_take(struct str *s)
{
	char *p = s->data ? s->data : xstrdup("");
	*s = (struct str){.max = s->max};
	return p;
}

void text_put(char *buf, size_t size, const char *text, size_t len)
{
	len = len < size ? len : size - 1;
	memcpy(buf, text, len);
	buf[len] = '\0';
}

bool str_starts(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);
	return n >= m && !strcmp(s + n - m, suffix);
}

bool str_eq(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

bool str_ieq(const char *a, const char *b)
{
	return a == b || (a && b && !strcasecmp(a, b));
}

static char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

const char *str_istr(const char *hay, const char *needle)
{
	size_t n = strlen(needle);
	for (; *hay; hay++)
		if (fold(*hay) == fold(*needle) && !strncasecmp(hay, needle, n))
			return hay;
	return n ? NULL : hay;
}

bool str_glob(const char *p, const char *t)
{
	const char *star = NULL, *retry = NULL;
	while (*t) {
		if (*p == '*') {
			star = p++;
			retry = t;
		} else if (*p && (*p == '?' || fold(*p) == fold(*t))) {
			p++;
			t++;
		} else if (star) {
			p = star + 1;
			t = ++retry;
		} else {
			return false;
		}
	}
	while (*p == '*')
		p++;
	return !*p;
}

size_t utf8_decode(const char *s, size_t len, unsigned *cp)
{
	static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
	if (!len)
		return 0;
	unsigned char c = (unsigned char)s[0];
	size_t n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
	if (!n || n > len)
		goto bad;
	unsigned v = n == 1 ? c : c & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		unsigned char d = (unsigned char)s[i];
		if ((d & 0xc0) != 0x80)
			goto bad;
		v = v << 6 | (d & 0x3f);
	}
	if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
		goto bad;
	*cp = v;
	return n;
bad:
	*cp = 0xfffd;
	return 1;
}

size_t utf8_encode(unsigned cp, char out[4])
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xe0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		out[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	out[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

bool utf8_valid(const char *s, size_t len, size_t *bad)
{
	for (size_t i = 0; i < len;) {
		unsigned cp;
		size_t n = utf8_decode(s + i, len - i, &cp);
		if (cp == 0xfffd && n == 1) {
			if (bad)
				*bad = i;
			return false;
		}
		i += n;
	}
	return true;
}

bool text_unfit(unsigned cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0xad || (cp >= 0x200b && cp <= 0x200f) ||
	       (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff || cp == 0x061c ||
	       (cp >= 0xfff9 && cp <= 0xfffb) || (cp >= 0xe0000 && cp <= 0xe007f);
}

void text_clean(struct str *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		unsigned cp;
		size_t n = utf8_decode(s + i, len - i, &cp);
		if (cp == '\t' || cp == '\n' || cp == '\r')
			str_addc(out, ' ');
		else if (cp < 0x20 || cp == 0x7f)
			str_addc(out, '?');
		else if (cp == 0xfffd && n == 1)
			str_add(out, "\xef\xbf\xbd");
		else if (!text_unfit(cp))
			str_addn(out, s + i, n);
		i += n;
	}
}

enum { NEAREST_MAX_LEN = 63 };

/* Edit distance with swaps of neighbours counted as one slip (optimal string alignment). */
static size_t edit_distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	size_t d[3][NEAREST_MAX_LEN + 1];
	for (size_t j = 0; j <= m; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *cur = d[i % 3], *prev = d[(i - 1) % 3], *before = d[(i + 1) % 3];
		cur[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t best = prev[j - 1] + (fold(a[i - 1]) != fold(b[j - 1]));
			if (prev[j] + 1 < best)
				best = prev[j] + 1;
			if (cur[j - 1] + 1 < best)
				best = cur[j - 1] + 1;
			if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) && fold(a[i - 2]) == fold(b[j - 1]) &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			cur[j] = best;
		}
	}
	return d[n % 3][m];
}

const char *text_nearest(const char *word, const char *const *words, size_t n)
{
	const char *best = NULL;
	size_t len = strlen(word), best_d = len / 3 + 1;
	if (!len || len > NEAREST_MAX_LEN)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (strlen(words[i]) > NEAREST_MAX_LEN)
			continue;
		size_t d = edit_distance(word, words[i]);
		if (d < best_d || (d == best_d && !best)) {
			best_d = d;
			best = words[i];
		}
	}
	return best;
}

void shell_quote(struct str *out, const char *arg)
{
	str_addc(out, '\'');
	for (; *arg; arg++) {
		if (*arg == '\'')
			str_add(out, "'\\''");
		else
			str_addc(out, *arg);
	}
	str_addc(out, '\'');
}
