/* The same state and the same drawing as on the full screen, but what goes out is only the lines that were not there before: all of
 * them after something the person did; of what changes by itself those whose words changed, since a reader that speaks each new
 * figure of each second says nothing any more. Lines of boxes, bars and the hints of the footer are left out. */
#include "tui/plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/canvas.h"

enum { COLUMNS = 120, ROWS = 45, LINE_MAX_BYTES = 4096, FIRST_MS = 2000 };

struct plain {
	struct loop *loop;
	struct app *app;
	const struct clock *clock;
	struct canvas *canvas;
	char *shown[ROWS]; /* what was printed or known last, */
	char *view[ROWS];  /* … and what of the view that something lies over now: that need not be said again when it is gone */
	struct str in;
	bool typed;	   /* the person did something since the last time */
	bool listening;	   /* lines are read: not before the engine has answered or been waited for, so that scripts see its world */
	unsigned timer;
};

/* --- out ---------------------------------------------------------------------------------------------------------- */

/* Lines of boxes, bars, charts: the figures beside them say it. */
static bool is_drawing(unsigned cp)
{
	return (cp >= 0x2500 && cp <= 0x2588) || (cp >= 0x2800 && cp < 0x2900);
}

static char *line_of(const struct canvas *c, int y)
{
	struct str s = str_new(LINE_MAX_BYTES);
	bool blank = true;
	unsigned last = 0;
	for (int x = 0; x < c->w; x++) {
		const struct cell *cell = &c->cells[(size_t)y * (size_t)c->w + (size_t)x];
		char utf8[4];
		if (!cell->width)
			continue;
		unsigned cp = is_drawing(cell->cp) ? ' ' : cell->cp == 0x25b8 ? '>' : cell->cp;
		bool space = cp == ' ', again = cp == 0xb7 && last == cp; /* the rest of a gauge */
		last = cp;
		if (again)
			continue;
		/* Columns become two blanks. */
		if (space && (s.len == 0 || (s.len > 1 && s.data[s.len - 1] == ' ' && s.data[s.len - 2] == ' ')))
			continue;
		blank = blank && space;
		str_addn(&s, utf8, utf8_encode(cp, utf8));
	}
	while (s.len && s.data[s.len - 1] == ' ')
		s.data[--s.len] = '\0';
	if (blank)
		str_clear(&s);
	return str_take(&s);
}

/* Are they the same but for figures and the mark of the selected row? */
static bool same_words(const char *a, const char *b)
{
	static const char figures[] = "0123456789.,:$~%> ";
	for (;;) {
		a += strspn(a, figures);
		b += strspn(b, figures);
		if (*a != *b)
			return false;
		if (!*a)
			return true;
		a++;
		b++;
	}
}

static bool was_shown(const struct plain *p, const char *line)
{
	for (int y = 0; y < ROWS; y++)
		for (int i = 0; i < 2; i++) {
			const char *before = i ? p->view[y] : p->shown[y];
			if (before && (p->typed ? str_eq(before, line) : same_words(before, line)))
				return true;
		}
	return false;
}

static void keep(char **of, char *const *now)
{
	for (int y = 0; y < ROWS; y++) {
		free(of[y]);
		of[y] = xstrdup(now[y]);
	}
}

static void show(struct plain *p)
{
	char *now[ROWS];
	app_draw(p->app, p->canvas);
	for (int y = 0; y < ROWS; y++)
		now[y] = line_of(p->canvas, y);
	for (int y = 0; y < ROWS - 1; y++) /* the last one is the footer's keys: `?` lists them */
		if (now[y][0] && !was_shown(p, now[y]))
			puts(now[y]);
	keep(p->shown, now);
	if (!p->app->modal.ops)
		keep(p->view, now);
	for (int y = 0; y < ROWS; y++)
		free(now[y]);
	p->typed = false;
	fflush(stdout);
}

/* --- in ----------------------------------------------------------------------------------------------------------- */

