/* curses sends a colour of the 256 as 38;5;N (ground: 48;5;N) among the parameters of one SGR sequence; no text of ours contains an
 * escape, so that whatever looks like one is one. Bytes of a frame are never cut within a sequence. */
#include "tui/term/truecolor.h"

#include <stdlib.h>
#include <string.h>

bool truecolor_wanted(void)
{
	const char *said = getenv("COLORTERM");
	return said && (!strcmp(said, "truecolor") || !strcmp(said, "24bit"));
}

/* The nearest number that is free, or that has this colour already. */
static int32_t number_of(struct truecolor *tc, unsigned rgb)
{
	int32_t n = theme_nearest(rgb);
	for (int tries = 0; tries < 240; tries++, n = n == 255 ? 16 : n + 1) {
		if (tc->taken[n] && !(tc->exact[n] && tc->rgb[n] == rgb))
			continue;
		tc->taken[n] = tc->exact[n] = true;
		tc->rgb[n] = rgb;
		return n;
	}
	return theme_nearest(rgb);
}

static void take_plain(struct truecolor *tc, int32_t color)
{
	if (color >= 0 && color < 256)
		tc->taken[color] = true;
}

void truecolor_assign(struct truecolor *tc, struct theme *t)
{
	*tc = (struct truecolor){0};
	for (int i = 0; i < ROLES; i++) {
		take_plain(tc, t->styles[i].fg);
		take_plain(tc, t->styles[i].bg);
	}
	for (int i = 0; i < ROLES; i++) {
		int32_t *both[] = {&t->styles[i].fg, &t->styles[i].bg};
		for (int k = 0; k < 2; k++)
			if (*both[k] >= THEME_RGB)
				*both[k] = number_of(tc, (unsigned)*both[k] & 0xffffff);
	}
}

/* The parameters of one SGR sequence, up to its m. */
static void write_sgr(const struct truecolor *tc, const char *p, const char *end, struct str *out)
{
	while (p < end) {
		size_t len = strcspn(p, ";m");
		unsigned long n = 256;
		if (len == 2 && (!strncmp(p, "38;5;", 5) || !strncmp(p, "48;5;", 5)))
			n = strtoul(p + 5, NULL, 10);
		if (n < 256 && tc->exact[n]) {
			unsigned rgb = tc->rgb[n];
			str_addf(out, "%.3s2;%u;%u;%u", p, rgb >> 16 & 255, rgb >> 8 & 255, rgb & 255);
			p += 5;
			p += strspn(p, "0123456789");
		} else if (n < 256) {
			size_t whole = 5 + strspn(p + 5, "0123456789");
			str_addn(out, p, whole);
			p += whole;
		} else {
			str_addn(out, p, len);
			p += len;
		}
		if (p < end)
			str_addc(out, *p++);
	}
}

void truecolor_write(const struct truecolor *tc, const char *bytes, size_t n, struct str *out)
{
	for (const char *p = bytes, *end = bytes + n; p < end;) {
		const char *esc = memchr(p, '\033', (size_t)(end - p));
		if (!esc || end - esc < 3 || esc[1] != '[') {
			const char *to = esc ? esc + 1 : end;
			str_addn(out, p, (size_t)(to - p));
			p = to;
			continue;
		}
		const char *params = esc + 2, *m = params + strspn(params, "0123456789;");
		str_addn(out, p, (size_t)(params - p));
		if (m < end && *m == 'm')
			write_sgr(tc, params, m, out);
		else
			str_addn(out, params, (size_t)(m - params));
		p = m;
	}
}
