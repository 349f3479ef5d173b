/* Links: who waits for which host, over which connection, and when the next try is due.
 *
 * A command is placed on a connection as soon as there is one for it, ready or not (`conn`), and runs when it is ready (`channel`).
 * When a connection ends, ssh.c has told its channels; those that had not begun are placed anew, told to wait, or failed.
 *
 * Invariants: commands, connections and links are freed in no handler but their own: loops that call handlers start over after each.
 * A connection that others go through (jump hosts) is freed after the last of them; a link by the sweep only. */
#include "core/run/link.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/io/ssh.h"
#include "core/run/reach.h"

enum {
	HANDSHAKES_MAX = 32,	 /* each costs both sides some ms of CPU */
	HANDSHAKES_HOST_MAX = 8, /* with one sshd, which drops some of more (MaxStartups 10:30:100) */
	STREAMS_BESIDE = 4,	 /* on the connection of the short commands; sshd allows 10 sessions (MaxSessions) */
	STREAMS_EACH = 8,	 /* on each further one */
	PAUSE_MIN_MS = 200,
	PAUSE_MAX_MS = 15000,
	STABLE_MS = 5000,	 /* a connection that held so long ends the row of failures */
	FORGET_MS = 60000,	 /* and so does so long a quiet */
	SOON_MS = 1000,		 /* for so short a pause anyone waits */
	EARLY_TRIES = 6,	 /* for anyone: the host took the connection and dropped it before we were in */
	QUIET_MS = 300000,	 /* a connection that nobody used for so long is closed */
	SWEEP_MS = 30000,
};

enum conn_state { CONN_BEGINNING, CONN_VIA, CONN_QUEUED, CONN_SHAKING, CONN_READY, CONN_OVER };

struct conn {
	struct conn *next, *next_queued;
	struct link *link;
	enum conn_state state;
	bool extra; /* for streams only */
	bool broke; /* it was lost under a command or another connection */
	struct ssh_target *target;
	struct ssh *ssh;
	struct conn *via;	    /* the jump host's */
	int users;		    /* connections through it */
	int commands, streams;	    /* placed on it */
	int64_t ready_at_ms, quiet_at_ms;
	unsigned timer;
};

struct link {
	struct link *next;
	struct links *links;
	char *key, *name;
	json_t *reach;		   /* NULL: a jump host, then target says it */
	struct ssh_target *target;
	struct conn *conns;
	struct link_command *commands;
	int failures, attempt; /* attempt counts all failures ever: who has heard of which */
	int64_t retry_at_ms;
	struct err last;
	bool final; /* no retry mends the last one */
	bool was_ready, told_lost;
	unsigned retry, teller;
};

struct links {
	struct loop *loop;
	struct remotes_handlers h;
	struct link *all;
	struct conn *queue; /* wait for a handshake slot, first come first */
	int shaking;
	unsigned sweep;
};

struct link_command {
	struct link_command *next;
	struct link *link;
	struct link_spec spec;
	struct link_handlers h;
	struct conn *conn;
	struct ssh_channel *channel;
	size_t head_sent, input_sent;
	bool fed, paused;
	int heard; /* the link's attempt that it was told of */
	int early;
	unsigned deadline, patience;
};

static int64_t pause_ms(int failures)
{
	int64_t ms = (int64_t)PAUSE_MIN_MS << (failures > 7 ? 7 : failures - 1);
	ms = ms > PAUSE_MAX_MS ? PAUSE_MAX_MS : ms;
	return ms - ms / 8 + mono_now_us() % (ms / 4); /* not all hosts of a net at the same moment */
}

static struct conn *main_conn(const struct link *l)
{
	struct conn *c = l->conns;
	while (c && c->extra)
		c = c->next;
	return c;
}

static bool is_pausing(const struct link *l)
{
	return l->failures && mono_now_ms() < l->retry_at_ms;
}

static void copy_err(struct err *to, const struct err *from)
{
	*to = *from;
}

