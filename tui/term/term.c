/* The terminal's life: modes, signals, bytes in and out.
 *
 * Invariants: a frame leaves in one write, between the marks of synchronized output; while bytes are pending no frame is
 * made, so a slow line gets the newest state and never a queue of old ones; the terminal is opened anew by name, so that
 * O_NONBLOCK, which belongs to the open file and not to us, is not set on the shell's; every way out goes through leave(),
 * but for a crash (crash.c). */
#include "tui/term/term.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "tui/term/crash.h"
#include "tui/term/paint.h"

enum { EXTRA_MAX = 256 << 10, FRAME_MAX = 8 << 20, READ_MAX = 64 << 10, LAST_WORDS_MS = 200 };

static const char sync_begin[] = "\033[?2026h", sync_end[] = "\033[?2026l";
/* Buttons and drags as SGR reports; pastes marked. */
static const char mouse_on[] = "\033[?1002h\033[?1006h", mouse_off[] = "\033[?1006l\033[?1002l";
static const char modes_on[] = "\033[?2004h\033[?1004h";
static const char title_push[] = "\033[22;0t", title_pop[] = "\033[23;0t";
static const char modes_off[] = "\033[?1006l\033[?1002l\033[?2004l\033[?1004l\033[?25h\033[0m";

struct term {
	struct loop *loop;
	struct term_handlers h;
	int fd;
	bool own_fd;	   /* opened anew; else it is one we were given, and old_flags are put back */
	int old_flags;
	struct termios old_modes;
	struct input input;
	unsigned input_timer;
	struct paint *paint;
	struct str out;	   /* what the terminal has not taken yet */
	size_t sent;
	bool refused;	   /* a frame waits for `ready` */
	struct str extra;  /* goes out with the next frame */
	char *title;	   /* NULL: the window's own */
	bool no_mouse;
	bool gone;
};

int term_check(struct err *err)
{
	const char *term = getenv("TERM");
	if (!isatty(0) || !isatty(1))
		return err_set(err, ERR_UNSUPPORTED, "the screen needs a terminal, and %s is none; `skytop --once` prints a view "
		    "as text, `skytop help` lists the commands", isatty(0) ? "stdout" : "stdin");
	if (!term || !term[0] || !strcmp(term, "dumb") || !strcmp(term, "unknown"))
		return err_set(err, ERR_UNSUPPORTED, "this terminal (TERM=%s) cannot show a screen; `skytop --once` prints a "
		    "view as text, `skytop help` lists the commands", term ? term : "");
	return 0;
}

/* --- out ---------------------------------------------------------------------------------------------------------- */

static void on_tty(int fd, int events, void *arg);

static void gone(struct term *t, int status)
{
	if (t->gone)
		return;
	t->gone = true;
	loop_watch(t->loop, t->fd, 0, NULL, NULL);
	t->h.ended(t->h.arg, status);
}

/* Write what is pending as far as the terminal takes it. */
static void push(struct term *t)
{
	while (!t->gone && t->sent < t->out.len) {
		ssize_t n = write(t->fd, t->out.data + t->sent, t->out.len - t->sent);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n < 0) {
			gone(t, 0);
			return;
		}
		t->sent += (size_t)n;
	}
	bool done = t->sent == t->out.len;
	if (done) {
		str_clear(&t->out);
		t->sent = 0;
	}
	if (!t->gone)
		loop_watch(t->loop, t->fd, LOOP_IN | (done ? 0 : LOOP_OUT), on_tty, t);
}

/* The same, waiting a moment for a slow terminal: before it is given away. */
static void push_last(struct term *t)
{
	int64_t until = mono_now_ms() + LAST_WORDS_MS;
	while (!t->gone && t->sent < t->out.len) {
		ssize_t n = write(t->fd, t->out.data + t->sent, t->out.len - t->sent);
		if (n > 0) {
			t->sent += (size_t)n;
			continue;
		}
		int64_t left = until - mono_now_ms();
		if ((n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) || left <= 0)
			break;
		struct pollfd p = {.fd = t->fd, .events = POLLOUT};
		poll(&p, 1, (int)left);
	}
	str_clear(&t->out);
	t->sent = 0;
}

