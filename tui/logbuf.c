/* A ring of lines.
 *
 * A line is kept as clean UTF-8 in which a change of style is three bytes: STYLE, role + 1, attributes + 1 — none of which a
 * clean text contains below 0x20 but by us. Lines live one after the other in blocks of 64 KiB; a block is freed with its last
 * line, so dropping the oldest is cheap and memory is bounded by LOGBUF_BYTES + one block. The last line may be incomplete and
 * is kept apart in `tail` until its newline comes, as it may be started over by a carriage return.
 *
 * Escape sequences are read by a small machine that may be interrupted anywhere: SGR is understood, all else swallowed. */
#include "tui/logbuf.h"

#include <stdlib.h>
#include <string.h>

#include "core/api/logread.h"
#include "core/base/mem.h"

enum { BLOCK_BYTES = 64 << 10, STYLE = 1, TAB_COLUMNS = 8, TICK_MS = 10 };
enum state { TEXT, ESCAPE, CSI, STRING, STRING_ESCAPE };

struct block {
	struct block *next;
	size_t used;
	size_t lines; /* still in the ring */
	char data[BLOCK_BYTES];
};

struct line {
	struct block *block;
	uint16_t at, len;
	uint32_t when; /* when it began, in TICK_MS since `since_ms`, and 1; 0: not known */
};

struct logbuf {
	struct block *oldest, *newest;
	struct line *lines; /* ring of cap, from head */
	size_t cap, head, n;
	size_t bytes, max_lines, max_bytes;
	uint64_t first, dropped;
	struct str tail; /* the line that is not complete */
	bool has_tail, carriage;
	int64_t now_ms, tail_ms, since_ms; /* of what is being added; of the tail's first byte; of the first line ever */
	size_t column; /* of the tail, for tabs */
	enum state state;
	char params[48];
	size_t n_params;
	unsigned char utf8[4];
	size_t n_utf8, need_utf8;
	uint8_t role, attrs; /* the style now */
	bool style_due;      /* … which the tail does not say yet */
};

struct logbuf *logbuf_create(size_t max_lines, size_t max_bytes)
{
	struct logbuf *b = xcalloc(1, sizeof *b);
	b->max_lines = max_lines ? max_lines : LOGBUF_LINES;
	b->max_bytes = max_bytes ? max_bytes : LOGBUF_BYTES;
	b->tail = str_new(LOGBUF_LINE_MAX + 16);
	b->first = LOGBUF_ORIGIN;
	return b;
}

void logbuf_destroy(struct logbuf *b)
{
	if (!b)
		return;
	for (struct block *k = b->oldest, *next; k; k = next) {
		next = k->next;
		free(k);
	}
	free(b->lines);
	str_free(&b->tail);
	free(b);
}

/* --- the ring ----------------------------------------------------------------------------------------------------- */

static void drop_oldest(struct logbuf *b)
{
	struct line *l = &b->lines[b->head];
	b->bytes -= l->len;
	b->head = (b->head + 1) % b->cap;
	b->n--;
	b->first++;
	b->dropped++;
	if (--l->block->lines == 0 && l->block != b->newest) {
		b->oldest = l->block->next;
		free(l->block);
	}
}

static void grow(struct logbuf *b)
{
	size_t cap = b->cap ? b->cap * 2 : 256;
	cap = cap > b->max_lines ? b->max_lines : cap; /* n is less */
	struct line *lines = xreallocarray(NULL, cap, sizeof *lines);
	for (size_t i = 0; i < b->n; i++)
		lines[i] = b->lines[(b->head + i) % b->cap];
	free(b->lines);
	b->lines = lines;
	b->cap = cap;
	b->head = 0;
}

