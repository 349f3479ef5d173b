/* The rim: joins terminal, source, prices and state on one loop, and decides when a frame is due.
 *
 * All input that has come is handled before anything is drawn, so two hundred keys at once are one frame. What the person did
 * is drawn at once, though such frames are at least 4 ms apart; what came by itself 16 ms; more lines of a log 50 ms, on
 * large screens up to 90. When nothing changes there is no timer but the one at the next minute. */
#include "tui/tui.h"

#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/clip.h"
#include "tui/look.h"
#include "tui/plain.h"
#include "tui/reload.h"
#include "tui/term/term.h"
#include "tui/view/views.h"

enum { LOG_BYTES_MAX = 1 << 20 }; /* of screen.log, when the screen is opened */
enum { KEY_GAP_US = 4000, CHANGE_GAP_US = 16000, LOG_GAP_US = 50000, LOG_GAP_MAX_US = 90000, LOG_CELLS = 4800 };

struct screen {
	const struct ui_options *o;
	struct loop *loop;
	struct term *term;
	struct app app;
	struct look look;
	struct plain *plain; /* instead of a terminal; NULL */
	struct reload *reload;
	struct canvas *canvas;
	bool ascii;
	bool typed;	/* the person did something since the last frame */
	bool blocked;	/* the terminal has not taken the last frame */
	int64_t drawn_us;
	int64_t answered_us; /* when something that the person did was last drawn */
	int64_t logs_us; /* when more of a log was last drawn */
	unsigned frame_timer, tick_timer;
	int64_t tick_ms; /* when the tick timer fires, on the monotonic clock */
};

static int64_t now_ms(const struct screen *s)
{
	return clock_now_ms(s->o->clock);
}

/* --- the source --------------------------------------------------------------------------------------------------- */

static void on_changed(void *arg)
{
	struct screen *s = arg;
	app_news(&s->app, now_ms(s));
}

static void on_replied(void *arg, unsigned ticket, int64_t request_id, const struct err *err)
{
	struct screen *s = arg;
	app_replied(&s->app, ticket, request_id, err, now_ms(s));
}

static void on_log_data(void *arg, unsigned log, const char *data, size_t len, int64_t at_ms)
{
	struct screen *s = arg;
	app_log_data(&s->app, log, data, len, at_ms);
}

static void on_log_end(void *arg, unsigned log, bool broken, const char *text)
{
	struct screen *s = arg;
	app_log_end(&s->app, log, broken, text);
}

static void on_log_older(void *arg, unsigned log, const char *data, size_t len, int64_t at_ms)
{
	struct screen *s = arg;
	app_log_older(&s->app, log, data, len, at_ms);
}

static void on_planned(void *arg, unsigned ticket, const struct ui_plan *plan, const struct err *err)
{
	struct screen *s = arg;
	app_planned(&s->app, ticket, plan, err, now_ms(s));
}

static struct ui_sink sink_of(struct screen *s)
{
	return (struct ui_sink){on_changed, on_replied, on_log_data, on_log_end, s, on_planned, on_log_older};
}

/* --- frames ------------------------------------------------------------------------------------------------------- */

static void on_frame_timer(void *arg)
{
	((struct screen *)arg)->frame_timer = 0; /* the hook before the next sleep draws */
}

/* A large screen that scrolls is much to send: fewer frames, though never so few that it lags. */
static int64_t log_gap(const struct screen *s)
{
	int64_t gap = (int64_t)LOG_GAP_US * s->canvas->w * s->canvas->h / LOG_CELLS;
	return gap < LOG_GAP_US ? LOG_GAP_US : gap > LOG_GAP_MAX_US ? LOG_GAP_MAX_US : gap;
}

static void draw(struct screen *s)
{
	if (s->app.redraw)
		term_redraw(s->term);
	s->app.redraw = false;
	int64_t now = mono_now_us();
	/* A key is answered with what it changed, not with all that has come in the panes meanwhile. */
	s->app.hold = s->typed && s->app.lazy && now < s->logs_us + log_gap(s);
	app_draw(&s->app, s->canvas);
	if (!s->app.hold)
		s->logs_us = now;
	if (s->ascii || s->look.ascii)
		canvas_to_ascii(s->canvas);
	char title[100];
	app_title(&s->app, title, sizeof title);
	term_title(s->term, s->look.title ? title : NULL);
	term_mouse(s->term, s->app.mouse);
	term_links(s->term, s->look.links);
	if (!term_show(s->term, s->canvas)) {
		s->app.dirty = true;
		s->blocked = true;
	}
	s->drawn_us = mono_now_us();
	s->answered_us = s->typed ? s->drawn_us : s->answered_us;
	s->typed = false;
}

