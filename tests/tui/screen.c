/* The harness. The program's parent is a small launcher, as a shell is: the program has a process group of its own in the
 * foreground of its terminal, so that SIGTSTP really stops it. The launcher says over a pipe what happens to it. */
#include "tests/tui/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <utmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <vterm.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/mem.h"
#include "tui/keys.h"

enum { PATIENCE_MS = 60000, RAW_MAX = 64 << 20 };

struct screen {
	int fd, events, commands; /* pty; what the launcher says; what it is told */
	pid_t launcher, pid;
	int w, h;
	VTerm *vt;
	VTermScreen *vs;
	struct str raw;
	struct termios before;
	bool alternate, cursor_hidden, mouse, bracketed;
	bool ended, is_stopped;
	int status;
	char left[200];
	char held[16]; /* the beginning of what may be a REP sequence */
	size_t n_held;
	char last;     /* the last character that was printed */
	VTermScreenCell *seen; /* when screen_changed was last asked */
	int seen_w, seen_h;
};

/* --- the launcher ------------------------------------------------------------------------------------------------- */

struct report {
	char what; /* 'p' pid, 's' stopped, 'e' ended */
	int value;
};

static void say(int fd, char what, int value)
{
	struct report r = {what, value};
	ssize_t ignored = write(fd, &r, sizeof r);
	(void)ignored;
}

static void watch(pid_t child, int events, int commands)
{
	for (;;) {
		int status;
		if (waitpid(child, &status, WUNTRACED) < 0)
			_exit(1);
		if (!WIFSTOPPED(status)) {
			say(events, 'e', status);
			_exit(0);
		}
		/* A shell takes its terminal back and puts it in order while a job is stopped. */
		tcsetpgrp(0, getpid());
		say(events, 's', 0);
		char c;
		if (read(commands, &c, 1) != 1)
			_exit(0);
		tcsetpgrp(0, child);
		kill(-child, SIGCONT);
	}
}

static void set_env(const struct screen_options *o)
{
	const char *keep = getenv("PATH");
	char *path = xstrdup(keep ? keep : "/usr/bin:/bin"), *san = xstrdup(getenv("ASAN_OPTIONS"));
	char *editor = xstrdup(getenv("VISUAL"));
	clearenv();
	setenv("PATH", path, 1);
	if (editor)
		setenv("VISUAL", editor, 1);
	if (san)
		setenv("ASAN_OPTIONS", san, 1);
	setenv("TERM", o->term ? o->term : "xterm-256color", 1);
	setenv(o->ctype_alone ? "LC_CTYPE" : "LC_ALL", o->c_locale ? "C" : "C.UTF-8", 1);
	setenv("LANG", "C", 1);
	setenv("HOME", o->home, 1);
	setenv("SKYTOP_HOME", o->home, 1);
	char *share = xasprintf("%s/share", o->home);
	setenv("SKYTOP_SHARE", share, 1);
	if (o->no_color)
		setenv("NO_COLOR", "1", 1);
}