static uint32_t when(struct logbuf *b, int64_t at_ms)
{
	if (!at_ms)
		return 0;
	b->since_ms = b->since_ms ? b->since_ms : at_ms;
	int64_t ticks = at_ms > b->since_ms ? (at_ms - b->since_ms) / TICK_MS : 0;
	return ticks < UINT32_MAX ? (uint32_t)ticks + 1 : UINT32_MAX;
}

static void make_room(struct logbuf *b, size_t lines, size_t len)
{
	while (b->n && (b->n + lines > b->max_lines || b->bytes + len > b->max_bytes))
		drop_oldest(b);
}

void logbuf_limit(struct logbuf *b, size_t max_bytes)
{
	b->max_bytes = max_bytes;
	make_room(b, 0, 0);
}

static void keep_line(struct logbuf *b, const char *data, size_t len)
{
	make_room(b, 1, len);
	if (!b->newest || b->newest->used + len >= BLOCK_BYTES) {
		struct block *k = xmalloc(sizeof *k);
		k->next = NULL;
		k->used = k->lines = 0;
		if (b->newest && !b->newest->lines) { /* all its lines have gone */
			free(b->newest);
			b->oldest = b->newest = NULL;
		}
		if (b->newest)
			b->newest->next = k;
		else
			b->oldest = k;
		b->newest = k;
	}
	if (b->n == b->cap)
		grow(b);
	struct line *l = &b->lines[(b->head + b->n++) % b->cap];
	*l = (struct line){b->newest, (uint16_t)b->newest->used, (uint16_t)len, when(b, b->tail_ms)};
	memcpy(b->newest->data + b->newest->used, data, len);
	b->newest->used += len;
	b->newest->lines++;
	b->bytes += len;
}

/* --- bytes → lines ------------------------------------------------------------------------------------------------ */

static void start_tail(struct logbuf *b)
{
	str_clear(&b->tail);
	b->column = 0;
	b->style_due = b->role != ROLE_TEXT || b->attrs;
}

static void end_line(struct logbuf *b)
{
	b->tail_ms = b->has_tail ? b->tail_ms : b->now_ms; /* an empty line */
	keep_line(b, str_text(&b->tail), b->tail.len);
	start_tail(b);
	b->has_tail = b->carriage = false;
}

static void put(struct logbuf *b, const char *s, size_t n)
{
	if (b->carriage) { /* something follows the "\r": the line is written anew */
		b->carriage = false;
		start_tail(b);
	}
	/* A line too long goes on in the next one. */
	if (b->tail.len + n + 3 > LOGBUF_LINE_MAX)
		end_line(b);
	if (b->style_due) {
		char style[3] = {STYLE, (char)(b->role + 1), (char)(b->attrs + 1)};
		str_addn(&b->tail, style, 3);
		b->style_due = false;
	}
	str_addn(&b->tail, s, n);
	b->tail_ms = b->has_tail ? b->tail_ms : b->now_ms;
	b->has_tail = true;
	b->column++;
}

static void set_color(struct logbuf *b, int color)
{
	b->role = color < 0 ? ROLE_TEXT : (uint8_t)(ROLE_ANSI + color);
}

/* 38;5;n: the colours above 16 become the nearest of eight by which parts of the cube they have. */
static int from_256(int n)
{
	if (n < 16)
		return n;
	if (n >= 232)
		return n >= 250 ? 15 : n >= 240 ? 7 : 8;
	int r = (n - 16) / 36, g = (n - 16) / 6 % 6, bl = (n - 16) % 6;
	return (r >= 3) | (g >= 3) << 1 | (bl >= 3) << 2;
}