/* ---- commands ------------------------------------------------------------------------------------------------------ */

static void unplace(struct link_command *c)
{
	struct conn *k = c->conn;
	if (!k)
		return;
	k->commands--;
	k->streams -= c->spec.stream;
	k->quiet_at_ms = mono_now_ms();
	c->conn = NULL;
}

static void command_free(struct link_command *c)
{
	struct link_command **p = &c->link->commands;
	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	unplace(c);
	loop_cancel(c->link->links->loop, c->deadline);
	loop_cancel(c->link->links->loop, c->patience);
	ssh_channel_kill(c->channel);
	free(c);
}

static void finish(struct link_command *c, enum remote_how how, int status, const struct err *err, bool ran)
{
	struct link_handlers h = c->h;
	struct err copy;
	if (err)
		copy_err(&copy, err);
	command_free(c);
	h.exit(h.arg, &(struct remote_exit){how, status, err ? &copy : NULL}, ran);
}

static void on_deadline(void *arg)
{
	struct link_command *c = arg;
	struct err e;
	char after[24];
	c->deadline = 0;
	duration_text(c->spec.timeout_ms, after, sizeof after);
	if (c->channel)
		err_set(&e, ERR_TIMEOUT, "%s: no end after %s", c->link->name, after);
	else if (c->link->failures)
		err_set(&e, ERR_TIMEOUT, "no connection within %s: %s", after, c->link->last.text);
	else
		err_set(&e, ERR_TIMEOUT, "%s: no connection within %s", c->link->name, after);
	finish(c, REMOTE_TIMED_OUT, 0, &e, c->channel != NULL);
}

static void on_patience(void *arg)
{
	struct link_command *c = arg;
	struct err e;
	char after[24];
	c->patience = 0;
	duration_text(c->spec.retry_ms, after, sizeof after);
	if (c->link->failures)
		err_set(&e, c->link->last.code, "no connection in %s: %s", after, c->link->last.text);
	else
		err_set(&e, ERR_TIMEOUT, "%s: no connection in %s", c->link->name, after);
	finish(c, REMOTE_LOST, 0, &e, false);
}

static void give_input(struct link_command *c)
{
	struct link_spec *s = &c->spec;
	if (c->head_sent < s->head_len)
		c->head_sent += ssh_channel_write(c->channel, s->head + c->head_sent, s->head_len - c->head_sent);
	if (c->head_sent < s->head_len)
		return;
	if (c->input_sent < s->input_len)
		c->input_sent += ssh_channel_write(c->channel, s->input + c->input_sent, s->input_len - c->input_sent);
	if (c->input_sent < s->input_len || c->fed || s->stream)
		return;
	int fd = s->fd > 0 ? fcntl(s->fd, F_DUPFD_CLOEXEC, 3) : -1;
	c->fed = true;
	if (fd >= 0)
		ssh_channel_feed(c->channel, fd);
	else
		ssh_channel_eof(c->channel);
}

static void on_out(void *arg, bool is_err, const char *data, size_t len)
{
	struct link_command *c = arg;
	c->h.out(c->h.arg, is_err, data, len);
}

static void on_room(void *arg)
{
	give_input(arg);
}

static int signal_number(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = {{"HUP", 1}, {"INT", 2}, {"QUIT", 3}, {"ILL", 4}, {"ABRT", 6}, {"FPE", 8}, {"KILL", 9}, {"SEGV", 11}, {"PIPE", 13},
	    {"ALRM", 14}, {"TERM", 15}};
	for (size_t i = 0; name && i < ARRAY_LEN(signals); i++)
		if (!strcmp(signals[i].name, name))
			return signals[i].number;
	return 0;
}

static void on_exit_status(void *arg, const struct ssh_exit *x)
{
	struct link_command *c = arg;
	c->channel = NULL;
	switch (x->how) {
	case SSH_EXITED:
		finish(c, REMOTE_EXITED, x->status, NULL, true);
		return;
	case SSH_SIGNALLED:
		finish(c, REMOTE_SIGNALLED, signal_number(x->signal), NULL, true);
		return;
	case SSH_LOST:
		c->conn->broke = true;
		finish(c, REMOTE_LOST, 0, x->err, true);
		return;
	}
}

