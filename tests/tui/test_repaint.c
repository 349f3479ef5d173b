/* One frame is made into another: whatever the two are, and whatever the terminal can do of the dialect, the emulator then shows the second. */
#include "tui/term/rows.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vterm.h>

#include "core/base/mem.h"

enum { W = 47, H = 13, FRAMES = 250 };

static const struct rows_can all = {ATTR_BOLD | ATTR_DIM | ATTR_UNDERLINE | ATTR_REVERSE | ATTR_ITALIC, true, true, true, true, true, true};

struct emulator {
	VTerm *vt;
	VTermScreen *vs;
	struct rows_screen screen;
	struct theme theme;
};

static struct emulator make_emulator(void)
{
	struct emulator e = {.vt = vterm_new(H, W), .screen = {W, H, xcalloc((size_t)W * H, sizeof(struct cell)), 0, 0}};
	theme_builtin(&e.theme);
	vterm_set_utf8(e.vt, 1);
	e.vs = vterm_obtain_screen(e.vt);
	vterm_screen_reset(e.vs, 1);
	for (int i = 0; i < W * H; i++)
		e.screen.shown[i] = (struct cell){.cp = ' ', .width = 1};
	return e;
}

static void free_emulator(struct emulator *e)
{
	free(e->screen.shown);
	vterm_free(e->vt);
}

static int below(int n)
{
	return rand() % n;
}

/* Something as views draw it: text, also wide and with marks, blanks, lines, bars, other backgrounds. */
static void draw_some(struct canvas *c)
{
	static const char *const words[] = {"bärchen", "UP", "1x H100 spot", "東京, JP", "ệ́e\xcc\x81x", "–", "   ", "───────", "4.56         –", "q"};
	int x = below(W) - 3, y = below(H);
	enum role role = (enum role)below(ROLES);
	switch (below(7)) {
	case 0:
		canvas_fill(c, (struct rect){x, y, below(W), 1 + below(3)}, role, ' ');
		break;
	case 1:
		canvas_back(c, (struct rect){0, y, W, 1}, below(2) ? ROLE_SELECTED : ROLE_TEXT);
		break;
	case 2:
		canvas_attrs(c, (struct rect){x, y, below(20), 1}, 1u << below(5));
		break;
	case 3:
		canvas_box(c, (struct rect){x, y, below(W), below(H)}, ROLE_BORDER);
		break;
	default:
		canvas_text(c, x, y, W, role, words[below((int)ARRAY_LEN(words))]);
	}
}

/* Some rows move, as when a list is scrolled. */
static void scroll_some(struct canvas *c)
{
	int from = below(H), n = below(H - from) + 1, d = below(n);
	struct cell *row = &c->cells[from * W];
	if (below(2))
		memmove(row, row + d * W, (size_t)((n - d) * W) * sizeof *row);
	else
		memmove(row + d * W, row, (size_t)((n - d) * W) * sizeof *row);
}

static int index_of(VTermColor c)
{
	return VTERM_COLOR_IS_DEFAULT_FG(&c) || VTERM_COLOR_IS_DEFAULT_BG(&c) ? THEME_DEFAULT : VTERM_COLOR_IS_INDEXED(&c) ? c.indexed.idx : -2;
}

static bool cell_is(const struct emulator *e, const struct rows_can *can, const struct cell *want, int x, int y)
{
	VTermScreenCell is;
	memset(&is, 0, sizeof is);
	vterm_screen_get_cell(e->vs, (VTermPos){.row = y, .col = x}, &is);
	if (!want->width) /* the second half of the one before */
		return true;
	const struct theme_style *s = &e->theme.styles[want->back ? want->back : want->role];
	unsigned bold = want->back ? e->theme.styles[want->role].attrs & ATTR_BOLD : 0u, own = want->attrs | bold;
	unsigned attrs = (s->attrs | (s->fg == 0 ? own & ~(unsigned)ATTR_BOLD : own)) & can->attrs;
	bool blank = want->cp == ' ' && !want->mark;
	bool good = (blank ? !is.chars[0] || is.chars[0] == ' ' : is.chars[0] == want->cp) && is.chars[0 + (is.chars[0] != 0)] == want->mark &&
		    is.width == want->width && index_of(is.bg) == s->bg && !!(attrs & ATTR_UNDERLINE) == !!is.attrs.underline &&
		    !!(attrs & ATTR_REVERSE) == !!is.attrs.reverse;
	if (blank && !(attrs & (ATTR_UNDERLINE | ATTR_REVERSE)))
		return good;
	return good && index_of(is.fg) == s->fg && !!(attrs & ATTR_BOLD) == !!is.attrs.bold && !!(attrs & ATTR_ITALIC) == !!is.attrs.italic;
}