bool term_show(struct term *t, const struct canvas *c)
{
	if (t->gone)
		return true;
	if (t->out.len) {
		t->refused = true;
		return false;
	}
	str_add(&t->out, sync_begin);
	size_t empty = t->out.len;
	str_addn(&t->out, str_text(&t->extra), t->extra.len);
	str_clear(&t->extra);
	paint_frame(t->paint, c, &t->out);
	if (t->out.full || t->out.len == empty) {
		if (t->out.full)
			paint_forget(t->paint);
		str_clear(&t->out);
		return true;
	}
	str_add(&t->out, sync_end);
	push(t);
	return true;
}

/* Consoles without windows print what they do not know, or worse. */
static bool knows_osc(void)
{
	static const char *const old[] = {"linux", "vt", "ansi", "cons", "sun", "cygwin"};
	const char *term = getenv("TERM");
	for (size_t i = 0; i < ARRAY_LEN(old); i++)
		if (!term || str_starts(term, old[i]))
			return false;
	return true;
}

bool term_osc(struct term *t, const char *bytes, size_t n)
{
	if (!knows_osc() || t->extra.len + n > EXTRA_MAX)
		return false;
	str_addn(&t->extra, bytes, n);
	return true;
}

static void send_title(struct term *t, struct str *out)
{
	str_addf(out, "\033]2;%s\033\\", t->title);
}

void term_title(struct term *t, const char *text)
{
	if (!knows_osc() || str_eq(t->title, text))
		return;
	if (!t->title)
		str_add(&t->extra, title_push);
	else if (!text)
		str_add(&t->extra, title_pop);
	free(t->title);
	t->title = xstrdup(text);
	if (text)
		send_title(t, &t->extra);
}

void term_links(struct term *t, bool on)
{
	paint_links(t->paint, on && knows_osc());
}

void term_mouse(struct term *t, bool on)
{
	if (t->no_mouse == !on)
		return;
	t->no_mouse = !on;
	str_add(&t->extra, on ? mouse_on : mouse_off);
}

void term_redraw(struct term *t)
{
	paint_forget(t->paint);
}

/* --- in ----------------------------------------------------------------------------------------------------------- */

static void on_event(void *arg, const struct input_event *e)
{
	struct term *t = arg;
	t->h.input(t->h.arg, e);
}

static void on_input_timeout(void *arg)
{
	struct term *t = arg;
	t->input_timer = 0;
	input_timeout(&t->input, on_event, t);
}

static void read_input(struct term *t)
{
	char buf[4096];
	for (size_t got = 0; got < READ_MAX && !t->gone;) {
		ssize_t n = read(t->fd, buf, sizeof buf);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n <= 0) { /* never again: a closed terminal is always readable */
			gone(t, 0);
			return;
		}
		got += (size_t)n;
		input_feed(&t->input, buf, (size_t)n, on_event, t);
	}
	loop_cancel(t->loop, t->input_timer);
	int wait = input_wait_ms(&t->input);
	t->input_timer = wait < 0 ? 0 : loop_after(t->loop, wait, on_input_timeout, t);
}

static void on_tty(int fd, int events, void *arg)
{
	(void)fd;
	struct term *t = arg;
	if (events & LOOP_IN)
		read_input(t);
	if (events & LOOP_HUP)
		gone(t, 128 + SIGHUP);
	if (t->gone || !(events & LOOP_OUT))
		return;
	push(t);
	if (!t->out.len && t->refused) {
		t->refused = false;
		t->h.ready(t->h.arg);
	}
}

/* --- modes -------------------------------------------------------------------------------------------------------- */

/* Set modes even from the background: there SIGTTOU would stop us half way out. */
static void set_modes(struct term *t, const struct termios *modes)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
	sigaction(SIGTTOU, &ignore, &old);
	while (tcsetattr(t->fd, TCSANOW, modes) && errno == EINTR)
		continue;
	sigaction(SIGTTOU, &old, NULL);
}

static void raw_modes(struct term *t)
{
	struct termios raw = t->old_modes;
	cfmakeraw(&raw);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	set_modes(t, &raw);
}

