/* Links: who waits for which host, over which connection, and when the next try is due. The files beside it: link_conn.c, link_command.c.
 *
 * A command is placed on a connection as soon as there is one for it, ready or not (`conn`), and runs when it is ready (`channel`).
 * When a connection ends, ssh.c has told its channels; those that had not begun are placed anew, told to wait, or failed.
 *
 * Invariants: commands, connections and links are freed in no handler but their own: loops that call handlers start over after each.
 * A connection that others go through (jump hosts) is freed after the last of them; a link by the sweep only. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/run/link_priv.h"
#include "core/run/reach.h"

enum {
	STREAMS_BESIDE = 4,	 /* on the connection of the short commands; sshd allows 10 sessions (MaxSessions) */
	STREAMS_EACH = 8,	 /* on each further one */
	PAUSE_MIN_MS = 200,
	PAUSE_MAX_MS = 15000,
	FORGET_MS = 60000,	 /* and so does so long a quiet */
	LOOKOUT_MS = 1000,	 /* a command that waits so long for others to end is looked after */
	SOON_MS = 1000,		 /* for so short a pause anyone waits */
	EARLY_TRIES = 6,	 /* for anyone: the host took the connection and dropped it before we were in */
	QUIET_MS = 300000,	 /* a connection that nobody used for so long is closed */
	SWEEP_MS = 30000,
};

static int64_t pause_ms(int failures)
{
	int64_t ms = (int64_t)PAUSE_MIN_MS << (failures > 7 ? 7 : failures - 1);
	ms = ms > PAUSE_MAX_MS ? PAUSE_MAX_MS : ms;
	return ms - ms / 8 + mono_now_us() % (ms / 4); /* not all hosts of a net at the same moment */
}

struct conn *link_main_conn(const struct link *l)
{
	struct conn *c = l->conns;
	while (c && c->extra)
		c = c->next;
	return c;
}

bool link_is_pausing(const struct link *l)
{
	return l->failures && mono_now_ms() < l->retry_at_ms;
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
	link_place_all(l);
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
			link_command_finish(c, REMOTE_LOST, 0, &l->last, false);
		else if (c->h.waits)
			c->h.waits(c->h.arg, l->name, &l->last);
		c = l->commands;
	}
	for (struct link_command *c = l->commands; c; c = c->next)
		if (!c->conn)
			arm_retry(l);
}

void link_failed(struct link *l, const struct err *err, bool held, bool early)
{
	struct links *ls = l->links;
	if (held)
		l->failures = 1;
	else if (!link_is_pausing(l)) /* several connections that fail at once are one failure */
		l->failures++;
	l->attempt++;
	l->last = *err;
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

struct link *link_of_target(struct links *ls, const struct ssh_target *t)
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
	loop_cancel(l->links->loop, l->lookout);
	json_decref(l->reach);
	ssh_target_free(l->target);
	free(l->key);
	free(l->name);
	free(l);
}

/* How many streams may be on the connection of the short commands, and on each other one. */
static int streams_beside(const struct link *l)
{
	return l->limit && l->limit / 2 < STREAMS_BESIDE ? l->limit / 2 : STREAMS_BESIDE;
}

static int streams_each(const struct link *l)
{
	return l->limit && l->limit < STREAMS_EACH ? l->limit : STREAMS_EACH;
}

/* A connection with room for such a command; NULL: a new one is needed. */
static struct conn *pick(const struct link *l, bool stream)
{
	struct conn *k = link_main_conn(l);
	if (!stream || !k || k->streams < streams_beside(l))
		return k;
	for (k = l->conns; k; k = k->next)
		if (k->extra && k->streams < streams_each(l))
			return k;
	return NULL;
}

void link_place_all(struct link *l)
{
	if (l->failures && mono_now_ms() - l->retry_at_ms > FORGET_MS)
		l->failures = 0;
	for (struct link_command *c = l->commands; c; c = c->next) {
		if (c->conn)
			continue;
		struct conn *k = pick(l, c->spec.stream);
		if (!k && link_is_pausing(l)) {
			arm_retry(l);
			continue;
		}
		if (!k)
			k = link_conn_create(l, link_main_conn(l) != NULL || (c->spec.stream && !streams_beside(l)));
		c->conn = k;
		k->commands++;
		k->streams += c->spec.stream;
		if (k->state == CONN_READY)
			link_command_run(c);
	}
}

/* A host that allows few sessions: streams that hold them all would let nothing else through. Those that wait are placed anew; a
 * connection that is full of streams is from now on for those. */
static bool move(struct link_command *c)
{
	struct conn *k = c->conn;
	if (c->spec.fd > 0 && (c->fd_at < 0 || lseek(c->spec.fd, c->fd_at, SEEK_SET) < 0))
		return false;
	k->extra = k->extra || k->streams > streams_beside(c->link);
	if (c->spec.stream ? k->streams <= streams_each(c->link) : !k->extra)
		return false;
	ssh_channel_kill(c->channel);
	c->channel = NULL;
	c->head_sent = c->input_sent = 0;
	c->fed = false;
	link_unplace(c);
	return true;
}

static void on_lookout(void *arg)
{
	struct link *l = arg;
	bool again = false, moved = false;
	l->lookout = 0;
	for (struct link_command *c = l->commands; c; c = c->next) {
		if (!c->channel || !ssh_channel_is_queued(c->channel))
			continue;
		l->limit = ssh_session_limit(c->conn->ssh);
		again = true;
		moved = (l->limit && move(c)) || moved;
	}
	if (moved)
		link_place_all(l);
	if (again)
		link_look_out(l);
}

void link_look_out(struct link *l)
{
	if (!l->lookout)
		l->lookout = loop_after(l->links->loop, LOOKOUT_MS, on_lookout, l);
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
	if (spec->anew && link_is_pausing(l))
		l->retry_at_ms = mono_now_ms();
	bool off = !link_main_conn(l) && link_is_pausing(l);
	if (off && !spec->retry_ms && (l->final || l->retry_at_ms - mono_now_ms() > SOON_MS)) {
		*err = l->last;
		return NULL;
	}
	struct link_command *c = xcalloc(1, sizeof *c), **end = &l->commands;
	*c = (struct link_command){.link = l, .spec = *spec, .h = *h, .heard = l->attempt};
	while (*end)
		end = &(*end)->next;
	*end = c;
	link_command_wait(c);
	if (off && spec->retry_ms) { /* it hears of that from the loop */
		c->heard = l->attempt - 1;
		if (!l->teller)
			l->teller = loop_after(ls->loop, 0, on_tell, l);
	}
	link_place_all(l);
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
		link_command_free(c);
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
			link_conn_unlist(k);
			link_conn_release(k);
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
			link_command_free(l->commands);
		while (l->conns) {
			struct conn *k = l->conns;
			link_conn_unlist(k);
			link_conn_release(k); /* or when the last that goes through it is */
		}
	}
	while (ls->all)
		link_free(ls->all);
	free(ls);
}