static void launch(const char *const *argv, const struct screen_options *o, int events, int commands)
{
	set_env(o);
	signal(SIGTTOU, SIG_IGN);
	signal(SIGTTIN, SIG_IGN);
	pid_t child = fork();
	if (!child) {
		setpgid(0, 0);
		tcsetpgrp(0, getpid());
		signal(SIGTTOU, SIG_DFL);
		signal(SIGTTIN, SIG_DFL);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	setpgid(child, child);
	say(events, 'p', child);
	signal(SIGHUP, SIG_IGN);
	watch(child, events, commands);
}

/* --- the emulator ------------------------------------------------------------------------------------------------- */

static int on_prop(VTermProp prop, VTermValue *value, void *arg)
{
	struct screen *s = arg;
	if (prop == VTERM_PROP_ALTSCREEN)
		s->alternate = value->boolean;
	else if (prop == VTERM_PROP_CURSORVISIBLE)
		s->cursor_hidden = !value->boolean;
	else if (prop == VTERM_PROP_MOUSE)
		s->mouse = value->number != VTERM_PROP_MOUSE_NONE;
	return 1;
}

static const VTermScreenCallbacks callbacks = {.settermprop = on_prop};

static void make_emulator(struct screen *s)
{
	s->vt = vterm_new(s->h, s->w);
	vterm_set_utf8(s->vt, 1);
	s->vs = vterm_obtain_screen(s->vt);
	vterm_screen_set_callbacks(s->vs, &callbacks, s);
	vterm_screen_enable_altscreen(s->vs, 1);
	vterm_screen_reset(s->vs, 1);
}

struct screen *screen_start(const char *const *argv, const struct screen_options *o)
{
	struct screen *s = xcalloc(1, sizeof *s);
	int events[2], commands[2];
	s->w = o->w;
	s->h = o->h;
	s->raw = str_new(RAW_MAX);
	if (pipe2(events, O_CLOEXEC) || pipe2(commands, O_CLOEXEC))
		abort();
	struct winsize ws = {.ws_row = (unsigned short)o->h, .ws_col = (unsigned short)o->w};
	int terminal;
	if (openpty(&s->fd, &terminal, NULL, NULL, &ws) || tcgetattr(s->fd, &s->before)) /* before the program can change them */
		abort();
	s->launcher = fork();
	if (s->launcher < 0)
		abort();
	if (!s->launcher) {
		close(s->fd);
		if (login_tty(terminal))
			abort();
		launch(argv, o, events[1], commands[0]);
	}
	close(terminal);
	close(events[1]);
	close(commands[0]);
	s->events = events[0];
	s->commands = commands[1];
	fcntl(s->fd, F_SETFL, O_NONBLOCK);
	fcntl(s->fd, F_SETFD, FD_CLOEXEC);
	make_emulator(s);
	return s;
}

void screen_free(struct screen *s)
{
	if (!s)
		return;
	screen_hang_up(s);
	close(s->commands);
	if (!s->ended && s->pid > 0)
		kill(s->pid, SIGKILL);
	while (waitpid(s->launcher, NULL, 0) < 0 && errno == EINTR)
		continue;
	close(s->events);
	vterm_free(s->vt);
	free(s->seen);
	str_free(&s->raw);
	free(s);
}

static void read_events(struct screen *s)
{
	struct pollfd p = {.fd = s->events, .events = POLLIN};
	struct report r;
	while (!s->ended && poll(&p, 1, 0) > 0 && read(s->events, &r, sizeof r) == (ssize_t)sizeof r) {
		if (r.what == 'p')
			s->pid = r.value;
		else if (r.what == 's')
			s->is_stopped = true;
		s->ended = r.what == 'e';
		if (s->ended)
			s->status = r.value;
	}
}

/* Feed the emulator, with REP (ESC [ n b: the last character n times more) written out: libvterm 0.1.4 wraps the line one column
 * early after it. curses uses it for ASCII alone. */
static void feed(struct screen *s, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = p[i];
		if (!s->n_held && c != '\033') {
			/* Beyond ASCII byte by byte: libvterm loses a character that is cut between two writes of several bytes. */
			size_t run = 1;
			while (!(c & 0x80) && i + run < n && p[i + run] != '\033' && !(p[i + run] & 0x80))
				run++;
			vterm_input_write(s->vt, p + i, run);
			i += run - 1;
			s->last = p[i];
			continue;
		}
		bool goes_on = !s->n_held || (s->n_held == 1 && c == '[') || (s->n_held > 1 && c >= '0' && c <= '9');
		if (s->n_held > 2 && c == 'b') {
			s->held[s->n_held] = '\0';
			for (long k = strtol(s->held + 2, NULL, 10); k > 0; k--)
				vterm_input_write(s->vt, &s->last, 1);
			s->n_held = 0;
		} else if (goes_on && s->n_held + 1 < sizeof s->held) {
			s->held[s->n_held++] = c;
		} else {
			vterm_input_write(s->vt, s->held, s->n_held);
			s->n_held = 0;
			if (c == '\033') /* one begins where the other broke off */
				s->held[s->n_held++] = c;
			else
				vterm_input_write(s->vt, &c, 1);
		}
	}
}