static void window_size(const struct term *t, int *w, int *h)
{
	struct winsize ws;
	*w = 80;
	*h = 24;
	if (!ioctl(t->fd, TIOCGWINSZ, &ws) && ws.ws_col && ws.ws_row) {
		*w = ws.ws_col;
		*h = ws.ws_row;
	}
}

static void leave(struct term *t)
{
	push_last(t);
	paint_leave(t->paint, &t->out);
	str_addn(&t->out, str_text(&t->extra), t->extra.len);
	str_clear(&t->extra);
	str_add(&t->out, modes_off);
	if (t->title)
		str_add(&t->out, title_pop);
	push_last(t);
	set_modes(t, &t->old_modes);
	if (!t->own_fd)
		fcntl(t->fd, F_SETFL, t->old_flags);
}

static void enter(struct term *t)
{
	if (!t->own_fd)
		fcntl(t->fd, F_SETFL, t->old_flags | O_NONBLOCK);
	raw_modes(t);
	str_add(&t->out, modes_on);
	if (!t->no_mouse)
		str_add(&t->out, mouse_on);
	if (t->title) {
		str_add(&t->out, title_push);
		send_title(t, &t->out);
	}
	paint_enter(t->paint, &t->out);
	push(t);
}

static void resize(struct term *t)
{
	int w, h;
	window_size(t, &w, &h);
	paint_resize(t->paint, w, h);
	t->h.resized(t->h.arg, w, h);
}

/* --- signals ------------------------------------------------------------------------------------------------------ */

static void on_end(int signo, void *arg)
{
	struct term *t = arg;
	t->h.ended(t->h.arg, 128 + signo);
}

static void on_winch(int signo, void *arg)
{
	(void)signo;
	resize(arg);
}

static void on_tstp(int signo, void *arg)
{
	(void)signo;
	term_suspend(arg);
}

/* Continued after a SIGSTOP that nobody could catch: whoever had the terminal since may have changed anything. */
static void on_cont(int signo, void *arg)
{
	(void)signo;
	struct term *t = arg;
	enter(t);
	resize(t);
}

void term_suspend(struct term *t)
{
	leave(t);
	/* SIGTSTP by its default rather than SIGSTOP: the kernel leaves us running where no shell could continue us, as under
	 * `ssh -t host skytop`. The whole group, so that a script around us stops with us. */
	loop_signal(t->loop, SIGTSTP, NULL, NULL);
	loop_signal(t->loop, SIGCONT, NULL, NULL);
	kill(0, SIGTSTP);
	loop_signal(t->loop, SIGTSTP, on_tstp, t);
	loop_signal(t->loop, SIGCONT, on_cont, t);
	enter(t);
	resize(t);
}

/* What the terminal sends to all who are on it is for the program: it may be in the midst of a line. */
static const int not_ours[] = {SIGINT, SIGQUIT, SIGTSTP};

/* It was stopped, as by C-z in an editor: we are the job that a shell waits for, so we stop as well, and go on with it. */
static void stop_with(pid_t pid)
{
	struct sigaction usual = {.sa_handler = SIG_DFL}, ours;
	sigaction(SIGTSTP, &usual, &ours);
	kill(0, SIGTSTP); /* by its default, to the whole group, for the reasons in term_suspend */
	sigaction(SIGTSTP, &ours, NULL);
	kill(pid, SIGCONT);
}

static int run_and_wait(const char *const *argv)
{
	posix_spawnattr_t attr;
	posix_spawn_file_actions_t files;
	sigset_t to_default, none;
	pid_t pid;
	int status = 127 << 8;
	sigemptyset(&none);
	sigemptyset(&to_default);
	sigaddset(&to_default, SIGPIPE);
	for (size_t i = 0; i < ARRAY_LEN(not_ours); i++)
		sigaddset(&to_default, not_ours[i]);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigdefault(&attr, &to_default);
	posix_spawnattr_setsigmask(&attr, &none);
	/* stderr is a file of ours while the screen is up: a shell without a terminal there would not be interactive. */
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, isatty(1) ? 1 : 0, 2);
	if (!posix_spawnp(&pid, argv[0], &files, &attr, (char *const *)(uintptr_t)argv, environ)) {
		pid_t ended;
		while ((ended = waitpid(pid, &status, WUNTRACED)) == pid ? WIFSTOPPED(status) : errno == EINTR)
			if (ended == pid)
				stop_with(pid);
	}
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return status;
}

