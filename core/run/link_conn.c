/* One connection of a link: its turn for the handshake, the jump host that it goes through, its end. Channels are told of that by ssh.c,
 * before we are. */
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/run/link_priv.h"
#include "core/run/reach.h"

enum {
	HANDSHAKES_MAX = 32,	 /* each costs both sides some ms of CPU */
	HANDSHAKES_HOST_MAX = 8, /* with one sshd, which drops some of more (MaxStartups 10:30:100) */
	STABLE_MS = 5000,	 /* a connection that held so long ends the row of failures */
};

static void conn_over(struct conn *k, const struct err *err);
static void on_begin(void *arg);

struct conn *link_conn_create(struct link *l, bool extra)
{
	struct conn *k = xcalloc(1, sizeof *k);
	*k = (struct conn){.next = l->conns, .link = l, .extra = extra, .quiet_at_ms = mono_now_ms()};
	l->conns = k;
	k->timer = loop_after(l->links->loop, 0, on_begin, k);
	return k;
}

/* Out of all lists; freed when nobody goes through it. */
void link_conn_release(struct conn *k)
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
	link_conn_release(via);
}

void link_conn_unlist(struct conn *k)
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
	k->via = link_main_conn(jump);
	if (!k->via && link_is_pausing(jump)) {
		e = jump->last;
		err_wrap(&e, "through %s", jump->name);
		conn_over(k, &e);
		return;
	}
	if (!k->via)
		k->via = link_conn_create(jump, false);
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
		if (c->conn == k && !c->channel && !link_command_run(c))
			return;
	if (l->told_lost) {
		l->told_lost = false;
		if (ls->h.host_back)
			ls->h.host_back(ls->h.arg, l->name);
	}
}

/* The connection could not be made, or broke. Channels have been told. */
static void conn_over(struct conn *k, const struct err *err)
{
	struct link *l = k->link;
	struct links *ls = l->links;
	enum conn_state was = k->state;
	struct err copy;
	copy = *err;
	bool early = was == CONN_SHAKING && k->ssh && ssh_was_reached(k->ssh) && (copy.code == ERR_NETWORK || copy.code == ERR_THROTTLED);
	bool held = was == CONN_READY && mono_now_ms() - k->ready_at_ms >= STABLE_MS, wanted = was != CONN_READY || k->broke || k->users;
	link_conn_unlist(k);
	for (struct link_command *c = l->commands; c; c = c->next) {
		if (c->conn == k) {
			link_unplace(c);
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
	link_conn_release(k);
	if (wanted)
		link_failed(l, &copy, held, early);
	else if (held)
		l->failures = 0;
	pump(ls);
}