/* Its connection is ready. false: it broke this very moment; `lost` comes and places the command anew. */
static bool run(struct link_command *c)
{
	const struct ssh_channel_handlers h = {on_out, on_room, on_exit_status, c};
	c->channel = ssh_exec(c->conn->ssh, c->spec.command, &h, NULL);
	if (!c->channel)
		return false;
	struct loop *loop = c->link->links->loop;
	loop_cancel(loop, c->patience);
	c->patience = 0;
	if (!c->deadline && c->spec.timeout_ms)
		c->deadline = loop_after(loop, c->spec.timeout_ms, on_deadline, c);
	ssh_channel_pause(c->channel, c->paused);
	give_input(c);
	return true;
}

/* ---- connections --------------------------------------------------------------------------------------------------- */

static void conn_over(struct conn *k, const struct err *err);
static void on_begin(void *arg);
static void place_all(struct link *l);
static struct link *link_of_target(struct links *ls, const struct ssh_target *t);

static struct conn *conn_create(struct link *l, bool extra)
{
	struct conn *k = xcalloc(1, sizeof *k);
	*k = (struct conn){.next = l->conns, .link = l, .extra = extra, .quiet_at_ms = mono_now_ms()};
	l->conns = k;
	k->timer = loop_after(l->links->loop, 0, on_begin, k);
	return k;
}

/* Out of all lists; freed when nobody goes through it. */
static void conn_release(struct conn *k)
{
	if (k->state != CONN_OVER || k->users)
		return;
	struct conn *via = k->via;
	loop_cancel(k->link->links->loop, k->timer);
	ssh_destroy(k->ssh);
	ssh_target_free(k->target);
	free(k);
	if (!via)
		return;
	via->users--;
	via->quiet_at_ms = mono_now_ms();
	conn_release(via);
}

static void conn_unlist(struct conn *k)
{
	struct links *ls = k->link->links;
	struct conn **p = &k->link->conns;
	while (*p != k)
		p = &(*p)->next;
	*p = k->next;
	for (p = &ls->queue; *p; p = &(*p)->next_queued) {
		if (*p == k) {
			*p = k->next_queued;
			break;
		}
	}
	ls->shaking -= k->state == CONN_SHAKING;
	k->state = CONN_OVER;
}

static void on_ready(void *arg);

static void on_lost(void *arg, const struct err *err)
{
	conn_over(arg, err);
}

static bool same_server(const struct ssh_target *a, const struct ssh_target *b)
{
	return a->port == b->port && !strcmp(a->host, b->host);
}

static bool is_crowded(const struct links *ls, const struct ssh_target *t)
{
	int n = 0;
	for (const struct link *l = ls->all; l; l = l->next)
		for (const struct conn *k = l->conns; k; k = k->next)
			n += k->state == CONN_SHAKING && same_server(k->target, t);
	return n >= HANDSHAKES_HOST_MAX;
}

/* Let those in whose turn it is. */
static void pump(struct links *ls)
{
	for (struct conn **p = &ls->queue, *k; (k = *p) && ls->shaking < HANDSHAKES_MAX;) {
		struct err e;
		if (is_crowded(ls, k->target)) {
			p = &k->next_queued;
			continue;
		}
		*p = k->next_queued;
		k->next_queued = NULL;
		k->state = CONN_SHAKING;
		ls->shaking++;
		k->ssh = ssh_open(ls->loop, k->target, k->via ? k->via->ssh : NULL, &(struct ssh_handlers){on_ready, on_lost, k}, &e);
		if (!k->ssh) {
			conn_over(k, &e); /* and it pumps */
			return;
		}
	}
}

static void enqueue(struct conn *k)
{
	struct conn **p = &k->link->links->queue;
	while (*p)
		p = &(*p)->next_queued;
	*p = k;
	k->state = CONN_QUEUED;
}