static void check(const struct emulator *e, const struct rows_can *can, const struct canvas *c, const struct str *sent)
{
	VTermPos at;
	vterm_state_get_cursorpos(vterm_obtain_state(e->vt), &at);
	if (at.row != e->screen.y || at.col != e->screen.x)
		fail_msg("the cursor is at %d,%d and not at %d,%d", at.col, at.row, e->screen.x, e->screen.y);
	for (int i = 0; i < W * H; i++)
		if (!cell_is(e, can, &c->cells[i], i % W, i / W)) {
			for (size_t n = 0; n < sent->len; n++)
				printf(sent->data[n] == '\033' ? "\\E" : "%c", sent->data[n]);
			fail_msg("column %d of row %d is not U+%04X, role %d, back %d, attributes %d", i % W, i / W, c->cells[i].cp, c->cells[i].role,
			    c->cells[i].back, c->cells[i].attrs);
		}
}

static void many_frames(const struct rows_can *can)
{
	struct emulator e = make_emulator();
	struct canvas *c = canvas_create(W, H);
	struct str sent = str_new(1 << 20);
	for (int frame = 0; frame < FRAMES; frame++) {
		if (!below(20))
			canvas_clear(c);
		if (!below(3))
			scroll_some(c);
		for (int n = below(below(4) ? 4 : 60); n > 0; n--)
			draw_some(c);
		str_clear(&sent);
		rows_write(can, &e.theme, &e.screen, c, below(W), below(H), &sent);
		vterm_input_write(e.vt, sent.data ? sent.data : "", sent.len);
		check(&e, can, c, &sent);
	}
	str_free(&sent);
	canvas_destroy(c);
	free_emulator(&e);
}

static void test_frames(void **state)
{
	(void)state;
	srand(7);
	struct rows_can can = all;
	for (int without = 0; without < 64; without++) {
		can.hpa = !(without & 1);
		can.tabs = !(without & 2);
		can.ech = !(without & 4);
		can.bce = true; /* the emulator has it; what is done without it is less */
		can.op = !(without & 8);
		can.scroll = !(without & 16);
		can.attrs = without & 32 ? ATTR_BOLD : all.attrs;
		many_frames(&can);
	}
	can = all;
	can.bce = false;
	can.scroll = false; /* nothing is uncovered in colour: the pen is plain then */
	many_frames(&can);
}

/* Nothing is said of what is the same, and little of what moved. */
static void test_few(void **state)
{
	(void)state;
	struct emulator e = make_emulator();
	struct canvas *c = canvas_create(W, H);
	struct str sent = str_new(1 << 20);
	for (int y = 0; y < H; y++)
		canvas_printf(c, 0, y, W, ROLE_TEXT, "%d words that are here and nowhere else %d", y * 7919, y);
	rows_write(&all, &e.theme, &e.screen, c, 0, 0, &sent);
	str_clear(&sent);
	rows_write(&all, &e.theme, &e.screen, c, 0, 0, &sent);
	assert_int_equal(sent.len, 0);
	memmove(c->cells, c->cells + W, (size_t)W * (H - 1) * sizeof *c->cells);
	canvas_fill(c, (struct rect){0, H - 1, W, 1}, ROLE_TEXT, ' ');
	rows_write(&all, &e.theme, &e.screen, c, 0, 0, &sent);
	assert_string_equal(str_text(&sent), "\033[1;13r\033[S\033[r");
	str_free(&sent);
	canvas_destroy(c);
	free_emulator(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_frames), cmocka_unit_test(test_few)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