void screen_read(struct screen *s)
{
	char buf[16384];
	ssize_t n;
	while (s->fd >= 0 && (n = read(s->fd, buf, sizeof buf)) > 0) {
		str_addn(&s->raw, buf, (size_t)n);
		feed(s, buf, (size_t)n);
	}
	read_events(s);
}

/* Wait for something to come, at most so long. */
static bool wait_for_more(struct screen *s, int ms)
{
	struct pollfd p[2] = {{.fd = s->events, .events = POLLIN}, {.fd = s->fd, .events = POLLIN}};
	if (s->ended)
		p[0].fd = -1;
	bool more = poll(p, 2, ms) > 0;
	/* A pty whose other side is gone reports that without end. */
	if (more && !(p[1].revents & POLLIN) && !(p[0].revents & POLLIN))
		poll(NULL, 0, 10);
	screen_read(s);
	return more;
}

/* Does the program wait for something? On a busy machine, or a slow program, it may be quiet since it has not come to it yet. */
static bool at_rest(const struct screen *s)
{
	char *path = xasprintf("/proc/%d/stat", (int)s->pid);
	size_t len;
	char *text = fs_read(path, 4096, &len, NULL), *state = text ? strrchr(text, ')') : NULL;
	bool rest = !state || (state[2] != 'R' && state[2] != 'D');
	free(text);
	free(path);
	return rest;
}

void screen_settle(struct screen *s, int quiet_ms)
{
	int64_t until = mono_now_ms() + PATIENCE_MS;
	while ((wait_for_more(s, quiet_ms) || !at_rest(s)) && mono_now_ms() < until && !s->ended)
		continue;
}

/* --- to the program ----------------------------------------------------------------------------------------------- */

void screen_bytes(struct screen *s, const char *bytes, size_t n)
{
	int64_t until = mono_now_ms() + PATIENCE_MS;
	while (n && s->fd >= 0 && mono_now_ms() < until) {
		ssize_t k = write(s->fd, bytes, n);
		if (k > 0) {
			bytes += k;
			n -= (size_t)k;
		} else {
			screen_read(s);
			poll(NULL, 0, 1);
		}
	}
}

static const struct {
	const char *name, *bytes;
} sequences[] = {
    {"Up", "\033OA"}, {"Down", "\033OB"}, {"Right", "\033OC"}, {"Left", "\033OD"}, {"PgUp", "\033[5~"}, {"PgDn", "\033[6~"},
    {"Home", "\033OH"}, {"End", "\033OF"}, {"Enter", "\r"}, {"Tab", "\t"}, {"Esc", "\033[27u"}, {"Space", " "}, {"BS", "\x7f"},
    {"Del", "\033[3~"}, {"F1", "\033OP"}, {"S-Tab", "\033[Z"}, {"M-Left", "\033[1;3D"}, {"M-Right", "\033[1;3C"}, {"M-Up", "\033[1;3A"},
    {"M-Down", "\033[1;3B"}, {"S-Left", "\033[1;2D"}, {"S-Right", "\033[1;2C"}, {"S-Up", "\033[1;2A"}, {"S-Down", "\033[1;2B"},
};

static void send_key(struct screen *s, const char *key)
{
	if (key[0] == '\'') {
		for (const char *p = key + 1; *p; p++)
			screen_bytes(s, *p == '_' ? " " : p, 1);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(sequences); i++) {
		if (strcmp(sequences[i].name, key))
			continue;
		screen_bytes(s, sequences[i].bytes, strlen(sequences[i].bytes));
		return;
	}
	if (key[0] == 'M' && key[1] == '-' && key[2] && !key[3])
		screen_bytes(s, (char[]){'\033', key[2]}, 2);
	else if (key[0] == 'C' && key[1] == '-' && key[2])
		screen_bytes(s, (char[]){(char)(key[2] & 0x1f)}, 1);
	else
		screen_bytes(s, key, strlen(key));
}