/* The way through the jump host first, when there is one. */
static void on_begin(void *arg)
{
	struct conn *k = arg;
	struct link *l = k->link, *jump;
	struct err e;
	k->timer = 0;
	k->target = l->reach ? reach_target(l->reach, &e) : ssh_target_copy(l->target);
	if (!k->target) {
		conn_over(k, &e);
		return;
	}
	if (!k->target->jump) {
		enqueue(k);
		pump(l->links);
		return;
	}
	jump = link_of_target(l->links, k->target->jump);
	k->via = main_conn(jump);
	if (!k->via && is_pausing(jump)) {
		e = jump->last;
		err_wrap(&e, "through %s", jump->name);
		conn_over(k, &e);
		return;
	}
	if (!k->via)
		k->via = conn_create(jump, false);
	k->via->users++;
	k->state = CONN_VIA;
	if (k->via->state == CONN_READY) {
		enqueue(k);
		pump(l->links);
	}
}

/* A connection that waits for k to be there; NULL when none does. */
static struct conn *waits_for(const struct conn *k)
{
	for (struct link *l = k->link->links->all; l; l = l->next)
		for (struct conn *c = l->conns; c; c = c->next)
			if (c->via == k && c->state == CONN_VIA)
				return c;
	return NULL;
}

static void on_ready(void *arg)
{
	struct conn *k = arg;
	struct link *l = k->link;
	struct links *ls = l->links;
	ls->shaking--;
	k->state = CONN_READY;
	k->ready_at_ms = k->quiet_at_ms = mono_now_ms();
	l->was_ready = true;
	for (struct conn *c; (c = waits_for(k));)
		enqueue(c);
	pump(ls);
	for (struct link_command *c = l->commands; c; c = c->next)
		if (c->conn == k && !c->channel && !run(c))
			return;
	if (l->told_lost) {
		l->told_lost = false;
		if (ls->h.host_back)
			ls->h.host_back(ls->h.arg, l->name);
	}
}

/* Changed keys, refused keys, wrong files: only a person mends those. A name that was never found, and a port where something
 * else answers, are taken for a slip of the hand. */
static bool is_final(const struct link *l, enum err_code code)
{
	switch (code) {
	case ERR_CREDENTIALS:
	case ERR_INVALID:
	case ERR_UNSUPPORTED:
		return true;
	case ERR_NOT_FOUND:
	case ERR_PROTOCOL:
		return !l->was_ready;
	default:
		return false;
	}
}

static void on_retry(void *arg)
{
	struct link *l = arg;
	l->retry = 0;
	place_all(l);
}

static void arm_retry(struct link *l)
{
	int64_t left = l->retry_at_ms - mono_now_ms();
	if (!l->retry)
		l->retry = loop_after(l->links->loop, left > 0 ? left : 0, on_retry, l);
}

/* All that wait for a connection hear why; who does not wait is done. */
static void tell_waiting(struct link *l, bool early)
{
	int attempt = l->attempt;
	for (struct link_command *c = l->commands; c && l->attempt == attempt;) {
		if (c->conn || c->heard == attempt) {
			c = c->next;
			continue;
		}
		c->heard = attempt;
		c->early += early;
		bool patient = c->spec.retry_ms || (early && c->early < EARLY_TRIES);
		if (l->final || !patient)
			finish(c, REMOTE_LOST, 0, &l->last, false);
		else if (c->h.waits)
			c->h.waits(c->h.arg, l->name, &l->last);
		c = l->commands;
	}
	for (struct link_command *c = l->commands; c; c = c->next)
		if (!c->conn)
			arm_retry(l);
}

