/* The one file that includes curses.
 *
 * newterm() gets a file in memory for its output, so a frame's bytes can be taken whole: a stock curses program sends its
 * first screen in over a hundred writes, this one in one. Facts about ncurses 6.4 that shape the code: a file has no size,
 * so LINES and COLUMNS are set around newterm or the scroll region of 24 lines would be left behind; its signal handlers are
 * installed only where the disposition is the default, so the caller takes the signals first; after endwin the first doupdate
 * sends what it thinks is needed to come back, which is thrown away in favour of saying it all anew.
 *
 * On terminals of the common dialect curses draws whole screens, and rows.c what changes of them: in half the bytes. Elsewhere curses draws
 * all, and what is equal to the row shown last is not handed to it at all: comparing memory is cheaper than cells. */
#include "tui/term/paint.h"
#include "tui/term/links.h"
#include "tui/term/rows.h"
#include "tui/term/sgr.h"
#include "tui/term/truecolor.h"

#define NCURSES_WIDECHAR 1
#include <ncurses.h>
#include <term.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wchar.h>

#include "core/base/mem.h"
#include "config.h"

enum { MADE = 256, KEPT_MAX = 64 << 10 };

struct paint {
	SCREEN *screen;
	FILE *memory;
	int fd;
	int w, h;
	struct cell *shown; /* what curses was last given; w × h */
	bool whole;	    /* nothing of `shown` counts */
	bool cursor;
	bool common;	      /* the terminal's dialect: curses draws whole screens alone, rows_write what changes */
	struct rows_can can;
	int cursor_x, cursor_y; /* where the last frame has left the cursor */
	attr_t attrs[ROLES];
	short pairs[ROLES];
	uint8_t role_attrs[ROLES];
	bool black[ROLES]; /* written in black: that must not be bold, which many terminals show as grey */
	cchar_t *line; /* w of them */
	struct {
		struct cell cell;
		cchar_t made;
	} made[MADE]; /* what setcchar has made of cells lately, which takes long */
	bool true_color;
	struct truecolor exact;
	bool links_wanted;
	struct theme given; /* as paint_theme got it; at first all zero, which none is */
	struct theme theme; /* with the numbers that stand for exact colours */
	struct canvas_link links[CANVAS_LINKS]; /* in the last frame */
	size_t n_links;
};

static FILE *memory_file(int *fd)
{
#ifdef HAVE_MEMFD_CREATE
	*fd = memfd_create("skytop-frame", MFD_CLOEXEC);
	FILE *f = *fd >= 0 ? fdopen(*fd, "w+") : tmpfile();
#else
	FILE *f = tmpfile();
#endif
	if (f)
		*fd = fileno(f);
	return f;
}

static void set_size_env(const char *name, int n)
{
	char buf[16];
	snprintf(buf, sizeof buf, "%d", n);
	setenv(name, buf, 1);
}

/* $TERM if the system knows it, else the first that it does. A newterm that fails would leak, so it is asked before. */
static const char *known_term(void)
{
	const char *const names[] = {getenv("TERM"), "xterm-256color", "xterm", "vt100"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		int problem;
		if (!names[i] || setupterm(names[i], 1, &problem) != OK)
			continue;
		del_curterm(cur_term);
		return names[i];
	}
	return NULL;
}

static SCREEN *open_screen(FILE *memory, int w, int h)
{
	const char *term = known_term();
	if (!term)
		return NULL;
	set_size_env("LINES", h);
	set_size_env("COLUMNS", w);
	SCREEN *s = newterm(term, memory, stdin);
	unsetenv("LINES");
	unsetenv("COLUMNS");
	return s;
}

static void set_size(struct paint *p, int w, int h)
{
	p->w = w < 1 ? 1 : w;
	p->h = h < 1 ? 1 : h;
	p->shown = xreallocarray(p->shown, (size_t)p->w * (size_t)p->h, sizeof *p->shown);
	p->line = xreallocarray(p->line, (size_t)p->w + 1, sizeof *p->line);
	p->whole = true;
}

static const char *capability(const char *name)
{
	const char *s = tigetstr(name);
	return s == (const char *)-1 || !s ? "" : s;
}

static bool has(const char *name, const char *text)
{
	return str_eq(capability(name), text);
}