void screen_keys(struct screen *s, const char *keys)
{
	char *copy = xstrdup(keys), *save = NULL;
	for (char *k = strtok_r(copy, " ", &save); k; k = strtok_r(NULL, " ", &save))
		send_key(s, k);
	free(copy);
}

void screen_resize(struct screen *s, int w, int h)
{
	struct winsize ws = {.ws_row = (unsigned short)h, .ws_col = (unsigned short)w};
	screen_read(s);
	s->w = w;
	s->h = h;
	vterm_set_size(s->vt, h, w);
	ioctl(s->fd, TIOCSWINSZ, &ws);
}

void screen_signal(struct screen *s, int signo)
{
	read_events(s);
	if (s->pid > 0)
		kill(s->pid, signo);
}

void screen_continue(struct screen *s)
{
	s->is_stopped = false;
	ssize_t ignored = write(s->commands, "c", 1);
	(void)ignored;
}

void screen_hang_up(struct screen *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* --- what is there ------------------------------------------------------------------------------------------------ */

static void add_cell(const VTermScreenCell *cell, struct str *out)
{
	char utf8[4];
	if (!cell->chars[0])
		str_addc(out, ' ');
	for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell->chars[i]; i++)
		if (cell->chars[i] != (uint32_t)-1)
			str_addn(out, utf8, utf8_encode(cell->chars[i], utf8));
}

char *screen_text(struct screen *s)
{
	struct str out = str_new(RAW_MAX);
	for (int y = 0; y < s->h; y++) {
		VTermScreenCell cell = {.width = 1};
		for (int x = 0; x < s->w; x += cell.width > 0 ? cell.width : 1) {
			vterm_screen_get_cell(s->vs, (VTermPos){.row = y, .col = x}, &cell);
			add_cell(&cell, &out);
		}
		while (out.len && out.data[out.len - 1] == ' ')
			out.data[--out.len] = '\0';
		str_addc(&out, '\n');
	}
	return str_take(&out);
}

/* Is a frame (between the marks of synchronized output) there only in part? */
static bool amid_frame(const struct str *raw)
{
	static const char mark[] = "\033[?2026";
	for (size_t i = raw->len; i >= sizeof mark; i--)
		if (raw->data[i - sizeof mark] == '\033' && !memcmp(raw->data + i - sizeof mark, mark, sizeof mark - 1))
			return raw->data[i - 1] == 'h';
	return false;
}

/* Look at the whole screen whenever something has come, until it is as wanted. */
static bool until(struct screen *s, bool (*good)(const char *now, const char *text), const char *text)
{
	int64_t end = mono_now_ms() + PATIENCE_MS;
	size_t looked_at = SIZE_MAX;
	for (bool last = false;;) {
		screen_read(s);
		if (s->raw.len != looked_at && (s->ended || !amid_frame(&s->raw))) {
			looked_at = s->raw.len;
			char *now = screen_text(s);
			bool done = good(now, text);
			free(now);
			if (done)
				return true;
		}
		if (last)
			return false;
		wait_for_more(s, 100);
		last = s->ended || mono_now_ms() >= end; /* what came last is looked at, too */
	}
}

static bool has(const char *now, const char *text)
{
	return strstr(now, text) != NULL;
}

static bool lacks(const char *now, const char *text)
{
	return !strstr(now, text);
}

static bool is(const char *now, const char *text)
{
	return !strcmp(now, text);
}

bool screen_has(struct screen *s, const char *text)
{
	return until(s, has, text);
}

bool screen_lacks(struct screen *s, const char *text)
{
	return until(s, lacks, text);
}