static void wait_for_enter(struct term *t)
{
	static const char text[] = "\r\n[skytop] Enter leads back\r\n";
	char c = 0;
	struct pollfd p = {.fd = t->fd, .events = POLLIN};
	ssize_t n = write(t->fd, text, sizeof text - 1);
	while (n > 0 && c != '\n' && c != '\r' && (poll(&p, 1, -1) > 0 || errno == EINTR)) {
		n = read(t->fd, &c, 1);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			n = 1;
	}
}

void term_run(struct term *t, const char *const *argv)
{
	enum { AT_ONCE_MS = 5000 };
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old[ARRAY_LEN(not_ours)];
	int64_t began = mono_now_ms();
	leave(t);
	for (size_t i = 0; i < ARRAY_LEN(not_ours); i++)
		sigaction(not_ours[i], &ignore, &old[i]);
	if (run_and_wait(argv) && mono_now_ms() - began < AT_ONCE_MS)
		wait_for_enter(t);
	for (size_t i = 0; i < ARRAY_LEN(not_ours); i++)
		sigaction(not_ours[i], &old[i], NULL);
	enter(t);
	resize(t);
}

static const struct {
	int signo;
	loop_signal_fn *fn;
} signals[] = {
    {SIGWINCH, on_winch}, {SIGTSTP, on_tstp}, {SIGCONT, on_cont}, {SIGTERM, on_end},
    {SIGINT, on_end},     {SIGHUP, on_end},   {SIGQUIT, on_end},
};

/* --- life --------------------------------------------------------------------------------------------------------- */

static void open_tty(struct term *t)
{
	char name[256];
	t->fd = ttyname_r(0, name, sizeof name) ? -1 : open(name, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	t->own_fd = t->fd >= 0;
	/* Not ours to open, as after su? One of the three we were given can do both. */
	for (int fd = 0; t->fd < 0 && fd <= 2; fd++)
		if (isatty(fd) && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR)
			t->fd = fd;
	t->old_flags = fcntl(t->fd, F_GETFL);
}

struct term *term_open(struct loop *l, const struct term_handlers *h, struct err *err)
{
	if (term_check(err))
		return NULL;
	struct term *t = xcalloc(1, sizeof *t);
	t->loop = l;
	t->h = *h;
	t->out = str_new(FRAME_MAX);
	t->extra = str_new(2 * EXTRA_MAX);
	open_tty(t);
	if (tcgetattr(t->fd, &t->old_modes)) {
		err_errno(err, "cannot read the terminal's modes");
		goto fail;
	}
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		loop_signal(l, signals[i].signo, signals[i].fn, t);
	int w, hh;
	window_size(t, &w, &hh);
	t->paint = paint_create(w, hh, err);
	if (!t->paint)
		goto fail_signals;
	input_init(&t->input);
	crash_guard(t->fd, &t->old_modes);
	enter(t);
	return t;
fail_signals:
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		loop_signal(l, signals[i].signo, NULL, NULL);
fail:
	if (t->own_fd)
		close(t->fd);
	free(t);
	return NULL;
}

void term_close(struct term *t)
{
	if (!t)
		return;
	if (!t->gone)
		loop_watch(t->loop, t->fd, 0, NULL, NULL);
	loop_cancel(t->loop, t->input_timer);
	leave(t);
	crash_unguard();
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		loop_signal(t->loop, signals[i].signo, NULL, NULL);
	if (t->own_fd)
		close(t->fd);
	input_finish(&t->input);
	paint_destroy(t->paint);
	str_free(&t->out);
	str_free(&t->extra);
	free(t->title);
	free(t);
}

void term_size(const struct term *t, int *w, int *h)
{
	window_size(t, w, h);
}

int term_colors(const struct term *t)
{
	return paint_colors(t->paint);
}

bool term_true_color(const struct term *t)
{
	return paint_true_color(t->paint);
}

void term_theme(struct term *t, const struct theme *theme)
{
	paint_theme(t->paint, theme);
}