static void draw_when_due(struct screen *s)
{
	if (!(s->app.dirty || s->app.lazy) || s->blocked || s->frame_timer || s->app.quit)
		return;
	int64_t due = s->typed ? s->answered_us + KEY_GAP_US : s->app.dirty ? s->drawn_us + CHANGE_GAP_US : s->logs_us + log_gap(s);
	int64_t wait = due - mono_now_us();
	if (wait <= 0)
		draw(s);
	else
		s->frame_timer = loop_after(s->loop, (wait + 999) / 1000, on_frame_timer, s);
}

static void on_tick(void *arg)
{
	struct screen *s = arg;
	s->tick_timer = 0;
	app_tick(&s->app, now_ms(s));
}

static void set_tick(struct screen *s)
{
	int64_t wait = app_wait_ms(&s->app), at = mono_now_ms() + wait;
	if (s->tick_timer && s->tick_ms <= at)
		return;
	loop_cancel(s->loop, s->tick_timer);
	s->tick_timer = wait < 0 ? 0 : loop_after(s->loop, wait, on_tick, s);
	s->tick_ms = at;
}

/* --- what the person sets ------------------------------------------------------------------------------------------ */

static void set_theme(struct screen *s)
{
	look_read_theme(&s->look, &s->app);
	struct theme t = s->look.colors;
	bool mono = look_is_mono(&s->look);
	if (mono || !term_true_color(s->term))
		theme_reduce(&t, mono ? 0 : term_colors(s->term));
	term_theme(s->term, &t);
	s->app.dirty = true;
}

static void on_files_changed(void *arg)
{
	struct screen *s = arg;
	s->app.now_ms = now_ms(s);
	look_reload(&s->look, &s->app);
	set_theme(s);
}

static void choose_theme(struct screen *s)
{
	look_choose_theme(&s->look, s->app.theme);
	free(s->app.theme);
	s->app.theme = NULL;
	set_theme(s);
}

static void copy(struct screen *s)
{
	char said[300];
	bool good = clip_copy(s->look.clipboard ? s->term : NULL, s->app.copy_what, s->app.copy, said, sizeof said);
	app_say(&s->app, !good, "%s", said);
	free(s->app.copy);
	s->app.copy = NULL;
}

/* What went wrong can be read when the screen is gone: in screen.log, where stderr leads meanwhile. */
static void log_failures(struct screen *s)
{
	for (const struct notice *n; (n = notices_untold(&s->app.notices));) {
		struct str words = str_new(2 * NOTICE_TEXT_MAX);
		notice_words(n, &words);
		log_line(LOG_ERROR, "%s", str_text(&words));
		str_free(&words);
	}
}

/* Before each sleep: everything that has come is in the state. */
static void on_hook(void *arg)
{
	struct screen *s = arg;
	if (s->plain) {
		plain_turn(s->plain);
		set_tick(s);
		return;
	}
	log_failures(s);
	if (s->app.suspend) {
		s->app.suspend = false;
		term_suspend(s->term);
	}
	if (s->app.login) {
		const char *const argv[] = {s->o->self, "ssh", s->app.login, NULL};
		term_run(s->term, argv);
		free(s->app.login);
		s->app.login = NULL;
	}
	if (s->app.theme)
		choose_theme(s);
	if (s->app.copy)
		copy(s);
	if (s->app.edit) {
		/* The editor's name may have arguments: a shell takes it apart, the file's name it does not see as text. */
		const char *const argv[] = {"/bin/sh", "-c", "exec ${VISUAL:-${EDITOR:-vi}} \"$1\"", "skytop", s->app.edit, NULL};
		term_run(s->term, argv);
		free(s->app.edit);
		s->app.edit = NULL;
		app_returned(&s->app, now_ms(s));
	}
	draw_when_due(s);
	set_tick(s);
}

/* --- the terminal ------------------------------------------------------------------------------------------------- */

static void on_input(void *arg, const struct input_event *e)
{
	struct screen *s = arg;
	s->typed = true;
	app_input(&s->app, e, now_ms(s));
	if (s->app.quit)
		loop_stop(s->loop);
	if (s->frame_timer) { /* it was set for something less urgent */
		loop_cancel(s->loop, s->frame_timer);
		s->frame_timer = 0;
	}
}