static void add_color(VTermColor c, struct str *out)
{
	str_addc(out, VTERM_COLOR_IS_INDEXED(&c) && c.indexed.idx < 16 ? "0123456789abcdef"[c.indexed.idx] : '?');
}

static bool is_bare(const VTermScreenCell *cell)
{
	return (!cell->chars[0] || cell->chars[0] == ' ') && !cell->chars[1] && cell->width == 1 && !cell->attrs.underline && !cell->attrs.reverse;
}

/* Of a blank only the background is seen, unless it is underlined or reversed: how it would be written is not asked. */
static void get_cell(struct screen *s, int x, int y, VTermScreenCell *cell)
{
	VTermScreenCell bare;
	memset(cell, 0, sizeof *cell);
	vterm_screen_get_cell(s->vs, (VTermPos){.row = y, .col = x}, cell);
	if (cell->chars[0] == UINT32_MAX && x) /* the second half of a wide one looks like the first */
		vterm_screen_get_cell(s->vs, (VTermPos){.row = y, .col = x - 1}, cell);
	if (!is_bare(cell))
		return;
	memset(&bare, 0, sizeof bare);
	bare.chars[0] = ' ';
	bare.width = 1;
	bare.bg = cell->bg;
	vterm_state_get_default_colors(vterm_obtain_state(s->vt), &bare.fg, &(VTermColor){0});
	*cell = bare;
}

/* "B4/0"; "." for nothing. */
static void add_style(const VTermScreenCell *cell, struct str *out)
{
	bool fg = !VTERM_COLOR_IS_DEFAULT_FG(&cell->fg), bg = !VTERM_COLOR_IS_DEFAULT_BG(&cell->bg);
	size_t from = out->len;
	str_addf(out, "%s%s%s%s", cell->attrs.bold ? "B" : "", cell->attrs.underline ? "U" : "", cell->attrs.reverse ? "R" : "", cell->attrs.italic ? "I" : "");
	if (fg)
		add_color(cell->fg, out);
	if (bg) {
		str_addc(out, '/');
		add_color(cell->bg, out);
	}
	if (out->len == from)
		str_addc(out, '.');
}

enum { STYLE_MAX = 24 };

/* Blanks between two words of one style that have its background are of that style. */
static void join_words(char (*styles)[STYLE_MAX], const bool *blank, int w)
{
	for (int from = 1, to; from < w; from = to + 1) {
		for (to = from; to < w && blank[to] && !strcmp(styles[to], styles[from]);)
			to++;
		const char *before = styles[from - 1], *bg = strchr(before, '/'), *own = strchr(styles[from], '/');
		if (to == from || to == w || strcmp(before, styles[to]) != 0 || strpbrk(before, "UR") || strcmp(bg ? bg : "", own ? own : "") != 0)
			continue;
		for (int x = from; x < to; x++)
			memcpy(styles[x], before, STYLE_MAX);
	}
}

static void add_row_colors(struct screen *s, int y, struct str *out)
{
	char(*styles)[STYLE_MAX] = xcalloc((size_t)s->w, sizeof *styles);
	bool *blank = xcalloc((size_t)s->w, sizeof *blank);
	for (int x = 0; x < s->w; x++) {
		VTermScreenCell cell;
		struct str style = str_new(STYLE_MAX - 1);
		get_cell(s, x, y, &cell);
		add_style(&cell, &style);
		snprintf(styles[x], STYLE_MAX, "%s", str_text(&style));
		blank[x] = is_bare(&cell);
		str_free(&style);
	}
	join_words(styles, blank, s->w);
	for (int x = 0, from = 0; x < s->w; from = x) {
		while (x < s->w && !strcmp(styles[x], styles[from]))
			x++;
		if (x < s->w || strcmp(styles[from], ".") != 0)
			str_addf(out, "%s%d:%s", from ? " " : "", x - from, styles[from]);
	}
	free(styles);
	free(blank);
}

