/* Channels of a connection: commands and TCP connections. libssh2 opens one at a time a session, so the others queue.
 *
 * A round visits each channel and moves some data; rounds go on until nothing moves or the turn's time is over, and no more is
 * read from the network before all that was read is given out (a channel's window bounds what waits while it is paused).
 * A channel that is over stays in the list, without handlers, until libssh2 has let go of it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/io/ssh_priv.h"

enum { WINDOW = 2 << 20, PACKET = 32768, READ_BYTES = 65536, WRITE_BYTES = 32000, STDERR_STREAM = 1, PROBE_LEN = 12, REFUSALS_MAX = 20, CALM_MS = 100 };

enum channel_state { QUEUED, OPENING, STARTING, RUNNING, ENDING, FREED };

struct ssh_channel {
	struct ssh *s;
	struct ssh_channel *next;
	struct ssh_channel_handlers h;
	void (*eof)(void *arg);
	enum channel_state state;
	LIBSSH2_CHANNEL *c;
	char *command; /* or the host to dial */
	int port;      /* of a dial; else 0 */
	struct ssh_buf input;
	int feed_fd;
	bool eof_wanted, eof_sent, eof_told, wants_room, paused, hung_up, dead;
	int64_t id; /* the number it has among ours; -1: not known */
	bool has_status;
	int refused;
};

bool ssh_channel_only(int rc)
{
	return rc == LIBSSH2_ERROR_CHANNEL_CLOSED || rc == LIBSSH2_ERROR_CHANNEL_EOF_SENT || rc == LIBSSH2_ERROR_CHANNEL_UNKNOWN ||
	    rc == LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED || rc == LIBSSH2_ERROR_CHANNEL_FAILURE;
}

static struct ssh_channel *add(struct ssh *s, const char *text, int port, const struct ssh_channel_handlers *h, struct err *err)
{
	if (s->state == SSH_OVER || s->destroyed) {
		err_set(err, ERR_NETWORK, "ssh %s: the connection is lost", s->name);
		return NULL;
	}
	if (strlen(text) > SSH_COMMAND_MAX) {
		err_set(err, ERR_INVALID, "the command is longer than %d bytes: give it on stdin", SSH_COMMAND_MAX);
		return NULL;
	}
	struct ssh_channel *c = xcalloc(1, sizeof *c), **end = &s->channels;
	*c = (struct ssh_channel){.s = s, .command = xstrdup(text), .port = port, .feed_fd = -1, .id = -1};
	if (h)
		c->h = *h;
	while (*end)
		end = &(*end)->next;
	*end = c;
	if (s->state == SSH_READY)
		ssh_kick(s);
	return c;
}

struct ssh_channel *ssh_exec(struct ssh *s, const char *command, const struct ssh_channel_handlers *h, struct err *err)
{
	return add(s, command, 0, h, err);
}

struct ssh_channel *ssh_dial(struct ssh *s, const char *host, int port, const struct ssh_channel_handlers *h, struct err *err)
{
	return add(s, host, port, h, err);
}

int ssh_session_limit(const struct ssh *s)
{
	return s->session_limit;
}

bool ssh_channel_is_queued(const struct ssh_channel *c)
{
	return c->state == QUEUED;
}

/* ---- input --------------------------------------------------------------------------------------------------------- */

size_t ssh_channel_room(const struct ssh_channel *c)
{
	return c->eof_wanted || c->dead || c->input.len >= SSH_INPUT_MAX ? 0 : SSH_INPUT_MAX - c->input.len;
}

size_t ssh_channel_write(struct ssh_channel *c, const void *data, size_t len)
{
	size_t n = ssh_channel_room(c);
	if (len <= n)
		n = len;
	else
		c->wants_room = true;
	ssh_buf_add(&c->input, data, n);
	ssh_kick(c->s);
	return n;
}

void ssh_channel_eof(struct ssh_channel *c)
{
	c->eof_wanted = true;
	ssh_kick(c->s);
}

static void stop_feed(struct ssh_channel *c)
{
	if (c->feed_fd < 0)
		return;
	loop_watch(c->s->loop, c->feed_fd, 0, NULL, NULL);
	close(c->feed_fd);
	c->feed_fd = -1;
}

