/* What a job may print: any bytes. What the screen gets of it is valid text without controls, in bounded memory, and the same
 * however it was cut; nothing but characters gets onto the screen; any filter can be typed, and any layout be found in a file. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/str.h"
#include "tests/fuzz/must.h"
#include "tui/logbuf.h"
#include "tui/logmatch.h"
#include "tui/panes.h"
#include "tui/view/log_lines.h"

enum { LINES = 20, BYTES = 20000 };

static char *all(const char *data, size_t size, size_t piece)
{
	struct logbuf *b = logbuf_create(LINES, BYTES);
	struct logbuf_run run;
	struct str s = str_new(64 << 20);
	for (size_t i = 0; i < size; i += piece)
		logbuf_add(b, data + i, size - i < piece ? size - i : piece, 0);
	MUST(logbuf_end(b) - logbuf_first(b) <= LINES + 1);
	for (uint64_t line = logbuf_first(b); line < logbuf_end(b); line++) {
		size_t at = s.len, next = 0, len = 0;
		logbuf_text(b, line, &s);
		while (logbuf_next_run(b, line, &next, &run)) {
			MUST(run.role < ROLES);
			len += run.len;
		}
		MUST(len == s.len - at);
		MUST(utf8_valid(str_text(&s) + at, s.len - at, NULL));
		for (size_t i = at; i < s.len; i++)
			MUST((unsigned char)s.data[i] >= 0x20 && s.data[i] != 0x7f);
		logbuf_level(b, line);
		logbuf_has(b, line, "error");
		str_addc(&s, '\n');
	}
	logbuf_destroy(b);
	return str_take(&s);
}

/* Onto a screen, wrapped and not: as many rows as were counted, and nothing that a terminal would obey. */
static void draw(const char *data, size_t size)
{
	struct logbuf *b = logbuf_create(LINES, BYTES);
	struct canvas *c = canvas_create(23, 11);
	struct logmatch m;
	char filter[200];
	int64_t rank;
	size_t n = size < sizeof filter - 1 ? size : sizeof filter - 1;
	memcpy(filter, data, n);
	filter[n] = '\0';
	logmatch_parse(&m, filter);
	MUST(m.n <= LOGMATCH_TERMS);
	logbuf_add(b, data, size, (int64_t)size);
	for (uint64_t line = logbuf_first(b); line < logbuf_end(b); line++) {
		struct log_walk k = {.c = c, .w = c->w, .h = c->h, .wrap = line % 2, .left = (int)(line % 5)};
		struct log_walk count = {.w = c->w, .wrap = k.wrap};
		MUST(logmatch_line(&m, b, line) || m.n);
		MUST(logbuf_time(b, line) == (int64_t)size);
		k.label = logbuf_label(b, line, &rank);
		log_find_matches(&k, "error", 5, "r");
		int rows = log_walk(&count, b, line), drawn = log_walk(&k, b, line);
		MUST(drawn == rows || (rows > c->h && drawn == c->h + 1));
	}
	for (int i = 0; i < c->w * c->h; i++)
		MUST(c->cells[i].width == 0 || (c->cells[i].cp >= 0x20 && c->cells[i].cp != 0x7f && (c->cells[i].cp < 0x80 || c->cells[i].cp >= 0xa0)));
	canvas_destroy(c);
	logbuf_destroy(b);
}

static void lay_out(const char *data, size_t size)
{
	struct panes p;
	struct panes_layout l;
	char text[300];
	size_t n = size < sizeof text - 1 ? size : sizeof text - 1;
	memcpy(text, data, n);
	text[n] = '\0';
	panes_init(&p);
	panes_read(&p, text);
	panes_place(&p, (struct rect){0, 0, 100, 30}, &l);
	MUST(!rect_empty(l.at[panes_focused(&p)]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *whole = all((const char *)data, size, size ? size : 1), *pieces = all((const char *)data, size, 1);
	MUST(!strcmp(whole, pieces));
	draw((const char *)data, size);
	lay_out((const char *)data, size);
	free(whole);
	free(pieces);
	return 0;
}