char *screen_colors(struct screen *s)
{
	struct str out = str_new(RAW_MAX), row = str_new(RAW_MAX), before = str_new(RAW_MAX);
	int same = 0;
	for (int y = 0; y <= s->h; y++) {
		str_clear(&row);
		if (y < s->h)
			add_row_colors(s, y, &row);
		bool again = y && y < s->h && !strcmp(str_text(&row), str_text(&before));
		same += again;
		if (!again && same)
			str_addf(&out, "=%d\n", same);
		same = again ? same : 0;
		if (!again && y < s->h)
			str_addf(&out, "%s\n", str_text(&row));
		str_clear(&before);
		str_add(&before, str_text(&row));
	}
	str_free(&row);
	str_free(&before);
	return str_take(&out);
}

bool screen_is(struct screen *s, const char *text)
{
	return until(s, is, text);
}

int screen_wait(struct screen *s)
{
	int64_t until = mono_now_ms() + PATIENCE_MS;
	while (!s->ended && mono_now_ms() < until)
		wait_for_more(s, 20);
	screen_read(s);
	return s->ended ? s->status : -1;
}

bool screen_stopped(struct screen *s)
{
	int64_t until = mono_now_ms() + PATIENCE_MS;
	while (!s->is_stopped && !s->ended && mono_now_ms() < until)
		wait_for_more(s, 20);
	screen_read(s);
	return s->is_stopped;
}

/* libvterm does not tell of bracketed paste: which was the last that was asked for? */
static bool last_is_on(const struct str *raw, const char *on, const char *off)
{
	const char *last_on = NULL, *last_off = NULL;
	for (const char *p = str_text(raw); (p = strstr(p, on)); p++)
		last_on = p;
	for (const char *p = str_text(raw); (p = strstr(p, off)); p++)
		last_off = p;
	return last_on && (!last_off || last_off < last_on);
}

const char *screen_left(struct screen *s)
{
	struct termios now;
	screen_read(s);
	bool same = !tcgetattr(s->fd, &now) && now.c_iflag == s->before.c_iflag && now.c_oflag == s->before.c_oflag &&
		    now.c_cflag == s->before.c_cflag && now.c_lflag == s->before.c_lflag &&
		    !memcmp(now.c_cc, s->before.c_cc, sizeof now.c_cc);
	snprintf(s->left, sizeof s->left, "%s%s%s%s%s%s", s->alternate ? "alternate-screen " : "", s->cursor_hidden ? "cursor " : "",
	    s->mouse ? "mouse " : "", last_is_on(&s->raw, "\033[?2004h", "\033[?2004l") ? "paste " : "",
	    last_is_on(&s->raw, "\033[?1h", "\033[?1l") ? "keypad " : "", same ? "" : "modes ");
	return s->left;
}

size_t screen_changed(struct screen *s)
{
	size_t n = 0, all = (size_t)s->w * (size_t)s->h;
	bool same_size = s->seen && s->seen_w == s->w && s->seen_h == s->h;
	if (!same_size) {
		s->seen = xreallocarray(s->seen, all, sizeof *s->seen);
		memset(s->seen, 0, all * sizeof *s->seen);
		s->seen_w = s->w;
		s->seen_h = s->h;
	}
	screen_read(s);
	for (size_t i = 0; i < all; i++) {
		VTermScreenCell cell;
		get_cell(s, (int)i % s->w, (int)i / s->w, &cell);
		n += memcmp(&cell, &s->seen[i], sizeof cell) != 0;
		s->seen[i] = cell;
	}
	return n;
}

long screen_switches(struct screen *s)
{
	read_events(s);
	char *path = xasprintf("/proc/%d/status", (int)s->pid);
	size_t len;
	char *text = fs_read(path, 1 << 16, &len, NULL), *at = text ? strstr(text, "\nvoluntary_ctxt_switches:") : NULL;
	long n = at ? strtol(strchr(at, ':') + 1, NULL, 10) : -1;
	free(text);
	free(path);
	return n;
}

const struct str *screen_raw(struct screen *s)
{
	return &s->raw;
}