static void on_feed(int fd, int events, void *arg)
{
	(void)events;
	struct ssh_channel *c = arg;
	char buf[READ_BYTES];
	ssize_t n = read(fd, buf, sizeof buf);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		ssh_buf_add(&c->input, buf, (size_t)n);
		if (!ssh_channel_room(c))
			loop_watch(c->s->loop, fd, 0, NULL, NULL);
	} else {
		stop_feed(c);
		c->eof_wanted = true;
	}
	ssh_kick(c->s);
}

void ssh_channel_feed(struct ssh_channel *c, int fd)
{
	stop_feed(c);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	c->feed_fd = fd;
	loop_watch(c->s->loop, fd, LOOP_IN, on_feed, c);
}

void ssh_channel_halves(struct ssh_channel *c, void (*fn)(void *arg))
{
	c->eof = fn;
}

void ssh_channel_pause(struct ssh_channel *c, bool paused)
{
	if (c->paused && !paused)
		ssh_kick(c->s);
	c->paused = paused;
}

/* ---- ending -------------------------------------------------------------------------------------------------------- */

static void drop(struct ssh_channel *c)
{
	c->dead = true;
	c->h = (struct ssh_channel_handlers){.arg = NULL};
	c->input.len = 0;
	stop_feed(c);
}

void ssh_channel_kill(struct ssh_channel *c)
{
	if (!c || c->dead)
		return;
	drop(c);
	if (c->state == RUNNING)
		c->state = ENDING;
	ssh_kick(c->s);
}

static void end(struct ssh_channel *c, const struct ssh_exit *x)
{
	void (*fn)(void *, const struct ssh_exit *) = c->h.exit;
	void *arg = c->h.arg;
	drop(c);
	if (c->state == RUNNING || c->state == STARTING)
		c->state = ENDING;
	if (fn)
		fn(arg, x);
}

static void end_lost(struct ssh_channel *c, enum err_code code, const char *what)
{
	struct err e;
	err_set(&e, code, "ssh %s: %s", c->s->name, what);
	end(c, &(struct ssh_exit){.how = SSH_LOST, .err = &e});
}

void ssh_channel_has_status(struct ssh *s, uint32_t id)
{
	for (struct ssh_channel *c = s->channels; c; c = c->next)
		if (c->id == id && c->state != FREED)
			c->has_status = true;
}

static void end_with_status(struct ssh_channel *c)
{
	struct ssh *s = c->s;
	char *signal = NULL, *message = NULL, *language = NULL;
	struct ssh_exit x = {.how = SSH_EXITED, .status = s->lib.channel_get_exit_status(c->c)};
	s->lib.channel_get_exit_signal(c->c, &signal, NULL, &message, NULL, &language, NULL);
	if (signal)
		x = (struct ssh_exit){.how = SSH_SIGNALLED, .signal = signal};
	if (!signal && !c->port && c->id >= 0 && !c->has_status)
		end_lost(c, ERR_NETWORK, "the host closed the channel and did not say how the command ended");
	else
		end(c, &x);
	char *texts[] = {signal, message, language};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i])
			s->lib.free(s->session, texts[i]);
}

void ssh_channels_end(struct ssh *s, const struct err *err)
{
	for (struct ssh_channel *c = s->channels; c && !s->destroyed; c = c->next)
		if (!c->dead)
			end(c, &(struct ssh_exit){.how = SSH_LOST, .err = err});
}

static void free_channel(struct ssh_channel *c)
{
	stop_feed(c);
	free(c->input.data);
	free(c->command);
	free(c);
}