static void sgr_one(struct logbuf *b, int v)
{
	static const struct {
		int code;
		uint8_t on, off;
	} attrs[] = {{1, ATTR_BOLD, 0}, {2, ATTR_DIM, 0}, {3, ATTR_ITALIC, 0}, {4, ATTR_UNDERLINE, 0}, {7, ATTR_REVERSE, 0},
	    {22, 0, ATTR_BOLD | ATTR_DIM}, {23, 0, ATTR_ITALIC}, {24, 0, ATTR_UNDERLINE}, {27, 0, ATTR_REVERSE}};
	if (v == 0) {
		b->attrs = 0;
		set_color(b, -1);
	} else if (v >= 30 && v <= 37) {
		set_color(b, v - 30);
	} else if (v >= 90 && v <= 97) {
		set_color(b, v - 90 + 8);
	} else if (v == 39) {
		set_color(b, -1);
	}
	for (size_t i = 0; i < ARRAY_LEN(attrs); i++)
		if (attrs[i].code == v)
			b->attrs = (uint8_t)((b->attrs | attrs[i].on) & ~attrs[i].off);
}

static void sgr(struct logbuf *b)
{
	int v[16] = {0}, n = 1;
	for (size_t i = 0; i < b->n_params; i++) {
		char c = b->params[i];
		if (c == ';' || c == ':') {
			if (n == 16)
				break;
			n++;
		} else if (c >= '0' && c <= '9') {
			v[n - 1] = v[n - 1] * 10 + (c - '0');
			v[n - 1] = v[n - 1] > 999 ? 999 : v[n - 1];
		} else {
			return; /* private */
		}
	}
	for (int i = 0; i < n; i++) {
		if ((v[i] == 38 || v[i] == 48) && i + 2 < n && v[i + 1] == 5) {
			if (v[i] == 38 && v[i + 2] < 256)
				set_color(b, from_256(v[i + 2]));
			i += 2;
		} else if ((v[i] == 38 || v[i] == 48) && i + 4 < n && v[i + 1] == 2) {
			if (v[i] == 38)
				set_color(b, (v[i + 2] > 127) | (v[i + 3] > 127) << 1 | (v[i + 4] > 127) << 2);
			i += 4;
		} else {
			sgr_one(b, v[i]);
		}
	}
	b->style_due = true;
}

static void character(struct logbuf *b, const char *s, size_t n)
{
	unsigned cp;
	if (utf8_decode(s, n, &cp) != n || (cp == 0xfffd && n == 1))
		put(b, "\xef\xbf\xbd", 3);
	else if (!text_unfit(cp))
		put(b, s, n);
}

static void text_byte(struct logbuf *b, unsigned char c)
{
	if (b->need_utf8) {
		if ((c & 0xc0) == 0x80) {
			b->utf8[b->n_utf8++] = c;
			if (b->n_utf8 == b->need_utf8) {
				b->need_utf8 = 0;
				character(b, (const char *)b->utf8, b->n_utf8);
			}
			return;
		}
		b->need_utf8 = 0;
		put(b, "\xef\xbf\xbd", 3);
	}
	if (c >= 0x80) {
		b->utf8[0] = c;
		b->n_utf8 = 1;
		b->need_utf8 = c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
		if (!b->need_utf8)
			put(b, "\xef\xbf\xbd", 3);
	} else if (c >= 0x20 && c < 0x7f) {
		put(b, (const char *)&c, 1);
	} else if (c == '\n') {
		end_line(b);
	} else if (c == '\r') {
		b->carriage = true;
	} else if (c == '\t') {
		do
			put(b, " ", 1);
		while (b->column % TAB_COLUMNS);
	} else if (c == 0x1b) {
		b->state = ESCAPE;
	}
}