/* Colours as most terminals number them? */
static bool common_colors(int colors)
{
	static const struct {
		int color;
		const char *fg, *bg;
	} samples[] = {{1, "\033[31m", "\033[41m"}, {9, "\033[91m", "\033[101m"}, {200, "\033[38;5;200m", "\033[48;5;200m"}};
	for (size_t i = 0; i < ARRAY_LEN(samples) && samples[i].color < colors; i++) {
		char *fg = tiparm(capability("setaf"), samples[i].color);
		if (!str_eq(fg, samples[i].fg) || !str_eq(tiparm(capability("setab"), samples[i].color), samples[i].bg))
			return false;
	}
	return true;
}

/* Does the terminal speak the dialect of rows_write, as its terminfo entry has it; and what of it? Those that do not, or that need delays,
 * or cannot have attributes and colours together, are left to curses. */
static bool common_dialect(int colors, struct rows_can *can)
{
	static const struct {
		const char *name, *text;
		unsigned attr;
	} attrs[] = {{"bold", "\033[1m", ATTR_BOLD}, {"dim", "\033[2m", ATTR_DIM}, {"smul", "\033[4m", ATTR_UNDERLINE},
	    {"rev", "\033[7m", ATTR_REVERSE}, {"sitm", "\033[3m", ATTR_ITALIC}};
	static const char *const needed[][2] = {{"cup", "\033[%i%p1%d;%p2%dH"}, {"el", "\033[K"}, {"cuf", "\033[%p1%dC"},
	    {"cuu", "\033[%p1%dA"}, {"cr", "\r"}, {"cud1", "\n"}, {"cub1", "\b"}};
	*can = (struct rows_can){.hpa = has("hpa", "\033[%i%p1%dG"), .tabs = has("ht", "\t") && tigetnum("it") == 8,
	    .ech = has("ech", "\033[%p1%dX"), .bce = tigetflag("bce") > 0,
	    .op = has("op", "\033[39;49m"), .scroll = has("csr", "\033[%i%p1%d;%p2%dr") && has("indn", "\033[%p1%dS") && has("rin", "\033[%p1%dT")};
	for (size_t i = 0; i < ARRAY_LEN(attrs); i++) {
		if (has(attrs[i].name, attrs[i].text))
			can->attrs |= attrs[i].attr;
		else if (capability(attrs[i].name)[0])
			return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (!has(needed[i][0], needed[i][1]))
			return false;
	return tigetflag("am") > 0 && tigetflag("xenl") > 0 && tigetflag("msgr") > 0 && tigetnum("ncv") <= 0 && common_colors(colors) &&
	       (has("sgr0", "\033(B\033[m") || has("sgr0", "\033[m\017") || has("sgr0", "\033[m") || has("sgr0", "\033[0m"));
}

struct paint *paint_create(int w, int h, struct err *err)
{
	struct paint *p = xcalloc(1, sizeof *p);
	set_size(p, w, h);
	p->memory = memory_file(&p->fd);
	p->screen = p->memory ? open_screen(p->memory, p->w, p->h) : NULL;
	if (!p->screen) {
		const char *term = getenv("TERM");
		err_set(err, ERR_UNSUPPORTED, "this terminal (TERM=%s) is not known to the system's terminal database; set TERM "
		    "to one that is, as in TERM=xterm skytop", term ? term : "");
		paint_destroy(p);
		return NULL;
	}
	if (has_colors()) {
		start_color();
		use_default_colors();
	}
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	curs_set(0);
	typeahead(-1);
	scrollok(stdscr, FALSE);
	leaveok(stdscr, FALSE);
	p->common = common_dialect(paint_colors(p), &p->can);
	p->true_color = paint_colors(p) == 256 && truecolor_wanted();
	struct theme t;
	theme_builtin(&t);
	theme_reduce(&t, paint_colors(p));
	paint_theme(p, &t);
	return p;
}

void paint_destroy(struct paint *p)
{
	if (!p)
		return;
	if (p->screen) {
		set_term(p->screen);
		delscreen(p->screen);
	}
	if (p->memory)
		fclose(p->memory);
	free(p->shown);
	free(p->line);
	free(p);
}

int paint_colors(const struct paint *p)
{
	(void)p;
	return has_colors() && COLORS >= 8 ? COLORS : 0;
}

bool paint_true_color(const struct paint *p)
{
	return p->true_color;
}

static attr_t attrs_of(unsigned attrs)
{
	static const struct {
		unsigned ours;
		attr_t theirs;
	} map[] = {{ATTR_BOLD, A_BOLD}, {ATTR_DIM, A_DIM}, {ATTR_UNDERLINE, A_UNDERLINE}, {ATTR_REVERSE, A_REVERSE},
	    {ATTR_ITALIC, A_ITALIC}};
	attr_t a = 0;
	for (size_t i = 0; i < ARRAY_LEN(map); i++)
		if (attrs & map[i].ours)
			a |= map[i].theirs;
	return a;
}

static bool same_theme(const struct theme *a, const struct theme *b)
{
	for (int i = 0; i < ROLES; i++)
		if (a->styles[i].fg != b->styles[i].fg || a->styles[i].bg != b->styles[i].bg || a->styles[i].attrs != b->styles[i].attrs)
			return false;
	return true;
}

void paint_theme(struct paint *p, const struct theme *theme)
{
	struct theme t = *theme;
	if (same_theme(theme, &p->given))
		return;
	p->given = *theme;
	truecolor_assign(&p->exact, &t);
	p->theme = t;
	for (int i = 0; i < ROLES; i++) {
		const struct theme_style *s = &t.styles[i];
		int pair = s->fg == THEME_DEFAULT && s->bg == THEME_DEFAULT ? 0 : alloc_pair(s->fg, s->bg);
		p->pairs[i] = (short)(pair < 0 ? 0 : pair);
		p->attrs[i] = attrs_of(s->attrs);
		p->role_attrs[i] = s->attrs;
		p->black[i] = s->fg == 0;
	}
	memset(p->made, 0, sizeof p->made); /* no cell is all zeros but the second half of a wide one */
	if (!p->common)
		p->whole = true;
	for (size_t i = 0; p->common && i < (size_t)p->w * (size_t)p->h; i++) /* what no cell is */
		p->shown[i] = (struct cell){.cp = UINT32_MAX, .width = 1};
}

void paint_resize(struct paint *p, int w, int h)
{
	set_size(p, w, h);
	resizeterm(p->h, p->w);
	paint_forget(p);
}

void paint_forget(struct paint *p)
{
	p->whole = true;
	clearok(curscr, TRUE);
}

/* Append what curses wrote since the last time. */
static void take(struct paint *p, struct str *out)
{
	off_t len = lseek(p->fd, 0, SEEK_CUR);
	char buf[8192];
	for (off_t at = 0; at < len;) {
		size_t want = (size_t)(len - at) < sizeof buf ? (size_t)(len - at) : sizeof buf;
		ssize_t n = pread(p->fd, buf, want, at);
		if (n <= 0)
			break;
		if (out)
			str_addn(out, buf, (size_t)n);
		at += n;
	}
	/* What is there is written over: giving the memory back each time costs more than keeping it, up to a point. */
	if ((len > KEPT_MAX && ftruncate(p->fd, 0)) || lseek(p->fd, 0, SEEK_SET) < 0)
		abort(); /* a file of our own in memory */
}

static void cell_to_curses(const struct paint *p, const struct cell *c, cchar_t *out)
{
	wchar_t text[3] = {(wchar_t)c->cp, (wchar_t)c->mark, 0};
	unsigned role = c->back ? c->back : c->role;
	unsigned own = c->attrs | (c->back ? p->role_attrs[c->role] & ATTR_BOLD : 0u);
	attr_t attrs = p->attrs[role] | attrs_of(p->black[role] ? own & ~(unsigned)ATTR_BOLD : own);
	if (setcchar(out, text, attrs, p->pairs[role], NULL) != OK) {
		text[0] = L'?';
		text[1] = 0;
		setcchar(out, text, attrs, p->pairs[role], NULL);
	}
}

static cchar_t made_of(struct paint *p, const struct cell *c)
{
	size_t at = (c->cp ^ c->role * 37u ^ c->back * 101u ^ c->attrs * 17u) % MADE;
	if (memcmp(&p->made[at].cell, c, sizeof *c)) {
		p->made[at].cell = *c;
		cell_to_curses(p, c, &p->made[at].made);
	}
	return p->made[at].made;
}

/* Columns [from, to) of a row; half of a wide character at the beginning is completed. */
static void paint_row(struct paint *p, const struct cell *row, int y, int from, int to)
{
	int n = 0;
	while (from > 0 && !row[from].width)
		from--;
	for (int x = from; x < to; x++)
		if (row[x].width)
			p->line[n++] = made_of(p, &row[x]);
	mvadd_wchnstr(y, from, p->line, n);
}

/* What of a row is not what curses was given last; all of it when `whole`. */
static void paint_changes(struct paint *p, const struct cell *row, int y, int w)
{
	struct cell *old = &p->shown[(size_t)y * (size_t)p->w];
	int from = 0, to = w;
	if (!p->whole && !memcmp(row, old, (size_t)w * sizeof *row))
		return;
	while (!p->whole && !memcmp(&row[from], &old[from], sizeof *row))
		from++;
	while (!p->whole && !memcmp(&row[to - 1], &old[to - 1], sizeof *row))
		to--;
	paint_row(p, row, y, from, to);
	memcpy(old + from, row + from, (size_t)(to - from) * sizeof *row);
}

void paint_links(struct paint *p, bool on)
{
	p->links_wanted = on;
}

/* Which of the canvas's links have to be written: those that are new, and those that this frame draws anew. */
static unsigned links_due(const struct paint *p, const struct canvas *c)
{
	unsigned due = 0;
	for (size_t i = 0; i < c->n_links && p->links_wanted; i++) {
		const struct canvas_link *l = &c->links[i];
		bool known = !p->whole && l->x + l->w <= p->w && l->y < p->h && i < p->n_links && !memcmp(l, &p->links[i], sizeof *l);
		const struct cell *now = &c->cells[(size_t)l->y * (size_t)c->w + (size_t)l->x];
		if (!known || memcmp(now, &p->shown[(size_t)l->y * (size_t)p->w + (size_t)l->x], (size_t)l->w * sizeof *now) != 0)
			due |= 1u << i;
	}
	return due;
}

static void write_links(struct paint *p, const struct canvas *c, unsigned due, struct str *out)
{
	for (size_t i = 0; i < c->n_links; i++)
		if (due >> i & 1)
			link_write(c, &c->links[i], &p->theme, out);
	memcpy(p->links, c->links, sizeof p->links);
	p->n_links = c->n_links;
}

/* By curses: the first screen, and where the terminal is an uncommon one all of them. */
static void draw_by_curses(struct paint *p, const struct canvas *c, int w, int h, struct str *out)
{
	if (p->whole)
		erase();
	for (int y = 0; y < h; y++)
		paint_changes(p, &c->cells[(size_t)y * (size_t)c->w], y, w);
	p->whole = false;
	move(p->cursor_y, p->cursor_x);
	wnoutrefresh(stdscr);
	doupdate();
	struct str said = str_new(out->max);
	take(p, &said);
	sgr_compact(str_text(&said), said.len, out);
	str_free(&said);
}

void paint_frame(struct paint *p, const struct canvas *c, struct str *out)
{
	int w = c->w < p->w ? c->w : p->w, h = c->h < p->h ? c->h : p->h;
	unsigned due = links_due(p, c);
	struct str said = str_new(out->max), *to = p->true_color ? &said : out;
	if (p->common && (c->w != p->w || c->h != p->h))
		paint_forget(p);
	struct rows_screen screen = {p->w, p->h, p->shown, p->cursor_x, p->cursor_y};
	p->cursor_x = c->cursor_x < w ? c->cursor_x : w - 1;
	p->cursor_y = c->cursor_y < h ? c->cursor_y : h - 1;
	if (c->cursor_shown != p->cursor) {
		curs_set(c->cursor_shown);
		p->cursor = c->cursor_shown;
	}
	if (p->common && !p->whole) {
		take(p, to);
		rows_write(&p->can, &p->theme, &screen, c, p->cursor_x, p->cursor_y, to);
	} else {
		draw_by_curses(p, c, w, h, to);
	}
	write_links(p, c, due, to);
	if (p->true_color)
		truecolor_write(&p->exact, str_text(&said), said.len, out);
	str_free(&said);
}

void paint_leave(struct paint *p, struct str *out)
{
	take(p, out);
	endwin();
	take(p, out);
}

void paint_enter(struct paint *p, struct str *out)
{
	if (isendwin()) {
		doupdate();
		take(p, NULL);
		str_add(out, capability("smcup"));
		str_add(out, capability("smkx"));
		str_add(out, capability(p->cursor ? "cnorm" : "civis"));
	}
	paint_forget(p);
}
