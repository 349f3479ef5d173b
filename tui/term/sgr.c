/* curses ends attributes with a sequence that also chooses the character set, begins them with another one and names each colour in one of
 * its own: "ESC(B ESC[m ESC[97m ESC[44m" where "ESC[0;97;44m" would do. Here what is said of colours is held back until something is
 * drawn, and then said once; what is reset before it was used is left out. Moving the cursor draws nothing. */
#include "tui/term/sgr.h"

#include <stdbool.h>
#include <string.h>

enum { HELD_MAX = 200 };

struct held {
	char text[HELD_MAX]; /* "0;97;44" */
	size_t len;
};

static void say(struct held *h, struct str *out)
{
	if (!h->len)
		return;
	if (h->len == 1 && h->text[0] == '0')
		str_add(out, "\033[m");
	else
		str_addf(out, "\033[%.*sm", (int)h->len, h->text);
	h->len = 0;
}

/* How many bytes the first thing said is: "1", or "38;5;208". */
static size_t thing(const char *p, const char *end)
{
	size_t parts = 1, len = strspn(p, "0123456789");
	if (len == 2 && (!memcmp(p, "38", 2) || !memcmp(p, "48", 2)) && end - p > 4)
		parts = p[3] == '5' ? 3 : 5;
	len = 0;
	for (size_t i = 0; i < parts && p + len < end; i++) {
		len += i > 0; /* the semicolon */
		while (p + len < end && p[len] != ';')
			len++;
	}
	return len;
}

static void hold(struct held *h, const char *p, const char *end, struct str *out)
{
	do {
		size_t len = thing(p, end);
		if (!len || (len == 1 && *p == '0')) {
			h->text[0] = '0';
			h->len = 1;
		} else {
			if (h->len + len + 2 > HELD_MAX)
				say(h, out);
			if (h->len)
				h->text[h->len++] = ';';
			memcpy(h->text + h->len, p, len);
			h->len += len;
		}
		p += len + 1;
	} while (p <= end);
}

void sgr_compact(const char *bytes, size_t n, struct str *out)
{
	struct held h = {.len = 0};
	for (const char *p = bytes, *end = bytes + n; p < end;) {
		if (*p != '\033') {
			const char *esc = memchr(p, '\033', (size_t)(end - p)), *to = esc ? esc : end;
			say(&h, out);
			str_addn(out, p, (size_t)(to - p));
			p = to;
			continue;
		}
		if (end - p >= 3 && !memcmp(p, "\033(B", 3)) {
			p += 3;
			continue;
		}
		size_t params = end - p >= 3 && p[1] == '[' ? strspn(p + 2, "0123456789;") : 0;
		const char *last = p + 2 + params;
		if (end - p >= 3 && p[1] == '[' && last < end && *last == 'm') {
			hold(&h, p + 2, last, out);
		} else if (end - p >= 3 && p[1] == '[' && last < end && strchr("HGdABCD", *last)) {
			str_addn(out, p, (size_t)(last + 1 - p));
		} else {
			say(&h, out);
			last = p;
			str_addc(out, *p);
		}
		p = last + 1;
	}
	say(&h, out);
}