static void on_resized(void *arg, int w, int h)
{
	struct screen *s = arg;
	canvas_resize(s->canvas, w, h);
	app_resize(&s->app, w, h);
}

static void on_ready(void *arg)
{
	((struct screen *)arg)->blocked = false;
}

static void on_ended(void *arg, int status)
{
	struct screen *s = arg;
	s->app.quit = true;
	s->app.status = status;
	loop_stop(s->loop);
}

/* While the screen is up nothing else may write on the terminal: what libraries have to say goes to a file. Returns a copy
 * of stderr, -1 when it is no terminal anyway. */
static int take_stderr(void)
{
	if (!isatty(2))
		return -1;
	int saved = fcntl(2, F_DUPFD_CLOEXEC, 3);
	char *dir = home_path(HOME_STATE, ""), *path = home_path(HOME_STATE, "screen.log");
	int fd = fs_mkdirs(dir, NULL) ? -1 : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st;
	if (fd >= 0 && !fstat(fd, &st) && st.st_size > LOG_BYTES_MAX && ftruncate(fd, 0)) {
		close(fd);
		fd = -1;
	}
	if (fd < 0)
		fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		dup2(fd, 2);
		close(fd);
	}
	free(dir);
	free(path);
	return saved;
}

static void give_stderr(int saved)
{
	if (saved < 0)
		return;
	dup2(saved, 2);
	close(saved);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static void open_app(struct screen *s)
{
	struct ui_source *source = s->o->source_open ? s->o->source_open(s->loop, s->o->arg) : NULL;
	app_init(&s->app, source, prices_open(), now_ms(s));
	s->app.read_only = s->o->read_only;
	s->app.simulated = s->o->simulated;
	look_open(&s->look, &s->app, s->o);
	if (s->o->view)
		app_show(&s->app, app_view_named(s->o->view));
}

static void close_app(struct screen *s)
{
	struct ui_source *source = s->app.source;
	struct prices *prices = s->app.prices;
	app_finish(&s->app);
	ui_source_destroy(source);
	prices_close(prices);
	reload_destroy(s->reload);
	theme_names_free(s->app.themes, s->app.n_themes);
	look_finish(&s->look);
}

/* What is left running, in one line: the screen is gone, the bill is not. */
static void last_words(const struct screen *s)
{
	const struct ui_snapshot *snap = app_snapshot(&s->app);
	size_t up = 0;
	if (s->o->simulated)
		return;
	char money[32];
	for (size_t i = 0; i < snap->n_clusters; i++)
		up += !str_eq(snap->clusters[i].status, "STOPPED");
	if (up)
		printf("skytop: %zu %s still up, $%s/h\n", up, up == 1 ? "cluster is" : "clusters are",
		    money_text(snap->spend.now_uusd_h, money, sizeof money));
}

/* Somebody has brought the catalog up to date. */
static void on_prices(int fd, int events, void *arg)
{
	(void)fd;
	(void)events;
	struct screen *s = arg;
	prices_drain(s->app.prices);
	app_tick(&s->app, now_ms(s));
}

static int run_screen(struct screen *s)
{
	struct err err = {0};
	struct term_handlers h = {on_input, on_resized, on_ready, on_ended, s};
	int w, hh;
	s->canvas = canvas_create(1, 1);
	/* Before anything is read: what changes meanwhile is read again. */
	s->reload = reload_create(s->loop, on_files_changed, s);
	reload_add(s->reload, s->o->theme && strchr(s->o->theme, '/') ? s->o->theme : NULL);
	open_app(s);
	if (s->o->filter)
		offers_set_filter(&s->app, s->o->filter); /* what is wrong with it is shown */
	s->term = term_open(s->loop, &h, &err);
	if (!s->term) {
		fprintf(stderr, "skytop: %s\n", err.text);
		return 2;
	}
	int saved = take_stderr();
	term_size(s->term, &w, &hh);
	on_resized(s, w, hh);
	set_theme(s);
	struct ui_sink sink = sink_of(s);
	draw(s); /* content first; the engine may take its time */
	ui_source_start(s->app.source, &sink);
	s->app.themes = theme_names(&s->app.n_themes);
	loop_hook(s->loop, on_hook, s);
	if (prices_fd(s->app.prices) >= 0)
		loop_watch(s->loop, prices_fd(s->app.prices), LOOP_IN, on_prices, s);
	loop_run(s->loop);
	term_close(s->term);
	give_stderr(saved);
	last_words(s);
	look_keep(&s->look, &s->app);
	return s->app.status;
}

/* As lines of text. */
static int run_plain(struct screen *s)
{
	open_app(s);
	if (s->o->filter)
		offers_set_filter(&s->app, s->o->filter);
	struct ui_sink sink = sink_of(s);
	s->plain = plain_create(s->loop, &s->app, s->o->clock);
	ui_source_start(s->app.source, &sink);
	loop_hook(s->loop, on_hook, s);
	loop_run(s->loop);
	plain_destroy(s->plain);
	last_words(s);
	return s->app.status;
}

static void once_size(const struct ui_options *o, int *w, int *h)
{
	struct winsize ws;
	bool known = !ioctl(1, TIOCGWINSZ, &ws) && ws.ws_col && ws.ws_row;
	*w = o->columns > 0 ? o->columns : known ? ws.ws_col : 80;
	*h = o->rows > 0 ? o->rows : known ? ws.ws_row : 24;
}

enum { ONCE_WAIT_MS = 2000 };

static void on_once_late(void *arg)
{
	loop_stop(((struct screen *)arg)->loop);
}

/* Cost and metrics are asked for apart, and come after the rest. */
static bool has_come(const struct app *a, const struct ui_snapshot *snap)
{
	const struct view_ops *v = app_view(a);
	return snap->at_ms && (v != &cost_view || snap->cost) && (v != &metrics_view || snap->metrics);
}

static void on_once_changed(void *arg)
{
	struct screen *s = arg;
	on_changed(arg);
	const struct ui_snapshot *snap = app_snapshot(&s->app);
	if (has_come(&s->app, snap) || snap->link == UI_LINK_NONE || snap->link == UI_LINK_LOST)
		loop_stop(s->loop);
}

/* One view as text. What the engine knows is waited for, but not for ever. */
static int run_once(struct screen *s)
{
	int w, h;
	once_size(s->o, &w, &h);
	open_app(s);
	const char *problem = s->o->filter ? offers_set_filter(&s->app, s->o->filter) : NULL;
	if (problem) {
		fprintf(stderr, "skytop: %s\n", problem);
		return 2;
	}
	if (s->app.source && app_view(&s->app) != &offers_view) {
		struct ui_sink sink = sink_of(s);
		sink.changed = on_once_changed;
		ui_source_start(s->app.source, &sink);
		loop_after(s->loop, ONCE_WAIT_MS, on_once_late, s);
		loop_run(s->loop);
	}
	/* What would lie over the view is said beside it. */
	for (size_t i = 0; i < s->app.notices.n; i++) {
		fprintf(stderr, "skytop: %s\n", s->app.notices.list[i].text);
		s->app.notices.list[i].hidden = true;
	}
	s->canvas = canvas_create(w, h);
	app_resize(&s->app, w, h);
	app_draw(&s->app, s->canvas);
	if (s->ascii || s->look.ascii)
		canvas_to_ascii(s->canvas);
	struct str text = str_new(64 << 20);
	canvas_to_text(s->canvas, &text);
	fwrite(str_text(&text), 1, text.len, stdout);
	str_free(&text);
	return fflush(stdout) ? 1 : 0;
}

static void no_such_view(const char *name, struct err *err)
{
	struct str all = str_new(400);
	for (size_t i = 0; i < app_n_views; i++)
		str_addf(&all, "%s%s", i ? ", " : "", app_views[i]->name);
	err_set(err, ERR_USAGE, "there is no view %s; there are %s", name, str_text(&all));
	str_free(&all);
}

int tui_main(const struct ui_options *o)
{
	struct err err = {0};
	setlocale(LC_CTYPE, "");
	if (o->view && app_view_named(o->view) == SIZE_MAX)
		no_such_view(o->view, &err);
	else if (!o->once && !o->plain)
		term_check(&err);
	if (err.code) {
		fprintf(stderr, "skytop: %s\n", err.text);
		return 2;
	}
	struct screen s = {.o = o, .loop = loop_create(), .ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0};
	int status = o->once ? run_once(&s) : o->plain ? run_plain(&s) : run_screen(&s);
	close_app(&s);
	canvas_destroy(s.canvas);
	loop_destroy(s.loop);
	return status;
}
