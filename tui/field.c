/* The line editor of filters, prompts and forms: the keys that hands know from shells. The text is always valid UTF-8 of at
 * most FIELD_MAX bytes, and the cursor stands between characters. */
#include "tui/field.h"

#include <string.h>

#include "core/base/str.h"
#include "tui/width.h"

void field_set(struct field *f, const char *text)
{
	f->len = f->cursor = 0;
	f->text[0] = '\0';
	field_insert(f, text, strlen(text));
}

static void insert_char(struct field *f, unsigned cp)
{
	char utf8[4];
	size_t n = utf8_encode(cp, utf8);
	if (f->len + n > FIELD_MAX)
		return;
	memmove(f->text + f->cursor + n, f->text + f->cursor, f->len - f->cursor + 1);
	memcpy(f->text + f->cursor, utf8, n);
	f->len += n;
	f->cursor += n;
}

void field_insert(struct field *f, const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		unsigned cp;
		i += utf8_decode(text + i, len - i, &cp);
		if (cp == '\n' || cp == '\t')
			cp = ' ';
		if (!text_unfit(cp))
			insert_char(f, cp);
	}
}

static size_t before(const struct field *f, size_t at)
{
	while (at > 0 && (f->text[--at] & 0xc0) == 0x80)
		continue;
	return at;
}

static size_t after(const struct field *f, size_t at)
{
	if (at < f->len)
		at++;
	while (at < f->len && (f->text[at] & 0xc0) == 0x80)
		at++;
	return at;
}

static size_t word_before(const struct field *f, size_t at)
{
	while (at > 0 && f->text[at - 1] == ' ')
		at--;
	while (at > 0 && f->text[at - 1] != ' ')
		at--;
	return at;
}

static void erase_range(struct field *f, size_t from, size_t to)
{
	memmove(f->text + from, f->text + to, f->len - to + 1);
	f->len -= to - from;
	f->cursor = from;
}

static bool control_key(struct field *f, uint32_t code)
{
	switch (code) {
	case 'a':
		f->cursor = 0;
		return true;
	case 'e':
		f->cursor = f->len;
		return true;
	case 'b':
		f->cursor = before(f, f->cursor);
		return true;
	case 'f':
		f->cursor = after(f, f->cursor);
		return true;
	case 'd':
		erase_range(f, f->cursor, after(f, f->cursor));
		return true;
	case 'k':
		erase_range(f, f->cursor, f->len);
		return true;
	case 'u':
		erase_range(f, 0, f->cursor);
		return true;
	case 'w':
		erase_range(f, word_before(f, f->cursor), f->cursor);
		return true;
	}
	return false;
}

bool field_key(struct field *f, struct key k)
{
	if (k.mods & KEYS_ALT)
		return false;
	if (k.mods & KEYS_CTRL && k.code < KEYS_UP)
		return control_key(f, k.code);
	switch (k.code) {
	case KEYS_LEFT:
		f->cursor = k.mods & KEYS_CTRL ? word_before(f, f->cursor) : before(f, f->cursor);
		return true;
	case KEYS_RIGHT:
		f->cursor = after(f, f->cursor);
		return true;
	case KEYS_HOME:
		f->cursor = 0;
		return true;
	case KEYS_END:
		f->cursor = f->len;
		return true;
	case KEYS_BACKSPACE:
		erase_range(f, before(f, f->cursor), f->cursor);
		return true;
	case KEYS_DELETE:
		erase_range(f, f->cursor, after(f, f->cursor));
		return true;
	}
	if (!key_is_text(k))
		return false;
	if (!text_unfit(k.code))
		insert_char(f, k.code);
	return true;
}

void field_draw(const struct field *f, struct canvas *c, int x, int y, int w, bool focus)
{
	if (w <= 0)
		return;
	int at = width_text(f->text, f->cursor), skip = focus && at >= w ? at - w + 1 : 0;
	canvas_fill(c, (struct rect){x, y, w, 1}, ROLE_INPUT, ' ');
	canvas_slice(c, x, y, w, skip, ROLE_INPUT, f->text, f->len);
	if (focus) {
		c->cursor_x = x + at - skip;
		c->cursor_y = y;
		c->cursor_shown = true;
	}
}