static void byte(struct logbuf *b, unsigned char c)
{
	switch (b->state) {
	case TEXT:
		text_byte(b, c);
		return;
	case STRING_ESCAPE:
		if (c == '\\') {
			b->state = TEXT;
			return;
		}
		/* fall through */
	case ESCAPE:
		b->n_params = 0;
		b->state = c == '[' ? CSI : c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_' ? STRING
			   : c >= 0x20 && c < 0x30						 ? ESCAPE
												 : TEXT;
		if (c == '\n')
			end_line(b);
		return;
	case CSI:
		if (c >= 0x40 && c < 0x7f) {
			b->state = TEXT;
			if (c == 'm')
				sgr(b);
		} else if (c == '\n') {
			b->state = TEXT;
			end_line(b);
		} else if (c >= 0x20 && b->n_params < sizeof b->params) {
			b->params[b->n_params++] = (char)c;
		}
		return;
	case STRING:
		/* A string that is never ended must not swallow the log: no line of one goes on in the next. */
		if (c == 0x1b) {
			b->state = STRING_ESCAPE;
		} else if (c == 0x07 || c == '\n') {
			b->state = TEXT;
			if (c == '\n')
				end_line(b);
		}
		return;
	}
}

void logbuf_add(struct logbuf *b, const char *data, size_t len, int64_t at_ms)
{
	b->now_ms = at_ms;
	for (size_t i = 0; i < len; i++)
		byte(b, (unsigned char)data[i]);
}

/* Both count ticks from their own first line; the older one's comes first. */
static void rebase(struct logbuf *b, const struct logbuf *older)
{
	if (!older->since_ms)
		return;
	for (size_t i = 0; i < b->n && b->since_ms; i++) {
		struct line *l = &b->lines[(b->head + i) % b->cap];
		int64_t at = b->since_ms - older->since_ms + (l->when ? (int64_t)(l->when - 1) : 0) * TICK_MS;
		l->when = !l->when ? 0 : at < 0 ? 1 : at / TICK_MS < UINT32_MAX ? (uint32_t)(at / TICK_MS) + 1 : UINT32_MAX;
	}
	b->since_ms = older->since_ms;
}