static void press(struct plain *p, struct key k)
{
	struct input_event e = {.type = INPUT_KEY, .key = k};
	app_input(p->app, &e, clock_now_ms(p->clock));
}

static void type(struct plain *p, const char *text)
{
	for (size_t len = strlen(text); len;) {
		struct key k = {0};
		size_t n = utf8_decode(text, len, &k.code);
		press(p, k);
		text += n;
		len -= n;
	}
}

static bool do_action(struct plain *p, const char *name)
{
	for (int i = ACTION_NONE + 1; i < ACTIONS; i++) {
		if (!str_eq(action_info((enum action)i)->name, name))
			continue;
		app_act(p->app, (enum action)i);
		return true;
	}
	return false;
}

static void obey(struct plain *p, char *line)
{
	p->typed = true;
	p->app->now_ms = clock_now_ms(p->clock);
	if (line[0] == '\'') {
		type(p, line + 1);
		return;
	}
	if (do_action(p, line))
		return;
	char *save = NULL;
	for (char *word = strtok_r(line, " ", &save); word && !p->app->quit; word = strtok_r(NULL, " ", &save)) {
		struct key k;
		if (key_parse(word, &k))
			press(p, k);
		else
			printf("%s: no key and no action; ? lists both, 'text types text, quit leaves\n", word);
	}
}

static void end(struct plain *p)
{
	p->app->quit = true;
	loop_stop(p->loop);
}

static void on_stdin(int fd, int events, void *arg)
{
	(void)events;
	struct plain *p = arg;
	char buf[4096];
	ssize_t n = read(fd, buf, sizeof buf);
	if (n <= 0) {
		end(p);
		return;
	}
	str_addn(&p->in, buf, (size_t)n);
	for (char *nl; !p->app->quit && p->in.len && (nl = memchr(p->in.data, '\n', p->in.len));) {
		size_t len = (size_t)(nl - p->in.data);
		char *line = xstrndup(p->in.data, len);
		str_shift(&p->in, len + 1);
		obey(p, line);
		free(line);
		plain_turn(p);
	}
	if (p->in.full)
		str_clear(&p->in);
	if (p->app->quit)
		end(p);
}

static void listen_now(struct plain *p)
{
	if (p->listening)
		return;
	p->listening = true;
	loop_watch(p->loop, 0, LOOP_IN, on_stdin, p);
}

static void on_first_wait(void *arg)
{
	struct plain *p = arg;
	p->timer = 0;
	listen_now(p);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

struct plain *plain_create(struct loop *l, struct app *a, const struct clock *clock)
{
	struct plain *p = xcalloc(1, sizeof *p);
	*p = (struct plain){.loop = l, .app = a, .clock = clock, .canvas = canvas_create(COLUMNS, ROWS), .in = str_new(64 << 10), .typed = true};
	a->plain = true;
	app_resize(a, COLUMNS, ROWS);
	show(p);
	p->timer = loop_after(l, a->source ? FIRST_MS : 0, on_first_wait, p);
	return p;
}

void plain_destroy(struct plain *p)
{
	if (!p)
		return;
	loop_watch(p->loop, 0, 0, NULL, NULL);
	loop_cancel(p->loop, p->timer);
	for (int y = 0; y < ROWS; y++) {
		free(p->shown[y]);
		free(p->view[y]);
	}
	canvas_destroy(p->canvas);
	str_free(&p->in);
	free(p);
}

void plain_turn(struct plain *p)
{
	struct app *a = p->app;
	if (a->copy)
		printf("%s: %s\n", a->copy_what, a->copy);
	if (a->login)
		printf("leave, and run: skytop ssh %s\n", a->login);
	free(a->copy);
	free(a->login);
	free(a->theme);
	a->copy = a->login = a->theme = NULL;
	a->suspend = a->redraw = false;
	if (a->dirty || a->lazy)
		show(p);
	const struct ui_snapshot *snap = app_snapshot(a);
	if (snap->at_ms || (snap->revision && (snap->link == UI_LINK_NONE || snap->link == UI_LINK_LOST)))
		listen_now(p);
}