static void failed(struct link *l, const struct err *err, bool held, bool early)
{
	struct links *ls = l->links;
	l->failures = held ? 1 : l->failures + 1;
	l->attempt++;
	copy_err(&l->last, err);
	l->final = is_final(l, err->code);
	l->retry_at_ms = mono_now_ms() + pause_ms(l->failures);
	bool any = false;
	for (struct conn *k = l->conns; k; k = k->next)
		any = any || k->state == CONN_READY;
	if (!any && !l->told_lost && l->reach && (held || l->failures > 1 || l->final)) {
		l->told_lost = true;
		if (ls->h.host_lost)
			ls->h.host_lost(ls->h.arg, l->name, &l->last);
	}
	tell_waiting(l, early);
}

/* The connection could not be made, or broke. Channels have been told. */
static void conn_over(struct conn *k, const struct err *err)
{
	struct link *l = k->link;
	struct links *ls = l->links;
	enum conn_state was = k->state;
	struct err copy;
	copy_err(&copy, err);
	bool early = was == CONN_SHAKING && k->ssh && ssh_was_reached(k->ssh) && (copy.code == ERR_NETWORK || copy.code == ERR_THROTTLED);
	bool held = was == CONN_READY && mono_now_ms() - k->ready_at_ms >= STABLE_MS, wanted = was != CONN_READY || k->broke || k->users;
	conn_unlist(k);
	for (struct link_command *c = l->commands; c; c = c->next) {
		if (c->conn == k) {
			unplace(c);
			c->channel = NULL;
			wanted = true;
		}
	}
	k->users++; /* kept until all have heard */
	for (struct conn *c; (c = waits_for(k));) {
		struct err through = copy;
		err_wrap(&through, "through %s", l->name);
		conn_over(c, &through);
	}
	k->users--;
	conn_release(k);
	if (wanted)
		failed(l, &copy, held, early);
	pump(ls);
}

/* ---- links --------------------------------------------------------------------------------------------------------- */

static void on_sweep(void *arg);

static struct link *link_find(struct links *ls, const char *key)
{
	for (struct link *l = ls->all; l; l = l->next)
		if (!strcmp(l->key, key))
			return l;
	return NULL;
}

static struct link *link_create(struct links *ls, char *key, char *name)
{
	struct link *l = xcalloc(1, sizeof *l);
	*l = (struct link){.next = ls->all, .links = ls, .key = key, .name = name};
	ls->all = l;
	if (!ls->sweep)
		ls->sweep = loop_after(ls->loop, SWEEP_MS, on_sweep, ls);
	return l;
}

static struct link *link_of_reach(struct links *ls, const json_t *reach)
{
	char *key = reach_key(reach);
	struct link *l = link_find(ls, key);
	if (l) {
		free(key);
		return l;
	}
	l = link_create(ls, key, reach_name(reach));
	l->reach = json_deep_copy(reach);
	return l;
}

static struct link *link_of_target(struct links *ls, const struct ssh_target *t)
{
	char *key = reach_target_key(t);
	struct link *l = link_find(ls, key);
	if (l) {
		free(key);
		return l;
	}
	l = link_create(ls, key, t->user ? xasprintf("%s@%s", t->user, t->host) : xstrdup(t->host));
	l->target = ssh_target_copy(t);
	return l;
}

static void link_free(struct link *l)
{
	struct link **p = &l->links->all;
	while (*p != l)
		p = &(*p)->next;
	*p = l->next;
	loop_cancel(l->links->loop, l->retry);
	loop_cancel(l->links->loop, l->teller);
	json_decref(l->reach);
	ssh_target_free(l->target);
	free(l->key);
	free(l->name);
	free(l);
}

/* A connection with room for such a command; NULL: a new one is needed. */
static struct conn *pick(const struct link *l, bool stream)
{
	struct conn *k = main_conn(l);
	if (!stream || !k || k->streams < STREAMS_BESIDE)
		return k;
	for (k = l->conns; k; k = k->next)
		if (k->extra && k->streams < STREAMS_EACH)
			return k;
	return NULL;
}