void ssh_channels_free(struct ssh *s)
{
	for (struct ssh_channel *c = s->channels, *next; c; c = next) {
		next = c->next;
		free_channel(c);
	}
	loop_cancel(s->loop, s->calm_timer);
	s->channels = NULL;
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

static int sessions_open(const struct ssh *s)
{
	int n = 0;
	for (const struct ssh_channel *c = s->channels; c; c = c->next)
		n += c->c && !c->port && c->state != FREED;
	return n;
}

static void on_calm(void *arg)
{
	struct ssh *s = arg;
	s->calm_timer = 0;
	ssh_kick(s);
}

/* libssh2's open call under way belongs to one channel or to the probe, and must be called until it is done. 1: wait. */
static int open_one(struct ssh *s)
{
	struct ssh_channel *c = s->opening;
	LIBSSH2_CHANNEL *made;
	s->confirmed_id = -1;
	if (s->probing)
		made = s->lib.channel_open_ex(s->session, "probe@skytop", PROBE_LEN, WINDOW, PACKET, NULL, 0);
	else if (c->port)
		made = s->lib.channel_direct_tcpip_ex(s->session, c->command, c->port, "127.0.0.1", 22);
	else
		made = s->lib.channel_open_ex(s->session, "session", strlen("session"), WINDOW, PACKET, NULL, 0);
	int rc = made ? 0 : s->lib.session_last_errno(s->session);
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return 1;
	if (rc && !ssh_channel_only(rc))
		return -1;
	s->opening = NULL;
	if (s->probing) {
		s->probing = false;
		return 0;
	}
	int others = sessions_open(s);
	if (made) {
		c->c = made;
		c->id = s->confirmed_id;
		s->had_session = s->had_session || !c->port;
		c->state = c->dead ? ENDING : c->port ? RUNNING : STARTING;
	} else if (!c->port && others && !c->dead) {
		s->session_limit = others; /* one more than it allows: wait for one to end */
		c->state = QUEUED;
	} else if (!c->port && s->had_session && !c->dead && c->refused++ < REFUSALS_MAX) {
		c->state = QUEUED; /* the host has not yet let go of one that we ended */
		s->calm_timer = loop_after(s->loop, CALM_MS, on_calm, s);
	} else {
		c->state = FREED;
		struct str what = str_new(400);
		if (c->port)
			str_addf(&what, "cannot reach %s port %d from there: %s", c->command, c->port, ssh_last_error(s));
		else
			str_addf(&what, "the host refuses a session: %s", ssh_last_error(s));
		end_lost(c, ERR_NETWORK, str_text(&what));
		str_free(&what);
	}
	return 0;
}

static int open_more(struct ssh *s)
{
	for (int rc;;) {
		if (!s->opening && !s->probing) {
			if (s->want_probe) {
				s->want_probe = false;
				s->probing = true;
			} else {
				bool full = s->calm_timer || (s->session_limit && sessions_open(s) >= s->session_limit);
				struct ssh_channel *c = s->channels;
				while (c && (c->state != QUEUED || c->dead || (full && !c->port)))
					c = c->next;
				if (!c)
					return 0;
				c->state = OPENING;
				s->opening = c;
			}
		}
		rc = open_one(s);
		if (rc || s->destroyed)
			return rc < 0 ? -1 : 0;
	}
}

/* ---- a round ------------------------------------------------------------------------------------------------------- */

enum moved { BROKEN = -1, NOTHING, SOMETHING };

static enum moved start(struct ssh_channel *c)
{
	int rc = c->s->lib.channel_startup(c->c, "exec", strlen("exec"), c->command, (unsigned)strlen(c->command));
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return NOTHING;
	if (rc && !ssh_channel_only(rc))
		return BROKEN;
	if (rc)
		end_lost(c, ERR_FAILED, "the host refuses to run a command");
	else
		c->state = c->dead ? ENDING : RUNNING;
	return SOMETHING;
}

static enum moved read_stream(struct ssh_channel *c, int stream)
{
	char buf[READ_BYTES];
	ssize_t n = c->s->lib.channel_read_ex(c->c, stream, buf, sizeof buf);
	if (n == LIBSSH2_ERROR_EAGAIN || !n || (n < 0 && ssh_channel_only((int)n)))
		return NOTHING;
	if (n < 0)
		return BROKEN;
	if (c->h.out)
		c->h.out(c->h.arg, stream == STDERR_STREAM, buf, (size_t)n);
	return SOMETHING;
}

static enum moved write_input(struct ssh_channel *c)
{
	struct ssh *s = c->s;
	if (c->input.len && s->out.len < SSH_OUT_MAX) {
		size_t most = c->input.len < WRITE_BYTES ? c->input.len : WRITE_BYTES;
		ssize_t n = s->lib.channel_write_ex(c->c, 0, ssh_buf_at(&c->input), most);
		if (n == LIBSSH2_ERROR_EAGAIN || !n)
			return NOTHING;
		if (n < 0 && !ssh_channel_only((int)n))
			return BROKEN;
		ssh_buf_take(&c->input, n < 0 ? c->input.len : (size_t)n);
		if (c->feed_fd >= 0 && c->input.len < SSH_INPUT_MAX / 2)
			loop_watch(s->loop, c->feed_fd, LOOP_IN, on_feed, c);
		if (c->wants_room && c->input.len < SSH_INPUT_MAX / 2) {
			c->wants_room = false;
			if (c->h.room)
				c->h.room(c->h.arg);
		}
		return SOMETHING;
	}
	if (c->eof_wanted && !c->eof_sent && !c->input.len) {
		int rc = s->lib.channel_send_eof(c->c);
		if (rc == LIBSSH2_ERROR_EAGAIN)
			return NOTHING;
		c->eof_sent = true;
		return rc && !ssh_channel_only(rc) ? BROKEN : SOMETHING;
	}
	return NOTHING;
}

static enum moved run(struct ssh_channel *c)
{
	struct ssh *s = c->s;
	enum moved m = NOTHING;
	for (int stream = 0; stream < 2 && !c->paused; stream++) {
		enum moved r = read_stream(c, stream);
		if (r == BROKEN || c->dead || s->destroyed)
			return r;
		m = r == SOMETHING ? r : m;
	}
	enum moved w = write_input(c);
	if (w == BROKEN || c->dead || s->destroyed)
		return w;
	if (m || w || c->paused || !s->lib.channel_eof(c->c))
		return m || w ? SOMETHING : NOTHING;
	/* A command may close its output long before it ends; its status comes with the close. A dialled connection is over, unless
	 * its owner knows of halves. */
	if (c->port && c->eof && !c->eof_told) {
		c->eof_told = true;
		c->eof(c->h.arg);
		return SOMETHING;
	}
	int rc = c->port && (!c->eof || c->eof_sent) ? 0 : s->lib.channel_wait_closed(c->c);
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return NOTHING;
	if (rc && !ssh_channel_only(rc))
		return BROKEN;
	end_with_status(c);
	return SOMETHING;
}

static enum moved let_go(struct ssh_channel *c)
{
	if (!c->hung_up && c->s->lib.channel_signal_ex && !c->port)
		c->s->lib.channel_signal_ex(c->c, "HUP", 3);
	c->hung_up = true;
	int rc = c->s->lib.channel_free(c->c);
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return NOTHING;
	c->state = FREED;
	c->c = NULL;
	return SOMETHING;
}

static enum moved visit(struct ssh_channel *c)
{
	switch (c->state) {
	case QUEUED:
		if (c->dead)
			c->state = FREED;
		return NOTHING;
	case OPENING:
	case FREED:
		return NOTHING;
	case STARTING:
		return start(c);
	case RUNNING:
		return run(c);
	case ENDING:
		return let_go(c);
	}
	return NOTHING;
}

static void sweep(struct ssh *s)
{
	for (struct ssh_channel **p = &s->channels; *p;) {
		struct ssh_channel *c = *p;
		if (c->state != FREED || !c->dead) {
			p = &c->next;
			continue;
		}
		*p = c->next;
		free_channel(c);
	}
}

/* The first becomes the last, so that no channel is always the one for which no time is left. */
static void rotate(struct ssh *s)
{
	struct ssh_channel *c = s->channels, **p = &s->channels;
	if (!c || !c->next)
		return;
	s->channels = c->next;
	c->next = NULL;
	while (*p)
		p = &(*p)->next;
	*p = c;
}

int ssh_channels_turn(struct ssh *s, struct err *err)
{
	int64_t until = mono_now_us() + SSH_TURN_US;
	enum moved m = SOMETHING;
	s->backlog = false;
	while (m == SOMETHING && !s->destroyed) {
		m = NOTHING;
		if (open_more(s))
			m = BROKEN;
		for (struct ssh_channel *c = s->channels; c && m != BROKEN && !s->destroyed; c = c->next) {
			enum moved r = visit(c);
			m = r == NOTHING ? m : r;
			if (mono_now_us() >= until && m != BROKEN) {
				s->backlog = true;
				sweep(s);
				rotate(s);
				return 0;
			}
		}
		if (m != BROKEN && !s->destroyed)
			sweep(s);
	}
	if (m == BROKEN)
		return err_set(err, ERR_NETWORK, "the connection broke: %s", ssh_last_error(s));
	/* Without a channel libssh2 reads nothing, and the host's own question, whether we are there, would go unanswered. */
	if (!s->destroyed && !s->channels && s->in.len && !s->broken.code) {
		s->want_probe = true;
		ssh_kick(s);
	}
	return 0;
}