size_t logbuf_prepend(struct logbuf *b, struct logbuf *older)
{
	while (older->n && (older->n + b->n >= b->max_lines || older->bytes + b->bytes > b->max_bytes))
		drop_oldest(older);
	size_t n = older->n;
	if (n) {
		size_t cap = n + b->n + 1 > b->cap ? n + b->n + 1 : b->cap;
		struct line *lines = xreallocarray(NULL, cap, sizeof *lines);
		rebase(b, older);
		if (b->newest && !b->newest->lines) { /* all its lines have gone */
			free(b->newest);
			b->oldest = b->newest = NULL;
		}
		for (size_t i = 0; i < n; i++)
			lines[i] = older->lines[(older->head + i) % older->cap];
		for (size_t i = 0; i < b->n; i++)
			lines[n + i] = b->lines[(b->head + i) % b->cap];
		free(b->lines);
		b->lines = lines;
		b->cap = cap;
		b->head = 0;
		b->n += n;
		b->bytes += older->bytes;
		b->first -= n;
		older->newest->next = b->oldest;
		b->oldest = older->oldest;
		b->newest = b->newest ? b->newest : older->newest;
		older->oldest = older->newest = NULL;
	}
	logbuf_destroy(older);
	return n;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

uint64_t logbuf_first(const struct logbuf *b)
{
	return b->first;
}

bool logbuf_empty(const struct logbuf *b)
{
	return !b->n && !b->has_tail;
}

uint64_t logbuf_dropped(const struct logbuf *b)
{
	return b->dropped;
}

uint64_t logbuf_whole(const struct logbuf *b)
{
	return b->first + b->n;
}

uint64_t logbuf_end(const struct logbuf *b)
{
	return b->first + b->n + b->has_tail;
}

static const char *raw_line(const struct logbuf *b, uint64_t line, size_t *len)
{
	*len = 0;
	if (line < b->first || line >= logbuf_end(b))
		return "";
	size_t i = (size_t)(line - b->first);
	if (i == b->n) {
		*len = b->tail.len;
		return str_text(&b->tail);
	}
	const struct line *l = &b->lines[(b->head + i) % b->cap];
	*len = l->len;
	return l->block->data + l->at;
}

bool logbuf_next_run(const struct logbuf *b, uint64_t line, size_t *at, struct logbuf_run *out)
{
	size_t len, i = *at;
	const char *s = raw_line(b, line, &len);
	/* Where a run ends there is a change of style, so each begins with its own; only the first may have none. */
	struct logbuf_run run = {.role = ROLE_TEXT};
	for (; i + 2 < len && s[i] == STYLE; i += 3) {
		run.role = (enum role)((unsigned char)s[i + 1] - 1);
		run.attrs = (unsigned char)s[i + 2] - 1u;
	}
	run.text = s + i;
	while (i < len && s[i] != STYLE)
		i++;
	run.len = (size_t)(s + i - run.text);
	*at = i;
	*out = run;
	return run.len > 0;
}

void logbuf_text(const struct logbuf *b, uint64_t line, struct str *out)
{
	size_t len, from = 0;
	const char *s = raw_line(b, line, &len);
	for (size_t i = 0; i + 2 < len; i++) {
		if (s[i] != STYLE)
			continue;
		str_addn(out, s + from, i - from);
		from = i + 3;
		i += 2;
	}
	if (from < len)
		str_addn(out, s + from, len - from);
}

int64_t logbuf_time(const struct logbuf *b, uint64_t line)
{
	if (line < b->first || line >= logbuf_end(b))
		return 0;
	size_t i = (size_t)(line - b->first);
	if (i == b->n)
		return b->tail_ms;
	uint32_t ticks = b->lines[(b->head + i) % b->cap].when;
	return ticks ? b->since_ms + (int64_t)(ticks - 1) * TICK_MS : 0;
}

size_t logbuf_label(const struct logbuf *b, uint64_t line, int64_t *rank)
{
	size_t len;
	const char *s = raw_line(b, line, &len);
	for (; len > 2 && s[0] == STYLE; len -= 3)
		s += 3;
	return logline_label(s, len, rank);
}

static bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

enum role logbuf_level(const struct logbuf *b, uint64_t line)
{
	static const struct {
		const char *word;
		uint8_t len, role;
	} words[] = {{"ERROR", 5, ROLE_BAD}, {"FATAL", 5, ROLE_BAD}, {"CRITICAL", 8, ROLE_BAD}, {"Traceback", 9, ROLE_BAD}, {"WARNING", 7, ROLE_WARN},
	    {"WARN", 4, ROLE_WARN}, {"DEBUG", 5, ROLE_DIM}, {"TRACE", 5, ROLE_DIM}};
	enum { LOOK = 64 };
	size_t len;
	const char *s = raw_line(b, line, &len);
	int64_t rank;
	size_t from = logbuf_label(b, line, &rank);
	for (size_t i = from; i < len && i < from + LOOK; i++) {
		if (s[i] < 'C' || s[i] > 'W' || (i && is_letter(s[i - 1])))
			continue;
		for (size_t w = 0; w < ARRAY_LEN(words); w++) {
			size_t n = words[w].len;
			if (s[i] == words[w].word[0] && i + n <= len && !memcmp(s + i, words[w].word, n) && (i + n == len || !is_letter(s[i + n])))
				return (enum role)words[w].role;
		}
	}
	return ROLE_TEXT;
}

static char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Is text at s + i, over changes of style? */
static bool matches_at(const char *s, size_t len, size_t i, const char *text)
{
	for (; *text; text++) {
		while (i + 2 < len && s[i] == STYLE)
			i += 3;
		if (i >= len || fold(s[i]) != fold(*text))
			return false;
		i++;
	}
	return true;
}

bool logbuf_has(const struct logbuf *b, uint64_t line, const char *text)
{
	size_t len;
	const char *s = raw_line(b, line, &len);
	char first = fold(text[0]);
	for (size_t i = 0; i < len; i++) {
		if (s[i] == STYLE && i + 2 < len)
			i += 2;
		else if (fold(s[i]) == first && matches_at(s, len, i, text))
			return true;
	}
	return false;
}