static void place_all(struct link *l)
{
	if (l->failures && mono_now_ms() - l->retry_at_ms > FORGET_MS)
		l->failures = 0;
	for (struct link_command *c = l->commands; c; c = c->next) {
		if (c->conn)
			continue;
		struct conn *k = pick(l, c->spec.stream);
		if (!k && is_pausing(l)) {
			arm_retry(l);
			continue;
		}
		if (!k)
			k = conn_create(l, main_conn(l) != NULL);
		c->conn = k;
		k->commands++;
		k->streams += c->spec.stream;
		if (k->state == CONN_READY)
			run(c);
	}
}

static void on_tell(void *arg)
{
	struct link *l = arg;
	l->teller = 0;
	tell_waiting(l, false);
}

struct link_command *link_start(struct links *ls, const json_t *reach, const struct link_spec *spec, const struct link_handlers *h, struct err *err)
{
	if (!json_str(reach, "host", NULL)) {
		err_set(err, ERR_INVALID, "a node is to be reached by ssh, but its host is not named");
		return NULL;
	}
	if (strlen(spec->command) > SSH_COMMAND_MAX) {
		err_set(err, ERR_INVALID, "the command is longer than %d bytes: give it on stdin", SSH_COMMAND_MAX);
		return NULL;
	}
	struct link *l = link_of_reach(ls, reach);
	bool off = !main_conn(l) && is_pausing(l);
	if (off && !spec->retry_ms && (l->final || l->retry_at_ms - mono_now_ms() > SOON_MS)) {
		*err = l->last;
		return NULL;
	}
	struct link_command *c = xcalloc(1, sizeof *c), **end = &l->commands;
	*c = (struct link_command){.link = l, .spec = *spec, .h = *h, .heard = l->attempt};
	while (*end)
		end = &(*end)->next;
	*end = c;
	if (spec->retry_ms)
		c->patience = loop_after(ls->loop, spec->retry_ms, on_patience, c);
	else if (spec->timeout_ms)
		c->deadline = loop_after(ls->loop, spec->timeout_ms, on_deadline, c);
	if (off && spec->retry_ms) { /* it hears of that from the loop */
		c->heard = l->attempt - 1;
		if (!l->teller)
			l->teller = loop_after(ls->loop, 0, on_tell, l);
	}
	place_all(l);
	return c;
}

void link_pause(struct link_command *c, bool paused)
{
	c->paused = paused;
	if (c->channel)
		ssh_channel_pause(c->channel, paused);
}

void link_destroy(struct link_command *c)
{
	if (c)
		command_free(c);
}

/* ---- all of them --------------------------------------------------------------------------------------------------- */

static struct conn *unused(const struct link *l, int64_t now)
{
	for (struct conn *k = l->conns; k; k = k->next)
		if (k->state == CONN_READY && !k->commands && !k->users && now - k->quiet_at_ms > QUIET_MS)
			return k;
	return NULL;
}

static void on_sweep(void *arg)
{
	struct links *ls = arg;
	int64_t now = mono_now_ms();
	for (struct link *l = ls->all, *next; l; l = next) {
		next = l->next;
		for (struct conn *k; (k = unused(l, now));) {
			conn_unlist(k);
			conn_release(k);
		}
		if (!l->conns && !l->commands && (!l->failures || now - l->retry_at_ms > QUIET_MS))
			link_free(l);
	}
	ls->sweep = ls->all ? loop_after(ls->loop, SWEEP_MS, on_sweep, ls) : 0;
}

struct links *links_create(struct loop *l, const struct remotes_handlers *h)
{
	struct links *ls = xcalloc(1, sizeof *ls);
	ls->loop = l;
	if (h)
		ls->h = *h;
	return ls;
}

void links_destroy(struct links *ls)
{
	if (!ls)
		return;
	loop_cancel(ls->loop, ls->sweep);
	for (struct link *l = ls->all; l; l = l->next) {
		while (l->commands)
			command_free(l->commands);
		while (l->conns) {
			struct conn *k = l->conns;
			conn_unlist(k);
			conn_release(k); /* or when the last that goes through it is */
		}
	}
	while (ls->all)
		link_free(ls->all);
	free(ls);
}
